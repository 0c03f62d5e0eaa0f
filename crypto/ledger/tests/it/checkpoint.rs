//! Checkpoints of a log with witnesses, and texts that must not pass as one.

use ledger::{
    Checkpoint,
    note::{Note, NoteError, Signer, Verifier},
};

/// The example of <https://c2sp.org/tlog-cosignature>. Its keys are not published.
const PUBLISHED: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
    — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
    — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

fn log() -> Signer {
    Signer::new("example.com/behind-the-sofa", &[1; 32].into()).unwrap()
}

fn witness(number: u8) -> Signer {
    Signer::new(&format!("witness.example.com/w{number}"), &[number; 32].into()).unwrap()
}

fn checkpoint() -> Checkpoint {
    let root = "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62".parse().unwrap();
    Checkpoint { origin: "example.com/behind-the-sofa".into(), size: 20_852_163, root }
}

fn open(note: &str) -> Result<Checkpoint, NoteError> {
    Checkpoint::open(note, &log().verifier(), &[]).map(|opened| opened.checkpoint)
}

/// A note with any text, signed by the log's key.
fn signed(text: &str) -> String {
    Note::sign(text, &log()).unwrap().to_string()
}

#[test]
fn the_text_is_that_of_the_published_checkpoint() {
    let note = checkpoint().sign(&log()).unwrap();
    assert_eq!(Note::parse(&note).unwrap().text(), Note::parse(PUBLISHED).unwrap().text());
    assert_eq!(Note::parse(PUBLISHED).unwrap().to_string(), PUBLISHED);
    assert_eq!(open(&note), Ok(checkpoint()));
    assert_eq!(open(PUBLISHED), Err(NoteError::Unsigned), "by another key of that name");
}

#[test]
fn known_witnesses_are_listed_with_their_time() {
    let note = Note::parse(&checkpoint().sign(&log()).unwrap()).unwrap();
    let note = note.cosign(&witness(2), 1_679_315_147).unwrap().cosign(&witness(3), 1_679_315_148).unwrap();
    // the form of keys that witnesses publish
    let known: Verifier = witness(3).cosignature_verifier().to_string().parse().unwrap();
    let opened = Checkpoint::open(&note.to_string(), &log().verifier(), &[known]).unwrap();
    assert_eq!(opened.checkpoint, checkpoint());
    let listed: Vec<_> = opened.witnesses.iter().map(|w| (w.name.as_str(), w.time_s)).collect();
    assert_eq!(listed, [("witness.example.com/w3", Some(1_679_315_148))]);
}

#[test]
fn a_witness_may_sign_the_text_like_the_log() {
    let mut note = checkpoint().sign(&log()).unwrap();
    let by_witness = Note::sign(Note::parse(&note).unwrap().text(), &witness(2)).unwrap().to_string();
    note.push_str(by_witness.rsplit_once("\n\n").unwrap().1);
    let opened = Checkpoint::open(&note, &log().verifier(), &[witness(2).verifier()]).unwrap();
    assert_eq!(opened.witnesses[0].time_s, None);
}

#[test]
fn a_cosignature_with_another_time_is_refused() {
    let note = Note::parse(&checkpoint().sign(&log()).unwrap()).unwrap().cosign(&witness(2), 5).unwrap();
    let note = note.to_string();
    let key = witness(2).cosignature_verifier();
    let line = note.lines().last().unwrap();
    // Byte 11 of the decoded line is the last byte of the time: 4 bytes of the number, then 8 of
    // the time.
    let (head, signature) = line.rsplit_once(' ').unwrap();
    let mut signature = signature.to_owned();
    let later = if &signature[15..16] == "A" { "B" } else { "A" };
    signature.replace_range(15..16, later);
    let forged = note.replace(line, &format!("{head} {signature}"));
    let wrong = NoteError::Signature { name: "witness.example.com/w2".into() };
    assert_eq!(Checkpoint::open(&forged, &log().verifier(), &[key]), Err(wrong));
}

#[test]
fn a_cosignature_from_beyond_the_end_of_time_is_refused() {
    let note = Note::parse(&checkpoint().sign(&log()).unwrap()).unwrap();
    let opened = |time_s| {
        let note = note.clone().cosign(&witness(2), time_s).unwrap().to_string();
        Checkpoint::open(&note, &log().verifier(), &[witness(2).cosignature_verifier()])
    };
    assert_eq!(opened((1 << 63) - 1).unwrap().witnesses[0].time_s, Some((1 << 63) - 1));
    assert_eq!(opened(1 << 63), Err(NoteError::Signature { name: "witness.example.com/w2".into() }));
}

#[test]
fn a_checkpoint_that_only_a_witness_signed_is_refused() {
    let witnessed = Note::sign("other\n", &witness(2)).unwrap().to_string();
    let refused = Checkpoint::open(&witnessed, &log().verifier(), &[witness(2).verifier()]);
    assert_eq!(refused, Err(NoteError::NotByLog { log: log().name().into() }));
}

#[test]
fn a_checkpoint_of_another_log_is_refused() {
    let other = Checkpoint { origin: "example.com/other".into(), ..checkpoint() };
    let wrong = NoteError::Origin { log: log().name().into() };
    assert_eq!(other.sign(&log()), Err(wrong.clone()));
    let note = signed("example.com/other\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n");
    assert_eq!(open(&note), Err(wrong));
}

#[test]
fn signed_texts_that_are_no_checkpoints_are_refused() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    let origin = log().name().to_owned();
    let cases = [
        (format!("{origin}\n1\n"), "an origin, a size and a root are on lines of their own"),
        (format!("\n1\n{root}\n"), "no line is empty"),
        (format!("{origin}\n1\n{root}\n\nextension\n"), "no line is empty"),
        (format!("{origin}\n\n{root}\n"), "the size is a decimal number below 2^64"),
        (format!("{origin}\n-1\n{root}\n"), "the size is a decimal number below 2^64"),
        (format!("{origin}\n18446744073709551616\n{root}\n"), "the size is a decimal number below 2^64"),
        (format!("{origin}\n+1\n{root}\n"), "the size has no sign and no leading zero"),
        (format!("{origin}\n01\n{root}\n"), "the size has no sign and no leading zero"),
        (format!("{origin}\n1\n{}\n", &root[1..]), "the root is base64 of 32 bytes"),
        (format!("{origin}\n1\n{}\n", root.trim_end_matches('=')), "the root is base64 of 32 bytes"),
        (format!("{origin}\n1\n{root} \n"), "the root is base64 of 32 bytes"),
    ];
    for (text, rule) in cases {
        assert_eq!(open(&signed(&text)), Err(NoteError::Checkpoint { rule }), "{text}");
    }
    assert_eq!(open(&signed(&format!("{origin}\n0\n{root}\nan extension\n"))).unwrap().size, 0);
}
