//! Reads `tests/vectors/sealing.json`. The vectors of the drafts are theirs. A Python program wrote
//! those of our own (`tests/recompute/sealing.py`), from the wire format and FIPS 203 alone.

use serde_json::Value;

pub(crate) fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/sealing.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The vectors under a name, of which there are `count`.
pub(crate) fn list(name: &str, count: usize) -> Vec<Value> {
    let list = vectors()[name].as_array().unwrap().clone();
    assert_eq!(list.len(), count, "{name}");
    list
}

pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

pub(crate) fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}

/// Writes the bytes of a fault over those of something sound. Returns the fault's name.
pub(crate) fn spoil<'a>(sound: &mut [u8], fault: &'a Value) -> &'a str {
    let (at, wrong) = (fault["at"].as_u64().unwrap() as usize, bytes(&fault["bytes"]));
    sound[at..at + wrong.len()].copy_from_slice(&wrong);
    fault["fault"].as_str().unwrap()
}
