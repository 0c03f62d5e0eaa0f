//! Every domain-separation label of the product, and the hash that takes a label as its prefix.
//!
//! Each label belongs to exactly one kind of message. [`transcript`] holds the labels of the Merlin
//! transcript of a norm proof.

use sha2::{Digest, Sha256};

/// The name of one kind of hashed or signed message. It includes the product's name and the version
/// of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label(&'static str);

impl Label {
    /// The label's text with `blindsum/v2/` before it. HPKE takes this text as its `info`.
    pub const fn qualified(self) -> &'static str {
        self.0
    }
}

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: Label = Label(concat!("blindsum/v2/", $text));)*

        /// Every label except those in [`transcript`], each once.
        pub const ALL: &[Label] = &[$($name),*];
    };
}

labels! {
    /// Key of the public stream of mask polynomials.
    MASK_POLYNOMIALS = "mask-polynomials";
    /// Key of the secret stream from which one holder's share of a mask key is expanded.
    KEY_SHARE = "key-share";
    /// Generators of the commitments to mask keys.
    GENERATOR = "generator";
    /// Hash of a round document.
    ROUND = "round";
    /// Hash of the layout of an update: the tensors with their names, shapes and scales.
    LAYOUT = "layout";
    /// The aggregator's signature on a round.
    ROUND_DOCUMENT = "round-document";
    /// A combiner's signature on a round.
    ROUND_COUNTERSIGNATURE = "round-countersignature";
    /// The registrar's signature on a participant's credential.
    CREDENTIAL = "credential";
    /// The registrar's signature on a statement about epochs.
    EPOCH = "epoch";
    /// A client's signature on a contribution's header.
    CONTRIBUTION = "contribution";
    /// Hash of a contribution's header.
    CONTRIBUTION_HEADER = "contribution-header";
    /// Hash of the sealed seeds of a contribution.
    SEALED_SEEDS = "sealed-seeds";
    /// HPKE `info` of a sealed seed.
    MASK_KEY_SHARE = "mask-key-share";
    /// The secret of one attempt to contribute, from which everything random in it follows.
    ATTEMPT = "attempt";
    /// Key of the stochastic rounding of an update.
    ROUNDING = "rounding";
    /// The secret of one contribution, bound to the integers that it masks.
    CONTRIBUTION_SECRET = "contribution-secret";
    /// Seed of one holder's share.
    SHARE_SEED = "share-seed";
    /// Key of the stream of errors.
    ERRORS = "errors";
    /// Randomness with which a seed is sealed to one holder.
    SEAL_RANDOMNESS = "seal-randomness";
    /// The contribution id.
    CONTRIBUTION_ID = "contribution-id";
    /// Key of the prover's generator.
    PROVER = "prover";
    /// A participant's signature on its credential when it enrols.
    ENROLMENT = "enrolment";
    /// A participant's signature on the address where it wants to be paid.
    CLAIM_ADDRESS = "claim-address";
    /// The aggregator's signature on a receipt.
    RECEIPT = "receipt";
    /// A combiner's signature on the attestation of a share.
    ATTESTATION = "attestation";
    /// A holder's signature on the refusal of a contribution.
    SIGNED_REFUSAL = "signed-refusal";
    /// A combiner's signature on the statement that it released nothing.
    UNRELEASED = "unreleased";
    /// The aggregator's signature on the request to release key sums.
    RELEASE_REQUEST = "release-request";
    /// A holder's signature on the key sums it releases.
    RELEASE_ANSWER = "release-answer";
    /// The aggregator's signature on a round's result.
    RESULT = "result";
    /// Domain of the transcript of a norm proof.
    NORM_PROOF = "norm-proof";
}

/// The first bytes of a labelled hash or signature: the qualified label and a zero byte.
pub fn prefix(label: Label) -> Vec<u8> {
    let mut bytes = label.qualified().as_bytes().to_vec();
    bytes.push(0);
    bytes
}

/// `H(label, m) = SHA256(prefix(label) ‖ m)`, where `m` is the concatenation of `fields`. The
/// caller chooses the digest type `D`.
///
/// The boundaries between fields are not hashed. A caller must pass fields of fixed length, or
/// encode their lengths itself.
pub fn hash<D: From<[u8; 32]>>(label: Label, fields: &[&[u8]]) -> D {
    let mut hasher = Sha256::new();
    hasher.update(label.qualified().as_bytes());
    hasher.update([0]);
    for field in fields {
        hasher.update(field);
    }
    let digest: [u8; 32] = hasher.finalize().into();
    digest.into()
}

macro_rules! transcript_labels {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: &[u8] = $text;)*

        #[cfg(test)]
        pub(super) const ALL: &[&[u8]] = &[$($name),*];
    };
}

/// The labels under which the transcript of a norm proof absorbs values and draws challenges, in
/// the order of the protocol. Each is used in one place. The transcript itself starts with
/// [`NORM_PROOF`].
pub mod transcript {
    transcript_labels! {
        /// The number of blocks.
        BLOCKS = b"blocks";
        /// Bits of a word on the wire.
        WIDTH = b"width";
        /// The bound on an honest contribution's norm.
        NOISY_NORM_BOUND = b"noisy-norm-bound";
        /// The number of holders.
        HOLDERS = b"holders";
        /// Key of the stream of mask polynomials.
        MASKS = b"masks";
        /// The round hash.
        ROUND_HASH = b"round-hash";
        /// The client's key.
        CLIENT_KEY = b"client-key";
        /// The public weight.
        WEIGHT = b"weight";
        /// The body's digest.
        BODY_DIGEST = b"body-digest";
        /// The commitment to one holder's share.
        KEY_COMMITMENT = b"key-commitment";
        /// Digest of the sealed seeds.
        SEALED_DIGEST = b"sealed-digest";
        /// Draws R.
        PROJECTION_ROWS = b"projection-rows";
        /// P_w.
        PROJECTION_COMMITMENT = b"projection-commitment";
        /// Draws z₁ and z₂.
        FOLDING = b"folding";
        /// P_κy.
        SMALLNESS_COMMITMENT = b"smallness-commitment";
        /// V₀ and V₁.
        SLACK_COMMITMENT = b"slack-commitment";
        /// Draws the ternary rows ρ_j.
        SMALLNESS_ROWS = b"smallness-rows";
        /// v_j.
        SMALLNESS_SUM = b"smallness-sum";
        /// Draws α.
        MERGING = b"merging";
        /// An announcement of the Σ-protocol.
        ANNOUNCEMENT = b"announcement";
        /// A commitment to a cross term.
        CROSS_TERM = b"cross-term";
        /// The mask of the merged linear relation.
        LINEAR_MASK = b"linear-mask";
        /// Draws x.
        EVALUATION = b"evaluation";
        /// A response of the Σ-protocol.
        RESPONSE = b"response";
        /// The witness in the hedged generator of nonces.
        WITNESS = b"witness";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RoundHash;

    #[test]
    fn labels_are_distinct_and_none_continues_another_prefix() {
        for (i, a) in ALL.iter().enumerate() {
            assert!(
                a.qualified()
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-/".contains(&b))
            );
            for b in &ALL[i + 1..] {
                assert!(!prefix(*a).starts_with(&prefix(*b)) && !prefix(*b).starts_with(&prefix(*a)));
            }
        }
    }

    #[test]
    fn labels_of_a_transcript_are_distinct() {
        let distinct: std::collections::HashSet<_> = transcript::ALL.iter().collect();
        assert_eq!((distinct.len(), transcript::ALL.len()), (25, 25));
    }

    #[test]
    fn hash_is_sha256_of_the_prefixed_message() {
        let expected = RoundHash::from_bytes(Sha256::digest(b"blindsum/v2/round\0abc").into());
        assert_eq!(hash::<RoundHash>(ROUND, &[b"ab", b"c"]), expected);
        assert_ne!(hash::<RoundHash>(RESULT, &[b"abc"]), expected);
    }
}
