//! A round, as a party sees it after it has accepted the document.

use lattice::MaskPolynomials;
use masking::RoundConstants;
use names::{PublicKey, RoundHash, labels};
use norm_proof::{Parameters, PublicValues, Statement};
use sharing::SealContext;

use crate::{
    Canonical, ContributionHeader, Holder, IdentityKey, Refusal, RoundDocument, SealedSeeds, Signature,
};

/// The public keys that a party trusts. They come from its own configuration, never from a
/// document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pins {
    /// The aggregator's key.
    pub aggregator: PublicKey,
    /// The combiners' keys, in the order of their indices as holders, from 1.
    pub combiners: Vec<PublicKey>,
    /// The registrar's key.
    pub registrar: PublicKey,
}

/// A round document with its signatures, as published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedDocument {
    /// The canonical encoding of the document.
    pub document: Vec<u8>,
    /// The aggregator's signature over the round hash.
    pub aggregator_signature: Signature,
    /// The signature of each combiner over the round hash and its index, in order of the index.
    pub countersignatures: Vec<Signature>,
}

impl SignedDocument {
    /// Accepts the document if it keeps every rule, names exactly the pinned parties and all of
    /// them signed it.
    ///
    /// # Errors
    /// [`Refusal::Malformed`], [`Refusal::Document`], [`Refusal::Signature`].
    pub fn verify(&self, pins: &Pins) -> Result<VerifiedRound, Refusal> {
        let round = VerifiedRound::proposed(&self.document, &self.aggregator_signature, &pins.aggregator)?;
        let document = round.document();
        if document.registrar_key != pins.registrar {
            return Err(Refusal::Document { rule: "the registrar is the pinned one" });
        }
        let combiners = document.holders[1..].iter().map(|holder| &holder.identity_key);
        if !combiners.eq(&pins.combiners) {
            return Err(Refusal::Document { rule: "the combiners are the pinned ones" });
        }
        if self.countersignatures.len() != pins.combiners.len() {
            return Err(Refusal::Document { rule: "every combiner has countersigned" });
        }
        for (holder, (key, signature)) in (1..).zip(pins.combiners.iter().zip(&self.countersignatures)) {
            let message = countersigned(&round.hash, holder);
            signature.verify(key, labels::ROUND_COUNTERSIGNATURE, &message, "countersignature")?;
        }
        Ok(round)
    }
}

/// The aggregator's signature of a document.
pub fn sign_document(document: &RoundDocument, aggregator: &IdentityKey) -> Signature {
    aggregator.sign(labels::ROUND_DOCUMENT, document.hash().as_bytes())
}

/// The bytes that combiner `holder` signs to countersign a round.
pub(crate) fn countersigned(round_hash: &RoundHash, holder: u8) -> Vec<u8> {
    [round_hash.as_ref(), &[holder]].concat()
}

/// A document that keeps every rule. The signatures that this party demands verify.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedRound {
    document: RoundDocument,
    constants: RoundConstants,
    hash: RoundHash,
}

impl VerifiedRound {
    /// Accepts a document that the aggregator signed. A combiner starts with it, because nobody has
    /// countersigned it yet.
    ///
    /// # Errors
    /// [`Refusal::Malformed`], [`Refusal::Document`], [`Refusal::Signature`].
    pub fn proposed(bytes: &[u8], signature: &Signature, aggregator: &PublicKey) -> Result<Self, Refusal> {
        let document = RoundDocument::from_bytes(bytes).map_err(Refusal::malformed("round document"))?;
        let round = Self::trusted(document)?;
        if round.document.holders[0].identity_key != *aggregator {
            return Err(Refusal::Document { rule: "the aggregator is the pinned one" });
        }
        signature.verify(aggregator, labels::ROUND_DOCUMENT, round.hash.as_bytes(), "round document")?;
        Ok(round)
    }

    /// A document that the caller wrote, or whose signatures the caller verified when it stored the
    /// document. Its rules are checked, its signatures are not.
    ///
    /// # Errors
    /// [`Refusal::Document`].
    pub fn trusted(document: RoundDocument) -> Result<Self, Refusal> {
        let constants = document.check()?;
        let hash = document.hash();
        Ok(Self { document, constants, hash })
    }

    /// The document of the round.
    pub fn document(&self) -> &RoundDocument {
        &self.document
    }

    /// The constants that follow from the document.
    pub fn constants(&self) -> &RoundConstants {
        &self.constants
    }

    /// The round hash.
    pub fn hash(&self) -> &RoundHash {
        &self.hash
    }

    /// The number of holders, with the aggregator.
    pub fn holders(&self) -> u8 {
        u8::try_from(self.document.holders.len()).expect("a checked document has at most 8 holders")
    }

    /// The holder with this index. 0 is the aggregator.
    pub fn holder(&self, index: u8) -> Option<&Holder> {
        self.document.holders.get(usize::from(index))
    }

    /// Checks whether a set of this size may be summed.
    ///
    /// # Errors
    /// [`Refusal::Cohort`].
    pub fn check_cohort(&self, count: usize) -> Result<(), Refusal> {
        let (min, max) = (self.document.min_cohort, self.document.max_contributions);
        if (min as usize..=max as usize).contains(&count) {
            Ok(())
        } else {
            Err(Refusal::Cohort { count, min, max })
        }
    }

    /// Checks whether a set of this size and total weight may be summed.
    /// [`check_weights`](Self::check_weights) needs each weight, and checks more.
    ///
    /// # Errors
    /// [`Refusal::Cohort`], [`Refusal::TotalWeight`].
    pub fn check_totals(&self, count: usize, total: u64) -> Result<(), Refusal> {
        self.check_cohort(count)?;
        let max = self.document.max_total_weight;
        if total > max { Err(Refusal::TotalWeight { total, max }) } else { Ok(()) }
    }

    /// Checks whether a set of contributions with these weights may be summed: its size, its total
    /// weight, and its effective size (Σw)²/Σw². A set in which a few weights outweigh all others
    /// has a small effective size, and its mean says much about those few.
    ///
    /// # Errors
    /// [`Refusal::Cohort`], [`Refusal::TotalWeight`], [`Refusal::EffectiveSize`].
    pub fn check_weights(&self, weights: impl IntoIterator<Item = u32>) -> Result<(), Refusal> {
        let (mut count, mut total, mut squares) = (0, 0_u64, 0_u128);
        for weight in weights {
            count += 1;
            total += u64::from(weight);
            squares += u128::from(weight).pow(2);
        }
        self.check_totals(count, total)?;
        let min = self.document.min_effective;
        if u128::from(total).pow(2) < u128::from(min) * squares {
            return Err(Refusal::EffectiveSize { total, squares, min });
        }
        Ok(())
    }

    /// Checks everything that the header and the document tell about a contribution: round,
    /// credential, epoch, signature, weight, number of shares, demanded proof.
    ///
    /// # Errors
    /// The first broken rule.
    pub fn check_header(&self, header: &ContributionHeader) -> Result<(), Refusal> {
        use crate::Signed;

        let document = &self.document;
        if header.round_hash != self.hash {
            return Err(Refusal::WrongRound);
        }
        header.credential.verify(&document.registrar_key)?;
        if header.credential.epoch != document.credential_epoch {
            let (expected, found) = (document.credential_epoch, header.credential.epoch);
            return Err(Refusal::Epoch { expected, found });
        }
        header.verify(&header.credential.client_key)?;
        let (min, max) = (document.weight_min, document.weight_max);
        if !(min..=max).contains(&header.weight) {
            return Err(Refusal::Weight { weight: header.weight, min, max });
        }
        let max_weight = header.credential.max_weight;
        if header.weight > max_weight {
            return Err(Refusal::AttestedWeight { weight: header.weight, max_weight });
        }
        let asked_for =
            |absent: bool, field| if absent { Ok(()) } else { Err(Refusal::NotAskedFor { field }) };
        asked_for(header.clip_step.is_none(), "clip_step")?;
        asked_for(header.trace_root.is_none(), "trace_root")?;
        if header.commitments.len() != document.holders.len() {
            return Err(Refusal::Holders {
                expected: document.holders.len(),
                found: header.commitments.len(),
            });
        }
        if header.proof != document.proof || header.proof_bytes as usize != header.proof.bytes() {
            return Err(Refusal::ProofKind);
        }
        Ok(())
    }

    /// Checks everything that a contribution's header and document tell about its sealed seeds,
    /// without a key: their number, their digest, and that no X25519 part is of small order.
    ///
    /// # Errors
    /// [`Refusal::Holders`], [`Refusal::Digest`], [`Refusal::SealSmallOrder`].
    pub fn check_seals(&self, header: &ContributionHeader, sealed: &SealedSeeds) -> Result<(), Refusal> {
        let (expected, found) = (self.document.holders.len(), sealed.0.len());
        if found != expected {
            return Err(Refusal::Holders { expected, found });
        }
        if sealed.digest() != header.sealed_digest {
            return Err(Refusal::Digest { of: "sealed seeds" });
        }
        (0..)
            .zip(&sealed.0)
            .try_for_each(|(holder, sealed)| sealed.check().map_err(|_| Refusal::SealSmallOrder { holder }))
    }

    /// The statement that the norm proof of a contribution with this header proves. Its bound grows
    /// with the header's weight.
    ///
    /// # Errors
    /// [`Refusal::Holders`] unless the header has a commitment for each holder.
    pub fn statement(&self, header: &ContributionHeader) -> Result<Statement, Refusal> {
        let constants = &self.constants;
        let (blocks, width) = (constants.blocks(), constants.width());
        let bound = constants.noisy_norm_bound_of(header.weight);
        let values = PublicValues {
            parameters: Parameters::new(blocks, width, bound, self.holders())
                .expect("a checked document has constants that satisfy the proof's conditions"),
            masks: MaskPolynomials::derive(&self.document.mask_seed),
            round_hash: self.hash,
            client_key: header.credential.client_key,
            weight: header.weight,
            body_digest: header.body_digest,
            commitments: header.commitments.clone(),
            sealed_digest: header.sealed_digest,
        };
        let (expected, found) = (self.document.holders.len(), header.commitments.len());
        Statement::new(values).map_err(|_| Refusal::Holders { expected, found })
    }

    /// The associated data with which the seed of holder `index` is sealed in a contribution with
    /// this header.
    ///
    /// # Panics
    /// If the round has no holder with this index.
    pub fn seal_context<'a>(&'a self, header: &'a ContributionHeader, index: u8) -> SealContext<'a> {
        SealContext {
            round_hash: &self.hash,
            holder: index,
            hpke_key_id: &self.document.holders[usize::from(index)].hpke_key_id,
            client_key: &header.credential.client_key,
            body_digest: &header.body_digest,
            commitments: &header.commitments,
        }
    }
}
