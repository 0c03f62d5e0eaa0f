//! `blindsum local`: both services on this machine, for a notebook or a test.

use std::{
    fs,
    os::unix::process::parent_id,
    path::{Path, PathBuf},
    time::Duration,
};

use client::{Client, ClientConfig, Participant};
use local::{ServiceFolder, databases, parties::EPOCH};
use names::{PublicKey, Subject};
use protocol::{Canonical, Pins};
use serde_json::{Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    error::{CommandError, Result},
    installation::{Installation, Options},
    key_file::write_key,
    output::Output,
};

/// How often to check that the parent process is still there.
const PARENT_POLL: Duration = Duration::from_millis(200);

const EXAMPLE: &str = r#"The object has these keys:

  aggregator, combiners  url, identity_key, database_url, log and process_id of each service
  pins, pins_file        the keys that participants trust, and a file with them for --pins
  admin_token(_file)     the operator's token
  registrar              key_file, identity_key and credential_epoch, to sign more credentials
  participants           subject, client_key, identity_file, credential_file and state of each
  databases              URLs: administrator, aggregator_owner, auditor, payer
  environment            variables with which other commands find all this. Each participant has
                         an environment too, with its key, credential and state
  folder                 the folder that holds all files

In Python:

  import json, os, subprocess
  pair = subprocess.Popen(["blindsum", "local"], stdout=subprocess.PIPE)
  info = json.loads(pair.stdout.readline())
  env = {**os.environ, **info["environment"], **info["participants"][0]["environment"]}
  subprocess.run(["blindsum", "round", "list"], env=env, check=True)
  pair.terminate()
  pair.wait()

Only this machine can reach the services. Use the keys for nothing else: they lie in plain files."#;

#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLE)]
pub(crate) struct Args {
    /// Number of participants to enrol: participant-001, participant-002, and so on.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(0..=1000))]
    participants: u16,
    /// Port of the aggregator. 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Port of the combiner. 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    combiner_port: u16,
    /// Smallest cohort for which the combiner countersigns a round.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(2..=4096))]
    min_cohort: u32,
    /// Folder for databases, objects, logs and keys. It stays. Default: a temporary one, which is
    /// deleted.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Keep running when the process that started this one ends.
    #[arg(long)]
    outlive_parent: bool,
}

pub(crate) async fn run(args: Args, output: &Output) -> Result<()> {
    let mut end = End::watch(!args.outlive_parent).map_err(CommandError::Runtime)?;
    let installation = tokio::select! {
        started = start(&args, output) => started?,
        () = end.comes() => return Ok(()),
    };
    output.note("Everything serves. Ctrl-C ends it.");
    end.comes().await;
    output.note("Stopping …");
    tokio::select! {
        () = installation.stop() => {}
        // At a second signal, dropping the installation kills everything that still runs.
        () = end.comes_again() => {}
    }
    Ok(())
}

/// The events that end the command: a signal, or the end of the parent process.
struct End {
    interrupt: Signal,
    terminate: Signal,
    /// The parent process at the start. `None` if its end does not matter.
    parent: Option<u32>,
}

impl End {
    fn watch(parent_matters: bool) -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            parent: parent_matters.then(parent_id),
        })
    }

    async fn comes(&mut self) {
        let parent = self.parent;
        let orphaned = async {
            // When a process loses its parent, it gets another one.
            while parent.is_none_or(|parent| parent == parent_id()) {
                tokio::time::sleep(PARENT_POLL).await;
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = orphaned => {}
        }
    }

    /// Waits for another signal.
    async fn comes_again(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

async fn start(args: &Args, output: &Output) -> Result<Installation> {
    let options = Options {
        origin: "blindsum.local/log",
        aggregator_port: args.port,
        combiner_port: args.combiner_port,
        min_cohort_floor: Some(args.min_cohort),
    };
    let installation = Installation::start(args.dir.as_deref(), &options, output).await?;
    let folder = installation.workplace.path();
    let pins = installation.parties.pins();
    let pins_file = write(folder.join("pins.toml"), &pins_text(&pins))?;
    let registrar_file = folder.join("registrar.key");
    write_key(&registrar_file, &installation.parties.registrar)?;
    let mut participants = Vec::new();
    for number in 1..=args.participants {
        participants.push(enrol(&installation, &format!("participant-{number:03}"), args.min_cohort).await?);
    }
    output.json(&describe(&installation, &pins_file, &registrar_file, participants));
    Ok(installation)
}

/// Makes the keys of a participant, enrols it, and returns its entry in the printed object. The
/// participant accepts the cohorts that the combiner accepts.
async fn enrol(installation: &Installation, name: &str, min_cohort: u32) -> Result<Value> {
    let Installation { parties, pair, workplace, .. } = installation;
    let subject = Subject::new(name).expect("the name is well-formed");
    let (identity, credential) = parties.participant(subject);
    let folder = workplace.path().join("participants").join(name);
    fs::create_dir_all(&folder).map_err(CommandError::file(&folder))?;
    let (identity_file, state) = (folder.join("identity.key"), folder.join("state"));
    write_key(&identity_file, &identity)?;
    let credential_text = format!("{}\n", hex::encode(credential.to_bytes()));
    let credential_file = write(folder.join("credential"), &credential_text)?;
    let client_key = identity.public();
    let client = Client::new(ClientConfig::new(&pair.aggregator_url, parties.pins(), &state))?;
    client.enrol(&Participant { identity, credential }).await?;
    Ok(json!({
        "subject": name,
        "client_key": hexadecimal(&client_key),
        "identity_file": identity_file,
        "credential_file": credential_file,
        "state": state,
        "environment": {
            "BLINDSUM_IDENTITY": identity_file,
            "BLINDSUM_CREDENTIAL": credential_file,
            "BLINDSUM_STATE": state,
            "BLINDSUM_MIN_COHORT": min_cohort.to_string(),
        },
    }))
}

fn describe(
    installation: &Installation,
    pins_file: &Path,
    registrar_file: &Path,
    participants: Vec<Value>,
) -> Value {
    let Installation { parties, pair, cluster, workplace } = installation;
    let pins = parties.pins();
    let service = |url: &str, key: &PublicKey, role: &str, process: &local::Process| {
        json!({
            "url": url,
            "identity_key": hexadecimal(key),
            "database_url": cluster.url_as(role, role),
            "log": process.folder().log_file(),
            "process_id": process.id(),
        })
    };
    let aggregator = service(&pair.aggregator_url, &pins.aggregator, databases::AGGREGATOR, &pair.aggregator);
    let combiner = service(&pair.combiner_url, &pins.combiners[0], databases::COMBINER, &pair.combiner);
    let token_file = ServiceFolder::admin_token_file(pair.aggregator.folder());
    let database = |role| cluster.url_as(databases::AGGREGATOR, role);
    json!({
        "folder": workplace.path(),
        "aggregator": aggregator,
        "combiners": [combiner],
        "registrar": {
            "identity_key": hexadecimal(&pins.registrar),
            "key_file": registrar_file,
            "credential_epoch": EPOCH,
        },
        "pins": {
            "aggregator": hexadecimal(&pins.aggregator),
            "combiners": [hexadecimal(&pins.combiners[0])],
            "registrar": hexadecimal(&pins.registrar),
        },
        "pins_file": pins_file,
        "admin_token": *parties.admin_token,
        "admin_token_file": token_file,
        "participants": participants,
        "databases": {
            "administrator": cluster.admin_url(),
            "aggregator_owner": database(databases::AGGREGATOR_OWNER),
            "auditor": database(databases::AUDITOR),
            "payer": database(databases::PAYER),
        },
        "environment": {
            "BLINDSUM_AGGREGATOR": pair.aggregator_url,
            "BLINDSUM_PINS": pins_file,
            "BLINDSUM_TOKEN_FILE": token_file,
            "BLINDSUM_COMBINERS": pair.combiner_url,
        },
    })
}

fn pins_text(pins: &Pins) -> String {
    format!(
        "aggregator = \"{}\"\ncombiners = [\"{}\"]\nregistrar = \"{}\"\n",
        hexadecimal(&pins.aggregator),
        hexadecimal(&pins.combiners[0]),
        hexadecimal(&pins.registrar),
    )
}

fn hexadecimal(key: &PublicKey) -> String {
    key.to_string()
}

fn write(path: PathBuf, text: &str) -> Result<PathBuf> {
    fs::write(&path, text).map_err(CommandError::file(&path))?;
    Ok(path)
}
