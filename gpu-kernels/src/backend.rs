//! The operations of a device as a backend of [`lattice`].

use lattice::backend::checks::{equal_blocks, optional_words, packed_blocks, usable_scale, whole_blocks};
use lattice::{
    Backend, BackendError, Evaluation, FoldingBackend, MaskPolynomials, Poly, RowFold, RowFolding,
    SummingBackend, TransformBackend, Unmasking, Width,
};

use crate::add_packed::AddPacked;
use crate::adjoint_accumulate::AdjointAccumulate;
use crate::device::{Device, DeviceError};
use crate::fold_rows::FoldRows;
use crate::forward::Forward;
use crate::inner_product::InnerProduct;
use crate::inverse::Inverse;
use crate::operation::Operation;
use crate::options::Options;
use crate::pipeline::Lanes;
use crate::unmask::Unmask;

/// Computes with the kernels on a device.
#[derive(Debug)]
pub struct KernelBackend<D: Device> {
    name: &'static str,
    lanes: Lanes<D>,
}

impl<D: Device> KernelBackend<D> {
    /// The backend on `device`. This makes the queues and copies the tables to the device.
    ///
    /// # Errors
    /// When `options` break a rule or the device fails.
    pub fn new(device: &D, options: &Options) -> Result<Self, DeviceError> {
        options.check()?;
        Ok(Self { name: device.name(), lanes: Lanes::new(device, options)? })
    }

    /// Does `operation` on `blocks` blocks.
    fn run(&self, operation: &mut impl Operation<D::Queue>, blocks: usize) -> Result<(), BackendError> {
        let done = self.lanes.run(operation, blocks);
        done.map_err(|error| BackendError::Device { backend: self.name, source: Box::new(error) })
    }
}

impl<D: Device> Backend for KernelBackend<D> {
    fn name(&self) -> &'static str {
        self.name
    }
}

impl<D: Device> FoldingBackend for KernelBackend<D> {
    fn fold_rows(
        &self,
        job: &RowFolding<'_>,
        first: u64,
        blocks: usize,
        packed: Option<&[u8]>,
        folds: &mut [RowFold; 2],
    ) -> Result<(), BackendError> {
        optional_words(packed, job.width, blocks)?;
        let mut operation = FoldRows::new(job, first, packed);
        self.run(&mut operation, blocks)?;
        if operation.refused() {
            return Err(BackendError::NonCanonical { body: 0 });
        }
        operation.add_to(folds);
        Ok(())
    }
}

impl<D: Device> SummingBackend for KernelBackend<D> {
    fn add_packed(
        &self,
        accumulator: &mut [u64],
        width: Width,
        bodies: &[&[u8]],
    ) -> Result<(), BackendError> {
        let blocks = packed_blocks(accumulator.len(), width, bodies)?;
        for (group, bodies) in bodies.chunks(AddPacked::GROUP).enumerate() {
            let mut operation = AddPacked::new(accumulator, width, bodies);
            self.run(&mut operation, blocks)?;
            if let Some(position) = operation.refused() {
                return Err(BackendError::NonCanonical { body: group * AddPacked::GROUP + position });
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
        let blocks = equal_blocks(accumulator.len(), sums.len())?;
        usable_scale(job.scale_log2)?;
        let mut operation = Unmask::new(job, accumulator, sums);
        self.run(&mut operation, blocks)?;
        Ok(operation.largest_residual())
    }
}

impl<D: Device> TransformBackend for KernelBackend<D> {
    fn forward(&self, blocks: &mut [u64]) -> Result<(), BackendError> {
        let count = whole_blocks(blocks.len())?;
        self.run(&mut Forward::new(blocks), count)
    }

    fn inverse(&self, blocks: &mut [u64]) -> Result<(), BackendError> {
        let count = whole_blocks(blocks.len())?;
        self.run(&mut Inverse::new(blocks), count)
    }

    fn inner_product(&self, lhs: &[u64], rhs: &[u64]) -> Result<u64, BackendError> {
        let blocks = equal_blocks(lhs.len(), rhs.len())?;
        let mut operation = InnerProduct::new(lhs, rhs);
        self.run(&mut operation, blocks)?;
        Ok(operation.sum().value())
    }

    fn adjoint_accumulate(
        &self,
        masks: &MaskPolynomials,
        first: u64,
        blocks: &[u64],
        accumulator: &mut Poly<Evaluation>,
    ) -> Result<(), BackendError> {
        let count = whole_blocks(blocks.len())?;
        let mut operation = AdjointAccumulate::new(masks, first, blocks);
        self.run(&mut operation, count)?;
        operation.add_to(accumulator);
        Ok(())
    }
}
