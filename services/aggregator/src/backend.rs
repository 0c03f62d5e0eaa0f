//! The choice of the backend. It is the processor, or a card with the processor as its reserve.

use std::sync::Arc;

use kit::Result;
use lattice::{CpuBackend, SummingBackend};

use crate::{
    config::{BackendChoice, ComputeConfig},
    metrics,
};

/// Returns the backend that the configuration demands. Its type allows the aggregator to sum and to
/// verify, but not to mask.
///
/// # Errors
/// A fault if the configuration demands a card and no card works.
pub(crate) fn choose(config: &ComputeConfig) -> Result<Arc<dyn SummingBackend>> {
    let backend = match config.backend {
        BackendChoice::Cpu => processor(),
        BackendChoice::Cuda => card::open(config).map_err(kit::Error::fault)?,
        BackendChoice::Auto => card::open(config).unwrap_or_else(|error| {
            let reason = kit::error::chain(&error);
            if card::is_absent(&error) {
                tracing::info!(reason, "there is no card; the processor does the work");
            } else {
                tracing::warn!(reason, "the card is not used; the processor does the work");
            }
            processor()
        }),
    };
    metrics::backend_in_use(backend.name());
    tracing::info!(backend = backend.name(), "the backend is ready");
    Ok(backend)
}

fn processor() -> Arc<dyn SummingBackend> {
    Arc::new(CpuBackend::new())
}

#[cfg(feature = "cuda")]
mod card {
    use std::sync::Arc;

    use gpu_kernels::device::DeviceError;
    use gpu_kernels::{Fallback, Options, cuda};
    use lattice::{BackendError, SummingBackend};

    use crate::config::ComputeConfig;
    use crate::metrics;

    /// Opens the first card. The card must pass the self-test.
    pub(super) fn open(config: &ComputeConfig) -> Result<Arc<dyn SummingBackend>, DeviceError> {
        let mut options = Options::default();
        options.queue_bytes = (config.card_memory_mib << 20) / options.queues;
        let (kernels, description) = cuda::backend(&options)?;
        tracing::info!(card = description, "a card has passed the self-test");
        let report = |error: &BackendError, retired: bool| {
            metrics::device_failed();
            let reason = kit::error::chain(error);
            if retired {
                metrics::backend_in_use("cpu");
                tracing::error!(
                    reason,
                    "the card has failed too often; the processor does the work from now on"
                );
            } else {
                tracing::warn!(reason, "the card has failed; the processor does its work again");
            }
        };
        Ok(Arc::new(Fallback::new(kernels, report)))
    }

    /// Returns whether the machine has no card at all.
    pub(super) fn is_absent(error: &DeviceError) -> bool {
        matches!(error, DeviceError::NoDriver | DeviceError::NoDevice { .. })
    }
}

#[cfg(not(feature = "cuda"))]
mod card {
    use std::sync::Arc;

    use kit::config::ConfigError;
    use lattice::SummingBackend;

    use crate::config::ComputeConfig;

    /// Fails, since this program is built without support for cards.
    pub(super) fn open(_config: &ComputeConfig) -> Result<Arc<dyn SummingBackend>, ConfigError> {
        let rule = "this program is built without the feature cuda";
        Err(ConfigError::Rule { field: "compute.backend", rule })
    }

    /// Returns whether the machine has no card. Without the feature `cuda` the answer is always
    /// yes.
    pub(super) fn is_absent(_error: &ConfigError) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(backend: BackendChoice) -> ComputeConfig {
        ComputeConfig { backend, ..ComputeConfig::default() }
    }

    #[test]
    fn the_processor_is_always_there() {
        assert_eq!(choose(&config(BackendChoice::Cpu)).unwrap().name(), "cpu");
    }

    #[test]
    fn without_a_card_auto_takes_the_processor_and_cuda_is_a_fault() {
        if card::open(&config(BackendChoice::Cuda)).is_ok() {
            eprintln!("skipped: there is a card");
            return;
        }
        assert_eq!(choose(&config(BackendChoice::Auto)).unwrap().name(), "cpu");
        assert!(choose(&config(BackendChoice::Cuda)).is_err());
    }
}
