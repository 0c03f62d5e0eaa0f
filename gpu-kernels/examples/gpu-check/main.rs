//! The program that `deploy/gpu/check` runs on a machine with a card. It checks parity, runs
//! everything once for a sanitizer, runs faults that the sanitizer must find, and measures.
#![allow(clippy::print_stdout, reason = "a program that reports")]

mod measure;
mod resident;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use gpu_kernels::cuda::Cuda;
use gpu_kernels::device::DeviceError;
use gpu_kernels::{KernelBackend, Options, self_test};
use testkit::conformance::check_device;

/// The size of each measurement.
#[derive(Debug)]
struct Scale {
    /// Its name in the results.
    name: &'static str,
    /// Polynomials of most kernels: more than a card's caches hold.
    batch: usize,
    /// Polynomials of the packed bodies that are added.
    added: usize,
    /// Polynomials of an operation with its copies, and of the folding of rows.
    chunk: usize,
    /// Words that are copied.
    copied: usize,
    /// Bodies that are added at once.
    bodies: usize,
    /// Rounds of a probe of a pipe.
    rounds: u32,
    /// Blocks of threads of a probe of a pipe.
    probe_blocks: u32,
    /// Memory of the queue.
    queue_bytes: usize,
    /// How long the card works before anything is measured, so that it reaches its full clock rate.
    warm_up: Duration,
    /// The time for which a kernel is launched again and again.
    least_seconds: f64,
}

impl Scale {
    const FULL: Self = Self {
        name: "full",
        batch: 65_536,
        added: 8192,
        chunk: 512,
        copied: 128 << 20,
        bodies: 16,
        rounds: 4096,
        probe_blocks: 2112,
        queue_bytes: 2304 << 20,
        warm_up: Duration::from_millis(500),
        least_seconds: 0.1,
    };

    /// For the emulated driver. It shows that everything runs, and says nothing about speed.
    const REHEARSAL: Self = Self {
        name: "rehearsal",
        batch: 4,
        added: 2,
        chunk: 2,
        copied: 4096,
        bodies: 2,
        rounds: 4,
        probe_blocks: 2,
        queue_bytes: 16 << 20,
        warm_up: Duration::ZERO,
        least_seconds: 0.0,
    };
}

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    let done = match task.as_deref() {
        Some("parity") => parity(),
        Some("once") => once(),
        Some("overflow") => planted(resident::overflow),
        Some("race") => planted(resident::race),
        Some("measure") => measure::run(&Scale::FULL),
        Some("rehearse") => measure::run(&Scale::REHEARSAL),
        _ => Err("gpu-check parity | once | overflow | race | measure | rehearse".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gpu-check: {error}: {}", error.source().map(ToString::to_string).unwrap_or_default());
            ExitCode::FAILURE
        }
    }
}

/// Checks every operation against its definition, with several shapes of launch.
fn parity() -> Result<(), Box<dyn Error>> {
    for options in [
        Options::default(),
        Options { queues: 1, batch_blocks: 2, teams: 2, threads: 1024, grid: 2, ..Options::default() },
        Options { batch_blocks: 1, threads: 32, grid: 1, ..Options::default() },
    ] {
        let card = Cuda::open(0, options.queue_bytes)?;
        check_device(&KernelBackend::new(&card, &options)?);
        println!("parity on {}: {options:?}", card.description());
    }
    Ok(())
}

/// The card with buffers that a sanitizer can tell apart.
fn sanitized(options: &Options) -> Result<Cuda, Box<dyn Error>> {
    Ok(Cuda::open(0, options.queue_bytes)?.with_separate_buffers())
}

/// Runs every operation, every kernel and every probe on few blocks, because a sanitizer is slow.
fn once() -> Result<(), Box<dyn Error>> {
    for options in [
        Options { queues: 1, queue_bytes: 16 << 20, grid: 2, ..Options::default() },
        Options { queues: 1, queue_bytes: 16 << 20, teams: 2, threads: 64, grid: 1, ..Options::default() },
    ] {
        self_test::check(&KernelBackend::new(&sanitized(&options)?, &options)?)?;
    }
    let card = sanitized(&Options { queue_bytes: Scale::REHEARSAL.queue_bytes, ..Options::default() })?;
    resident::measure(&card, &Scale::REHEARSAL)?;
    println!("every kernel ran on {}", card.description());
    Ok(())
}

/// Runs a kernel with a fault that a sanitizer must find.
fn planted(fault: impl Fn(&Cuda) -> Result<(), DeviceError>) -> Result<(), Box<dyn Error>> {
    Ok(fault(&sanitized(&Options::default())?)?)
}
