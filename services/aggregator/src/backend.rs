//! What does the work that grows with the dimension: the processor, or a card that the processor stands in for when it fails.

use std::sync::Arc;

use kit::Result;
use lattice::{Backend, CpuBackend};

use crate::{config::BackendChoice, metrics};

/// The backend that the configuration asks for.
///
/// # Errors
/// A fault: a card is asked for and there is none that works.
pub(crate) fn choose(choice: BackendChoice) -> Result<Arc<dyn Backend>> {
    let backend = match choice {
        BackendChoice::Cpu => processor(),
        BackendChoice::Cuda => card::open().map_err(kit::Error::fault)?,
        BackendChoice::Auto => card::open().unwrap_or_else(|error| {
            tracing::info!(reason = kit::error::chain(&error), "no card is used");
            processor()
        }),
    };
    metrics::backend_chosen(backend.name());
    tracing::info!(backend = backend.name(), "the backend is ready");
    Ok(backend)
}

fn processor() -> Arc<dyn Backend> {
    Arc::new(CpuBackend::new())
}

#[cfg(feature = "cuda")]
mod card {
    use std::sync::Arc;

    use gpu_kernels::device::DeviceError;
    use gpu_kernels::{Fallback, Options, cuda};
    use lattice::{Backend, BackendError};

    use crate::metrics;

    /// The first card, once it has passed the self-test.
    pub(super) fn open() -> Result<Arc<dyn Backend>, DeviceError> {
        let (kernels, description) = cuda::backend(&Options::default())?;
        tracing::info!(card = description, "a card has passed the self-test");
        let report = |error: &BackendError| {
            metrics::device_failed();
            tracing::warn!(
                reason = kit::error::chain(error),
                "the card has failed; the processor does its work"
            );
        };
        Ok(Arc::new(Fallback::new(kernels, report)))
    }
}

#[cfg(not(feature = "cuda"))]
mod card {
    use std::sync::Arc;

    use kit::config::ConfigError;
    use lattice::Backend;

    /// There is nothing to open a card with.
    pub(super) fn open() -> Result<Arc<dyn Backend>, ConfigError> {
        let rule = "this program is built without the feature cuda";
        Err(ConfigError::Rule { field: "compute.backend", rule })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_always_there() {
        assert_eq!(choose(BackendChoice::Cpu).unwrap().name(), "cpu");
    }

    #[test]
    fn without_a_card_auto_takes_the_processor_and_cuda_is_a_fault() {
        if card::open().is_ok() {
            eprintln!("skipped: there is a card");
            return;
        }
        assert_eq!(choose(BackendChoice::Auto).unwrap().name(), "cpu");
        assert!(choose(BackendChoice::Cuda).is_err());
    }
}
