-- A recording in the schema of `nsys export --type sqlite`: a warm-up and an utterance of
-- two frames. Times are in microseconds here and become nanoseconds at the end. Process
-- 4242 is 71168950272 (4242 << 24); its threads are 71168954514 and 71168954515.

CREATE TABLE StringIds (id INTEGER NOT NULL PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE NVTX_EVENTS (
    start INTEGER NOT NULL, end INTEGER, eventType INTEGER NOT NULL, rangeId INTEGER,
    category INTEGER, color INTEGER, text TEXT, globalTid INTEGER, endGlobalTid INTEGER,
    textId INTEGER, domainId INTEGER, uint64Value INTEGER);
CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (
    start INTEGER NOT NULL, end INTEGER NOT NULL, eventClass INTEGER NOT NULL, globalTid INTEGER,
    correlationId INTEGER, nameId INTEGER NOT NULL, returnValue INTEGER NOT NULL,
    callchainId INTEGER);
CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (
    start INTEGER NOT NULL, end INTEGER NOT NULL, deviceId INTEGER NOT NULL,
    contextId INTEGER NOT NULL, streamId INTEGER NOT NULL, correlationId INTEGER,
    globalPid INTEGER, demangledName INTEGER NOT NULL, shortName INTEGER NOT NULL,
    mangledName INTEGER);
CREATE TABLE CUPTI_ACTIVITY_KIND_GRAPH_TRACE (
    start INTEGER NOT NULL, end INTEGER NOT NULL, deviceId INTEGER NOT NULL,
    contextId INTEGER NOT NULL, streamId INTEGER NOT NULL, correlationId INTEGER,
    globalPid INTEGER, graphId INTEGER NOT NULL, graphExecId INTEGER NOT NULL);
CREATE TABLE CUPTI_ACTIVITY_KIND_MEMCPY (
    start INTEGER NOT NULL, end INTEGER NOT NULL, deviceId INTEGER NOT NULL,
    contextId INTEGER NOT NULL, streamId INTEGER NOT NULL, correlationId INTEGER,
    globalPid INTEGER, bytes INTEGER NOT NULL, copyKind INTEGER NOT NULL, srcKind INTEGER,
    dstKind INTEGER);
CREATE TABLE CUPTI_ACTIVITY_KIND_MEMSET (
    start INTEGER NOT NULL, end INTEGER NOT NULL, deviceId INTEGER NOT NULL,
    contextId INTEGER NOT NULL, streamId INTEGER NOT NULL, correlationId INTEGER,
    globalPid INTEGER, value INTEGER NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE CUPTI_ACTIVITY_KIND_SYNCHRONIZATION (
    start INTEGER NOT NULL, end INTEGER NOT NULL, deviceId INTEGER NOT NULL,
    contextId INTEGER NOT NULL, streamId INTEGER NOT NULL, correlationId INTEGER,
    globalPid INTEGER, syncType INTEGER NOT NULL, eventId INTEGER NOT NULL);

INSERT INTO StringIds VALUES
    (1, 'generate_frames'), (2, 'code_predictor'), (3, 'talker_step'),
    (10, 'cuLaunchKernel'), (11, 'cuGraphLaunch'), (12, 'cuMemcpyDtoHAsync_v2'),
    (13, 'cuStreamSynchronize'), (14, 'cuMemsetD8Async'), (15, 'cuMemcpyHtoDAsync_v2'),
    (16, 'cuEventQuery'), (17, 'cuStreamWaitEvent'),
    (20, 'void matvec<float, 4>(float const*, float*)'), (21, 'matvec'),
    (22, 'void top_k(float*)'), (23, 'top_k');

-- start, end, type, text, thread, textId. 59 is push/pop, 60 start/end, 34 a mark.
CREATE TEMP TABLE r (start, end, type, text, thread, textId);
INSERT INTO r VALUES
    (0, 1000, 59, 'synthesize', 71168954514, NULL),
    (10000, 20000, 59, 'synthesize', 71168954514, NULL),
    (10100, 11100, 59, 'prefill', 71168954514, NULL),
    (11200, 19200, 59, NULL, 71168954514, 1),
    (11200, 13200, 59, NULL, 71168954514, 2),
    (13200, 14200, 59, NULL, 71168954514, 3),
    (14200, 15200, 60, 'sampling', 71168954514, NULL),
    (14300, 14500, 60, 'top_k', 71168954514, NULL),
    (15200, 17200, 59, NULL, 71168954514, 2),
    (17200, 18200, 59, NULL, 71168954514, 3),
    (18200, 19200, 60, 'sampling', 71168954514, NULL),
    (19200, 19900, 59, 'decode', 71168954514, NULL),
    (18300, NULL, 34, 'a mark', 71168954514, NULL),
    (20500, NULL, 59, 'still open', 71168954514, NULL);
INSERT INTO NVTX_EVENTS (start, end, eventType, text, globalTid, textId) SELECT * FROM r;

-- start, end, thread, correlation, name.
CREATE TEMP TABLE c (start, end, thread, correlation, name);
INSERT INTO c VALUES
    (100, 110, 71168954514, 1, 10),
    (10150, 10160, 71168954514, 9, 14),
    (10200, 10210, 71168954514, 10, 10),
    (11300, 11310, 71168954514, 11, 10),
    (12000, 12010, 71168954515, 40, 15),
    (13300, 13320, 71168954514, 12, 11),
    (14300, 14310, 71168954514, 13, 10),
    (14600, 14700, 71168954514, 14, 12),
    (14700, 14800, 71168954514, 15, 13),
    (14900, 14950, 71168954514, 16, 16),
    (14960, 14970, 71168954514, 17, 17),
    (15300, 15310, 71168954514, 21, 10),
    (17300, 17310, 71168954514, 22, 10),
    (18250, 18260, 71168954514, 23, 10),
    (18600, 18700, 71168954514, 24, 12),
    (18700, 18750, 71168954514, 26, 12),
    (18750, 18850, 71168954514, 25, 13),
    (19300, 19310, 71168954514, 30, 10),
    (20600, 20700, 71168954514, 50, 13);
INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME (start, end, eventClass, globalTid, correlationId, nameId, returnValue)
    SELECT start, end, 1, thread, correlation, name, 0 FROM c;

-- start, end, correlation, names with and without template arguments.
CREATE TEMP TABLE k (start, end, correlation, long, short);
INSERT INTO k VALUES
    (200, 900, 1, 20, 21),
    (10300, 11000, 10, 20, 21),
    (11400, 13000, 11, 20, 21),
    (14400, 14500, 13, 22, 23),
    (15400, 17000, 21, 20, 21),
    (17400, 18100, 22, 20, 21),
    (18400, 18500, 23, 22, 23),
    (19400, 19800, 30, 20, 21);
INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL
    SELECT start, end, 0, 1, 7, correlation, 71168950272, long, short, NULL FROM k;
INSERT INTO CUPTI_ACTIVITY_KIND_GRAPH_TRACE VALUES (13400, 14100, 0, 1, 7, 12, 71168950272, 1, 2);
-- Kind 1 is host to device, 2 device to host.
INSERT INTO CUPTI_ACTIVITY_KIND_MEMCPY VALUES
    (12020, 12070, 0, 1, 8, 40, 71168950272, 4096, 1, 1, 2),
    (14650, 14660, 0, 1, 7, 14, 71168950272, 64, 2, 2, 0),
    (18650, 18660, 0, 1, 7, 24, 71168950272, 64, 2, 2, 0),
    (18720, 18730, 0, 1, 7, 26, 71168950272, 8, 2, 2, 0);
INSERT INTO CUPTI_ACTIVITY_KIND_MEMSET VALUES (10250, 10260, 0, 1, 7, 9, 71168950272, 0, 1024);
-- Type 1 waits for an event, 2 makes a stream wait, 3 waits for a stream.
INSERT INTO CUPTI_ACTIVITY_KIND_SYNCHRONIZATION VALUES
    (14710, 14790, 0, 1, 7, 15, 71168950272, 3, 0),
    (14910, 14940, 0, 1, 7, 16, 71168950272, 1, 0),
    (14960, 14970, 0, 1, 7, 17, 71168950272, 2, 0);

UPDATE NVTX_EVENTS SET start = start * 1000, end = end * 1000;
UPDATE CUPTI_ACTIVITY_KIND_RUNTIME SET start = start * 1000, end = end * 1000;
UPDATE CUPTI_ACTIVITY_KIND_KERNEL SET start = start * 1000, end = end * 1000;
UPDATE CUPTI_ACTIVITY_KIND_GRAPH_TRACE SET start = start * 1000, end = end * 1000;
UPDATE CUPTI_ACTIVITY_KIND_MEMCPY SET start = start * 1000, end = end * 1000;
UPDATE CUPTI_ACTIVITY_KIND_MEMSET SET start = start * 1000, end = end * 1000;
UPDATE CUPTI_ACTIVITY_KIND_SYNCHRONIZATION SET start = start * 1000, end = end * 1000;
