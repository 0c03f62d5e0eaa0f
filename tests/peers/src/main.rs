//! Compares a verified contribution of bounded ℓ₂ norm here and with Prio3 (crate `prio`,
//! `FixedPointBoundedL2VecSum`). Measures the processor time of the client and of the servers, and
//! the bytes of the upload. Everything runs in one process, on one thread.
//!
//! ```sh
//! cargo run --release --manifest-path tests/peers/Cargo.toml -- \
//!     --dimension 10000 --dimension 100000 --dimension 1000000
//! ```

mod blindsum;
mod prio3;

use clap::Parser;
use cpu_time::ThreadTime;

/// Measures the cost of one contribution, here and with Prio3 with an ℓ₂ bound.
#[derive(Debug, Parser)]
struct Args {
    /// Number of coordinates. May be given several times.
    #[arg(long, default_values_t = [10_000, 100_000, 1_000_000])]
    dimension: Vec<usize>,
    /// Number of repetitions with this product.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Number of repetitions with Prio3, which takes longer.
    #[arg(long, default_value_t = 1)]
    peer_runs: usize,
}

/// The cost of one contribution: processor time of client and servers, and bytes.
#[derive(Clone, Copy, Debug)]
struct Cost {
    client_ms: f64,
    servers_ms: f64,
    bytes: usize,
}

/// Runs `work` and returns the processor time of this thread in milliseconds.
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = ThreadTime::now();
    let result = work();
    (result, start.elapsed().as_secs_f64() * 1000.0)
}

/// The median and the range of the values.
fn spread(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    let (first, last) = (values[0], values[values.len() - 1]);
    format!("{:9.1} ({first:.1} to {last:.1})", values[values.len() / 2])
}

fn median(costs: &[Cost], of: impl Fn(&Cost) -> f64) -> f64 {
    let mut values: Vec<_> = costs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let args = Args::parse();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().expect("one thread");
    pool.install(|| {
        for &dimension in &args.dimension {
            let ours: Vec<_> = (0..args.runs).map(|_| blindsum::contribute(dimension)).collect();
            let peer: Vec<_> = (0..args.peer_runs).map(|_| prio3::contribute(dimension)).collect();
            println!("d = {dimension}, one thread, processor time in milliseconds: median (least to most)");
            for (name, costs) in [("blindsum", &ours), ("prio3", &peer)] {
                let client = spread(costs.iter().map(|cost| cost.client_ms).collect());
                let servers = spread(costs.iter().map(|cost| cost.servers_ms).collect());
                println!("  {name:9} client {client}  servers {servers}  bytes {}", costs[0].bytes);
            }
            let ratio = |of: fn(&Cost) -> f64| median(&peer, of) / median(&ours, of);
            println!(
                "  ratio     client {:.1}  servers {:.1}  bytes {:.1}; here {:.0} and {:.0} ns a coordinate",
                ratio(|cost| cost.client_ms),
                ratio(|cost| cost.servers_ms),
                ratio(|cost| cost.bytes as f64),
                1e6 * median(&ours, |cost| cost.client_ms) / dimension as f64,
                1e6 * median(&ours, |cost| cost.servers_ms) / dimension as f64,
            );
        }
    });
}
