//! The earnings of contributions. The pool of a published round is split and posted, and balances
//! are handed to the distributor. All of it happens in the caller's transaction, so that it happens
//! once or not at all.

use api::ProblemKind;
use kit::{Error, Result, time::Timestamp};
use ledger::payout::{Inputs, Policy, Recipient, split};
use names::{PublicKey, RoundId, Subject};
use protocol::{
    Canonical, ClaimAddress, ContributionHeader, PayoutTerms, RoundDocument, Token, roles::aggregator::HOLDER,
};
use sqlx::PgConnection;

use crate::{
    batches::{payment, tree},
    reputation,
    state::App,
    store::{
        batches::{self as stored, Claimable, Owed},
        books::{self, Earner, Earning},
        reputation::position,
    },
};

/// The score of every contribution, since rounds have no scores.
const UNSCORED_PPM: u32 = 1_000_000;

/// Checks the token that an operator names in this field.
pub(crate) fn token(field: &str, token: &api::payouts::Token) -> Result<Token> {
    let refused =
        |name, rule| Error::abort(ProblemKind::InvalidParameter).field(format!("{field}.{name}"), rule);
    let contract = token.contract.parse();
    let contract = contract.map_err(|_| refused("contract", "0x and 40 hexadecimal digits"))?;
    // The database counts chains, as EIP-2294 does, in fewer bits than the document has.
    match i64::try_from(token.chain_id) {
        Ok(1..) => Ok(Token { chain_id: token.chain_id, contract }),
        _ => Err(refused("chain_id", "1 to 2^63 - 1")),
    }
}

/// Computes what each contribution in the sum of a round earns.
pub(crate) async fn earnings(app: &App, round_id: &RoundId, terms: &PayoutTerms) -> Result<Vec<Earning>> {
    let earners = books::earners(&app.db, round_id).await?;
    earners.iter().try_for_each(check_header)?;
    let subjects: Vec<&Subject> = earners.iter().map(|earner| &earner.subject.0).collect();
    let at = position(&app.db, round_id).await?;
    let reputations = reputation::in_round(&app.db, &subjects, at).await?;
    let mut earnings: Vec<Earning> = earners
        .into_iter()
        .map(|earner| Earning {
            reputation_ppm: reputations.get(&earner.subject.0).copied().unwrap_or_default(),
            score_ppm: UNSCORED_PPM,
            amount: 0,
            earner,
        })
        .collect();
    let recipients: Vec<Recipient<'_>> =
        earnings.iter().map(|earning| recipient(terms.policy, earning)).collect();
    let amounts = split(terms.pool, &recipients).map_err(Error::fault)?;
    earnings.iter_mut().zip(amounts).for_each(|(earning, amount)| earning.amount = amount);
    Ok(earnings)
}

/// Checks that the subject and the weight of a row are those that the participant signed.
fn check_header(earner: &Earner) -> Result<()> {
    let header = ContributionHeader::from_bytes(&earner.header).map_err(Error::fault)?;
    let signed = (header.contribution_id, &header.credential.subject, header.weight);
    if signed == (earner.contribution_id.0, &earner.subject.0, earner.weight.cast_unsigned()) {
        Ok(())
    } else {
        Err(Error::fault("a contribution's row is not what its participant signed"))
    }
}

fn recipient(policy: Policy, earning: &Earning) -> Recipient<'_> {
    let Earning { earner, score_ppm, reputation_ppm, .. } = earning;
    let inputs = Inputs {
        weight: earner.weight.cast_unsigned(),
        score_ppm: *score_ppm,
        reputation_ppm: *reputation_ppm,
    };
    Recipient { participant: earner.subject.as_str(), weight: policy.weight(&inputs) }
}

/// Posts the earnings of a round and hands over every balance in its token whose owner has a claim
/// address. Does nothing if the round was paid before.
pub(crate) async fn post(
    tx: &mut PgConnection,
    document: &RoundDocument,
    terms: &PayoutTerms,
    earnings: &[Earning],
    now: Timestamp,
) -> Result<()> {
    books::lock(tx).await?;
    let round_id = &document.round_id;
    if books::is_paid(&mut *tx, round_id).await? {
        return Ok(());
    }
    books::pay_round(tx, round_id, &terms.asset().to_string(), earnings, now).await?;
    if let Some(token) = &terms.token {
        let aggregator = &document.holders[usize::from(HOLDER)].identity_key;
        hand_over(tx, aggregator, Some(round_id), token, now).await?;
    }
    Ok(())
}

/// Hands over every balance in a token whose owner has a claim address at this aggregator. Returns
/// the batch, if there is such a balance. The books must be locked.
pub(crate) async fn hand_over(
    tx: &mut PgConnection,
    aggregator: &PublicKey,
    round_id: Option<&RoundId>,
    token: &Token,
    now: Timestamp,
) -> Result<Option<i64>> {
    let asset = token.to_string();
    let chain_id = i64::try_from(token.chain_id).map_err(Error::fault)?;
    let owed = stored::owed(tx, &asset, chain_id).await?;
    let balances: Vec<Claimable> =
        owed.into_iter().filter_map(|owed| claimable(owed, aggregator, token.chain_id)).collect();
    if balances.is_empty() {
        return Ok(None);
    }
    let payments = balances.iter().map(|Claimable { address, amount, .. }| payment(*address, amount));
    let root = tree(payments)?.root();
    Ok(Some(stored::insert(tx, round_id, &asset, &root, &balances, now).await?))
}

/// A balance with the address that its owner has signed. `None` if no message is signed with the
/// owner's present key.
fn claimable(owed: Owed, aggregator: &PublicKey, chain_id: u64) -> Option<Claimable> {
    let Owed { subject, client_key, amount, messages } = owed;
    let addresses = ClaimAddress::in_force(&messages, aggregator, &subject, &client_key);
    let address = addresses.into_iter().find(|claim| claim.chain_id == chain_id)?.address.to_bytes();
    Some(Claimable { subject, address, amount })
}
