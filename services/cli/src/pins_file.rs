//! The file with the public keys that a command trusts.
//!
//! ```toml
//! aggregator = "…"      # Ed25519 public keys, 64 hexadecimal digits each
//! combiners = ["…"]     # in the order of the holders
//! registrar = "…"
//! ```

use std::{fs, path::Path};

use figment::{
    Figment,
    providers::{Format, Toml},
};
use names::PublicKey;
use protocol::Pins;
use serde::Deserialize;

use crate::error::{CommandError, Result};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PinsFile {
    aggregator: PublicKey,
    combiners: Vec<PublicKey>,
    registrar: PublicKey,
}

pub(crate) fn read(path: &Path) -> Result<Pins> {
    let text = fs::read_to_string(path).map_err(CommandError::file(path))?;
    let pins: PinsFile = Figment::from(Toml::string(&text))
        .extract()
        .map_err(|error| CommandError::input(path, format!("does not hold pinned keys: {error}")))?;
    Ok(Pins { aggregator: pins.aggregator, combiners: pins.combiners, registrar: pins.registrar })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_anything_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pins.toml");
        let key = |digit: &str| digit.repeat(64);
        let text = format!(
            "aggregator = \"{}\"\ncombiners = [\"{}\"]\nregistrar = \"{}\"\n",
            key("a"),
            key("b"),
            key("c")
        );
        fs::write(&path, &text).unwrap();
        let pins = read(&path).unwrap();
        assert_eq!(pins.aggregator, PublicKey::from_bytes([0xaa; 32]));
        assert_eq!(pins.combiners, [PublicKey::from_bytes([0xbb; 32])]);
        for broken in
            [text.replace("registrar", "notary"), text.replace("cc", "c"), format!("{text}more = 1\n")]
        {
            fs::write(&path, broken).unwrap();
            assert!(matches!(read(&path), Err(CommandError::Input { .. })));
        }
    }
}
