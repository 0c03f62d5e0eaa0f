//! Turns a refusal of the protocol into a problem.

use std::error::Error;

use protocol::{DecodeError, Refusal, RefusedFor};

use crate::{Problem, ProblemKind};

impl From<&Refusal> for ProblemKind {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Malformed { .. }
            | Refusal::Holders { .. }
            | Refusal::NotAskedFor { .. }
            | Refusal::SealSmallOrder { .. } => Self::MalformedMessage,
            Refusal::Signature { of: "credential" } | Refusal::Epoch { .. } => Self::CredentialRefused,
            Refusal::Signature { .. } => Self::SignatureRefused,
            Refusal::WrongRound => Self::WrongRound,
            Refusal::Weight { .. } | Refusal::AttestedWeight { .. } => Self::WeightOutOfRange,
            Refusal::ProofKind => Self::ProofMissing,
            Refusal::NormProof { .. } => Self::ProofRefused,
            Refusal::Digest { .. } => Self::DigestMismatch,
            Refusal::BodyNotCanonical { .. } => Self::BodyNotCanonical,
            Refusal::BodyLength { .. } => Self::LengthMismatch,
            Refusal::Document { .. } => Self::RoundRefused,
            Refusal::Share { .. } | Refusal::Opening { .. } => Self::ShareRefused,
            Refusal::NotAttested { .. } => Self::NotAttested,
            Refusal::Order { .. } | Refusal::Root => Self::RootMismatch,
            Refusal::DuplicateSubject { .. } => Self::DuplicateSubject,
            Refusal::Cohort { .. } | Refusal::TotalWeight { .. } | Refusal::EffectiveSize { .. } => {
                Self::CohortOutOfBounds
            }
            _ => Self::MalformedMessage,
        }
    }
}

impl From<RefusedFor> for ProblemKind {
    fn from(reason: RefusedFor) -> Self {
        match reason {
            RefusedFor::Share => Self::ShareRefused,
            RefusedFor::Attempts => Self::AttemptsExhausted,
            RefusedFor::Commitment => Self::CommitmentRepeated,
            RefusedFor::Rule => Self::MalformedMessage,
        }
    }
}

impl From<&Refusal> for Problem {
    /// The detail has the refusal and its causes. The field and the rule are set where the refusal
    /// names them.
    fn from(refusal: &Refusal) -> Self {
        let causes = std::iter::successors(Some(refusal as &dyn Error), |&error| error.source());
        let mut problem = Self::new(ProblemKind::from(refusal));
        problem.detail = Some(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "));
        match refusal {
            Refusal::Malformed {
                source: DecodeError::Truncated { field } | DecodeError::Range { field },
                ..
            } => {
                problem.field = Some((*field).to_owned());
            }
            Refusal::Document { rule } => problem.rule = Some((*rule).to_owned()),
            _ => {}
        }
        problem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_its_field_rule_and_causes() {
        let refusal = Refusal::malformed("round document")(DecodeError::Range { field: "clip" });
        let problem = Problem::from(&refusal);
        assert_eq!(problem.kind(), Some(ProblemKind::MalformedMessage));
        assert_eq!(problem.field.as_deref(), Some("clip"));
        assert_eq!(
            problem.detail.as_deref(),
            Some("not a canonical round document: `clip` is outside its range")
        );

        let problem = Problem::from(&Refusal::Document { rule: "2 to 8 share holders" });
        assert_eq!(problem.kind(), Some(ProblemKind::RoundRefused));
        assert_eq!(problem.rule.as_deref(), Some("2 to 8 share holders"));
    }

    #[test]
    fn a_credentials_signature_is_told_from_others() {
        let kind = |of| ProblemKind::from(&Refusal::Signature { of });
        assert_eq!(kind("credential"), ProblemKind::CredentialRefused);
        assert_eq!(kind("contribution"), ProblemKind::SignatureRefused);
    }
}
