//! Problem details (RFC 9457): errors with one stable type for each cause.

use serde::{Deserialize, Serialize};

/// The media type of an error's body.
pub const MEDIA_TYPE: &str = "application/problem+json";

const TYPE_PREFIX: &str = "urn:blindsum:problem:";

macro_rules! problems {
    ($($variant:ident = $code:literal, $status:literal, $title:literal;)*) => {
        /// The cause of an error. Its code is the last part of the problem's `type`. For a
        /// contribution, it is also the reason in the record.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum ProblemKind {
            $(#[doc = $title] #[serde(rename = $code)] $variant,)*
        }

        impl ProblemKind {
            /// Every kind, for documentation and tests.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The stable name, for programs.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),* }
            }

            /// The HTTP status of the answer.
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status),* }
            }

            /// The sentence for people. It is the same for every occurrence.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),* }
            }
        }
    };
}

problems! {
    MalformedRequest = "malformed-request", 400, "The request is not of the documented form.";
    MalformedMessage = "malformed-message", 400, "The bytes are not a canonical encoding.";
    LengthMismatch = "length-mismatch", 400, "The body is not as long as the round document says.";
    Unauthorised = "unauthorised", 401, "A valid bearer token is needed.";
    CredentialRefused = "credential-refused", 403, "The credential is not signed by the registrar for this epoch.";
    SignatureRefused = "signature-refused", 403, "The signature does not verify under the stated key.";
    UnknownParticipant = "unknown-participant", 403, "The participant is not enrolled with this key.";
    NotFound = "not-found", 404, "There is no such resource.";
    ReputationTooLow = "reputation-too-low", 403, "The participant's reputation is below what the round demands.";
    MethodNotAllowed = "method-not-allowed", 405, "The resource has no such method.";
    RequestTimeout = "request-timeout", 408, "The request did not arrive in time.";
    RoundNotOpen = "round-not-open", 409, "The round does not accept contributions now.";
    RoundFull = "round-full", 409, "The round has as many contributions as it can take.";
    RoundState = "round-state", 409, "The round is not in a state that allows this.";
    ModelInUse = "model-in-use", 409, "Another open round starts from the same model.";
    LayoutInUse = "layout-in-use", 409, "Too many open rounds have this registrar and this layout.";
    ContributionConflict = "contribution-conflict", 409, "Another contribution has this identifier.";
    CommitmentRepeated = "commitment-repeated", 409, "Another contribution of the round has the same commitment.";
    AlreadyContributed = "already-contributed", 409, "The participant has a contribution in this round.";
    AttemptsExhausted = "attempts-exhausted", 409, "The participant may not send another contribution in this round.";
    NotAttested = "not-attested", 409, "A member of the set was not attested in this round.";
    LeftOut = "left-out", 409, "The set leaves out more participants than the combiner allows.";
    ReleaseConflict = "release-conflict", 409, "The key shares of this round were released for another set.";
    ClaimConflict = "claim-conflict", 409, "The claim address is not newer than the one that counts.";
    NothingOwed = "nothing-owed", 409, "No balance in this token waits for a batch.";
    NotReady = "not-ready", 409, "The result is not published yet.";
    RoundKeyDestroyed = "round-key-destroyed", 410, "The round's key has been destroyed.";
    Erased = "erased", 410, "The audit window is over; the bodies have been erased.";
    PayloadTooLarge = "payload-too-large", 413, "The body is larger than is accepted.";
    UnsupportedMediaType = "unsupported-media-type", 415, "The media type is not the documented one.";
    InvalidParameter = "invalid-parameter", 422, "A parameter is outside its range.";
    RoundRefused = "round-refused", 422, "No round can be run with these parameters.";
    WrongRound = "wrong-round", 422, "The message was made for another round.";
    WeightOutOfRange = "weight-out-of-range", 422, "The weight is outside the round's range.";
    ProofMissing = "proof-missing", 422, "The contribution does not carry the proof that the round demands.";
    ProofRefused = "proof-refused", 422, "The proof does not verify.";
    DigestMismatch = "digest-mismatch", 422, "The bytes do not have the digest that the header states.";
    BodyNotCanonical = "body-not-canonical", 422, "The body holds a word outside the ring.";
    ShareRefused = "share-refused", 422, "A sealed key share does not open to its commitment.";
    DuplicateSubject = "duplicate-subject", 422, "One participant appears twice.";
    CohortOutOfBounds = "cohort-out-of-bounds", 422, "The set is smaller than min_cohort, larger than max_contributions or heavier than max_total_weight.";
    RootMismatch = "root-mismatch", 422, "The root is not the root of the members.";
    RoundClosedFirst = "round-closed-first", 409, "The round closed before the contribution was verified.";
    RoundEnded = "round-ended", 409, "The round ended without a result.";
    TooManyRequests = "too-many-requests", 429, "The service is at its limit; try again later.";
    Internal = "internal", 500, "The service failed; the request may be repeated.";
    Unavailable = "unavailable", 503, "The service cannot reach what it needs; try again later.";
}

/// The body of an error.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// `urn:blindsum:problem:`, followed by the code of the kind.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// The title of the kind.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What was wrong this time, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The field or parameter that broke the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The rule, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The identifier of the request. The log of the service has it too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Problem {
    /// A problem of this kind, without detail, field, rule or request identifier.
    pub fn new(kind: ProblemKind) -> Self {
        Self {
            type_uri: format!("{TYPE_PREFIX}{}", kind.code()),
            title: kind.title().to_owned(),
            status: kind.status(),
            detail: None,
            field: None,
            rule: None,
            request_id: None,
        }
    }

    /// The kind. `None` if this version does not know it.
    pub fn kind(&self) -> Option<ProblemKind> {
        let code = self.type_uri.strip_prefix(TYPE_PREFIX)?;
        ProblemKind::ALL.iter().copied().find(|kind| kind.code() == code)
    }

    /// Whether a Blindsum service sent this problem, perhaps a later version. Otherwise it comes
    /// from something in between, such as a proxy.
    pub fn is_own(&self) -> bool {
        self.type_uri.starts_with(TYPE_PREFIX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_type() {
        for &kind in ProblemKind::ALL {
            let text = serde_json::to_string(&Problem::new(kind)).unwrap();
            let problem: Problem = serde_json::from_str(&text).unwrap();
            assert_eq!(problem.kind(), Some(kind));
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.code()));
        }
    }

    #[test]
    fn every_kind_is_documented() {
        let page = include_str!("../../../docs/api.md");
        for kind in ProblemKind::ALL {
            assert!(page.contains(&format!("| `{}` | {} |", kind.code(), kind.status())), "{}", kind.code());
        }
    }
}
