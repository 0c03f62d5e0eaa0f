//! Every path of both services. `{name}` is a parameter in the notation of axum. [`fill`] replaces
//! it.

/// Liveness: 200 while the process serves.
pub const HEALTH: &str = "/healthz";
/// Readiness: 200 while the database and the object store answer, otherwise 503.
pub const READY: &str = "/readyz";
/// Metrics in the text format of Prometheus.
pub const METRICS: &str = "/metrics";
/// Public keys and policy of the service.
pub const IDENTITY: &str = "/v1/identity";

/// Aggregator: `PUT` the model bytes (operator), `GET` them.
pub const MODEL: &str = "/v1/models/{digest}";
/// Aggregator: `POST` to enrol, `GET` to list.
pub const PARTICIPANTS: &str = "/v1/participants";
/// Aggregator: one participant with its counts.
pub const PARTICIPANT: &str = "/v1/participants/{subject}";
/// Aggregator: `POST` to create (operator), `GET` to list.
pub const ROUNDS: &str = "/v1/rounds";
/// Aggregator: one round with its progress.
pub const ROUND: &str = "/v1/rounds/{round}";
/// Aggregator: the signed round document.
pub const ROUND_DOCUMENT: &str = "/v1/rounds/{round}/document";
/// Aggregator: `POST` to end the uploads early (operator).
pub const ROUND_CLOSE: &str = "/v1/rounds/{round}/close";
/// Aggregator: `POST` to end a round without a result (operator).
pub const ROUND_CANCEL: &str = "/v1/rounds/{round}/cancel";
/// Aggregator: `PUT` a contribution, `GET` its state.
pub const CONTRIBUTION: &str = "/v1/rounds/{round}/contributions/{contribution}";
/// Aggregator: the proof that a contribution is in the sum.
pub const CONTRIBUTION_INCLUSION: &str = "/v1/rounds/{round}/contributions/{contribution}/inclusion";
/// Aggregator: the masked body of a contribution that is included, or whose proof was refused.
pub const CONTRIBUTION_BODY: &str = "/v1/rounds/{round}/contributions/{contribution}/body";
/// Aggregator: the result in figures, with the signed result.
pub const RESULT: &str = "/v1/rounds/{round}/result";
/// Aggregator: the exact sum of the padded dimension, `i64` little-endian.
pub const RESULT_SUM: &str = "/v1/rounds/{round}/result/sum";
/// Aggregator: the decoded mean, `f32` little-endian, without the padding.
pub const RESULT_MEAN: &str = "/v1/rounds/{round}/result/mean";
/// Aggregator: the audit bundle.
pub const BUNDLE: &str = "/v1/rounds/{round}/bundle";

/// Aggregator: the latest signed checkpoint of the log.
pub const LOG_CHECKPOINT: &str = "/v1/log/checkpoint";
/// Aggregator: entries of the log, `?from=` and `?limit=`.
pub const LOG_ENTRIES: &str = "/v1/log/entries";
/// Aggregator: one entry, with the proof that it is in the log.
pub const LOG_ENTRY: &str = "/v1/log/entries/{index}";
/// Aggregator: the proof that the log of size `?to=` continues that of size `?from=`.
pub const LOG_CONSISTENCY: &str = "/v1/log/consistency";
/// Aggregator: the proof that a contribution is in the log, as its receipt promises.
pub const CONTRIBUTION_LOG: &str = "/v1/rounds/{round}/contributions/{contribution}/log";

/// Aggregator: a page of the earnings of a round.
pub const ROUND_PAYOUTS: &str = "/v1/rounds/{round}/payouts";
/// Aggregator: the statement of a participant: balances, addresses, earnings and claims.
pub const STATEMENT: &str = "/v1/participants/{subject}/statement";
/// Aggregator: `PUT` the signed address at which a participant wants to be paid.
pub const CLAIM_ADDRESS: &str = "/v1/participants/{subject}/claim-address";
/// Aggregator: a page of the batches. `POST` makes a batch now (operator).
pub const BATCHES: &str = "/v1/payouts/batches";
/// Aggregator: one batch with its root and its payment.
pub const BATCH: &str = "/v1/payouts/batches/{batch}";
/// Aggregator: the tree of a batch, in the format of `@openzeppelin/merkle-tree`.
pub const BATCH_TREE: &str = "/v1/payouts/batches/{batch}/tree";
/// Aggregator: the balances in a batch as comma-separated lines.
pub const BATCH_CSV: &str = "/v1/payouts/batches/{batch}/csv";
/// Aggregator: a participant's claim in a batch, with its proof.
pub const BATCH_CLAIM: &str = "/v1/payouts/batches/{batch}/claims/{subject}";

/// Combiner: `POST` to make the HPKE key of a round.
pub const COMBINER_ROUND_KEYS: &str = "/v1/round-keys";
/// Combiner: `POST` a round document to be countersigned.
pub const COMBINER_ROUNDS: &str = "/v1/rounds";
/// Combiner: the state of a round.
pub const COMBINER_ROUND: &str = "/v1/rounds/{round_hash}";
/// Combiner: `POST` contributions to be attested.
pub const COMBINER_ATTESTATIONS: &str = "/v1/rounds/{round_hash}/attestations";
/// Combiner: `POST` a receipt (participants).
pub const COMBINER_RECEIPTS: &str = "/v1/rounds/{round_hash}/receipts";
/// Combiner: `POST` a contribution whose proof does not verify: its message, prefix and body.
pub const COMBINER_REFUSED_PROOFS: &str = "/v1/rounds/{round_hash}/refused-proofs";
/// Combiner: `POST` the fixed set to get the sum of its key shares.
pub const COMBINER_RELEASE: &str = "/v1/rounds/{round_hash}/release";
/// Combiner: `POST` when a round ends without a release. The combiner then destroys its round key.
pub const COMBINER_ABANDON: &str = "/v1/rounds/{round_hash}/abandon";

/// Replaces the parameters of `template` by `values`, in order.
pub fn fill(template: &str, values: &[&(dyn std::fmt::Display + Sync)]) -> String {
    let mut values = values.iter();
    template
        .split('/')
        .map(|part| match part.starts_with('{').then(|| values.next()).flatten() {
            Some(value) => value.to_string(),
            None => part.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_filled_in_order() {
        assert_eq!(fill(CONTRIBUTION_BODY, &[&1, &"c"]), "/v1/rounds/1/contributions/c/body");
    }
}
