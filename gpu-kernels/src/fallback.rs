//! A backend whose device may fail. The processor then repeats the operation.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use lattice::{
    Backend, BackendError, CpuBackend, Evaluation, FoldingBackend, MaskPolynomials, Poly, RowFold,
    RowFolding, SummingBackend, TransformBackend, Unmasking, Width,
};

use crate::backend::KernelBackend;
use crate::device::Device;
use crate::device_backend::DeviceBackend;

/// After this many failures in a row the device is retired for the life of the process.
const PATIENCE: u32 = 3;

/// Is called with a failure, and whether it retires the device.
type Report = dyn Fn(&BackendError, bool) + Send + Sync;

/// Computes on a device. If the device fails, the processor computes.
///
/// After three failures in a row the device is retired: from then on only the processor computes. A
/// refusal (a wrong length, a word that is not canonical) is not a failure, because both agree on
/// it.
pub struct Fallback<D: Device> {
    device: KernelBackend<D>,
    reserve: CpuBackend,
    failures: AtomicU32,
    report: Box<Report>,
}

impl<D: Device> Fallback<D> {
    /// Computes on `device`. After a failure, `report` is called before the processor repeats the
    /// work.
    pub fn new(
        device: KernelBackend<D>,
        report: impl Fn(&BackendError, bool) + Send + Sync + 'static,
    ) -> Self {
        Self { device, reserve: CpuBackend::new(), failures: AtomicU32::new(0), report: Box::new(report) }
    }

    /// Whether the device has failed too often to be used again.
    pub fn is_retired(&self) -> bool {
        self.failures.load(Ordering::Relaxed) >= PATIENCE
    }

    /// The result of `operation` on the device, or `None` if the processor must do it.
    fn on_device<T>(
        &self,
        operation: impl FnOnce(&dyn DeviceBackend) -> Result<T, BackendError>,
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

    /// Does an operation that overwrites `values`. A copy of them is kept until it has succeeded.
    fn in_place(
        &self,
        values: &mut [u64],
        operation: impl Fn(&dyn DeviceBackend, &mut [u64]) -> Result<(), BackendError>,
    ) -> Result<(), BackendError> {
        let kept = (!self.is_retired()).then(|| values.to_vec());
        if let Some(result) = self.on_device(|device| operation(device, values)) {
            return result;
        }
        if let Some(kept) = kept {
            values.copy_from_slice(&kept);
        }
        operation(&self.reserve, values)
    }

    /// Does an operation that leaves its inputs unchanged when the device fails.
    fn repeatable<T>(
        &self,
        mut operation: impl FnMut(&dyn DeviceBackend) -> Result<T, BackendError>,
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
}

impl<D: Device> FoldingBackend for Fallback<D> {
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

impl<D: Device> SummingBackend for Fallback<D> {
    fn add_packed(
        &self,
        accumulator: &mut [u64],
        width: Width,
        bodies: &[&[u8]],
    ) -> Result<(), BackendError> {
        self.in_place(accumulator, |backend, sums| backend.add_packed(sums, width, bodies))
    }

    fn unmask(
        &self,
        job: &Unmasking<'_>,
        accumulator: &[u64],
        sums: &mut [i64],
    ) -> Result<u64, BackendError> {
        self.repeatable(|backend| backend.unmask(job, accumulator, sums))
    }
}

impl<D: Device> TransformBackend for Fallback<D> {
    fn forward(&self, blocks: &mut [u64]) -> Result<(), BackendError> {
        self.in_place(blocks, |backend, blocks| backend.forward(blocks))
    }

    fn inverse(&self, blocks: &mut [u64]) -> Result<(), BackendError> {
        self.in_place(blocks, |backend, blocks| backend.inverse(blocks))
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
}
