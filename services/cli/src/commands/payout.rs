//! `blindsum payout`: earnings, claim addresses and batches.

use std::{
    fmt::Write as _,
    fs,
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use api::payouts::{Batch, ClaimProof, Payout as Earned, Statement, Token};
use clap::Subcommand;
use client::Address;
use names::RoundId;
use serde_json::json;

use crate::{
    connection::{ClientArgs, OperatorArgs, ParticipantArgs},
    error::{CommandError, Result},
    output::Output,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Payout {
    /// Say where a participant wants to be paid on a chain.
    ///
    /// Balances that the participant earned before are paid there too, with a later round or batch.
    Address(AddressArgs),
    /// Show what a participant earned, what was handed over to batches, and what waits.
    Statement(StatementArgs),
    /// Show what each contribution to a round earned, with the figures that decide it.
    Round(RoundArgs),
    /// Make a batch now, instead of with the payout of the next round.
    ///
    /// The batch has the balances in one token of all participants with an address on its chain.
    Batch(BatchArgs),
    /// List all batches, with the reference of the payment of each.
    Batches(ClientArgs),
    /// Write a batch to a file, after comparing it with its root.
    ///
    /// A .json file has the tree that `@openzeppelin/merkle-tree` loads. A .csv file has subject,
    /// address and amount of each balance.
    ///
    /// The payer funds the distributor with the total under this root. Then it states the payment
    /// in the database of the aggregator, as docs/api.md describes.
    Export(ExportArgs),
    /// Fetch the claim of a participant in a batch, with its proof for the distributor's contract.
    ///
    /// The proof is checked against the root that the aggregator sends with it. Compare that root
    /// with the one in the contract.
    Proof(ProofArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddressArgs {
    #[command(flatten)]
    client: ClientArgs,
    #[command(flatten)]
    participant: ParticipantArgs,
    /// Number of the chain (EIP-155).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    chain: u64,
    /// Number of this message. For each chain, the message with the largest number counts. Default:
    /// the time in milliseconds.
    #[arg(long, value_name = "N")]
    sequence: Option<u64>,
    /// The address: 0x and 40 hexadecimal digits. Capital letters must match the checksum of
    /// EIP-55.
    address: Address,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StatementArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// Subject of the participant, as in its credential.
    subject: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RoundArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// Id of the round, as `blindsum round list` shows it.
    round: RoundId,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BatchArgs {
    #[command(flatten)]
    operator: OperatorArgs,
    /// Number of the chain of the token (EIP-155).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    chain: u64,
    /// Contract of the token (ERC-20): 0x and 40 hexadecimal digits.
    token: Address,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// Number of the batch, as `blindsum payout batches` shows it.
    batch: u64,
    /// File to write, named .json or .csv.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ProofArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// Number of the batch, as the statement of the participant shows it.
    batch: u64,
    /// Subject of the participant, as in its credential.
    subject: String,
}

pub(crate) async fn run(payout: Payout, output: &Output) -> Result<()> {
    match payout {
        Payout::Address(args) => address(args, output).await?,
        Payout::Statement(args) => {
            let statement = args.client.connect(output)?.statement(&args.subject).await?;
            output.answer(describe_statement(&statement), &statement);
        }
        Payout::Round(args) => {
            let payouts = args.client.connect(output)?.payouts(args.round).await?;
            let value = json!({ "round_id": args.round, "payouts": payouts });
            output.answer(describe_round(&payouts), &value);
        }
        Payout::Batch(args) => {
            let token = Token { chain_id: args.chain, contract: args.token.to_string() };
            let batch = args.operator.connect(output)?.make_batch(&token).await?;
            output.answer(describe_batch(&batch), &batch);
        }
        Payout::Batches(client) => {
            let batches = client.connect(output)?.batches().await?;
            let lines: Vec<_> = batches.iter().map(describe_batch).collect();
            output.answer(lines.join("\n"), &json!({ "batches": batches }));
        }
        Payout::Export(args) => export(args, output).await?,
        Payout::Proof(args) => {
            let claim = args.client.connect(output)?.claim_proof(args.batch, &args.subject).await?;
            output.answer(describe_claim(&claim), &claim);
        }
    }
    Ok(())
}

async fn address(args: AddressArgs, output: &Output) -> Result<()> {
    let (client, participant) = (args.client.connect(output)?, args.participant.read()?);
    let sequence = match args.sequence {
        Some(sequence) => sequence,
        None => {
            let statement = client.statement(participant.credential.subject.as_str()).await?;
            let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            next_sequence(&statement, args.chain, since_epoch.as_millis() as u64)?
        }
    };
    let statement = client.claim_address(&participant, args.address, args.chain, sequence).await?;
    let words = format!(
        "{} is paid at {} on chain {}, by its message {sequence}",
        statement.subject, args.address, args.chain
    );
    output.answer(words, &statement);
    Ok(())
}

/// Now in milliseconds, or the last number plus one if that is larger. The time also works after a
/// change of keys, because no earlier key has used it.
fn next_sequence(statement: &Statement, chain: u64, now_ms: u64) -> Result<u64> {
    let last = statement.addresses.iter().find(|address| address.chain_id == chain).map_or(0, |a| a.sequence);
    let next = last.checked_add(1).ok_or(CommandError::Argument {
        argument: "--sequence",
        rule: "has no larger number left on this chain",
    })?;
    Ok(next.max(now_ms))
}

async fn export(args: ExportArgs, output: &Output) -> Result<()> {
    let client = args.client.connect(output)?;
    let text = match args.out.extension().and_then(|extension| extension.to_str()) {
        Some("json") => {
            let tree = client.batch_tree(args.batch).await?;
            serde_json::to_string(&tree).expect("a tree is a plain structure")
        }
        Some("csv") => client.batch_csv(args.batch).await?,
        _ => return Err(CommandError::input(args.out, "is named neither .json nor .csv")),
    };
    fs::write(&args.out, text).map_err(CommandError::file(&args.out))?;
    let words = format!("batch {}, written to {}", args.batch, args.out.display());
    output.answer(words, &json!({ "batch_id": args.batch, "file": args.out }));
    Ok(())
}

fn describe_statement(statement: &Statement) -> String {
    let Statement { subject, reputation_ppm, balances, addresses, payouts, claims } = statement;
    let mut text = format!("{subject}: reputation {:.4}", f64::from(*reputation_ppm) / 1e6);
    for address in addresses {
        let _ = write!(text, "\npaid at {} on chain {}", address.address, address.chain_id);
    }
    for balance in balances {
        let _ = write!(
            text,
            "\n{}: {} earned, {} handed over, {} waiting",
            balance.asset, balance.earned, balance.handed_over, balance.balance
        );
    }
    for payout in payouts {
        let _ = write!(
            text,
            "\nround {}: {} of {} {}",
            payout.round_id, payout.amount, payout.pool, payout.asset
        );
    }
    for claim in claims {
        let _ =
            write!(text, "\nbatch {}: {} to be claimed by {}", claim.batch_id, claim.amount, claim.address);
    }
    text
}

fn describe_round(payouts: &[Earned]) -> String {
    let lines = payouts.iter().map(|payout| {
        format!(
            "{}: {} of {} {} (weight {}, score {:.4}, reputation {:.4})",
            payout.subject,
            payout.amount,
            payout.pool,
            payout.asset,
            payout.weight,
            f64::from(payout.score_ppm) / 1e6,
            f64::from(payout.reputation_ppm) / 1e6
        )
    });
    match lines.collect::<Vec<_>>().join("\n") {
        lines if lines.is_empty() => "no earnings: the round pays nothing, or has not paid yet".to_owned(),
        lines => lines,
    }
}

fn describe_batch(batch: &Batch) -> String {
    let Batch { batch_id, asset, root, lines, total, payment, .. } = batch;
    let paid = payment.as_ref().map(|reference| format!(", paid by {reference}"));
    format!(
        "batch {batch_id}: {total} of {asset}, {lines} balances, root 0x{root}{}",
        paid.unwrap_or_default()
    )
}

fn describe_claim(claim: &ClaimProof) -> String {
    let mut text = format!(
        "batch {}, root 0x{}\n{} may claim {}, with the proof",
        claim.batch_id, claim.root, claim.address, claim.amount
    );
    for sibling in &claim.proof {
        let _ = write!(text, "\n0x{sibling}");
    }
    text
}

#[cfg(test)]
mod tests {
    use api::payouts::{Amount, Balance, Claim, ClaimAddressView};
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn statement() -> Statement {
        let address = ClaimAddressView { chain_id: 7, sequence: 4, address: "0xAb".into() };
        let balance = Balance {
            asset: "points".into(),
            earned: Amount(30),
            handed_over: Amount(10),
            balance: Amount(20),
        };
        Statement {
            subject: "client-1".parse().unwrap(),
            reputation_ppm: 500_000,
            balances: vec![balance],
            addresses: vec![address],
            payouts: Vec::new(),
            claims: vec![Claim { batch_id: 3, address: "0xAb".into(), amount: Amount(10) }],
        }
    }

    #[test]
    fn the_next_message_has_the_time_as_number_and_follows_the_one_that_counts_on_that_chain() {
        let mut statement = statement();
        assert_eq!(next_sequence(&statement, 7, 1_000).unwrap(), 1_000);
        assert_eq!(next_sequence(&statement, 7, 4).unwrap(), 5, "the clock was set back");
        assert_eq!(next_sequence(&statement, 8, 3).unwrap(), 3);
        statement.addresses[0].sequence = u64::MAX;
        assert!(next_sequence(&statement, 7, 1_000).is_err());
    }

    #[test]
    fn a_statement_says_what_waits() {
        let text = describe_statement(&statement());
        let lines: Vec<_> = text.lines().collect();
        let expected = [
            "client-1: reputation 0.5000",
            "paid at 0xAb on chain 7",
            "points: 30 earned, 10 handed over, 20 waiting",
            "batch 3: 10 to be claimed by 0xAb",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn an_address_with_a_wrong_digit_is_refused_before_anything_is_sent() {
        let arguments = |address| {
            let words = "blindsum payout address --aggregator https://a --pins p --identity i --credential c --chain 1";
            Cli::try_parse_from(words.split(' ').chain([address]))
        };
        assert!(arguments("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed").is_ok());
        let error = arguments("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD").unwrap_err();
        assert!(error.to_string().contains("checksum"), "{error}");
        assert!(arguments("0x5aAe").is_err());
    }
}
