//! The answers of the holders.

use protocol::roles::aggregator::check_answer;

use crate::{Finding, Place, bundle::Bundle, finding::RoundFault};

/// Checks that there is one answer of every holder, and that it opens the sum of the holder's
/// commitments.
pub(super) fn check_answers(bundle: &Bundle) -> Result<(), Finding> {
    if bundle.answers.len() != usize::from(bundle.round.holders()) {
        return Err(Finding::new(Place::Answers, RoundFault::Answers));
    }
    for (holder, answer) in (0..).zip(&bundle.answers) {
        let at = Place::Answer { holder };
        if answer.holder != holder {
            return Err(Finding::new(at, RoundFault::OtherHolder));
        }
        check_answer(&bundle.round, &bundle.headers, answer).map_err(|refusal| Finding::new(at, refusal))?;
    }
    Ok(())
}
