//! The processor repeats the work that a failing device has not done, and nothing is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use emulator::{Emulator, Schedule};
use gpu_kernels::{Fallback, KernelBackend, Options, self_test};
use lattice::{Backend, BackendError, RING_DEGREE, SummingBackend, TransformBackend, Width};
use testkit::conformance::check_device;
use testkit::seeded;

fn options() -> Options {
    Options { queue_bytes: 4 << 20, batch_blocks: 2, grid: 2, ..Options::default() }
}

/// A backend on `device`, and how often it has reported a failure.
fn backend(device: &Emulator) -> (Fallback<Emulator>, Arc<AtomicUsize>) {
    let failures = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&failures);
    let kernels = KernelBackend::new(device, &options()).expect("good options");
    let report = move |error: &BackendError, retired: bool| {
        assert!(matches!(error, BackendError::Device { backend: "emulator", .. }), "{error}");
        assert_eq!(retired, counted.fetch_add(1, Ordering::Relaxed) == 2, "the third failure retires it");
    };
    (Fallback::new(kernels, report), failures)
}

/// A device that fails at the start, in the middle of an operation in place, and in the middle of
/// everything.
#[test]
fn every_operation_survives_a_failing_device() {
    for launches in [0, 1, 4, 30] {
        let (backend, failures) = backend(&Emulator::failing_after(launches));
        check_device(&backend);
        self_test::check(&backend).expect("the stored words");
        assert_eq!(failures.load(Ordering::Relaxed), 3, "after three failures the device is left alone");
        assert!(backend.is_retired());
        assert_eq!(backend.name(), "cpu");
    }
}

#[test]
fn refusals_are_no_failures() {
    let (backend, failures) = backend(&Emulator::new(Schedule::Increasing));
    let width = Width::from_transport_bits(20).expect("1 to 32 bits");
    let beyond = vec![0xff; width.bytes(RING_DEGREE)];
    for _ in 0..4 {
        let result = backend.add_packed(&mut vec![0; RING_DEGREE], width, &[&beyond]);
        assert!(matches!(result, Err(BackendError::NonCanonical { body: 0 })));
    }
    assert_eq!(failures.load(Ordering::Relaxed), 0);
    assert_eq!(backend.name(), "emulator");
}

/// The second batch fails after the first has been transformed in place.
#[test]
fn blocks_that_were_already_transformed_are_not_transformed_twice() {
    let values = seeded::elements(1, 3 * RING_DEGREE);
    let mut expected = values.clone();
    lattice::CpuBackend::new().forward(&mut expected).expect("whole blocks");
    let (backend, failures) = backend(&Emulator::failing_after(1));
    let mut found = values;
    backend.forward(&mut found).expect("done on the processor");
    assert_eq!(found, expected);
    assert_eq!(failures.load(Ordering::Relaxed), 1);
}
