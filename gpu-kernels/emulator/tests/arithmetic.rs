//! The kernels' arithmetic mod q, at the ends of every range that its comments name, against the definition in wide integers.

use emulator::{Emulator, Schedule};
use gpu_kernels::device::{Argument, Device, Queue, Shape};
use lattice::MODULUS;

/// Words that each thread writes.
const RESULTS: usize = 7;

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

/// The seven results for each pair.
fn run(a: &[u64], b: &[u64]) -> Vec<u64> {
    let mut queue = Emulator::new(Schedule::Increasing).queue().expect("an emulated queue");
    let bytes = |words: &[u64]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let a_buffer = queue.upload(&[&bytes(a)]).expect("memory");
    let b_buffer = queue.upload(&[&bytes(b)]).expect("memory");
    let out = queue.zeroed(RESULTS * a.len()).expect("memory");
    let shape = Shape { grid: a.len() as u32 / 256, block: [256, 1], shared_words: 0 };
    let arguments = [Argument::Buffer(&a_buffer), Argument::Buffer(&b_buffer), Argument::Buffer(&out)];
    // SAFETY: (const u64* a, const u64* b, u64* out) with a word, a word and seven words for each thread.
    let launched = unsafe { emulator::run("test_arithmetic", shape, Schedule::Increasing, &arguments) };
    launched.expect("a good kernel");
    let download = queue.download(&out).expect("memory");
    queue.downloaded(&download).to_vec()
}

/// 2^exponent mod q.
fn power_of_two(exponent: u64) -> u128 {
    (0..exponent).fold(1, |power, _| power * 2 % u128::from(MODULUS))
}

#[test]
fn every_function_is_right_at_the_ends_of_its_range() {
    let edges = edges();
    let pairs = edges.iter().flat_map(|&a| edges.iter().map(move |&b| (a, b)));
    let (mut a, mut b): (Vec<u64>, Vec<u64>) = pairs.unzip();
    let threads = a.len().next_multiple_of(256);
    a.resize(threads, 0);
    b.resize(threads, 0);
    let q = u128::from(MODULUS);
    for ((results, &a), &b) in run(&a, &b).as_chunks::<RESULTS>().0.iter().zip(&a).zip(&b) {
        let (x, y) = (u128::from(a), u128::from(b));
        let signed = |word: u64| i128::from(word as i64 >> 25);
        let joined = (signed(a) + (signed(b) << 32)).rem_euclid(q as i128) as u128;
        assert_eq!(u128::from(results[0]), x % q, "canonical({a:#x})");
        assert_eq!(u128::from(results[1]) % q, (x + y) % q, "add_lazy({a:#x}, {b:#x})");
        assert_eq!(u128::from(results[2]) % q, (x + q - y % q) % q, "subtract_lazy({a:#x}, {b:#x})");
        assert_eq!(u128::from(results[3]) % q, x * y % q, "multiply({a:#x}, {b:#x})");
        let wide = (x + (y % q) * (u128::from(u64::MAX) + 1 - q)) % q;
        assert_eq!(u128::from(results[4]) % q, wide, "reduce_wide({a:#x}, {b:#x})");
        let shifted = (x % q) * power_of_two(b % 95 + 1) % q;
        assert_eq!(u128::from(results[5]) % q, shifted, "multiply_by_power({a:#x}, {})", b % 95 + 1);
        assert_eq!(u128::from(results[6]), joined, "join_halves of {a:#x}, {b:#x}");
    }
}
