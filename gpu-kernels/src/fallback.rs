//! A backend whose device may fail: what it did not finish is done again on the processor.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use lattice::expand::{MaskPolynomials, ProjectionRows};
use lattice::{Backend, BackendError, CpuBackend, Evaluation, Poly, RowFold, RowFolding, Unmasking, Width};
use zeroize::Zeroizing;

use crate::backend::KernelBackend;
use crate::device::Device;

/// Failures one after another that retire a device for the life of the process.
const PATIENCE: u32 = 3;

/// Told of a failure, and whether it retires the device.
type Report = dyn Fn(&BackendError, bool) + Send + Sync;

/// Computes on a device, and on the processor whatever the device fails to do.
///
/// After three failures one after another the device is not asked any more. Refusals (a wrong length, a word that is not
/// canonical) are no failures: both sides agree on them.
pub struct Fallback<D: Device> {
    device: KernelBackend<D>,
    reserve: CpuBackend,
    failures: AtomicU32,
    report: Box<Report>,
}

impl<D: Device> Fallback<D> {
    /// Computes on `device`; every failure of it is told to `report` before the work is done again, and whether it retires the
    /// device.
    pub fn new(
        device: KernelBackend<D>,
        report: impl Fn(&BackendError, bool) + Send + Sync + 'static,
    ) -> Self {
        Self { device, reserve: CpuBackend::new(), failures: AtomicU32::new(0), report: Box::new(report) }
    }

    /// Whether the device has failed too often to be asked again.
    pub fn is_retired(&self) -> bool {
        self.failures.load(Ordering::Relaxed) >= PATIENCE
    }

    /// What `operation` gives on the device, or `None` when it is to be done again.
    fn on_device<T>(
        &self,
        operation: impl FnOnce(&dyn Backend) -> Result<T, BackendError>,
    ) -> Option<Result<T, BackendError>> {
        if self.is_retired() {
            return None;
        }
        match operation(&self.device) {
            Err(error @ BackendError::Device { .. }) => {
                let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
                (self.report)(&error, failures == PATIENCE);
                None
            }
            result => {
                self.failures.store(0, Ordering::Relaxed);
                Some(result)
            }
        }
    }

    /// An operation that overwrites `values`: they are kept until it has succeeded.
    fn in_place(
        &self,
        values: &mut [u64],
        operation: impl Fn(&dyn Backend, &mut [u64]) -> Result<(), BackendError>,
    ) -> Result<(), BackendError> {
        let kept = (!self.is_retired()).then(|| Zeroizing::new(values.to_vec()));
        if let Some(result) = self.on_device(|device| operation(device, values)) {
            return result;
        }
        if let Some(kept) = kept {
            values.copy_from_slice(&kept);
        }
        operation(&self.reserve, values)
    }

    /// An operation that, when its device fails, has changed nothing that the next attempt reads.
    fn repeatable<T>(
        &self,
        mut operation: impl FnMut(&dyn Backend) -> Result<T, BackendError>,
    ) -> Result<T, BackendError> {
        self.on_device(&mut operation).unwrap_or_else(|| operation(&self.reserve))
    }
}

impl<D: Device> fmt::Debug for Fallback<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback").field("device", &self.device).finish_non_exhaustive()
    }
}

impl<D: Device> Backend for Fallback<D> {
    fn name(&self) -> &'static str {
        if self.is_retired() { self.reserve.name() } else { self.device.name() }
    }

    fn forward(&self, blocks: &mut [u64]) -> Result<(), BackendError> {
        self.in_place(blocks, |backend, blocks| backend.forward(blocks))
    }

    fn inverse(&self, blocks: &mut [u64]) -> Result<(), BackendError> {
        self.in_place(blocks, |backend, blocks| backend.inverse(blocks))
    }

    fn multiply_accumulate(
        &self,
        accumulator: &mut [u64],
        lhs: &[u64],
        rhs: &Poly<Evaluation>,
    ) -> Result<(), BackendError> {
        self.in_place(accumulator, |backend, sums| backend.multiply_accumulate(sums, lhs, rhs))
    }

    fn mask_product(
        &self,
        masks: &MaskPolynomials,
        first: u64,
        key: &Poly<Evaluation>,
        out: &mut [u64],
    ) -> Result<(), BackendError> {
        self.repeatable(|backend| backend.mask_product(masks, first, key, out))
    }

    fn add_packed(
        &self,
        accumulator: &mut [u64],
        width: Width,
        ciphertexts: &[&[u8]],
    ) -> Result<(), BackendError> {
        self.in_place(accumulator, |backend, sums| backend.add_packed(sums, width, ciphertexts))
    }

    fn unmask(
        &self,
        job: &Unmasking<'_>,
        accumulator: &[u64],
        sums: &mut [i64],
    ) -> Result<u64, BackendError> {
        self.repeatable(|backend| backend.unmask(job, accumulator, sums))
    }

    fn inner_product(&self, lhs: &[u64], rhs: &[u64]) -> Result<u64, BackendError> {
        self.repeatable(|backend| backend.inner_product(lhs, rhs))
    }

    fn adjoint_accumulate(
        &self,
        masks: &MaskPolynomials,
        first: u64,
        blocks: &[u64],
        accumulator: &mut Poly<Evaluation>,
    ) -> Result<(), BackendError> {
        self.repeatable(|backend| backend.adjoint_accumulate(masks, first, blocks, accumulator))
    }

    fn project(
        &self,
        rows: &ProjectionRows,
        first: u64,
        values: &[i64],
        sums: &mut [i64; ProjectionRows::COUNT],
    ) -> Result<(), BackendError> {
        self.repeatable(|backend| backend.project(rows, first, values, sums))
    }

    fn fold_rows(
        &self,
        job: &RowFolding<'_>,
        first: u64,
        blocks: usize,
        packed: Option<&[u8]>,
        folds: &mut [RowFold; 2],
    ) -> Result<(), BackendError> {
        self.repeatable(|backend| backend.fold_rows(job, first, blocks, packed, folds))
    }
}
