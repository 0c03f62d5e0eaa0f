//! The report at the end of the demo, as text and as JSON.

use std::{collections::BTreeMap, fmt::Write, path::Path, time::Duration};

use api::rounds::ProofDemand;
use serde_json::{Value, json};

use super::{
    args::Args,
    cast::Role,
    federation::Federation,
    influence::Influence,
    learner::ClientOutcome,
    payday::Payday,
    record::{QUERIES, Record},
    terms::POOL,
    training::Advance,
};
use crate::{
    error::{CommandError, Result},
    output::Output,
};

pub(super) struct Report<'a> {
    pub(super) args: &'a Args,
    pub(super) federation: &'a Federation,
    pub(super) rounds: &'a [Advance],
    pub(super) record: &'a Record,
    pub(super) influence: &'a Influence,
    pub(super) payday: &'a Payday,
    pub(super) elapsed: Duration,
}

impl Report<'_> {
    /// Prints the report. `kept` has the URL of the database and the folder of the demo, if they
    /// stay.
    pub(super) fn print(&self, kept: Option<(&str, &Path)>, output: &Output) {
        let alone = self.federation.accuracies_alone(self.args.rounds);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.accuracies(&mut text, &alone);
        let _ = self.sums(&mut text);
        let _ = self.refusals(&mut text);
        let _ = self.influence(&mut text);
        let _ = self.payments(&mut text);
        let _ = self.costs(&mut text);
        if let Some((url, folder)) = kept {
            let _ = inspection(&mut text, url, folder);
        }
        output.answer(text.trim_end(), &self.value(&alone, kept));
    }

    /// Fails unless every secure sum and every secure model equals the plain one.
    pub(super) fn verdict(&self) -> Result<()> {
        if !self.sums_identical() {
            return Err(CommandError::Demo("a secure sum differs from the plain sum"));
        }
        if !self.rounds.iter().all(|round| round.models_identical) {
            return Err(CommandError::Demo("the secure model differs from the plain model"));
        }
        if self.influence.error_bounded > self.influence.limit {
            return Err(CommandError::Demo("a contribution has more influence than its share allows"));
        }
        Ok(())
    }

    fn sums_identical(&self) -> bool {
        self.rounds.iter().all(|round| round.outcome.sum_identical)
    }

    fn accuracies(&self, text: &mut String, alone: &[f64]) -> std::fmt::Result {
        writeln!(text, "Accuracy on {} test images, in percent", self.federation.test.len())?;
        writeln!(text, "  round   secure   plain integers   plain floats   in the sum")?;
        for (number, round) in (1..).zip(self.rounds) {
            writeln!(
                text,
                "  {number:>5}   {:>6.1}   {:>14.1}   {:>12.1}   {:>10}",
                100.0 * round.secure_accuracy,
                100.0 * round.plain_accuracy,
                100.0 * round.float_accuracy,
                round.outcome.included.len(),
            )?;
        }
        writeln!(
            text,
            "  one client's data alone: {:.1} on average, {:.1} at best",
            100.0 * mean(alone),
            100.0 * best(alone)
        )
    }

    fn sums(&self, text: &mut String) -> std::fmt::Result {
        let identical = self.rounds.iter().filter(|round| round.outcome.sum_identical).count();
        writeln!(
            text,
            "\nSecure sum equal to the plain integer sum, bit for bit: {identical} of {} rounds",
            self.rounds.len()
        )?;
        let clip = self.contributions().map(|done| done.clip_ratio).fold(1.0, f64::min);
        writeln!(text, "Smallest clip ratio: {clip:.3}")?;
        let (before, after) = (self.count(Role::VanishesBefore), self.count(Role::LeavesAfter));
        writeln!(text, "Vanished before uploading: {before}; after uploading, for good: {after}")
    }

    fn refusals(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\nRefused when uploading (HTTP)")?;
        for (number, round) in (1..).zip(self.rounds) {
            for outcome in &round.outcome.outcomes {
                for refused in &outcome.refused {
                    let subject = self.federation.learners[outcome.client].subject();
                    writeln!(text, "  round {number}  {subject}  {:34} {}", refused.misdeed, refused.reason)?;
                }
            }
        }
        writeln!(text, "Rejected after storing (SQL)")?;
        for (id, subject, reason) in &self.record.rejected {
            let number =
                self.rounds.iter().position(|round| round.outcome.id.to_string() == *id).unwrap_or_default();
            let misdeed = self.stored_misdeed(number, subject);
            writeln!(text, "  round {}  {subject}  {misdeed:34} {reason}", number + 1)?;
        }
        writeln!(text, "Contributions by state (SQL): {}", listed(&self.record.states))?;
        writeln!(text, "Refused uploads by reason (SQL): {}", listed(&self.record.refused))
    }

    /// Describes the contribution of a client that was stored and then rejected.
    fn stored_misdeed(&self, round: usize, subject: &str) -> &'static str {
        let outcomes = self.rounds.get(round).map_or(&[][..], |round| &round.outcome.outcomes);
        let is_of = |outcome: &&ClientOutcome| self.federation.learners[outcome.client].subject() == subject;
        outcomes.iter().find(is_of).map_or("", |outcome| outcome.role.misdeed())
    }

    fn influence(&self, text: &mut String) -> std::fmt::Result {
        let Influence { share, error_bounded, limit, error_unbounded } = self.influence;
        writeln!(
            text,
            "\nA hospital with {:.1} % of the weight cheats. It moves the mean by",
            100.0 * share
        )?;
        writeln!(text, "  {error_bounded:.4} C with norm proofs, where {limit:.4} C is the limit;")?;
        writeln!(text, "  {error_unbounded:.4} C without them")
    }

    fn payments(&self, text: &mut String) -> std::fmt::Result {
        let Payday { statement, claim, receipts, entries, verified: (members, proofs) } = self.payday;
        writeln!(
            text,
            "\nPaid: {} tokens in each round, by reputation. Statement of {}",
            tokens(POOL),
            statement.subject
        )?;
        for payout in statement.payouts.iter().rev() {
            let is_this = |round: &&Advance| round.outcome.id == payout.round_id;
            let number = self.rounds.iter().take_while(|round| !is_this(round)).count() + 1;
            let reputation = f64::from(payout.reputation_ppm) / 1e6;
            writeln!(
                text,
                "  round {number}  reputation {reputation:.3}  earned {:>9}",
                tokens(payout.amount.0)
            )?;
        }
        for balance in &statement.balances {
            let (earned, handed_over) = (tokens(balance.earned.0), tokens(balance.handed_over.0));
            writeln!(
                text,
                "  in all {earned}, of which {handed_over} can be claimed in {} batches",
                statement.claims.len()
            )?;
        }
        if let Some(claim) = claim {
            writeln!(text, "  the last, by {} with a proof of {} hashes", claim.address, claim.proof.len())?;
        }
        writeln!(
            text,
            "Audited: {receipts} receipts in the signed log; {entries} log entries against the tables;"
        )?;
        writeln!(
            text,
            "  the last round's {members} contributions, {proofs} norm proofs and sum from its bundle"
        )
    }

    fn costs(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\nTime, median in milliseconds")?;
        for (name, time) in self.phases() {
            writeln!(text, "  {name:32} {time:>9.1}")?;
        }
        let bytes = self.contributions().map(|done| done.bytes).max().unwrap_or_default();
        let result = self.rounds.first().map(|round| round.outcome.result_bytes).unwrap_or_default();
        writeln!(text, "Bytes: {bytes} for each contribution, {result} for the sum")?;
        writeln!(text, "Seconds in all: {:.1}", self.elapsed.as_secs_f64())
    }

    fn phases(&self) -> [(&'static str, f64); 6] {
        let rounds = || self.rounds.iter().map(|round| &round.outcome);
        [
            ("train, each client", median(self.outcomes().map(|outcome| outcome.train_time))),
            ("quantise and mask, each client", median(self.contributions().map(|done| done.mask_time))),
            ("prove and sign, each client", median(self.contributions().map(|done| done.prove_time))),
            ("upload, each client", median(self.contributions().map(|done| done.upload_time))),
            ("verify, after the last upload", median(rounds().map(|round| round.verify_time))),
            ("close, until published", median(rounds().map(|round| round.close_time))),
        ]
    }

    fn value(&self, alone: &[f64], kept: Option<(&str, &Path)>) -> Value {
        let by_round = |accuracy: fn(&Advance) -> f64| self.rounds.iter().map(accuracy).collect::<Vec<_>>();
        let (secure, plain, float) = (
            by_round(|round| round.secure_accuracy),
            by_round(|round| round.plain_accuracy),
            by_round(|round| round.float_accuracy),
        );
        json!({
            "clients": self.args.clients,
            "rounds": self.rounds.len(),
            "seed": self.args.seed,
            "proof": ProofDemand::from(self.args.proof),
            "accuracy_secure": secure.last(),
            "accuracy_plain": plain.last(),
            "accuracy_float": float.last(),
            "accuracy_alone_mean": mean(alone),
            "accuracy_alone_best": best(alone),
            "accuracy_by_round": { "secure": secure, "plain": plain, "float": float },
            "sums_identical": self.sums_identical(),
            "models_identical": self.rounds.iter().all(|round| round.models_identical),
            "included": self.rounds.iter().map(|round| round.outcome.included.len()).collect::<Vec<_>>(),
            "round_ids": self.rounds.iter().map(|round| round.outcome.id).collect::<Vec<_>>(),
            "states": self.record.states,
            "refused": self.record.refused,
            "rejected": self.record.rejected.iter().map(|(_, _, reason)| reason).collect::<Vec<_>>(),
            "dropouts_before": self.count(Role::VanishesBefore),
            "dropouts_after": self.count(Role::LeavesAfter),
            "bytes_per_contribution": self.contributions().map(|done| done.bytes).max(),
            "influence": {
                "share": self.influence.share,
                "error_bounded": self.influence.error_bounded,
                "limit": self.influence.limit,
                "error_unbounded": self.influence.error_unbounded,
            },
            "statement": self.payday.statement,
            "receipts_logged": self.payday.receipts,
            "log_entries": self.payday.entries,
            "verified": self.payday.verified.0,
            "phases_ms": self.phases().into_iter().collect::<BTreeMap<_, _>>(),
            "seconds": self.elapsed.as_secs_f64(),
            "database": kept.map(|(url, _)| url),
            "folder": kept.map(|(_, folder)| folder),
        })
    }

    fn outcomes(&self) -> impl Iterator<Item = &ClientOutcome> {
        self.rounds.iter().flat_map(|round| &round.outcome.outcomes)
    }

    /// The contributions that belong in the sum and that the SDK made, so without the forged ones.
    fn contributions(&self) -> impl Iterator<Item = &super::learner::Contributed> {
        let honest = self.outcomes().filter(|outcome| outcome.role.counts() && outcome.role != Role::Tilter);
        honest.filter_map(|outcome| outcome.contributed.as_ref())
    }

    fn count(&self, role: Role) -> usize {
        self.outcomes().filter(|outcome| outcome.role == role).count()
    }
}

/// Explains how to look at the record of a cluster that stays up, and how to stop it.
fn inspection(text: &mut String, url: &str, folder: &Path) -> std::fmt::Result {
    writeln!(text, "\nThe database stays up. To look at the record:\n  psql '{url}'")?;
    for query in QUERIES {
        writeln!(text, "  {query}")?;
    }
    let data = folder.join("postgres/data");
    writeln!(text, "To stop it, as the owner of that folder:\n  pg_ctl -D {} stop", data.display())
}

/// Formats an amount of eighteen decimals, cut off after three.
fn tokens(amount: u128) -> String {
    let thousandths = amount / 10u128.pow(15);
    format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000)
}

fn listed(counts: &BTreeMap<String, i64>) -> String {
    let items: Vec<_> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    items.join(", ")
}

fn median(times: impl Iterator<Item = Duration>) -> f64 {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn best(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}
