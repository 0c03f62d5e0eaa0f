//! `blindsum registrar`.

use std::{fs, path::PathBuf};

use clap::Subcommand;
use names::{PublicKey, Subject};
use protocol::{Canonical, Credential};
use serde_json::json;

use crate::{
    error::{CommandError, Result},
    key_file,
    output::Output,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Registrar {
    /// Sign a participant's credential.
    Sign(SignArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct SignArgs {
    /// The registrar's key, made by `blindsum keygen`.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The participant's name: 1 to 64 of letters, digits, `.`, `_`, `-`.
    #[arg(long)]
    subject: String,
    /// The participant's public key.
    #[arg(long, value_name = "HEX")]
    client_key: PublicKey,
    /// The epoch in which the credential counts.
    #[arg(long)]
    epoch: u32,
    /// Where to write the credential; the standard output if absent.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(registrar: Registrar, output: &Output) -> Result<()> {
    let Registrar::Sign(SignArgs { key, subject, client_key, epoch, out }) = registrar;
    let rule = "has 1 to 64 letters, digits, dots, underscores and hyphens";
    let subject =
        Subject::new(&subject).map_err(|_| CommandError::Argument { argument: "--subject", rule })?;
    let key = key_file::read_key(&key)?;
    let credential = Credential::issue(&key, subject, client_key, epoch);
    let text = hex::encode(credential.to_bytes());
    if let Some(path) = out {
        fs::write(&path, format!("{text}\n")).map_err(CommandError::file(&path))?;
    }
    output.answer(
        &text,
        &json!({ "subject": credential.subject.as_str(), "epoch": epoch, "credential": text }),
    );
    Ok(())
}
