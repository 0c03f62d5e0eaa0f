//! `blindsum keygen`: make an identity key.

use std::path::PathBuf;

use protocol::IdentityKey;
use rand::rngs::OsRng;
use serde_json::json;

use crate::{error::Result, key_file, output::Output};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// File for the secret key. An existing file is never overwritten.
    #[arg(long, value_name = "FILE", default_value = "identity.key")]
    out: PathBuf,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<()> {
    let key = IdentityKey::generate(&mut OsRng);
    key_file::write_key(&args.out, &key)?;
    let public_key = key.public().to_string();
    output.note(format_args!("The secret key is in {}. This is the public key:", args.out.display()));
    output.answer(&public_key, &json!({ "public_key": public_key, "file": args.out }));
    Ok(())
}
