//! The arguments of the demo.

use std::path::PathBuf;

use api::rounds::ProofDemand;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Number of clients.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(20..=1000))]
    pub(super) clients: u16,
    /// Number of rounds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(3..=100))]
    pub(super) rounds: u16,
    /// Proof that every contribution must carry. Without one, an update a hundred times too long
    /// enters each sum.
    #[arg(long, value_enum, default_value_t = ProofArg::NormV2)]
    pub(super) proof: ProofArg,
    /// Seed of the data split, the training and the roles of clients. Keys and masks are never
    /// seeded.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u32,
    /// Folder for databases, objects, logs and keys. Default: a temporary one.
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
    /// Keep the folder and the running database cluster, to look at the record.
    #[arg(long)]
    pub(super) keep: bool,
    /// Write the audit bundle of each round to DIR/round-1, DIR/round-2, and so on.
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
}

/// The proof that the rounds of the demo demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ProofArg {
    /// No proof.
    None,
    /// A zero-knowledge proof that the update is within the norm bound.
    NormV2,
}

impl From<ProofArg> for ProofDemand {
    fn from(proof: ProofArg) -> Self {
        match proof {
            ProofArg::None => Self::None,
            ProofArg::NormV2 => Self::NormV2,
        }
    }
}
