//! Compares the kernels' arithmetic mod q with wide integers, at the ends of every range that its
//! comments name.

use emulator::{Emulator, Schedule};
use gpu_kernels::arguments::Argument;
use gpu_kernels::device::{Device, Queue};
use gpu_kernels::kernels::Shape;
use lattice::MODULUS;

/// Words that each thread writes.
const RESULTS: usize = 12;

/// 0, 1, and both sides of every power of two, of q, of 2⁶⁴ − q and of their differences.
fn edges() -> Vec<u64> {
    let powers = (0..64).map(|bit| 1_u64 << bit);
    let centres = powers.chain([0, MODULUS, MODULUS / 2, MODULUS.wrapping_neg(), MODULUS << 1, u64::MAX]);
    let mut edges: Vec<u64> =
        centres.flat_map(|centre| [centre.wrapping_sub(1), centre, centre.wrapping_add(1)]).collect();
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// The results for each pair.
fn run(a: &[u64], b: &[u64]) -> Vec<u64> {
    let mut queue = Emulator::new(Schedule::Increasing).queue().expect("an emulated queue");
    let bytes = |words: &[u64]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let a_buffer = queue.upload(&[&bytes(a)]).expect("memory");
    let b_buffer = queue.upload(&[&bytes(b)]).expect("memory");
    let out = queue.zeroed(RESULTS * a.len()).expect("memory");
    let shape = Shape { grid: a.len() as u32 / 256, block: [256, 1], shared_words: 0 };
    let arguments = [Argument::Buffer(&a_buffer), Argument::Buffer(&b_buffer), Argument::Buffer(&out)];
    // SAFETY: (const u64* a, const u64* b, u64* out) with a word, a word and RESULTS words for each
    // thread.
    let launched = unsafe { emulator::run("test_arithmetic", shape, Schedule::Increasing, &arguments) };
    launched.expect("a good kernel");
    let download = queue.download(&out).expect("memory");
    queue.downloaded(&download).to_vec()
}

/// 2^exponent mod q.
fn power_of_two(exponent: u64) -> i128 {
    (0..exponent).fold(1, |power, _| power * 2 % i128::from(MODULUS))
}

#[test]
fn every_function_is_right_at_the_ends_of_its_range() {
    let edges = edges();
    let pairs = edges.iter().flat_map(|&a| edges.iter().map(move |&b| (a, b)));
    let (mut a, mut b): (Vec<u64>, Vec<u64>) = pairs.unzip();
    let threads = a.len().next_multiple_of(256);
    a.resize(threads, 0);
    b.resize(threads, 0);
    let q = i128::from(MODULUS);
    let residue = |number: i128| number.rem_euclid(q);
    let times = |x: i128, y: i128| (residue(x) as u128 * residue(y) as u128 % q as u128) as i128;
    for ((results, &a), &b) in run(&a, &b).as_chunks::<RESULTS>().0.iter().zip(&a).zip(&b) {
        let of = format!("{a:#x} and {b:#x}");
        let (x, y) = (i128::from(a), i128::from(b));
        let lazy = |word: usize| residue(i128::from(results[word]));
        let wide = |word: usize| (u128::from(results[word + 1]) << 64 | u128::from(results[word])) as i128;
        let both = u128::from(b) << 64 | u128::from(a);

        assert_eq!(i128::from(results[0]), residue(x), "canonical of {of}");
        let product = times(x, y);
        assert_eq!(lazy(1), product, "multiply of {of}");
        assert_eq!(lazy(2), residue(x + times(y, 1 << 64)), "reduce_wide of {of}");
        assert_eq!(lazy(3), residue(x + y), "add_lazy of {of}");
        assert_eq!(lazy(4), residue(x - y), "subtract_lazy of {of}");

        assert_eq!(residue(wide(5)), product, "multiply_wide of {of}");
        assert!((-(1 << 32) + 1..1 << 96).contains(&wide(5)), "the range of multiply_wide of {of}");
        let exponent = (a ^ b) % 95 + 1;
        let shifted = times(both as i128 >> 23, power_of_two(exponent));
        assert_eq!(residue(wide(7)), shifted, "multiply_by_power of {of}");
        let slack = 1_i128 << (exponent + 8);
        assert!((-slack + 1..(1 << 96) + slack).contains(&wide(7)), "the range of multiply_by_power of {of}");
        assert_eq!(lazy(9), residue((both | 1 << 127) as i128), "narrow of {of}, negative");
        assert_eq!(lazy(10), residue((both & ((1 << 96) - 1)) as i128), "narrow of {of}, not negative");

        let half = |word: u64| i128::from(word as i64 >> 25);
        assert_eq!(i128::from(results[11]), residue(half(a) + (half(b) << 32)), "join_halves of {of}");
    }
}
