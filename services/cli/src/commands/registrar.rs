//! `blindsum registrar`: sign credentials.

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
    /// Sign the credential of a participant. It works offline.
    ///
    /// A credential binds a subject to a public key for one epoch. Give it to the participant,
    /// which enrols with it.
    Sign(SignArgs),
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
    /// File for the credential, in addition to the standard output.
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
