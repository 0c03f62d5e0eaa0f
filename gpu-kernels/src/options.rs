//! How much of a device is used, and how work is spread over it.

use crate::device::DeviceError;

/// The queues and memory of a backend on a device, and the shapes of its launches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Queues of work, at least 1. An operation uses two when two are free.
    pub queues: usize,
    /// The most bytes that a queue holds on the host for copying. It holds as many on the device.
    /// At least 1 MiB.
    pub queue_bytes: usize,
    /// The most polynomials of a batch, at least 1.
    pub batch_blocks: usize,
    /// Polynomials that a block of threads transforms: 1 or 2.
    pub teams: u32,
    /// Threads of a block of a kernel that takes any number: a multiple of 32 up to 1024.
    pub threads: u32,
    /// Blocks of threads of a kernel that sums up, at least 1.
    pub grid: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { queues: 4, queue_bytes: 32 << 20, batch_blocks: 256, teams: 1, threads: 256, grid: 264 }
    }
}

impl Options {
    /// Accepts options that keep every rule.
    pub(crate) fn check(&self) -> Result<(), DeviceError> {
        let rule = |holds: bool, option: &'static str, rule: &'static str| {
            if holds { Ok(()) } else { Err(DeviceError::Options { option, rule }) }
        };
        rule(self.queues >= 1, "queues", "at least 1")?;
        rule(self.queue_bytes >= 1 << 20, "queue_bytes", "at least 1048576")?;
        rule((1..=1 << 20).contains(&self.batch_blocks), "batch_blocks", "1 to 1048576")?;
        rule((1..=2).contains(&self.teams), "teams", "1 or 2")?;
        let warps = self.threads.is_multiple_of(32) && (32..=1024).contains(&self.threads);
        rule(warps, "threads", "a multiple of 32 from 32 to 1024")?;
        rule((1..=1 << 16).contains(&self.grid), "grid", "1 to 65536")
    }
}
