//! Arguments that many commands share: the aggregator, the identity, and the keys to trust.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use clap::Args;
use client::{Client, ClientConfig, Floors, Operator, OperatorConfig, Participant};
use protocol::Pins;
use zeroize::Zeroizing;

use crate::{
    error::{CommandError, Result},
    key_file,
    output::Output,
    pins_file,
};

/// The address of the aggregator.
#[derive(Debug, Args)]
pub(crate) struct AggregatorArgs {
    /// URL of the aggregator: https, or http on this machine.
    #[arg(long, env = "BLINDSUM_AGGREGATOR", value_name = "URL")]
    pub(crate) aggregator: String,
    /// File with a certificate authority, in PEM, to trust in addition to those of the system.
    #[arg(long, env = "BLINDSUM_CA", value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}

impl AggregatorArgs {
    /// Connects without an identity, with an empty folder for the state.
    pub(crate) fn observe(&self, pins: Pins, state: &Path, output: &Output) -> Result<Client> {
        Ok(Client::new(self.config(pins, state, output)?)?)
    }

    fn config(&self, pins: Pins, state: &Path, output: &Output) -> Result<ClientConfig> {
        Ok(ClientConfig {
            extra_root_ca: self.extra_root_ca()?,
            on_retry: output.on_retry(),
            ..ClientConfig::new(&self.aggregator, pins, state)
        })
    }

    fn extra_root_ca(&self) -> Result<Option<Vec<u8>>> {
        self.ca.as_ref().map(|path| fs::read(path).map_err(CommandError::file(path))).transpose()
    }
}

/// The connection of a participant, or of anyone who only reads.
#[derive(Debug, Args)]
pub(crate) struct ClientArgs {
    #[command(flatten)]
    aggregator: AggregatorArgs,
    /// TOML file with the public keys to trust: `aggregator`, `combiners` and `registrar`.
    #[arg(long, env = "BLINDSUM_PINS", value_name = "FILE")]
    pins: PathBuf,
    /// Folder for unfinished uploads, receipts and the list of updates that were sent. Do not lose
    /// it.
    ///
    /// It is created when there is something to store. Default: $XDG_STATE_HOME/blindsum, or
    /// ~/.local/state/blindsum.
    #[arg(long, env = "BLINDSUM_STATE", value_name = "DIR")]
    state: Option<PathBuf>,
    /// Threads for masking. 0 means one for each core.
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

impl ClientArgs {
    /// Connects to read. No round is refused for what it promises.
    pub(crate) fn connect(&self, output: &Output) -> Result<Client> {
        self.connect_with(Floors::NONE, Vec::new(), output)
    }

    /// Connects to contribute to rounds that keep to these floors, and to hand receipts to these
    /// combiners.
    pub(crate) fn connect_with(
        &self,
        floors: Floors,
        combiner_urls: Vec<String>,
        output: &Output,
    ) -> Result<Client> {
        let pins = pins_file::read(&self.pins)?;
        let state = self.state.clone().or_else(|| default_state(|name| env::var_os(name).map(PathBuf::from)));
        let rule = "is needed: neither XDG_STATE_HOME nor HOME is set";
        let state = state.ok_or(CommandError::Argument { argument: "--state", rule })?;
        let config = self.aggregator.config(pins, &state, output)?;
        Ok(Client::new(ClientConfig { threads: self.threads, floors, combiner_urls, ..config })?)
    }
}

/// The default state folder, by the XDG base directory specification. It does not depend on the
/// working directory, so a participant always finds its state.
fn default_state(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |name| variable(name).filter(|path| path.is_absolute());
    let parent =
        absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
    parent.map(|parent| parent.join("blindsum"))
}

/// The connection of the operator.
#[derive(Debug, Args)]
pub(crate) struct OperatorArgs {
    #[command(flatten)]
    aggregator: AggregatorArgs,
    /// File with the admin token. Without it, BLINDSUM_TOKEN must hold the token itself.
    #[arg(long, env = "BLINDSUM_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl OperatorArgs {
    pub(crate) fn connect(&self, output: &Output) -> Result<Operator> {
        let config = OperatorConfig {
            extra_root_ca: self.aggregator.extra_root_ca()?,
            on_retry: output.on_retry(),
            ..OperatorConfig::new(&self.aggregator.aggregator, self.token()?)
        };
        Ok(Operator::new(config)?)
    }

    fn token(&self) -> Result<Zeroizing<String>> {
        let text = match &self.token_file {
            Some(path) => fs::read_to_string(path).map_err(CommandError::file(path))?,
            None => env::var("BLINDSUM_TOKEN").map_err(|_| CommandError::Argument {
                argument: "--token-file",
                rule: "is needed, or the token in BLINDSUM_TOKEN",
            })?,
        };
        let text = Zeroizing::new(text);
        Ok(Zeroizing::new(text.trim().to_owned()))
    }
}

/// The identity of the participant.
#[derive(Debug, Args)]
pub(crate) struct ParticipantArgs {
    /// File with the identity key, made by `blindsum keygen`.
    #[arg(long, env = "BLINDSUM_IDENTITY", value_name = "FILE")]
    identity: PathBuf,
    /// File with the credential, signed by `blindsum registrar sign`.
    #[arg(long, env = "BLINDSUM_CREDENTIAL", value_name = "FILE")]
    credential: PathBuf,
}

impl ParticipantArgs {
    pub(crate) fn read(&self) -> Result<Participant> {
        let identity = key_file::read_key(&self.identity)?;
        let credential = key_file::read_credential(&self.credential)?;
        if credential.client_key == identity.public() {
            Ok(Participant { identity, credential })
        } else {
            Err(CommandError::input(&self.credential, "is for another key than that of --identity"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_is_kept_in_one_place_wherever_a_command_is_run() {
        let state = |xdg: Option<&str>, home: Option<&str>| {
            default_state(|name| if name == "HOME" { home } else { xdg }.map(PathBuf::from))
        };
        assert_eq!(state(Some("/s"), Some("/h")), Some("/s/blindsum".into()));
        assert_eq!(state(None, Some("/h")), Some("/h/.local/state/blindsum".into()));
        assert_eq!(
            state(Some("s"), Some("/h")),
            Some("/h/.local/state/blindsum".into()),
            "not a relative one"
        );
        assert_eq!(state(Some(""), None), None);
    }
}
