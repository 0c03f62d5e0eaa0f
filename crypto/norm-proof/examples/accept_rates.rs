//! Prints how often one try of a cheater passes the projection: 4000 tries for each shape and
//! length of φ, each with rows of its own. The lengths are multiples of B_φ.
//!
//! ```sh
//! cargo run --release -p norm-proof --example accept_rates
//! ```

#![expect(clippy::print_stdout, reason = "this program prints a table")]

use lattice::{CpuBackend, MaskingBackend, ProjectionRows, RING_DEGREE, Width};
use norm_proof::Parameters;
use rand::{Rng, SeedableRng, rngs::StdRng};

const TRIES: u32 = 4000;
const BOUND: u64 = 1 << 49;
const LENGTHS: [f64; 16] =
    [1.0, 1.1, 1.15, 1.2, 1.25, 1.31, 1.35, 1.4, 1.45, 1.5, 1.55, 1.61, 1.7, 1.86, 2.42, 2.71];

fn main() {
    let rng = &mut StdRng::seed_from_u64(1);
    let width = Width::from_transport_bits(20).expect("a width");
    let limit = Parameters::new(1, width, BOUND, 2).expect("a round").projected_bound();
    let shapes = shapes(rng);
    let names: Vec<_> = shapes.iter().map(|(name, _)| *name).collect();
    println!("| length of φ / B_φ | {} |", names.join(" | "));
    println!("|--:|{}", "--:|".repeat(names.len()));
    for length in LENGTHS {
        let rates = shapes.iter().map(|(_, shape)| {
            let norm = shape.iter().map(|v| v * v).sum::<f64>().sqrt();
            let phi: Vec<i64> =
                shape.iter().map(|v| (v / norm * length * BOUND as f64).round() as i64).collect();
            let passed = (0..TRIES).filter(|_| squared_projection(&phi, rng) <= limit).count();
            format!("{:.5}", passed as f64 / f64::from(TRIES))
        });
        println!("| {length} | {} |", rates.collect::<Vec<_>>().join(" | "));
    }
}

/// Directions of φ, by name, in one block.
fn shapes(rng: &mut StdRng) -> Vec<(&'static str, Vec<f64>)> {
    let mut dense = || (0..12).map(|_| rng.r#gen::<f64>()).sum::<f64>() - 6.0;
    let sparse = |entries: usize| (0..RING_DEGREE).map(|k| f64::from(u8::from(k < entries))).collect();
    let gaussian: Vec<f64> = (0..RING_DEGREE).map(|_| dense()).collect();
    // One coordinate has all but a two thousandth of the squared length.
    let rest = (1.0 / (2000.0 * RING_DEGREE as f64)).sqrt();
    let mostly_one = gaussian.iter().enumerate().map(|(k, v)| if k == 0 { 1.0 } else { v * rest });
    vec![
        ("one coordinate and a spread of 1/2000", mostly_one.collect()),
        ("dense", gaussian),
        ("one coordinate", sparse(1)),
        ("two", sparse(2)),
        ("four", sparse(4)),
    ]
}

/// ‖Rφ‖² for rows R that are drawn for this try.
fn squared_projection(phi: &[i64], rng: &mut StdRng) -> u128 {
    let rows = ProjectionRows::new(rng.r#gen::<[u8; 32]>().into());
    let mut sums = [0; ProjectionRows::COUNT];
    CpuBackend::new().project(&rows, 0, phi, &mut sums).expect("one block");
    sums.iter().map(|w: &i64| u128::from(w.unsigned_abs()).pow(2)).sum()
}
