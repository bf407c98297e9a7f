//! The tables of the export. Those of which nothing was recorded do not exist.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags, Row};

use crate::error::NsysError;
use crate::trace::{ApiCall, CallId, Direction, GpuWork, Range, Trace, WorkKind};

/// `eventType` of a range of one thread (`nvtxRangePush`).
const PUSH_POP: i64 = 59;
/// `eventType` of a range that another thread may end (`nvtxRangeStart`).
const START_END: i64 = 60;
/// `syncType` of a stream that waits for an event: the CPU goes on.
const STREAM_WAIT: i64 = 2;
/// Process and thread in one number; the thread has the low bits.
const THREAD_BITS: u32 = 24;

/// Reads a recording.
///
/// # Errors
/// If the file cannot be opened or read, or is not an export of Nsight Systems.
pub fn read(path: &Path) -> Result<Trace, NsysError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)
        .map_err(|source| NsysError::Open { path: path.into(), source })?;
    let database = Database { connection, path };
    let names = database.names()?;
    let mut trace = Trace {
        work: database.kernels(&names)?,
        calls: database.calls(&names)?,
        ranges: database.ranges(&names)?,
        waits: database.waits()?,
    };
    trace.work.extend(database.graphs()?);
    trace.work.extend(database.copies()?);
    trace.work.extend(database.fills()?);
    close_ranges(&mut trace);
    Ok(trace)
}

/// Ranges that were open when the recording ended, end there.
fn close_ranges(trace: &mut Trace) {
    let end = trace.extent().map_or(0, |(_, end)| end);
    for range in &mut trace.ranges {
        if range.end < range.start {
            range.end = end;
        }
    }
}

type Names = HashMap<i64, Arc<str>>;

struct Database<'a> {
    connection: Connection,
    path: &'a Path,
}

impl Database<'_> {
    fn names(&self) -> Result<Names, NsysError> {
        let table = "StringIds";
        if self.columns(table)?.is_empty() {
            return Err(NsysError::NotAnExport { path: self.path.into() });
        }
        let rows = self.rows(table, &["id", "value"], |row| {
            Ok((row.get(0)?, Arc::from(row.get_ref(1)?.as_str()?)))
        })?;
        Ok(rows.into_iter().collect())
    }

    fn kernels(&self, names: &Names) -> Result<Vec<GpuWork>, NsysError> {
        let columns = ["start", "end", "globalPid", "correlationId", "shortName"];
        self.rows("CUPTI_ACTIVITY_KIND_KERNEL", &columns, |row| {
            work(row, WorkKind::Kernel, name(names, row.get(4)?), 0)
        })
    }

    /// Graphs, where they were not traced kernel by kernel.
    fn graphs(&self) -> Result<Vec<GpuWork>, NsysError> {
        let columns = ["start", "end", "globalPid", "correlationId"];
        let graph: Arc<str> = Arc::from("(graph)");
        self.rows("CUPTI_ACTIVITY_KIND_GRAPH_TRACE", &columns, |row| {
            work(row, WorkKind::Graph, graph.clone(), 0)
        })
    }

    fn copies(&self) -> Result<Vec<GpuWork>, NsysError> {
        let columns = ["start", "end", "globalPid", "correlationId", "bytes", "copyKind"];
        let copy: Arc<str> = Arc::from("(copy)");
        self.rows("CUPTI_ACTIVITY_KIND_MEMCPY", &columns, |row| {
            let direction = Direction::from_copy_kind(row.get(5)?);
            work(row, WorkKind::Copy(direction), copy.clone(), bytes(row, 4)?)
        })
    }

    fn fills(&self) -> Result<Vec<GpuWork>, NsysError> {
        let columns = ["start", "end", "globalPid", "correlationId", "bytes"];
        let fill: Arc<str> = Arc::from("(fill)");
        self.rows("CUPTI_ACTIVITY_KIND_MEMSET", &columns, |row| {
            work(row, WorkKind::Set, fill.clone(), bytes(row, 4)?)
        })
    }

    fn calls(&self, names: &Names) -> Result<Vec<ApiCall>, NsysError> {
        let columns = ["start", "end", "globalTid", "correlationId", "nameId"];
        self.rows("CUPTI_ACTIVITY_KIND_RUNTIME", &columns, |row| {
            Ok(ApiCall {
                name: name(names, row.get(4)?),
                start: row.get(0)?,
                end: row.get(1)?,
                thread: number(row, 2)?,
                id: call_id(row)?,
            })
        })
    }

    /// Ranges without an end get one before their start, for [`close_ranges`].
    fn ranges(&self, names: &Names) -> Result<Vec<Range>, NsysError> {
        let columns = ["start", "end", "globalTid", "eventType", "text", "textId"];
        let rows = self.rows("NVTX_EVENTS", &columns, |row| {
            let event: i64 = row.get(3)?;
            if event != PUSH_POP && event != START_END {
                return Ok(None);
            }
            let text: Option<String> = row.get(4)?;
            let name = match text {
                Some(text) => Arc::from(text),
                None => name(names, number(row, 5)?),
            };
            let start: i64 = row.get(0)?;
            let end = row.get::<_, Option<i64>>(1)?.unwrap_or(start.saturating_sub(1));
            Ok(Some(Range { name, start, end, thread: number(row, 2)? }))
        })?;
        Ok(rows.into_iter().flatten().collect())
    }

    fn waits(&self) -> Result<Vec<CallId>, NsysError> {
        let columns = ["start", "end", "globalPid", "correlationId", "syncType"];
        let rows = self.rows("CUPTI_ACTIVITY_KIND_SYNCHRONIZATION", &columns, |row| {
            let kind: i64 = row.get(4)?;
            Ok((kind != STREAM_WAIT).then_some(call_id(row)?))
        })?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// The columns of a table; none if it does not exist.
    fn columns(&self, table: &'static str) -> Result<Vec<String>, NsysError> {
        self.query(table, "SELECT name FROM pragma_table_info(?1)", [table], |row| row.get(0))
    }

    /// `columns` of all rows of a table; no rows if it does not exist.
    fn rows<T>(
        &self,
        table: &'static str,
        columns: &[&'static str],
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, NsysError> {
        let present = self.columns(table)?;
        if present.is_empty() {
            return Ok(Vec::new());
        }
        for &column in columns {
            if !present.iter().any(|name| name == column) {
                return Err(NsysError::Column { path: self.path.into(), table, column });
            }
        }
        let sql = format!("SELECT \"{}\" FROM {table}", columns.join("\", \""));
        self.query(table, &sql, [], read)
    }

    fn query<T>(
        &self,
        table: &'static str,
        sql: &str,
        parameters: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, NsysError> {
        let rows = || {
            let mut statement = self.connection.prepare(sql)?;
            statement.query_map(parameters, read)?.collect::<Result<Vec<_>, _>>()
        };
        rows().map_err(|source| NsysError::Table { path: self.path.into(), table, source })
    }
}

/// A row that begins with start, end, process and correlation.
fn work(row: &Row<'_>, kind: WorkKind, name: Arc<str>, bytes: u64) -> rusqlite::Result<GpuWork> {
    Ok(GpuWork { kind, name, start: row.get(0)?, end: row.get(1)?, bytes, id: call_id(row)? })
}

/// From columns 2, a process or thread, and 3, the correlation.
fn call_id(row: &Row<'_>) -> rusqlite::Result<CallId> {
    Ok(CallId { process: number(row, 2)? >> THREAD_BITS, correlation: number(row, 3)? })
}

fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<i64> {
    Ok(row.get::<_, Option<i64>>(column)?.unwrap_or(0))
}

fn bytes(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(number(row, column)?).unwrap_or(0))
}

fn name(names: &Names, id: i64) -> Arc<str> {
    names.get(&id).cloned().unwrap_or_else(|| Arc::from("(unnamed)"))
}
