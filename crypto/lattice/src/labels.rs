//! Every domain-separation label of the product, and the hash that they prefix.
//!
//! A label belongs to exactly one kind of message; two kinds never share one.

use sha2::{Digest, Sha256};

/// The name of one kind of hashed or signed message, with the product's name and format version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label(&'static str);

impl Label {
    /// `blindsum/v1/` followed by the label's own name: what HPKE takes as its `info`.
    pub const fn qualified(self) -> &'static str {
        self.0
    }
}

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: Label = Label(concat!("blindsum/v1/", $text));)*

        /// All labels, each once.
        pub const ALL: &[Label] = &[$($name),*];
    };
}

labels! {
    /// Key of the public stream of mask polynomials.
    MASK_POLYNOMIALS = "mask-polynomials";
    /// Key of the secret stream behind one holder's share of a mask key.
    KEY_SHARE = "key-share";
    /// Generators of the commitments to mask keys.
    GENERATOR = "generator";
    /// Hash of a round document.
    ROUND = "round";
    /// The aggregator's signature on a round.
    ROUND_DOCUMENT = "round-document";
    /// A combiner's signature on a round.
    ROUND_COUNTERSIGNATURE = "round-countersignature";
    /// The registrar's signature on a participant's credential.
    CREDENTIAL = "credential";
    /// A client's signature on a contribution's header.
    CONTRIBUTION = "contribution";
    /// Hash of a contribution's header.
    CONTRIBUTION_HEADER = "contribution-header";
    /// Hash of the sealed seeds of a contribution.
    SEALED_SEEDS = "sealed-seeds";
    /// HPKE `info` of a sealed seed.
    MASK_KEY_SHARE = "mask-key-share";
    /// A participant's signature on its credential when it enrols.
    ENROLMENT = "enrolment";
    /// A participant's signature on the address where it wants to be paid.
    CLAIM_ADDRESS = "claim-address";
    /// The aggregator's signature on a receipt.
    RECEIPT = "receipt";
    /// A combiner's signature on the attestation of a share.
    ATTESTATION = "attestation";
    /// The aggregator's signature on the request to release key sums.
    RELEASE_REQUEST = "release-request";
    /// A holder's signature on the key sums it releases.
    RELEASE_ANSWER = "release-answer";
    /// The aggregator's signature on a round's result.
    RESULT = "result";
    /// The transcript of a norm proof.
    NORM_PROOF = "norm-proof";
}

/// What a labelled hash or signature starts with: the qualified label and a zero byte.
pub fn prefix(label: Label) -> Vec<u8> {
    let mut bytes = label.qualified().as_bytes().to_vec();
    bytes.push(0);
    bytes
}

/// `H(label, m) = SHA256(prefix(label) ‖ m)` with `m` the concatenation of `parts`.
///
/// The boundaries between parts are not hashed: callers pass parts of fixed length, or encode lengths themselves.
pub fn hash(label: Label, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(label.qualified().as_bytes());
    hasher.update([0]);
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn hash_is_sha256_of_the_prefixed_message() {
        let expected: [u8; 32] = Sha256::digest(b"blindsum/v1/round\0abc").into();
        assert_eq!(hash(ROUND, &[b"ab", b"c"]), expected);
        assert_ne!(hash(RESULT, &[b"abc"]), expected);
    }
}
