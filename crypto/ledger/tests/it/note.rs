//! Notes and keys that other implementations publish, and texts that must not pass as one.

use base64::{Engine, engine::general_purpose::STANDARD};
use ledger::note::{MAX_NOTE_BYTES, Note, NoteError, Signer, Verifier};
use names::{Name, PublicKey, SecretKey};
use proptest::{prelude::*, sample::Index};

/// From `sumdb/note/note_test.go` of golang.org/x/mod.
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const ENOCH: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const PETER_SECRET: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const TEXT: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const BY_PETER: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const BY_ENOCH: &str = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

fn key(text: &str) -> Verifier {
    text.parse().unwrap()
}

fn peter() -> Signer {
    let secret = STANDARD.decode(PETER_SECRET).unwrap()[1..].try_into().unwrap();
    Signer::new("PeterNeumann", &SecretKey::from_bytes(secret)).unwrap()
}

fn names(note: &str, known: &[&str]) -> Result<Vec<String>, NoteError> {
    let known: Vec<Verifier> = known.iter().map(|text| key(text)).collect();
    Ok(Note::parse(note)?.open(&known)?.into_iter().map(|signed| signed.name).collect())
}

#[test]
fn published_notes_open_with_their_keys() {
    let note = format!("{TEXT}\n{BY_PETER}{BY_ENOCH}");
    assert_eq!(names(&note, &[PETER]).unwrap(), ["PeterNeumann"]);
    assert_eq!(names(&note, &[ENOCH, PETER]).unwrap(), ["PeterNeumann", "EnochRoot"]);
    assert_eq!(names(&note, &[]), Err(NoteError::Unsigned));
    assert_eq!(Note::parse(&note).unwrap().text(), TEXT);
    // the example of the specification, https://c2sp.org/signed-note
    let key = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    let note = "This is an example message.\n\n— example.com/foo \
                Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    assert_eq!(names(note, &[key]).unwrap(), ["example.com/foo"]);
}

#[test]
fn a_published_secret_signs_the_published_note() {
    let note = Note::sign(TEXT, &peter()).unwrap();
    assert_eq!(note.to_string(), format!("{TEXT}\n{BY_PETER}"));
    assert_eq!(peter().verifier().to_string(), PETER);
    let public_key = PublicKey::from_slice(&STANDARD.decode(&PETER[22..]).unwrap()[1..]).unwrap();
    assert_eq!(Verifier::ed25519("PeterNeumann", &public_key), Ok(key(PETER)));
    assert!(!format!("{:?}", peter()).contains(&PETER_SECRET[2..]));
}

#[test]
fn mangled_verifier_keys_are_refused() {
    for end in 0..=PETER.len() {
        for start in 0..end {
            let part = &PETER[start..end];
            assert_eq!(part.parse::<Verifier>().is_ok(), part == PETER, "{part}");
        }
    }
    for position in 0..PETER.len() {
        let mut bytes = PETER.as_bytes().to_vec();
        bytes[position] += 1;
        let mangled = String::from_utf8(bytes).unwrap();
        assert!(mangled.parse::<Verifier>().is_err(), "{mangled}");
    }
    let wrong = |text: &str, rule| assert_eq!(text.parse::<Verifier>(), Err(NoteError::VerifierKey { rule }));
    // the same source: a key that is too long and one of another type, each with a matching number
    let long = "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==";
    assert!(long.parse::<Verifier>().is_err());
    let other = "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    wrong(other, "the key is of type 1, Ed25519, or 4, cosignature/v1");
    wrong(&PETER.replace("c74f20a3", "C74F20A3"), "the number is that of the name and the key");
    // the identity of the group: a signature under it verifies for every message
    let weak = format!("a+00000000+{}", STANDARD.encode([&[1, 1][..], &[0; 31]].concat()));
    wrong(&weak, "the key does not have small order");
}

#[test]
fn a_wrong_signature_of_a_known_key_spoils_the_note() {
    let spoilt = BY_PETER.replace("ZJku", "ZJkv");
    let note = format!("{TEXT}\n{spoilt}{BY_ENOCH}");
    let wrong = NoteError::Signature { name: "PeterNeumann".into() };
    assert_eq!(names(&note, &[PETER, ENOCH]), Err(wrong.clone()));
    assert_eq!(names(&note, &[ENOCH]).unwrap(), ["EnochRoot"], "of an unknown key it is ignored");
    // a wrong signature is refused after a right one too
    assert_eq!(names(&format!("{TEXT}\n{BY_PETER}{spoilt}"), &[PETER]), Err(wrong.clone()));
    // another text under the same signature
    let note = format!("{}\n{BY_PETER}", TEXT.replace("your problem", "my problem"));
    assert_eq!(names(&note, &[PETER]), Err(wrong));
}

#[test]
fn signatures_of_keys_that_only_share_a_name_are_ignored() {
    let impostor = Signer::new("PeterNeumann", &[9; 32].into()).unwrap();
    let note = Note::sign(TEXT, &impostor).unwrap().to_string();
    assert_eq!(names(&note, &[PETER]), Err(NoteError::Unsigned));
}

#[test]
fn repeated_signatures_count_once_and_repeated_keys_are_one() {
    let note = format!("{TEXT}\n{BY_PETER}{BY_PETER}");
    assert_eq!(names(&note, &[PETER, PETER]).unwrap(), ["PeterNeumann"]);
}

#[test]
fn texts_that_are_no_notes_are_refused() {
    let too_long = format!("{}\n\n{BY_PETER}", "x".repeat(MAX_NOTE_BYTES));
    let cases = [
        (TEXT.to_owned(), "a blank line follows the text"),
        (format!("{TEXT}\n"), "the last line ends"),
        (format!("{TEXT}\n{}", BY_PETER.trim_end()), "the last line ends"),
        (format!("\x01{TEXT}\n{BY_PETER}"), "a note has no control characters but newlines"),
        (format!("{TEXT}\n{BY_PETER}Unexpected line.\n"), "a signature is a dash, a key's name and base64"),
        (format!("{TEXT}\n— Peter\n"), "a signature is a dash, a key's name and base64"),
        (format!("{TEXT}\n— Bad Name x08go/ZJ\n"), "a signature is base64"),
        (format!("{TEXT}\n— Peter x08go/Z\n"), "a signature is base64"),
        (
            format!("{TEXT}\n— Peter x08gow==\n"),
            "a signature has more than the four bytes of its key's number",
        ),
        (format!("{TEXT}\n{}", BY_PETER.repeat(101)), "a note has at most 100 signatures"),
        (too_long, "a note has at most 65536 bytes"),
    ];
    for (note, rule) in cases {
        assert_eq!(Note::parse(&note), Err(NoteError::Malformed { rule }), "{note}");
    }
    assert_eq!(Note::parse(&format!("{TEXT}\n— a+b x08go/ZJ\n")), Err(NoteError::KeyName));
    assert!(Note::parse(&format!("{TEXT}\n{}", BY_PETER.repeat(100))).is_ok());
    assert_eq!(
        Note::sign("no newline", &peter()).map(drop),
        Err(NoteError::Malformed { rule: "a blank line follows the text" })
    );
}

#[test]
fn names_of_keys_have_no_spaces_and_no_plus_signs() {
    for name in ["", "a b", "a+b", "a\u{2003}b", "a\tb", "a\u{7f}", &"a".repeat(256)] {
        assert_eq!(Signer::new(name, &[1; 32].into()).map(drop), Err(NoteError::KeyName), "{name:?}");
    }
    assert!(Signer::new(&"é".repeat(127), &[1; 32].into()).is_ok());
}

proptest! {
    #[test]
    fn parsing_is_total_and_gives_the_text_back(edits in prop::collection::vec((any::<Index>(), any::<char>()), 1..4)) {
        let mut note: Vec<char> = format!("{TEXT}\n{BY_PETER}{BY_ENOCH}").chars().collect();
        for (edited, character) in edits {
            let position = edited.index(note.len());
            note[position] = character;
        }
        let note: String = note.into_iter().collect();
        if let Ok(parsed) = Note::parse(&note) {
            prop_assert_eq!(parsed.to_string(), note);
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in ".{0,200}", lines in "(— [a-z]{0,4} [A-Za-z0-9+/=]{0,12}\n){0,3}") {
        let note = format!("{text}\n\n{lines}");
        if let Ok(parsed) = Note::parse(&note) {
            prop_assert_eq!(parsed.to_string(), note);
        }
        let _ = text.parse::<Verifier>();
    }
}
