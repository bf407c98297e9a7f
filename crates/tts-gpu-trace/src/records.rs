//! The records of CUPTI. Their layout up to the fields that are read is the same from
//! CUDA 11.8 to 13.5 (compared: 11.8, 12.1, 12.4, 12.8, 12.9, 13.0 and 13.5).

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::{BTreeMap, HashMap};
use std::ffi::{CStr, c_char, c_void};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::kernels::cupti;
use crate::{Activity, Wait, Work, WorkKind};

/// Kinds of records, as CUPTI numbers them.
pub(crate) const COPY: u32 = 1;
pub(crate) const FILL: u32 = 2;
pub(crate) const DRIVER_CALL: u32 = 4;
pub(crate) const RUNTIME_CALL: u32 = 5;
pub(crate) const KERNEL: u32 = 10;
pub(crate) const WAIT: u32 = 38;
pub(crate) const SECTION: u32 = 39;
/// Of the kinds of sections (external correlations), one that is free for any program.
pub(crate) const SECTIONS_OF_OURS: u32 = 3;

/// Memory that CUPTI fills at a time.
const BUFFER: Layout = Layout::new::<[u64; 128 * 1024]>();

/// What CUPTI gave out and nobody took. Its callbacks have nothing to find it by, so there
/// is one for the process.
static RECORDS: Mutex<Records> = Mutex::new(Records {
    work: Vec::new(),
    waits: Vec::new(),
    sections: Vec::new(),
    earlier_sections: Vec::new(),
    names: BTreeMap::new(),
    lost: 0,
});

struct Records {
    /// Work with its correlation, times on CUPTI's clock.
    work: Vec<(u32, Work)>,
    /// As those of work.
    waits: Vec<(u32, Wait)>,
    /// Sections of correlations, which come before or after their work.
    sections: Vec<(u32, u64)>,
    /// Those that were there the last time that work was taken: some work may come later.
    earlier_sections: Vec<(u32, u64)>,
    /// Readable names of kernels. A program has so many and not more, so they are kept for
    /// good, and a kernel that ran a million times has its name once.
    names: BTreeMap<Box<CStr>, &'static str>,
    /// Records without times, and those that CUPTI had no room for.
    lost: u64,
}

fn records() -> MutexGuard<'static, Records> {
    RECORDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts records that CUPTI had no room for.
pub(crate) fn lose(count: u64) {
    records().lost += count;
}

/// Records that were lost.
pub(crate) fn lost() -> u64 {
    records().lost
}

/// Counts from 0 again.
pub(crate) fn forget_lost() {
    records().lost = 0;
}

/// Gives CUPTI memory. Past the allocator of the program, which may be one that counts.
pub(crate) unsafe extern "C" fn request(
    buffer: *mut *mut u8,
    bytes: *mut usize,
    most_records: *mut usize,
) {
    // SAFETY: the layout has a size, and CUPTI has room for the three answers.
    unsafe {
        let memory = System.alloc(BUFFER);
        *buffer = memory;
        *bytes = if memory.is_null() { 0 } else { BUFFER.size() };
        *most_records = 0;
    }
}

/// Reads the records in memory that CUPTI filled, and frees it.
pub(crate) unsafe extern "C" fn complete(
    _context: *mut c_void,
    _queue: u32,
    buffer: *mut u8,
    _bytes: usize,
    used: usize,
) {
    if buffer.is_null() {
        return;
    }
    if let Some(cupti) = cupti() {
        let mut records = records();
        let mut record = std::ptr::null_mut();
        // SAFETY: the buffer has `used` bytes of records; each is given out once, whole.
        unsafe {
            while (cupti.next_record)(buffer, used, &raw mut record) == 0 && !record.is_null() {
                records.add(record);
            }
        }
    }
    // SAFETY: it came from `request`.
    unsafe { System.dealloc(buffer, BUFFER) };
}

impl Records {
    /// # Safety
    /// `record` has to be one of CUPTI.
    unsafe fn add(&mut self, record: *const u8) {
        // SAFETY: every record begins with its kind, and the kind says which fields follow.
        unsafe {
            match read::<u32>(record, 0) {
                KERNEL => {
                    let name = read::<*const c_char>(record, 104);
                    let name = if name.is_null() { c"kernel" } else { CStr::from_ptr(name) };
                    let name = self.name(name);
                    self.add_work(record, WorkKind::Kernel, name, [40, 48, 92]);
                }
                COPY => {
                    let name = match read::<u8>(record, 4) {
                        1 => "copy host to device",
                        2 => Work::READ,
                        8 => "copy device to device",
                        _ => "copy",
                    };
                    self.add_work(record, WorkKind::Copy, name, [32, 40, 44]);
                }
                FILL => self.add_work(record, WorkKind::Fill, "fill", [32, 40, 44]),
                WAIT => {
                    let name = match read::<u32>(record, 4) {
                        1 => "wait for an event",
                        3 => "wait for a queue",
                        4 => "wait for all queues",
                        // Where a queue waits for an event, the host does not.
                        _ => return,
                    };
                    if let Some([start_ns, end_ns]) = self.times(record, 8) {
                        let wait = Wait { name, section: None, start_ns, end_ns };
                        self.waits.push((read(record, 24), wait));
                    }
                }
                SECTION if read::<u32>(record, 4) == SECTIONS_OF_OURS => {
                    self.sections.push((read(record, 16), read(record, 8)));
                }
                _ => {}
            }
        }
    }

    /// # Safety
    /// `record` has to be one of CUPTI that has begin and end, and these offsets of its
    /// GPU, its queue and its correlation.
    unsafe fn add_work(
        &mut self,
        record: *const u8,
        kind: WorkKind,
        name: &'static str,
        [gpu, queue, correlation]: [usize; 3],
    ) {
        // SAFETY: the caller knows the record.
        unsafe {
            let Some([start_ns, end_ns]) = self.times(record, 16) else { return };
            let (gpu, queue) = (read(record, gpu), read(record, queue));
            let work = Work { kind, name, section: None, gpu, queue, start_ns, end_ns };
            self.work.push((read(record, correlation), work));
        }
    }

    /// Begin and end. What has not ended has none, and is lost.
    ///
    /// # Safety
    /// `record` has to be one of CUPTI that has both at `offset` bytes.
    unsafe fn times(&mut self, record: *const u8, offset: usize) -> Option<[u64; 2]> {
        // SAFETY: the caller knows the record.
        let times: [u64; 2] = unsafe { read(record, offset) };
        let has_ended = times[0] != 0 && times[1] >= times[0];
        self.lost += u64::from(!has_ended);
        has_ended.then_some(times)
    }

    fn name(&mut self, name: &CStr) -> &'static str {
        if let Some(readable) = self.names.get(name) {
            return readable;
        }
        let readable = Box::leak(demangle(&name.to_string_lossy()).into_boxed_str());
        self.names.insert(name.into(), readable);
        readable
    }
}

/// # Safety
/// There has to be a value of this type at `offset` bytes.
unsafe fn read<T: Copy>(record: *const u8, offset: usize) -> T {
    // SAFETY: the caller says so; it may lie anywhere.
    unsafe { record.add(offset).cast::<T>().read_unaligned() }
}

/// What was done and not taken before, in the order of its begin, times from `epoch_ns` of
/// CUPTI's clock.
pub(crate) fn take(epoch_ns: u64) -> Activity {
    let mut records = records();
    let known = records.earlier_sections.iter().chain(&records.sections);
    let sections: HashMap<u32, u64> = known.copied().collect();
    records.earlier_sections = std::mem::take(&mut records.sections);
    let work = std::mem::take(&mut records.work);
    let waits = std::mem::take(&mut records.waits);
    drop(records);
    let section = |correlation| sections.get(&correlation).copied();
    let work = work.into_iter().map(|(correlation, work)| Work {
        section: section(correlation),
        start_ns: work.start_ns.saturating_sub(epoch_ns),
        end_ns: work.end_ns.saturating_sub(epoch_ns),
        ..work
    });
    let waits = waits.into_iter().map(|(correlation, wait)| Wait {
        section: section(correlation),
        start_ns: wait.start_ns.saturating_sub(epoch_ns),
        end_ns: wait.end_ns.saturating_sub(epoch_ns),
        ..wait
    });
    let mut taken = Activity { work: work.collect(), waits: waits.collect() };
    taken.work.sort_by_key(|work| work.start_ns);
    taken.waits.sort_by_key(|wait| wait.start_ns);
    taken
}

/// The name of a function as it is written in C++, without its parameters.
fn demangle(name: &str) -> String {
    let options = cpp_demangle::DemangleOptions::new().no_params().no_return_type();
    let symbol = cpp_demangle::Symbol::new(name).ok();
    symbol.and_then(|s| s.demangle_with_options(&options).ok()).unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::demangle;

    #[test]
    fn names_are_readable() {
        assert_eq!(demangle("badd_f32"), "badd_f32");
        assert_eq!(demangle("_ZN7cutlass6KernelIfLi4EEEvT_"), "cutlass::Kernel<float, 4>");
    }
}
