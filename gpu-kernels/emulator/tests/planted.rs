//! Kernels that are wrong on purpose are found. The emulator itself finds those whose threads wait
//! for ever. A sanitizer finds the others. The script `sanitize` beside this crate runs the ignored
//! tests. Each of them must fail for the right reason.

use std::error::Error;

use emulator::{Emulator, Schedule};
use gpu_kernels::arguments::Argument;
use gpu_kernels::device::{Device, Queue};
use gpu_kernels::kernels::Shape;

const THREADS: u32 = 64;

/// Runs a planted kernel on memory of the size that it claims to need. The error is its reason for
/// failing.
fn run(kernel: &'static str) -> Result<(), String> {
    let mut queue = Emulator::new(Schedule::Increasing).queue().map_err(|error| error.to_string())?;
    let out = queue.zeroed(THREADS as usize).map_err(|error| error.to_string())?;
    let shape = Shape { grid: 1, block: [THREADS, 1], shared_words: THREADS };
    // SAFETY: the parameter is (u64* out). A kernel that leaves its memory must be stopped by a
    // sanitizer.
    let result = unsafe { emulator::run(kernel, shape, Schedule::Increasing, &[Argument::Buffer(&out)]) };
    result.map_err(|error| error.source().map_or_else(|| error.to_string(), ToString::to_string))
}

#[test]
fn different_barriers_are_found() {
    let reason = run("planted_divergence").expect_err("threads wait at different barriers");
    assert!(reason.contains("wait at different barriers") && reason.contains("planted.cu"), "{reason}");
}

#[test]
fn a_thread_that_ends_early_is_found() {
    let reason = run("planted_deadlock").expect_err("a thread has ended");
    assert!(reason.starts_with("1 of 64 threads have ended while thread 0 waits at"), "{reason}");
}

#[test]
fn after_a_faulty_kernel_good_ones_run() {
    assert!(run("planted_deadlock").is_err());
    assert_eq!(run("planted_race"), Ok(()), "without a sanitizer nobody sees the race");
}

#[test]
fn an_unknown_kernel_is_refused() {
    assert_eq!(run("no_kernel"), Err("there is no such kernel".to_owned()));
}

#[test]
#[ignore = "for the thread sanitizer"]
fn race() {
    assert_eq!(run("planted_race"), Ok(()));
}

#[test]
#[ignore = "for the address sanitizer"]
fn overflow() {
    assert_eq!(run("planted_overflow"), Ok(()));
}

#[test]
#[ignore = "for the address sanitizer"]
fn shared_overflow() {
    assert_eq!(run("planted_shared_overflow"), Ok(()));
}

#[test]
#[ignore = "for the sanitizer of undefined behaviour"]
fn shift() {
    assert_eq!(run("planted_shift"), Ok(()));
}
