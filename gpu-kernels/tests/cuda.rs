//! The kernels on a card. Without a card these tests report that they are skipped. With
//! `REQUIRE_CUDA=1` they fail.
#![cfg(feature = "cuda")]

use gpu_kernels::cuda::{self, Cuda};
use gpu_kernels::device::DeviceError;
use gpu_kernels::{KernelBackend, Options};
use testkit::conformance::check_device;

/// The card. If it cannot be opened, reports the reason and returns `None`.
fn card(options: &Options) -> Option<Cuda> {
    match Cuda::open(0, options.queue_bytes) {
        Ok(card) => Some(card),
        Err(error) => {
            assert!(std::env::var_os("REQUIRE_CUDA").is_none(), "REQUIRE_CUDA is set: {error}");
            testkit::skipped(error);
            None
        }
    }
}

#[test]
fn kernels_on_a_card_conform() {
    for options in [
        Options::default(),
        Options { queues: 1, batch_blocks: 2, teams: 2, threads: 1024, grid: 2, ..Options::default() },
        Options { batch_blocks: 1, threads: 32, grid: 1, ..Options::default() },
    ] {
        let Some(card) = card(&options) else { return };
        eprintln!("{}", card.description());
        check_device(&KernelBackend::new(&card, &options).expect("good options"));
    }
}

#[test]
fn a_card_passes_the_self_test() {
    if card(&Options::default()).is_some() {
        cuda::backend(&Options::default()).expect("the stored words");
    }
}

/// If there is no driver or no card, or the library is not a driver, opening returns an error.
#[test]
fn a_missing_card_is_an_error() {
    let result = Cuda::open(10_000, 1 << 20);
    let expected =
        [DeviceError::NoDriver, DeviceError::UnusableDriver, DeviceError::NoDevice { ordinal: 10_000 }];
    let error = result.expect_err("no machine has so many cards").to_string();
    assert!(expected.iter().any(|expected| expected.to_string() == error), "{error}");
}
