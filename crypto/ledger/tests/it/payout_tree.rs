//! Addresses, leaves and trees of payments: published values, and values that must not pass.

use ledger::{
    Hash,
    payout_tree::{
        Address, AddressError, Payment, PayoutTree, PayoutTreeError, merge, payment_leaf, verify_payment,
    },
};
use proptest::prelude::*;
use testkit::flip;

/// The examples of EIP-55: both cases, all upper, all lower.
const CHECKSUMMED: [&str; 8] = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
];

fn address(number: u8) -> Address {
    Address::from_bytes([number; 20])
}

fn payments(count: u8) -> Vec<Payment> {
    (1..=count)
        .map(|number| Payment { address: address(number), amount: u128::from(number) * 1000 })
        .collect()
}

#[test]
fn published_addresses_are_read_and_written() {
    for text in CHECKSUMMED {
        let address: Address = text.parse().unwrap();
        assert_eq!(address.to_string(), text);
        assert_eq!(text.to_lowercase().parse(), Ok(address));
        assert_eq!(format!("0x{}", text[2..].to_uppercase()).parse(), Ok(address));
        assert_eq!(Address::from_bytes(address.to_bytes()), address);
    }
}

#[test]
fn a_letter_in_the_other_case_is_a_wrong_checksum() {
    for text in &CHECKSUMMED[4..] {
        for (position, letter) in text.char_indices().skip(2).filter(|(_, letter)| letter.is_alphabetic()) {
            let mut mistyped = text.to_string();
            let other =
                if letter.is_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
            mistyped.replace_range(position..=position, &other.to_string());
            assert_eq!(mistyped.parse::<Address>(), Err(AddressError::Checksum), "{mistyped}");
        }
    }
    let swapped = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAde";
    assert_eq!(swapped.parse::<Address>(), Err(AddressError::Checksum));
}

#[test]
fn texts_of_another_form_are_no_addresses() {
    let good = CHECKSUMMED[4];
    for text in [
        "",
        "0x",
        &good[2..],
        &good[..41],
        &format!("{good}0"),
        &good.replace("0x", "0X"),
        &good.replace('5', "g"),
        "0xé",
    ] {
        assert_eq!(text.parse::<Address>(), Err(AddressError::Form), "{text}");
    }
}

/// The example of the npm package's documentation, hashed by the package (1.0.8).
#[test]
fn a_leaf_is_the_double_hash_of_the_abi_encoding() {
    let payment = Payment {
        address: "0x1111111111111111111111111111111111111111".parse().unwrap(),
        amount: 5_000_000_000_000_000_000,
    };
    let expected = "eb02c421cfa48976e66dfb29120745909ea3a0f843456c263cf8f1253483e283";
    assert_eq!(payment_leaf(&payment).to_string(), expected);
}

#[test]
fn the_documented_tree_has_the_documented_root() {
    let payments = [
        ("0x1111111111111111111111111111111111111111", 5),
        ("0x2222222222222222222222222222222222222222", 25),
    ]
    .map(|(address, units)| Payment {
        address: address.parse().unwrap(),
        amount: units * 100_000_000_000_000_000 * if units == 5 { 10 } else { 1 },
    });
    let tree = PayoutTree::new(payments.to_vec()).unwrap();
    let expected = "d4dee0beab2d53f2cc83e567171bd2820e49898130a22622b10ead383e90bd77";
    assert_eq!(tree.root().to_string(), expected);
}

#[test]
fn every_payment_is_proven_and_no_other() {
    for count in 1..40 {
        let tree = PayoutTree::new(payments(count)).unwrap();
        let root = tree.root();
        for (position, payment) in tree.payments().iter().enumerate() {
            let proof = tree.proof(position).unwrap();
            assert_eq!(verify_payment(&root, payment, &proof), Ok(()));
            let refused = |payment: Payment, proof: &[Hash]| {
                assert_eq!(verify_payment(&root, &payment, proof), Err(PayoutTreeError::NotInTree));
            };
            refused(Payment { amount: payment.amount + 1, ..*payment }, &proof);
            refused(Payment { address: address(200), ..*payment }, &proof);
            refused(*payment, &[&proof[..], &[[0; 32].into()]].concat());
            if let Some((last, rest)) = proof.split_last() {
                refused(*payment, rest);
                let mut flipped = *last;
                flip(&mut flipped, 0);
                refused(*payment, &[rest, &[flipped]].concat());
            }
        }
        assert_eq!(tree.proof(usize::from(count)), None);
    }
}

#[test]
fn batches_without_a_tree_are_refused() {
    assert_eq!(PayoutTree::new(vec![]), Err(PayoutTreeError::NoPayments));
    let twice = vec![payments(2)[1], payments(1)[0], payments(2)[1]];
    let address = address(2);
    assert_eq!(PayoutTree::new(twice), Err(PayoutTreeError::DuplicateAddress { address }));
}

#[test]
fn merging_pays_each_address_once() {
    let pay = |number, amount| Payment { address: address(number), amount };
    let merged = merge([pay(2, 5), pay(1, 7), pay(3, 0), pay(2, 6)]);
    assert_eq!(merged, Ok(vec![pay(1, 7), pay(2, 11)]));
    let overflow = Err(PayoutTreeError::Overflow { address: address(2) });
    assert_eq!(merge([pay(2, u128::MAX), pay(2, 1)]), overflow);
}

#[test]
fn a_dump_is_loaded_only_as_it_was_made() {
    let tree = PayoutTree::new(payments(5)).unwrap();
    let dump = tree.dump();
    assert_eq!(PayoutTree::load(&dump), Ok(tree));
    let refused = |change: &dyn Fn(&mut ledger::payout_tree::StandardDump), rule| {
        let mut changed = dump.clone();
        change(&mut changed);
        assert_eq!(PayoutTree::load(&changed), Err(PayoutTreeError::Dump { rule }));
    };
    let nodes = "the nodes are those of the payments";
    let amounts = "amounts are decimal numbers below 2^128";
    refused(&|d| d.format = "simple-v1".into(), "the format is standard-v1");
    refused(&|d| d.leaf_encoding.reverse(), "a leaf is an address and a uint256");
    refused(&|d| d.tree.swap(0, 1), nodes);
    refused(&|d| drop(d.tree.pop()), nodes);
    refused(&|d| d.values[0].tree_index ^= 1, nodes);
    refused(&|d| d.values[0].value[1] = "7".into(), nodes);
    refused(&|d| d.values[0].value[1] = "+1000".into(), amounts);
    refused(&|d| d.values[0].value[1] = "340282366920938463463374607431768211456".into(), amounts);
    refused(&|d| d.values[0].value[0] = "0x".into(), "addresses are valid");
}

proptest! {
    #[test]
    fn reading_an_address_is_total(text in "(0x)?[0-9a-fA-Fg]{38,42}") {
        if let Ok(address) = text.parse::<Address>() {
            prop_assert_eq!(address.to_string().to_lowercase(), text.to_lowercase());
        }
    }

    #[test]
    fn every_address_survives_writing(bytes in any::<[u8; 20]>()) {
        let address = Address::from_bytes(bytes);
        prop_assert_eq!(address.to_string().parse(), Ok(address));
    }
}
