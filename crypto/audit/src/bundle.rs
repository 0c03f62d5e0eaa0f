//! The audit bundle (`docs/wire-formats.md` §10): its JSON, and its decoded form under an accepted
//! document.

mod json;

use names::ContributionId;
use protocol::{
    Canonical, ContributionHeader, Pins, Proof, Refusal, ReleaseAnswer, RoundDocument, RoundResult,
    Signature, SignedDocument, VerifiedRound,
};

use self::json::{Bytes, MemberJson};
use crate::{
    Finding, Place,
    finding::{Fault, RoundFault},
};

pub use self::json::BundleJson;

/// A bundle whose document is signed by the pinned parties. Everything in it is decoded.
/// [`verify_round`](crate::verify_round) checks the rest.
#[derive(Clone, Debug)]
pub struct Bundle {
    pub(crate) round: VerifiedRound,
    /// The members in the order of the set root. `headers` has the same order.
    pub(crate) members: Vec<Member>,
    pub(crate) headers: Vec<ContributionHeader>,
    pub(crate) answers: Vec<ReleaseAnswer>,
    pub(crate) result: RoundResult,
}

/// A member of the set, without its header.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) contribution_id: ContributionId,
    pub(crate) proof: Vec<u8>,
    /// One attestation of each combiner, in the order of the holders.
    pub(crate) attestations: Vec<Vec<u8>>,
}

impl Bundle {
    /// Reads a bundle's JSON and accepts its document under `pins`, as a participant does.
    ///
    /// # Errors
    /// A [`Finding`] when the text is not a bundle, when the document or its signatures are not
    /// those of the pinned parties, or when something in the bundle is not canonical.
    pub fn read(json: &[u8], pins: &Pins) -> Result<Self, Finding> {
        BundleJson::read(json)
            .map_err(|error| Finding::new(Place::Bundle, RoundFault::NotABundle(error)))?
            .accept(pins)
    }

    /// The round.
    pub fn round(&self) -> &VerifiedRound {
        &self.round
    }

    /// The headers of the members, in the order of the set's root.
    pub fn headers(&self) -> &[ContributionHeader] {
        &self.headers
    }

    /// The result.
    pub fn result(&self) -> &RoundResult {
        &self.result
    }

    /// Whether every contribution must carry a norm proof.
    pub fn demands_proofs(&self) -> bool {
        self.round.document().proof == Proof::NormV2
    }

    /// How often [`verify_round`](crate::verify_round) reports progress: once for each member's
    /// body and once for each chunk of the sum.
    pub fn steps(&self) -> u64 {
        self.members.len() as u64 + self.round.constants().chunks()
    }
}

impl BundleJson {
    /// The round document. Its signatures are not checked.
    ///
    /// # Errors
    /// A [`Finding`] when the bytes are not canonical.
    pub fn document(&self) -> Result<RoundDocument, Finding> {
        decode(&self.document, Place::RoundDocument, "round document")
    }

    /// The headers of the members, in the order of the set's root.
    ///
    /// # Errors
    /// A [`Finding`] about the first contribution whose bytes are not canonical.
    pub fn headers(&self) -> Result<Vec<ContributionHeader>, Finding> {
        let header = |member: &MemberJson| {
            decode(&member.header, Place::Contribution(member.contribution_id), "contribution header")
        };
        self.members.iter().map(header).collect()
    }

    /// The answers, the aggregator's first.
    ///
    /// # Errors
    /// A [`Finding`] about the first answer whose bytes are not canonical.
    pub fn answers(&self) -> Result<Vec<ReleaseAnswer>, Finding> {
        let answers = (0..=u8::MAX).zip(&self.answers);
        answers.map(|(holder, bytes)| decode(bytes, Place::Answer { holder }, "release answer")).collect()
    }

    /// The result.
    ///
    /// # Errors
    /// A [`Finding`] when the bytes are not canonical.
    pub fn result(&self) -> Result<RoundResult, Finding> {
        decode(&self.result, Place::Result, "result")
    }

    /// The keys that the document itself names. They are enough to find contradictions. They do not
    /// show who published the round.
    ///
    /// # Errors
    /// A [`Finding`] when the document is not canonical.
    pub fn stated_pins(&self) -> Result<Pins, Finding> {
        let document = self.document()?;
        let mut keys = document.holders.iter().map(|holder| holder.identity_key);
        let aggregator =
            keys.next().ok_or_else(|| Finding::new(Place::RoundDocument, RoundFault::NoAggregator))?;
        Ok(Pins { aggregator, combiners: keys.collect(), registrar: document.registrar_key })
    }

    /// Accepts the document if it keeps every rule and is signed by the pinned parties.
    ///
    /// # Errors
    /// A [`Finding`] about the document, its signatures or the aggregator's key, or about something
    /// in the bundle that is not canonical.
    pub fn accept(self, pins: &Pins) -> Result<Bundle, Finding> {
        let signed = SignedDocument {
            document: self.document.0.clone(),
            aggregator_signature: Signature(self.aggregator_signature.0),
            countersignatures: self.countersignatures.iter().map(|one| Signature(one.0)).collect(),
        };
        let round = signed.verify(pins).map_err(|refusal| Finding::new(Place::RoundDocument, refusal))?;
        if self.aggregator_key != pins.aggregator {
            return Err(Finding::new(Place::AggregatorKey, RoundFault::OtherKey));
        }
        let (headers, answers, result) = (self.headers()?, self.answers()?, self.result()?);
        let members = self.members.into_iter().map(member).collect();
        Ok(Bundle { round, members, headers, answers, result })
    }
}

fn member(json: MemberJson) -> Member {
    Member {
        contribution_id: json.contribution_id,
        proof: json.proof.0,
        attestations: json.attestations.into_iter().map(|bytes| bytes.0).collect(),
    }
}

fn decode<T: Canonical>(bytes: &Bytes, at: Place, what: &'static str) -> Result<T, Finding> {
    T::from_bytes(&bytes.0).map_err(|error| Finding::new(at, Fault::from(Refusal::malformed(what)(error))))
}
