/* Stands in for the libraries of NVIDIA where there is no GPU: the functions that
 * tts-gpu-trace calls, with a GPU that does one kernel at the end of every section, a copy
 * and a fill at the end of an outermost one, and needs 1 ms from mark to mark. One file is
 * all three libraries.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- CUPTI ---- */

enum { COPY = 1, FILL = 2, DRIVER_CALL = 4, RUNTIME_CALL = 5, KERNEL = 10, WAIT = 38, SECTION = 39, KINDS = 64 };
enum { RECORD = 256, RECORDS_PER_BUFFER = 5, MAX_RECORDS = 1 << 16, MAX_DEPTH = 64 };
enum { SUCCESS = 0, NO_MORE_RECORDS = 12, REFUSED = 999 };

typedef void (*request_buffer)(uint8_t **, size_t *, size_t *);
typedef void (*complete_buffer)(void *, uint32_t, uint8_t *, size_t, size_t);

static request_buffer request;
static complete_buffer complete;
static int enabled[KINDS];
static uint8_t records[MAX_RECORDS][RECORD];
static size_t record_count;
static uint32_t correlation;
static int refuses;
static int unfinished;
static size_t dropped;
static __thread uint64_t sections[MAX_DEPTH];
static __thread int depth;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void put32(uint8_t *record, size_t offset, uint32_t value) { memcpy(record + offset, &value, 4); }
static void put64(uint8_t *record, size_t offset, uint64_t value) { memcpy(record + offset, &value, 8); }

static uint8_t *new_record(uint32_t kind)
{
    if (!enabled[kind] || record_count == MAX_RECORDS)
        return NULL;
    uint8_t *record = records[record_count++];
    memset(record, 0, RECORD);
    put32(record, 0, kind);
    return record;
}

/* Of work. */
static void put_times(uint8_t *record)
{
    uint64_t end = now_ns();
    put64(record, 16, end - 1000);
    put64(record, 24, end);
}

/* Waits have their end where work has its begin: they are finished. */
static int is_unfinished(const uint8_t *record)
{
    uint32_t kind;
    uint64_t start;
    memcpy(&kind, record, 4);
    memcpy(&start, record + 16, 8);
    return kind != SECTION && start == 0;
}

/* As with CUPTI, the section of a call is told before what it does, and only if calls are
 * recorded. */
static void call(uint64_t section)
{
    correlation++;
    if (!enabled[DRIVER_CALL] && !enabled[RUNTIME_CALL])
        return;
    uint8_t *record = new_record(SECTION);
    if (record) {
        put32(record, 4, 3);
        put64(record, 8, section);
        put32(record, 16, correlation);
    }
}

/* Every second kernel has a name of C++. */
static void work(uint32_t kind, uint64_t section)
{
    static const char *names[] = { "badd_f32", "_ZN7cutlass6KernelIfLi4EEEvT_" };
    call(section);
    uint8_t *record = new_record(kind);
    if (!record)
        return;
    if (!unfinished)
        put_times(record);
    put32(record, kind == KERNEL ? 40 : 32, 1);
    put32(record, kind == KERNEL ? 48 : 40, 7);
    put32(record, kind == KERNEL ? 92 : 44, correlation);
    if (kind == KERNEL)
        put64(record, 104, (uint64_t)(uintptr_t)names[correlation % 2]);
    if (kind == COPY)
        record[4] = 2;
}

/* The host waits 1 ms: for an event (1), a queue (3) or all of them (4). Or a queue waits for
 * an event (2), which has a record as well. It is of the section that this thread is in. */
void stand_in_wait(int type)
{
    if (depth)
        call(sections[depth - 1]);
    else
        correlation++;
    uint64_t start = now_ns();
    nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    uint8_t *record = new_record(WAIT);
    if (!record)
        return;
    put32(record, 4, (uint32_t)type);
    put64(record, 8, start);
    put64(record, 16, now_ns());
    put32(record, 24, correlation);
    put32(record, 28, 1);
    put32(record, 32, type == 3 ? 7 : UINT32_MAX);
    put32(record, 36, type < 3 ? 5 : UINT32_MAX);
}

/* While the GPU is unfinished, work has no times. */
void stand_in_unfinished(int on)
{
    unfinished = on;
    for (size_t i = 0; i < record_count && !on; i++)
        if (is_unfinished(records[i]))
            put_times(records[i]);
}

void stand_in_drop(int count) { dropped = (size_t)count; }
void stand_in_refuse(int on) { refuses = on; }

uint32_t cuptiGetTimestamp(uint64_t *time) { *time = now_ns(); return SUCCESS; }

uint32_t cuptiActivityRegisterCallbacks(request_buffer r, complete_buffer c)
{
    request = r;
    complete = c;
    return SUCCESS;
}

uint32_t cuptiActivityEnable(uint32_t kind)
{
    if (refuses && kind == KERNEL)
        return REFUSED;
    enabled[kind] = 1;
    return SUCCESS;
}

uint32_t cuptiActivityDisable(uint32_t kind) { enabled[kind] = 0; return SUCCESS; }

uint32_t cuptiActivityPushExternalCorrelationId(uint32_t kind, uint64_t section)
{
    if (kind != 3 || depth == MAX_DEPTH)
        return REFUSED;
    sections[depth++] = section;
    return SUCCESS;
}

uint32_t cuptiActivityPopExternalCorrelationId(uint32_t kind, uint64_t *section)
{
    if (kind != 3 || depth == 0)
        return REFUSED;
    *section = sections[depth - 1];
    work(KERNEL, *section);
    if (depth == 1) {
        work(COPY, *section);
        work(FILL, *section);
    }
    depth--;
    return SUCCESS;
}

/* Buffers with unfinished work are given out only if that is forced. */
uint32_t cuptiActivityFlushAll(uint32_t forced)
{
    size_t next = 0;
    while (next < record_count) {
        size_t count = record_count - next;
        if (count > RECORDS_PER_BUFFER)
            count = RECORDS_PER_BUFFER;
        int whole = 1;
        for (size_t i = 0; i < count; i++)
            whole &= !is_unfinished(records[next + i]);
        if (!whole && !forced)
            break;
        uint8_t *buffer;
        size_t size, most;
        request(&buffer, &size, &most);
        memcpy(buffer, records[next], count * RECORD);
        complete(NULL, 0, buffer, size, count * RECORD);
        next += count;
    }
    memmove(records[0], records[next], (record_count - next) * RECORD);
    record_count -= next;
    return SUCCESS;
}

uint32_t cuptiActivityGetNumDroppedRecords(void *context, uint32_t queue, size_t *count)
{
    (void)context;
    (void)queue;
    *count = dropped;
    dropped = 0;
    return SUCCESS;
}

uint32_t cuptiActivityGetNextRecord(uint8_t *buffer, size_t used, uint8_t **record)
{
    uint8_t *next = *record ? *record + RECORD : buffer;
    if (next + RECORD > buffer + used)
        return NO_MORE_RECORDS;
    *record = next;
    return SUCCESS;
}

/* ---- the driver ---- */

enum { NOT_READY = 600 };

static uint64_t queue_ns;
static int live_events;
static int capturing;
static int behind;

int stand_in_live_events(void) { return live_events; }
void stand_in_capture(int on) { capturing = on; }
void stand_in_behind(int on) { behind = on; }

uint32_t cuEventCreate(uint64_t **event, uint32_t flags)
{
    (void)flags;
    *event = calloc(1, sizeof **event);
    live_events++;
    return SUCCESS;
}

uint32_t cuEventDestroy_v2(uint64_t *event)
{
    free(event);
    live_events--;
    return SUCCESS;
}

uint32_t cuEventRecord(uint64_t *event, void *stream)
{
    (void)stream;
    *event = queue_ns += 1000000;
    return SUCCESS;
}

uint32_t cuEventQuery(uint64_t *event) { (void)event; return behind ? NOT_READY : SUCCESS; }
uint32_t cuEventSynchronize(uint64_t *event) { (void)event; return SUCCESS; }

uint32_t cuEventElapsedTime(float *ms, uint64_t *from, uint64_t *to)
{
    *ms = (float)(*to - *from) / 1e6f;
    return SUCCESS;
}

uint32_t cuStreamIsCapturing(void *stream, uint32_t *is)
{
    (void)stream;
    *is = (uint32_t)capturing;
    return SUCCESS;
}

uint32_t cuStreamGetCtx(void *stream, void **context)
{
    *context = stream;
    return stream ? SUCCESS : REFUSED;
}

static __thread int contexts;

int stand_in_contexts(void) { return contexts; }
uint32_t cuCtxPushCurrent_v2(void *context) { (void)context; contexts++; return SUCCESS; }
uint32_t cuCtxPopCurrent_v2(void **context) { *context = NULL; contexts--; return SUCCESS; }
uint32_t cuCtxGetDevice(int *device) { *device = 1; return contexts ? SUCCESS : REFUSED; }

/* ---- NVML: two GPUs, of which the second does not know its power ---- */

static int users;
static int no_gpu;

int stand_in_users(void) { return users; }
void stand_in_no_gpu(int on) { no_gpu = on; }
uint32_t nvmlInit_v2(void) { users++; return SUCCESS; }
uint32_t nvmlShutdown(void) { users--; return SUCCESS; }
uint32_t nvmlDeviceGetCount_v2(uint32_t *count) { *count = no_gpu ? 0 : 2; return SUCCESS; }

uint32_t nvmlDeviceGetHandleByIndex_v2(uint32_t index, void **device)
{
    *device = (void *)(uintptr_t)(index + 1);
    return SUCCESS;
}

uint32_t nvmlDeviceGetUtilizationRates(void *device, uint32_t use[2])
{
    static uint32_t time;
    use[0] = device == (void *)1 ? time++ % 100 : 0;
    use[1] = 40;
    return SUCCESS;
}

uint32_t nvmlDeviceGetMemoryInfo(void *device, uint64_t memory[3])
{
    (void)device;
    memory[0] = 80000000000u;
    memory[1] = 78000000000u;
    memory[2] = 2000000000u;
    return SUCCESS;
}

uint32_t nvmlDeviceGetPowerUsage(void *device, uint32_t *milliwatts)
{
    *milliwatts = 350500;
    return device == (void *)1 ? SUCCESS : 3;
}

uint32_t nvmlDeviceGetClockInfo(void *device, uint32_t kind, uint32_t *mhz)
{
    (void)device;
    *mhz = 1980;
    return kind == 1 ? SUCCESS : 2;
}
