//! The errors that the driver reports, in a form that can be shown without a driver.

use cudarc::driver::DriverError;

use crate::device::DeviceError;

/// The driver's name for an error, such as `CUDA_ERROR_OUT_OF_MEMORY`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct CudaError(String);

/// Names the operation that failed.
pub(super) fn failed(operation: &'static str) -> impl Fn(DriverError) -> DeviceError {
    move |error| described(operation, format!("{:?}", error.0))
}

/// Makes the error of a failed operation, with the reason in words.
pub(super) fn described(operation: &'static str, reason: String) -> DeviceError {
    DeviceError::Call { operation, source: Box::new(CudaError(reason)) }
}
