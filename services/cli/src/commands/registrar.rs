//! `blindsum registrar`: sign credentials.

use std::{fs, path::PathBuf};

use clap::Subcommand;
use names::{PublicKey, Subject};
use protocol::{Canonical, Credential, EpochStatement, Signed};
use serde_json::json;

use crate::{
    error::{CommandError, Result},
    key_file,
    output::Output,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Registrar {
    /// Sign the credential of a participant. It works offline.
    ///
    /// A credential binds a subject to a public key for one epoch. Give it to the participant,
    /// which enrols with it.
    Sign(SignArgs),
    /// Sign a statement that credentials of earlier epochs count no more. It works offline.
    ///
    /// Give it to the operators of combiners, who put it into their configuration. Without it a
    /// combiner learns of an epoch from the first credential of that epoch that it attests.
    Epoch(EpochArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct EpochArgs {
    /// File with the identity key of the registrar, made by `blindsum keygen`.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Lowest epoch whose credentials still count.
    #[arg(long)]
    lowest: u32,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SignArgs {
    /// File with the identity key of the registrar, made by `blindsum keygen`.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Subject: the name of the participant, 1 to 64 of letters, digits, `.`, `_`, `-`.
    #[arg(long)]
    subject: String,
    /// Public key of the participant, as `blindsum keygen` printed it.
    #[arg(long, value_name = "HEX")]
    client_key: PublicKey,
    /// Epoch in which the credential counts. A round counts the credentials of one epoch.
    #[arg(long)]
    epoch: u32,
    /// Largest weight that the participant may give a contribution, such as the number of its
    /// samples. 1 to 1048576.
    #[arg(long, default_value_t = Credential::MAX_WEIGHT,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(Credential::MAX_WEIGHT)))]
    max_weight: u32,
    /// Group of the participant: a name that several subjects share if they belong together.
    #[arg(long)]
    group: Option<String>,
    /// File for the credential, in addition to the standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(registrar: Registrar, output: &Output) -> Result<()> {
    match registrar {
        Registrar::Sign(args) => sign(args, output),
        Registrar::Epoch(EpochArgs { key, lowest }) => {
            let statement = EpochStatement::issue(&key_file::read_key(&key)?, lowest);
            let text = hex::encode(statement.to_bytes());
            output.answer(&text, &json!({ "lowest_epoch": lowest, "epoch_statement": text }));
            Ok(())
        }
    }
}

fn sign(args: SignArgs, output: &Output) -> Result<()> {
    let SignArgs { key, subject, client_key, epoch, max_weight, group, out } = args;
    let subject = subject_of("--subject", &subject)?;
    let group = group.map(|group| subject_of("--group", &group)).transpose()?;
    let key = key_file::read_key(&key)?;
    let unsigned = Credential::unsigned(subject, client_key, epoch);
    let credential = Credential { group, max_weight, ..unsigned }.sign(&key);
    let text = hex::encode(credential.to_bytes());
    if let Some(path) = out {
        fs::write(&path, format!("{text}\n")).map_err(CommandError::file(&path))?;
    }
    output.answer(
        &text,
        &json!({
            "subject": credential.subject.as_str(),
            "group": credential.group.as_ref().map(Subject::as_str),
            "epoch": epoch,
            "max_weight": max_weight,
            "credential": text,
        }),
    );
    Ok(())
}

fn subject_of(argument: &'static str, text: &str) -> Result<Subject> {
    let rule = "has 1 to 64 letters, digits, dots, underscores and hyphens";
    Subject::new(text).map_err(|_| CommandError::Argument { argument, rule })
}
