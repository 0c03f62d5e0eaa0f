//! The names of all objects in the store.
//!
//! | object | name |
//! |---|---|
//! | body of a contribution | `rounds/ROUND_HASH/contributions/CONTRIBUTION_ID-HEADER_HASH-ATTEMPT` |
//! | folded chunk of a sum | `rounds/ROUND_HASH/SET_ROOT/folded/CHUNK` |
//! | unmasked chunk of a sum | `rounds/ROUND_HASH/SET_ROOT/sum/CHUNK` |
//! | model | `models/MODEL_DIGEST` |

use names::{ModelDigest, RoundHash, SetRoot};
use protocol::ContributionHeader;

/// A new name for the body of a contribution. Every upload gets another name, so that a failed
/// upload never removes the bytes of another one.
pub(crate) fn new_body(round_hash: &RoundHash, header: &ContributionHeader) -> String {
    let attempt = uuid::Uuid::now_v7().simple();
    format!("{}/{}-{}-{attempt}", bodies(round_hash), header.contribution_id, header.hash())
}

/// The folder of the bodies of a round.
pub(crate) fn bodies(round_hash: &RoundHash) -> String {
    format!("rounds/{round_hash}/contributions")
}

/// The bytes of a model.
pub(crate) fn model(digest: &ModelDigest) -> String {
    format!("models/{digest}")
}

/// The names of the chunks of a sum. They contain the set root, since another set has another sum.
#[derive(Clone, Debug)]
pub(crate) struct SumNames {
    folder: String,
}

impl SumNames {
    /// The sum over the set with this root.
    pub(crate) fn new(round_hash: &RoundHash, root: &SetRoot) -> Self {
        Self { folder: format!("rounds/{round_hash}/{root}") }
    }

    /// A chunk of the masked sum.
    pub(crate) fn folded(&self, chunk: u64) -> String {
        format!("{}/folded/{chunk}", self.folder)
    }

    /// A chunk of the unmasked sum.
    pub(crate) fn unmasked(&self, chunk: u64) -> String {
        format!("{}/sum/{chunk}", self.folder)
    }

    /// The folder of all chunks.
    pub(crate) fn folder(&self) -> String {
        self.folder.clone()
    }

    /// The folder of the masked sum.
    pub(crate) fn folded_folder(&self) -> String {
        format!("{}/folded", self.folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_objects_that_are_stored_already() {
        let (round_hash, root) = (RoundHash::from_bytes([1; 32]), SetRoot::from_bytes([2; 32]));
        let (round, set) = ("01".repeat(32), "02".repeat(32));
        assert_eq!(bodies(&round_hash), format!("rounds/{round}/contributions"));
        let sum = SumNames::new(&round_hash, &root);
        assert_eq!(sum.folder(), format!("rounds/{round}/{set}"));
        assert_eq!(sum.folded_folder(), format!("rounds/{round}/{set}/folded"));
        assert_eq!(sum.folded(3), format!("rounds/{round}/{set}/folded/3"));
        assert_eq!(sum.unmasked(0), format!("rounds/{round}/{set}/sum/0"));
        assert_eq!(model(&ModelDigest::from_bytes([3; 32])), format!("models/{}", "03".repeat(32)));
    }
}
