//! The kernels on the emulator pass the checks that every backend must pass, however their threads
//! are arranged.

use emulator::{Emulator, Schedule};
use gpu_kernels::{KernelBackend, Options, self_test};
use lattice::{CpuBackend, RING_DEGREE, TransformBackend};
use testkit::conformance::check_device;
use testkit::seeded;

fn check(schedule: Schedule, options: Options) {
    let backend = KernelBackend::new(&Emulator::new(schedule), &options).expect("good options");
    self_test::check(&backend).expect("the stored words");
    check_device(&backend);
}

/// Several batches, several queues, and blocks of threads that do more than one polynomial.
fn small() -> Options {
    Options { queues: 2, queue_bytes: 4 << 20, batch_blocks: 2, teams: 1, threads: 256, grid: 1 }
}

#[test]
fn threads_in_increasing_order_conform() {
    let options =
        Options { queues: 1, queue_bytes: 64 << 20, batch_blocks: 256, threads: 64, grid: 4, ..small() };
    check(Schedule::Increasing, options);
}

#[test]
fn threads_in_alternating_order_and_two_teams_a_block_conform() {
    check(Schedule::Alternating, Options { teams: 2, threads: 1024, grid: 2, batch_blocks: 3, ..small() });
}

#[test]
fn threads_in_any_order_and_small_blocks_conform() {
    check(Schedule::Shuffled { seed: 1 }, Options { threads: 32, grid: 3, ..small() });
}

/// Enough blocks for two queues in one batch each, and one more.
#[test]
fn an_operation_that_is_halved_over_two_queues_does_each_block_once() {
    let options = Options { batch_blocks: 256, queue_bytes: 64 << 20, ..small() };
    let forward = |device, values: &mut [u64]| {
        KernelBackend::new(&device, &options).expect("good options").forward(values)
    };
    let values = seeded::elements(1, 129 * RING_DEGREE);
    let (mut found, mut expected) = (values.clone(), values);
    forward(Emulator::failing_after(2), &mut found).expect("two launches suffice");
    CpuBackend::new().forward(&mut expected).expect("whole blocks");
    assert_eq!(found, expected);
    forward(Emulator::failing_after(1), &mut found).expect_err("one launch does not");
}
