//! What contributions earn: the pool of a published round is split and posted, and balances are handed to the
//! distributor. All of it in the caller's transaction, so that it happens once or not at all.

use std::sync::Arc;

use api::{
    ProblemKind,
    participants::Page,
    payouts::{Amount, Batch, Claim, ClaimProof, MakeBatch, Payout, PayoutPolicy},
};
use kit::{Error, Result, time::Timestamp, tx::run_tx};
use ledger::{
    payout::{Inputs, Policy, Recipient, split},
    payout_tree::{Address, Payment, PayoutTree, merge},
};
use names::RoundId;
use protocol::{Canonical, ContributionHeader, PayoutTerms, RoundDocument, Token};
use sqlx::PgConnection;

use super::{claims, reputation, rounds};
use crate::{
    state::App,
    store::{
        batches::{self as stored, BatchRow, Claimable, LineRow, Owed},
        books::{self, Earner, Earning, PayoutRow},
        reputation::position,
    },
};

/// A whole score: rounds have no scores.
const UNSCORED_PPM: u32 = 1_000_000;

/// The token that an operator names in this field.
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
pub(crate) async fn reckon(app: &App, round_id: &RoundId, terms: &PayoutTerms) -> Result<Vec<Earning>> {
    let earners = books::earners(&app.db, round_id).await?;
    earners.iter().try_for_each(check_header)?;
    let subjects: Vec<&str> = earners.iter().map(|earner| earner.subject.as_str()).collect();
    let at = position(&app.db, round_id).await?;
    let reputations = reputation::in_round(&app.db, &subjects, at).await?;
    let mut earnings: Vec<Earning> = earners
        .into_iter()
        .map(|earner| Earning {
            reputation_ppm: reputations.get(&*earner.subject).copied().unwrap_or_default(),
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

/// Who is paid, and for which weight, is what the participant signed.
fn check_header(earner: &Earner) -> Result<()> {
    let header = ContributionHeader::from_bytes(&earner.header).map_err(Error::fault)?;
    let signed = (header.contribution_id, header.credential.subject.as_str(), header.weight);
    if signed == (earner.contribution_id.0, earner.subject.as_str(), earner.weight.cast_unsigned()) {
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

/// Posts what a round pays and hands over every balance in its token whose owner has an address, unless that is done.
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
        hand_over(tx, Some(round_id), token, now).await?;
    }
    Ok(())
}

/// Makes a batch of what is owed in a token, though no round is paid now.
pub(crate) async fn make_batch(app: &App, request: &MakeBatch) -> Result<Batch> {
    let token = token("token", &request.token)?;
    let made = run_tx(&app.db, "make batch", async |mut tx| {
        books::lock(&mut tx).await?;
        let made = hand_over(&mut tx, None, &token, app.now()).await?;
        Ok((tx, made))
    });
    let nothing =
        "what was handed over before, also by a request whose answer was lost, is at /v1/payouts/batches";
    let batch_id = made.await?.ok_or_else(|| Error::abort(ProblemKind::NothingOwed).detail(nothing))?;
    tracing::info!(batch_id, asset = %token, "batch made");
    batch(app, batch_id.cast_unsigned()).await
}

/// Hands over every balance in a token whose owner has an address. Returns the batch, if there is any
/// such balance. The books must be locked.
async fn hand_over(
    tx: &mut PgConnection,
    round_id: Option<&RoundId>,
    token: &Token,
    now: Timestamp,
) -> Result<Option<i64>> {
    let asset = token.to_string();
    let chain_id = i64::try_from(token.chain_id).map_err(Error::fault)?;
    let owed = stored::owed(tx, &asset, chain_id).await?;
    let balances: Vec<Claimable> =
        owed.into_iter().filter_map(|owed| claimable(owed, token.chain_id)).collect();
    if balances.is_empty() {
        return Ok(None);
    }
    let payments = balances.iter().map(|Claimable { address, amount, .. }| payment(*address, amount));
    let root = tree(payments)?.root();
    Ok(Some(stored::insert(tx, round_id, &asset, &root, &balances, now).await?))
}

/// A balance with the address that its owner has signed; none if no message is by the owner's present key.
fn claimable(owed: Owed, chain_id: u64) -> Option<Claimable> {
    let Owed { subject, client_key, amount, messages } = owed;
    let signed = claims::signed(&messages, subject.as_str(), &client_key);
    let address = signed.into_iter().find(|claim| claim.chain_id == chain_id)?.address.to_bytes();
    Some(Claimable { subject, address, amount })
}

fn payment(address: [u8; 20], amount: &str) -> Result<Payment> {
    Ok(Payment { address: Address::from_bytes(address), amount: parse(amount)?.0 })
}

fn tree(payments: impl IntoIterator<Item = Result<Payment>>) -> Result<PayoutTree> {
    let payments = payments.into_iter().collect::<Result<Vec<Payment>>>()?;
    PayoutTree::new(merge(payments).map_err(Error::fault)?).map_err(Error::fault)
}

/// Digits from the database.
pub(crate) fn parse(amount: &str) -> Result<Amount> {
    amount.parse().map_err(Error::fault)
}

/// What contributions of a round earned, at most `limit` of those whose subjects follow `after`.
pub(crate) async fn of_round(app: &App, round_id: RoundId, after: &str, limit: u16) -> Result<Page<Payout>> {
    rounds::find(app, round_id).await?;
    let rows = books::payouts(&app.db, &round_id, after, i64::from(limit)).await?;
    let next = rows.last().filter(|_| rows.len() == usize::from(limit)).map(|row| row.subject.to_string());
    Ok(Page { items: rows.into_iter().map(view).collect::<Result<_>>()?, next })
}

/// How what was earned is shown.
pub(crate) fn view(row: PayoutRow) -> Result<Payout> {
    Ok(Payout {
        round_id: row.round_id.0,
        contribution_id: row.contribution_id.0,
        subject: row.subject.0,
        policy: match row.policy.parse().map_err(Error::fault)? {
            Policy::Equal => PayoutPolicy::Equal,
            Policy::Weight => PayoutPolicy::Weight,
            Policy::ScoreReputation => PayoutPolicy::ScoreReputation,
        },
        pool: parse(&row.pool)?,
        asset: row.asset,
        weight: row.weight.cast_unsigned(),
        score_ppm: row.score_ppm.cast_unsigned(),
        reputation_ppm: row.reputation_ppm.cast_unsigned(),
        amount: parse(&row.amount)?,
    })
}

/// At most `limit` batches that follow `after`.
pub(crate) async fn batches(app: &App, after: u64, limit: u16) -> Result<Page<Batch>> {
    let after = i64::try_from(after).map_err(|_| Error::abort(ProblemKind::NotFound))?;
    let rows = stored::list(&app.db, after, i64::from(limit)).await?;
    let next = rows.last().filter(|_| rows.len() == usize::from(limit)).map(|row| row.batch_id.to_string());
    Ok(Page { items: rows.into_iter().map(batch_view).collect::<Result<_>>()?, next })
}

fn batch_view(row: BatchRow) -> Result<Batch> {
    Ok(Batch {
        batch_id: row.batch_id.cast_unsigned(),
        round_id: row.round_id.map(|id| id.0),
        asset: row.asset,
        root: row.root.0,
        lines: row.lines.cast_unsigned(),
        total: parse(&row.total)?,
        made_at_ms: row.made_at.ms(),
        payment: row.payment,
    })
}

/// One batch.
pub(crate) async fn batch(app: &App, batch_id: u64) -> Result<Batch> {
    let batch_id = i64::try_from(batch_id).map_err(|_| Error::abort(ProblemKind::NotFound))?;
    let row = stored::find(&app.db, batch_id).await?;
    batch_view(row.ok_or_else(|| Error::abort(ProblemKind::NotFound))?)
}

/// A batch as it was handed to the distributor.
pub(crate) struct HandedOver {
    batch_id: u64,
    /// Ascending by subject.
    lines: Vec<LineRow>,
    /// Of payments in ascending order of addresses.
    tree: PayoutTree,
}

/// A batch with its tree, which is checked against the recorded root. The one that was asked for last is kept: after a round
/// everybody asks for the same.
async fn load(app: &App, batch_id: u64) -> Result<Arc<HandedOver>> {
    let mut kept = app.last_batch.lock().await;
    if let Some(batch) = kept.as_ref().filter(|batch| batch.batch_id == batch_id) {
        return Ok(batch.clone());
    }
    let batch = batch(app, batch_id).await?;
    let lines = stored::lines(&app.db, batch_id.cast_signed()).await?;
    let built = app.compute.run(move || {
        let tree = tree(lines.iter().map(|line| payment(line.address, &line.amount)))?;
        Ok::<_, Error>(HandedOver { batch_id, lines, tree })
    });
    let built = Arc::new(built.await??);
    if built.tree.root() != batch.root {
        return Err(Error::fault("the lines are not the root's"));
    }
    Ok(kept.insert(built).clone())
}

/// A batch's tree in the format of `@openzeppelin/merkle-tree`.
pub(crate) async fn dump(app: &App, batch_id: u64) -> Result<ledger::payout_tree::StandardDump> {
    Ok(load(app, batch_id).await?.tree.dump())
}

/// A batch's lines as comma-separated values.
pub(crate) async fn csv(app: &App, batch_id: u64) -> Result<String> {
    let mut text = "subject,address,amount\n".to_owned();
    for LineRow { subject, address, amount, .. } in &load(app, batch_id).await?.lines {
        // Names are of letters, digits, dots, underscores and hyphens.
        text += &format!("{subject},{},{amount}\n", Address::from_bytes(*address));
    }
    Ok(text)
}

/// What the distributor's contract is shown for a participant's balance.
pub(crate) async fn proof(app: &App, batch_id: u64, subject: &str) -> Result<ClaimProof> {
    let batch = load(app, batch_id).await?;
    let HandedOver { lines, tree, .. } = &*batch;
    let line = lines.binary_search_by_key(&subject, |line| line.subject.as_str());
    let line = line.map_err(|_| Error::abort(ProblemKind::NotFound))?;
    let address = Address::from_bytes(lines[line].address);
    let position = tree.payments().binary_search_by_key(&address, |payment| payment.address);
    let found = position.ok().and_then(|position| Some((&tree.payments()[position], tree.proof(position)?)));
    let (payment, proof) = found.ok_or_else(|| Error::fault("a line is not in the tree"))?;
    Ok(ClaimProof {
        batch_id,
        root: tree.root(),
        address: address.to_string(),
        amount: Amount(payment.amount),
        proof,
    })
}

/// A balance in a batch.
pub(crate) fn claim(row: LineRow) -> Result<Claim> {
    Ok(Claim {
        batch_id: row.batch_id.cast_unsigned(),
        address: Address::from_bytes(row.address).to_string(),
        amount: parse(&row.amount)?,
    })
}
