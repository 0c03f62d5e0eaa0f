//! [`Backend`] over the kernels of a device.

use lattice::expand::{MaskPolynomials, ProjectionRows};
use lattice::{Backend, BackendError, Evaluation, Poly, RING_DEGREE, RowFold, RowFolding, Unmasking, Width};

use crate::add_packed::PackedSum;
use crate::adjoint::AdjointSum;
use crate::checks::{same_length, whole_blocks};
use crate::device::{Device, DeviceError, Shape};
use crate::fold_rows::{self, Folding};
use crate::inner_product::InnerProduct;
use crate::masking::{MaskProducts, Unmask};
use crate::multiply_accumulate::Products;
use crate::pipeline::Lanes;
use crate::project::Projection;
use crate::transform::{Direction, Transform};

/// Threads that transform a polynomial together: TEAM in include/words.cuh.
const TEAM: u32 = 256;

/// Words of shared memory of a team: TEAM_WORDS in include/ntt.cuh.
pub const TEAM_WORDS: u32 = (RING_DEGREE + RING_DEGREE / 16) as u32;

/// Words of shared memory of a block of threads of `fold_rows`, beside what it declares itself.
pub const FOLD_WORDS: u32 = TEAM_WORDS + fold_rows::EXTRA_WORDS;

/// How much of a device is used, and how work is spread over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Queues of work, at least 1. An operation uses two when two are free.
    pub queues: usize,
    /// The most bytes that a queue holds on the host for copying, and as many again on the device; at least 1 MiB.
    pub queue_bytes: usize,
    /// The most polynomials of a batch, at least 1.
    pub batch_blocks: usize,
    /// Polynomials that a block of threads transforms: 1 or 2.
    pub teams: u32,
    /// Threads of a block where any number does: a multiple of 32 up to 1024.
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
    fn check(&self) -> Result<(), DeviceError> {
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

/// How kernels are launched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shapes {
    teams: u32,
    threads: u32,
    grid: u32,
}

impl Shapes {
    /// A team for each of `blocks` polynomials.
    pub(crate) fn teams(&self, blocks: usize) -> Shape {
        let grid = count(blocks).div_ceil(self.teams);
        Shape { grid, block: [TEAM, self.teams], shared_words: self.teams * TEAM_WORDS }
    }

    /// Blocks of one team, with `extra_words` of shared memory beside a team's, that share `work` pieces of work.
    pub(crate) fn summing_teams(&self, work: usize, extra_words: u32) -> Shape {
        let grid = count(work).min(self.grid);
        Shape { grid, block: [TEAM, 1], shared_words: TEAM_WORDS + extra_words }
    }

    /// Blocks of 256 threads without shared memory of the launch's that share `work` pieces of work.
    pub(crate) fn rows(&self, work: usize) -> Shape {
        Shape { grid: count(work).min(self.grid), block: [ProjectionRows::COUNT as u32, 1], shared_words: 0 }
    }

    /// Threads that stride over `length` words, in as many blocks as there are places for, so that sums of them are few.
    pub(crate) fn summing_words(&self, length: usize) -> Shape {
        let grid = count(length).div_ceil(self.threads).min(self.grid.saturating_mul(4));
        Shape { grid, block: [self.threads, 1], shared_words: 0 }
    }

    /// A block of threads for each 32 of `length` sums.
    pub(crate) fn sums(&self, length: usize) -> Shape {
        Shape { grid: count(length).div_ceil(32), block: [self.threads, 1], shared_words: 0 }
    }

    /// Threads that stride over `length` words, in as many blocks as there are places for many times over.
    pub(crate) fn words(&self, length: usize) -> Shape {
        let grid = count(length).div_ceil(self.threads).min(self.grid.saturating_mul(16));
        Shape { grid, block: [self.threads, 1], shared_words: 0 }
    }
}

/// A batch has at most 2²⁰ blocks, that is 2³¹ words.
fn count(number: usize) -> u32 {
    u32::try_from(number).expect("a batch has at most 2^31 words")
}

/// Computes with the kernels on a device.
#[derive(Debug)]
pub struct KernelBackend<D: Device> {
    name: &'static str,
    lanes: Lanes<D>,
    shapes: Shapes,
}

impl<D: Device> KernelBackend<D> {
    /// The backend on `device`, with its queues and tables in place.
    ///
    /// # Errors
    /// When `options` break a rule or the device fails.
    pub fn new(device: &D, options: &Options) -> Result<Self, DeviceError> {
        options.check()?;
        let shapes = Shapes { teams: options.teams, threads: options.threads, grid: options.grid };
        Ok(Self { name: device.name(), lanes: Lanes::new(device, options)?, shapes })
    }

    fn device_error(&self, error: DeviceError) -> BackendError {
        BackendError::Device { backend: self.name, source: Box::new(error) }
    }

    fn transform(&self, values: &mut [u64], direction: Direction) -> Result<(), BackendError> {
        let blocks = whole_blocks(values.len())?;
        let mut operation = Transform { values, direction, shapes: self.shapes };
        self.lanes.run(&mut operation, blocks, Transform::FOOTPRINT).map_err(|error| self.device_error(error))
    }
}

impl<D: Device> Backend for KernelBackend<D> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn forward(&self, blocks: &mut [u64]) -> Result<(), BackendError> {
        self.transform(blocks, Direction::Forward)
    }

    fn inverse(&self, blocks: &mut [u64]) -> Result<(), BackendError> {
        self.transform(blocks, Direction::Inverse)
    }

    fn multiply_accumulate(
        &self,
        accumulator: &mut [u64],
        lhs: &[u64],
        rhs: &Poly<Evaluation>,
    ) -> Result<(), BackendError> {
        let blocks = whole_blocks(accumulator.len())?;
        same_length(lhs.len(), accumulator.len())?;
        let mut operation = Products { sums: accumulator, lhs, rhs: rhs.values(), shapes: self.shapes };
        self.lanes.run(&mut operation, blocks, Products::FOOTPRINT).map_err(|error| self.device_error(error))
    }

    fn mask_product(
        &self,
        masks: &MaskPolynomials,
        first: u64,
        key: &Poly<Evaluation>,
        out: &mut [u64],
    ) -> Result<(), BackendError> {
        let blocks = whole_blocks(out.len())?;
        let mut operation = MaskProducts { masks, first, key: key.values(), out, shapes: self.shapes };
        self.lanes
            .run(&mut operation, blocks, MaskProducts::FOOTPRINT)
            .map_err(|error| self.device_error(error))
    }

    fn add_packed(
        &self,
        accumulator: &mut [u64],
        width: Width,
        ciphertexts: &[&[u8]],
    ) -> Result<(), BackendError> {
        let blocks = whole_blocks(accumulator.len())?;
        for ciphertext in ciphertexts {
            same_length(ciphertext.len(), width.bytes(accumulator.len()))?;
        }
        for (group, ciphertexts) in ciphertexts.chunks(PackedSum::GROUP).enumerate() {
            let mut operation = PackedSum::new(accumulator, width, ciphertexts, self.shapes);
            let footprint = operation.footprint();
            self.lanes.run(&mut operation, blocks, footprint).map_err(|error| self.device_error(error))?;
            if let Some(position) = operation.refused() {
                return Err(BackendError::NonCanonical { ciphertext: group * PackedSum::GROUP + position });
            }
        }
        Ok(())
    }

    fn unmask(
        &self,
        job: &Unmasking<'_>,
        accumulator: &[u64],
        sums: &mut [i64],
    ) -> Result<u64, BackendError> {
        let blocks = whole_blocks(accumulator.len())?;
        same_length(sums.len(), accumulator.len())?;
        if !(1..=62).contains(&job.scale_log2) {
            return Err(BackendError::Scale { scale_log2: job.scale_log2 });
        }
        let mut operation = Unmask { job, accumulator, sums, largest_residual: 0, shapes: self.shapes };
        self.lanes
            .run(&mut operation, blocks, Unmask::FOOTPRINT)
            .map_err(|error| self.device_error(error))?;
        Ok(operation.largest_residual)
    }

    fn inner_product(&self, lhs: &[u64], rhs: &[u64]) -> Result<u64, BackendError> {
        let blocks = whole_blocks(lhs.len())?;
        same_length(rhs.len(), lhs.len())?;
        let mut operation = InnerProduct::new(lhs, rhs, self.shapes);
        let footprint = operation.footprint();
        self.lanes.run(&mut operation, blocks, footprint).map_err(|error| self.device_error(error))?;
        Ok(operation.sum.value())
    }

    fn adjoint_accumulate(
        &self,
        masks: &MaskPolynomials,
        first: u64,
        blocks: &[u64],
        accumulator: &mut Poly<Evaluation>,
    ) -> Result<(), BackendError> {
        let count = whole_blocks(blocks.len())?;
        let mut operation = AdjointSum::new(masks, first, blocks, self.shapes);
        let footprint = operation.footprint();
        self.lanes.run(&mut operation, count, footprint).map_err(|error| self.device_error(error))?;
        operation.add_to(accumulator);
        Ok(())
    }

    fn project(
        &self,
        rows: &ProjectionRows,
        first: u64,
        values: &[i64],
        sums: &mut [i64; ProjectionRows::COUNT],
    ) -> Result<(), BackendError> {
        let blocks = whole_blocks(values.len())?;
        let mut operation = Projection::new(rows, first, values, self.shapes);
        let footprint = operation.footprint();
        self.lanes.run(&mut operation, blocks, footprint).map_err(|error| self.device_error(error))?;
        operation.add_to(sums);
        Ok(())
    }

    fn fold_rows(
        &self,
        job: &RowFolding<'_>,
        first: u64,
        blocks: usize,
        packed: Option<&[u8]>,
        folds: &mut [RowFold; 2],
    ) -> Result<(), BackendError> {
        if let Some(packed) = packed {
            same_length(packed.len(), job.width.bytes(blocks * RING_DEGREE))?;
        }
        let mut operation = Folding::new(job, first, packed, self.shapes);
        let footprint = operation.footprint();
        self.lanes.run(&mut operation, blocks, footprint).map_err(|error| self.device_error(error))?;
        if operation.refused() {
            return Err(BackendError::NonCanonical { ciphertext: 0 });
        }
        operation.add_to(folds);
        Ok(())
    }
}
