//! `blindsum bench`: the cost of one contribution by phase, in memory and without the network.

mod phases;
mod statistics;

use norm_proof::PROOF_BYTES;
use serde_json::{Map, Value, json};
use sharing::SealedSeed;

use self::{phases::Contribution, statistics::Spread};
use crate::{
    error::{CommandError, Result},
    output::Output,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Coordinates of the update. The time grows in proportion.
    #[arg(long, default_value_t = 1 << 20, value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    dimension: u64,
    /// Threads that share the work of each phase.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    threads: u16,
    /// Measured repetitions. One more runs before them and is not counted.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Capacity of the round. It decides how many bytes a coordinate takes.
    #[arg(long, default_value_t = 4096, value_parser = clap::value_parser!(u32).range(2..=1 << 20))]
    contributions: u32,
}

pub(crate) fn run(args: Args, output: &Output) -> Result<()> {
    let Args { dimension, threads, runs, contributions } = args;
    let rule = "cannot be started";
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.into())
        .build()
        .map_err(|_| CommandError::Argument { argument: "--threads", rule })?;
    let contribution = Contribution::new(dimension, contributions)?;
    let bar = output.bar(u64::from(runs) + 1, "measuring");
    let samples = pool.install(|| {
        let measured = (0..=runs).map(|_| contribution.measure().inspect(|_| bar.inc(1)));
        measured.collect::<Result<Vec<_>>>()
    })?;
    bar.finish_and_clear();
    let phases = samples[0].iter().enumerate().map(|(phase, (name, _))| {
        let times = samples[1..].iter().map(|sample| sample[phase].1);
        (*name, Spread::of(times.collect()))
    });
    report(&contribution, &phases.collect::<Vec<_>>(), threads, runs, output);
    Ok(())
}

fn report(contribution: &Contribution, phases: &[(&str, Spread)], threads: u16, runs: u16, output: &Output) {
    let constants = contribution.constants();
    let bytes = constants.body_bytes() as f64 / constants.dimension as f64;
    let mut lines = vec![
        format!(
            "One contribution of {} coordinates, {} thread(s), median of {} runs (least to most), milliseconds",
            constants.dimension, threads, runs
        ),
        String::new(),
    ];
    lines.extend(phases.iter().map(|(name, spread)| {
        format!("{name:24} {:>10.2}   ({:.2} to {:.2})", spread.median, spread.least, spread.most)
    }));
    lines.push(format!("{:24} {bytes:>10.3}", "bytes_per_coordinate"));
    lines.push(format!("{:24} {PROOF_BYTES:>10}", "proof_bytes"));
    lines.push(format!("{:24} {:>10}", "sealed_bytes", SealedSeed::BYTES));

    let mut value: Map<String, Value> =
        phases.iter().map(|(name, spread)| ((*name).to_owned(), spread.median.into())).collect();
    let spreads: Map<String, Value> = phases
        .iter()
        .map(|(name, spread)| ((*name).to_owned(), json!([spread.least, spread.most])))
        .collect();
    value.insert("dimension".to_owned(), constants.dimension.into());
    value.insert("threads".to_owned(), threads.into());
    value.insert("runs".to_owned(), runs.into());
    value.insert("max_contributions".to_owned(), constants.max_contributions.into());
    value.insert("bytes_per_coordinate".to_owned(), bytes.into());
    value.insert("proof_bytes".to_owned(), PROOF_BYTES.into());
    value.insert("sealed_bytes".to_owned(), SealedSeed::BYTES.into());
    value.insert("spread".to_owned(), spreads.into());
    output.answer(lines.join("\n"), &value);
}
