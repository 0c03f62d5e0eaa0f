//! Contributions whose projection is too long for a proof.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use lattice::{
    Backend, BackendError, CpuBackend, Evaluation, FoldingBackend, MaskPolynomials, MaskingBackend, Poly,
    RowFold, RowFolding, expand::ProjectionRows,
};
use protocol::{Proof, VerifiedRound};

use super::server::{Parties, Server, client, update};
use crate::{Client, ClientError, ignore_progress};

/// A processor on which the first contributions get a projection that is too long. It remembers the
/// keys that it masks with, and what it projects.
#[derive(Debug)]
struct Unlucky {
    processor: CpuBackend,
    misfortunes: AtomicU32,
    keys: Mutex<Vec<Vec<u64>>>,
    projected: Mutex<Vec<Vec<i64>>>,
}

impl Backend for Unlucky {
    fn name(&self) -> &'static str {
        "unlucky"
    }
}

impl FoldingBackend for Unlucky {
    fn fold_rows(
        &self,
        job: &RowFolding<'_>,
        first: u64,
        blocks: usize,
        packed: Option<&[u8]>,
        folds: &mut [RowFold; 2],
    ) -> Result<(), BackendError> {
        self.processor.fold_rows(job, first, blocks, packed, folds)
    }
}

impl MaskingBackend for Unlucky {
    fn mask_product(
        &self,
        masks: &MaskPolynomials,
        first: u64,
        key: &Poly<Evaluation>,
        out: &mut [u64],
    ) -> Result<(), BackendError> {
        let (mut keys, key_values) = (self.keys.lock().unwrap(), key.values().to_vec());
        if keys.last() != Some(&key_values) {
            keys.push(key_values);
        }
        self.processor.mask_product(masks, first, key, out)
    }

    fn project(
        &self,
        rows: &ProjectionRows,
        first: u64,
        values: &[i64],
        sums: &mut [i64; ProjectionRows::COUNT],
    ) -> Result<(), BackendError> {
        self.projected.lock().unwrap().push(values.to_vec());
        if self
            .misfortunes
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .is_ok()
        {
            sums[0] = i64::MAX;
            return Ok(());
        }
        self.processor.project(rows, first, values, sums)
    }
}

/// A round that demands a proof, and a client on a processor with so many misfortunes.
async fn unlucky(misfortunes: u32) -> (Client, Arc<Unlucky>, VerifiedRound, tempfile::TempDir) {
    let (parties, server) = (Parties::new(), Server::start().await);
    let (mut client, folder) = client(&server, parties.pins());
    let processor = Arc::new(Unlucky {
        processor: CpuBackend::new(),
        misfortunes: misfortunes.into(),
        keys: Mutex::default(),
        projected: Mutex::default(),
    });
    client.backend = processor.clone();
    let mut document = parties.document(1);
    document.proof = Proof::NormV2;
    let round = parties.signed(&document).verify(&parties.pins()).unwrap();
    (client, processor, round, folder)
}

fn all_differ<T: PartialEq>(values: &[T]) -> bool {
    values.iter().enumerate().all(|(index, value)| !values[..index].contains(value))
}

/// The same key with other errors must never exist: their difference would be that of two errors.
/// So no key, no error and no rounding of a dropped contribution comes back.
#[tokio::test]
async fn a_contribution_without_a_proof_is_dropped_and_made_again_as_a_whole() {
    let (client, processor, round, folder) = unlucky(2).await;
    let alice = Parties::new().participant("alice");
    let prepared = client.prepare(&round, &alice, &update(), 1, ignore_progress()).await.unwrap();
    round.check_header(&prepared.message.header).unwrap();

    let keys = processor.keys.lock().unwrap();
    assert!(keys.len() == 3 && all_differ(&keys), "{} keys", keys.len());
    let projected = processor.projected.lock().unwrap();
    assert_eq!(projected.len(), 3);
    let constants = round.constants();
    let rounded = |phi: &[i64]| -> Vec<i64> {
        let half = 1 << (constants.scale_log2 - 1);
        phi.iter().map(|phi| (phi + half) >> constants.scale_log2).collect()
    };
    let (updates, errors): (Vec<_>, Vec<_>) = projected
        .iter()
        .map(|phi| {
            let update = rounded(phi);
            let error: Vec<_> =
                phi.iter().zip(&update).map(|(phi, x)| phi - (x << constants.scale_log2)).collect();
            (update, error)
        })
        .unzip();
    assert!(all_differ(&updates), "the update is rounded again");
    assert!(all_differ(&errors), "the errors are drawn again");

    let files = std::fs::read_dir(folder.path().join("state/outbox")).unwrap().count();
    assert_eq!(files, 2, "only the body and the prefix of the contribution that is sent");
}

#[tokio::test]
async fn a_client_that_never_finds_a_proof_gives_up_and_keeps_nothing() {
    let (client, processor, round, folder) = unlucky(u32::MAX).await;
    let alice = Parties::new().participant("alice");
    let error = client.prepare(&round, &alice, &update(), 1, ignore_progress()).await.unwrap_err();
    assert!(matches!(error, ClientError::TooLong { tries: 3 }), "{error}");
    let keys = processor.keys.lock().unwrap();
    assert!(keys.len() == 3 && all_differ(&keys));
    assert_eq!(std::fs::read_dir(folder.path().join("state/outbox")).unwrap().count(), 0);
}
