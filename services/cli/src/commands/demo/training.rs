//! The rounds of the demo, and the models that result.

use super::{
    args::{Args, ProofArg},
    averaging::FloatFederation,
    cast::Role,
    federation::Federation,
    round::{self, RoundOutcome},
};
use crate::{commands::audit, error::Result, output::Output};

/// A round, and the accuracies of the models after it.
pub(super) struct Advance {
    pub(super) outcome: RoundOutcome,
    pub(super) secure_accuracy: f64,
    pub(super) plain_accuracy: f64,
    pub(super) float_accuracy: f64,
    /// Whether the secure and the plain model are equal, bit for bit.
    pub(super) models_identical: bool,
}

/// Runs all rounds, each from the model that the last one produced.
pub(super) async fn run(federation: &Federation, args: &Args, output: &Output) -> Result<Vec<Advance>> {
    let mut secure = federation.initial.clone();
    let mut plain = federation.initial.clone();
    let mut float = FloatFederation { network: federation.initial.clone() };
    let (mut gone, mut advances) = (Vec::new(), Vec::new());
    let proved = args.proof == ProofArg::NormV2;
    for number in 1..=args.rounds {
        let roles = federation.cast(number, &gone, proved);
        let plan = round::Plan { number, roles: &roles, proof: args.proof.into() };
        let outcome = round::run(federation, &plan, &secure, output).await?;
        secure.add(&outcome.secure_mean);
        plain.add(&outcome.plain_mean);
        float = federation.advance_float(float, outcome.included.clone(), args.seed, number).await;
        gone.extend((0..roles.len()).filter(|&client| roles[client] == Role::LeavesAfter));
        if let Some(out) = &args.out {
            audit::fetch(&federation.observer, outcome.id, &out.join(format!("round-{number}"))).await?;
        }
        advances.push(Advance {
            outcome,
            secure_accuracy: secure.accuracy(&federation.test),
            plain_accuracy: plain.accuracy(&federation.test),
            float_accuracy: float.network.accuracy(&federation.test),
            models_identical: secure == plain,
        });
    }
    Ok(advances)
}
