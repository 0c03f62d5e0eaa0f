//! Tests of the vault, also of calls that end between two steps.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicUsize, Ordering},
};

use tracing_subscriber::{Layer, layer, prelude::*};

use super::*;

/// Ends the work at its n-th step on disk. Each step is an event of the log.
struct EndAt(AtomicUsize);

impl<S: tracing::Subscriber> Layer<S> for EndAt {
    fn on_event(&self, _: &tracing::Event<'_>, _: layer::Context<'_, S>) {
        assert!(self.0.fetch_sub(1, Ordering::Relaxed) > 1, "the process ends here");
    }
}

/// Whether the destruction of `round` came to its end before its `step`-th step.
fn destroys_before_step(vault: &KeyVault, step: usize) -> bool {
    let ending = tracing_subscriber::registry().with(EndAt(AtomicUsize::new(step)));
    let destroy = || vault.destroy("round").unwrap();
    tracing::subscriber::with_default(ending, || catch_unwind(AssertUnwindSafe(destroy)).is_ok())
}

fn vault() -> (tempfile::TempDir, KeyVault) {
    let directory = tempfile::tempdir().unwrap();
    let vault = KeyVault::open(directory.path().join("vault")).unwrap();
    (directory, vault)
}

#[test]
fn a_secret_is_kept_once_and_readable_to_its_owner_alone() {
    let (_directory, vault) = vault();
    vault.create("round-1", b"secret").unwrap();
    assert!(matches!(vault.create("round-1", b"other"), Err(VaultError::Exists)));
    assert_eq!(vault.load("round-1").unwrap().unwrap().as_slice(), b"secret");
    assert_eq!(vault.load("round-2").unwrap(), None);
    assert_eq!(vault.list().unwrap(), ["round-1"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&vault.directory), 0o700);
    assert_eq!(mode(&vault.directory.join("round-1.key")), 0o600);
    assert_eq!(fs::read_dir(&vault.directory).unwrap().count(), 1, "nothing unfinished is left");
}

#[test]
fn a_destroyed_secret_is_gone_and_its_commitment_stays() {
    let (_directory, vault) = vault();
    vault.create("round", b"secret").unwrap();
    let second_name = vault.directory.join("second-name");
    fs::hard_link(vault.directory.join("round.key"), &second_name).unwrap();
    vault.commit("round", [1; 32].into()).unwrap();
    vault.destroy("round").unwrap();
    vault.destroy("round").unwrap();
    assert!(!vault.exists("round").unwrap());
    assert_eq!(fs::read(second_name).unwrap(), [0; 6], "the blocks were overwritten");
    assert_eq!(vault.committed("round").unwrap(), Some([1; 32].into()));
}

#[test]
fn a_destruction_that_ends_at_any_step_leaves_no_secret_and_is_finished_later() {
    type Finish = fn(&KeyVault);
    let again: Finish = |vault| vault.destroy("round").unwrap();
    let reopened: Finish = |vault| assert!(KeyVault::open(&vault.directory).is_ok());
    for finish in [again, reopened] {
        let mut step = 1;
        loop {
            let (directory, vault) = vault();
            vault.create("round", b"secret").unwrap();
            let second_name = directory.path().join("second-name");
            fs::hard_link(vault.directory.join("round.key"), &second_name).unwrap();
            let complete = destroys_before_step(&vault, step);
            assert_eq!(vault.load("round").unwrap(), None, "step {step}");
            assert!(!vault.exists("round").unwrap(), "step {step}");
            let unfinished = fs::read_dir(&vault.directory).unwrap().count() > 0;
            assert_eq!(vault.list().unwrap().len(), usize::from(unfinished), "step {step}");
            finish(&vault);
            assert_eq!(fs::read(second_name).unwrap(), [0; 6], "step {step}");
            assert_eq!(fs::read_dir(&vault.directory).unwrap().count(), 0, "step {step}");
            if complete {
                break;
            }
            step += 1;
        }
        assert_eq!(step, 6, "renamed, synchronised, overwritten, removed, synchronised");
    }
}

#[test]
fn a_secret_that_cannot_lose_its_name_stays_whole() {
    let (_directory, vault) = vault();
    vault.create("round", b"secret").unwrap();
    fs::create_dir(vault.directory.join("round.doomed")).unwrap();
    assert!(matches!(vault.destroy("round"), Err(VaultError::Io(_))));
    assert_eq!(vault.load("round").unwrap().unwrap().as_slice(), b"secret");
}

#[test]
fn a_secret_made_again_after_an_unfinished_destruction_is_destroyed_with_the_first() {
    let (directory, vault) = vault();
    let names = ["first", "second"].map(|name| directory.path().join(name));
    for name in &names {
        vault.create("round", b"secret").unwrap();
        fs::hard_link(vault.directory.join("round.key"), name).unwrap();
        assert!(!destroys_before_step(&vault, 1));
    }
    vault.destroy("round").unwrap();
    assert!(names.iter().all(|name| fs::read(name).unwrap() == [0; 6]));
}

#[test]
fn a_commitment_is_to_one_value_for_ever() {
    let (_directory, vault) = vault();
    vault.commit("round", [1; 32].into()).unwrap();
    vault.commit("round", [1; 32].into()).unwrap();
    assert!(matches!(vault.commit("round", [2; 32].into()), Err(VaultError::Committed)));
    let reopened = KeyVault::open(&vault.directory).unwrap();
    assert!(matches!(reopened.commit("round", [2; 32].into()), Err(VaultError::Committed)));
    assert_eq!(reopened.committed("round").unwrap(), Some([1; 32].into()));
}

#[test]
fn of_many_commitments_at_once_one_wins() {
    let (_directory, vault) = vault();
    let wins = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..16)
            .map(|i| {
                let vault = &vault;
                scope.spawn(move || vault.commit("round", [i; 32].into()).is_ok())
            })
            .collect();
        tries.into_iter().filter(|_| true).map(|handle| handle.join().unwrap()).filter(|&won| won).count()
    });
    assert_eq!(wins, 1);
}

#[test]
fn the_last_note_stays() {
    let (_directory, vault) = vault();
    assert_eq!(vault.noted("head").unwrap(), None);
    vault.note("head", b"first").unwrap();
    vault.note("head", b"second, longer").unwrap();
    assert_eq!(vault.noted("head").unwrap().unwrap(), b"second, longer");
    assert!(vault.list().unwrap().is_empty(), "a note is no secret");
    assert_eq!(fs::read_dir(&vault.directory).unwrap().count(), 1, "nothing unfinished is left");
}

#[test]
fn names_cannot_leave_the_directory() {
    let (_directory, vault) = vault();
    for name in ["", "../x", "a/b", "a.b", "é", &"a".repeat(101)] {
        assert!(matches!(vault.create(name, b"secret"), Err(VaultError::Name)), "{name:?}");
    }
}

/// Processes may share a vault. One opens it while another writes and destroys.
#[test]
fn a_vault_opens_while_secrets_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let vault = KeyVault::open(folder.path()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..200 {
                vault.create("round", &[7; 48]).unwrap();
                vault.destroy("round").unwrap();
            }
        });
        for _ in 0..200 {
            KeyVault::open(folder.path()).unwrap().list().unwrap();
        }
    });
}
