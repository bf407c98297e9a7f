//! How many threads compute.

/// Fixes the number of threads that compute, for the whole process: so many, or else the
/// number that the environment (`RAYON_NUM_THREADS`) or the physical cores give. Returns it.
///
/// A program should call this once, first of all. The matrix library asks for its number of
/// threads before every product, and where the environment does not say it, it counts the
/// cores again each time by reading a file: two thirds of the time of a tiny model, 6 % of
/// that of a 0.6B one (`docs/performance.md`).
///
/// # Safety
/// It sets an environment variable: no other thread may run yet.
pub unsafe fn fix_threads(asked: Option<usize>) -> usize {
    let threads = asked.unwrap_or_else(candle_core::utils::get_num_threads);
    // SAFETY: the caller says that nobody reads the environment meanwhile.
    unsafe { std::env::set_var("RAYON_NUM_THREADS", threads.to_string()) };
    threads
}
