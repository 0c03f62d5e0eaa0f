//! Results: the signed statement, the sum, the mean, and the proof that a contribution is in the
//! sum.

use api::{contributions::InclusionView, paths, rounds::ResultView};
use lattice::CHUNK_COEFFICIENTS;
use ledger::InclusionProof;
use names::RoundId;
use protocol::{
    Canonical, Receipt, Refusal, RoundResult, Signed, SumDigester, VerifiedRound, check_member, chunk_digest,
};

use crate::{Client, ClientError};

/// Bytes of one coordinate of the sum.
const SUM_BYTES: usize = size_of::<i64>();

/// The sum of a round. Its digest is in the signed result.
#[derive(Clone, Debug, PartialEq)]
pub struct RoundSum {
    /// The statement that the aggregator signed.
    pub result: RoundResult,
    /// The sum of the quantised updates Σ xᵢ, one integer for each coordinate, padding included.
    pub values: Vec<i64>,
}

impl RoundSum {
    /// The weighted mean of the updates, one value for each coordinate, without the padding.
    pub fn mean(&self, round: &VerifiedRound) -> Vec<f32> {
        let dimension = usize::try_from(round.document().dimension).expect("the sum is in memory");
        masking::mean(&self.values[..dimension], round.constants(), self.result.total_weight)
    }
}

impl Client {
    /// Fetches the signed result of a round. Checks its signature, its round and the size of its
    /// cohort.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-ready` before the round is published,
    /// [`ClientError::Refused`] and [`ClientError::Mismatch`] when the result does not verify, and
    /// the errors of any exchange.
    pub async fn result(&self, round: &VerifiedRound) -> Result<RoundResult, ClientError> {
        let path = paths::fill(paths::RESULT, &[&round_id(round)]);
        let view: ResultView = self.transport.json(&path, "a result").await?;
        self.check_result(round, &view.result.0)
    }

    /// Fetches the sum of a round and compares it with the digest in the signed result.
    ///
    /// # Errors
    /// As [`result`](Self::result).
    pub async fn result_sum(&self, round: &VerifiedRound) -> Result<RoundSum, ClientError> {
        let result = self.result(round).await?;
        let expected = round.constants().padded_dimension * SUM_BYTES as u64;
        let path = paths::fill(paths::RESULT_SUM, &[&round_id(round)]);
        let bytes = self.transport.bytes(&path, expected).await?;
        if bytes.len() as u64 != expected {
            return Err(ClientError::Mismatch { what: "sum", field: "length" });
        }
        let mut digester = SumDigester::default();
        bytes.chunks(CHUNK_COEFFICIENTS * SUM_BYTES).for_each(|chunk| digester.push(&chunk_digest(chunk)));
        if digester.finish() != result.sum_digest {
            return Err(ClientError::Mismatch { what: "sum", field: "sum_digest" });
        }
        let (words, _) = bytes.as_chunks::<SUM_BYTES>();
        Ok(RoundSum { result, values: words.iter().map(|word| i64::from_le_bytes(*word)).collect() })
    }

    /// Fetches and checks the sum, and returns the weighted mean: one value for each coordinate.
    ///
    /// # Errors
    /// As [`result`](Self::result).
    pub async fn result_mean(&self, round: &VerifiedRound) -> Result<Vec<f32>, ClientError> {
        Ok(self.result_sum(round).await?.mean(round))
    }

    /// Checks that the contribution of this receipt is in the round's signed result. Returns the
    /// result.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `not-ready` before the round is published, or with `not-found`
    /// when the contribution is not in the sum. [`ClientError::Refused`] and
    /// [`ClientError::Mismatch`] when the proof does not hold. Also the errors of any exchange.
    pub async fn inclusion(
        &self,
        round: &VerifiedRound,
        receipt: &Receipt,
    ) -> Result<RoundResult, ClientError> {
        let contribution = receipt.contribution_id;
        let path = paths::fill(paths::CONTRIBUTION_INCLUSION, &[&round_id(round), &contribution]);
        let view: InclusionView = self.transport.json(&path, "a proof of inclusion").await?;
        let result = self.check_result(round, &view.result.0)?;
        let mismatch = |field| ClientError::Mismatch { what: "proof of inclusion", field };
        if view.size != u64::from(result.count) {
            return Err(mismatch("size"));
        }
        let path = view.path;
        let proof = InclusionProof::new(view.index, view.size, path).map_err(|_| mismatch("path"))?;
        check_member(&result.root, &receipt.header_hash, &proof).map_err(|_| mismatch("root"))?;
        Ok(result)
    }

    fn check_result(&self, round: &VerifiedRound, bytes: &[u8]) -> Result<RoundResult, ClientError> {
        let what = "result";
        let result = RoundResult::from_bytes(bytes)
            .map_err(Refusal::malformed(what))
            .and_then(|result| result.verify(&self.pins.aggregator).map(|()| result))
            .and_then(|result| {
                round.check_totals(result.count as usize, result.total_weight).map(|()| result)
            })
            .map_err(ClientError::refused(what))?;
        if result.round_hash == *round.hash() {
            Ok(result)
        } else {
            Err(ClientError::Mismatch { what, field: "round_hash" })
        }
    }
}

fn round_id(round: &VerifiedRound) -> RoundId {
    round.document().round_id
}
