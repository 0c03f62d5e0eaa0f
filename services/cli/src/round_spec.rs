//! The description of a new round: a file with the fields of `POST /v1/rounds`, as JSON or TOML.

use std::{fs, path::Path};

use api::rounds::CreateRound;
use figment::{
    Figment,
    providers::{Format, Toml},
};

use crate::error::{CommandError, Result};

pub(crate) fn read(path: &Path) -> Result<CreateRound> {
    let text = fs::read_to_string(path).map_err(CommandError::file(path))?;
    let parsed = match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => serde_json::from_str(&text).map_err(|error| error.to_string()),
        Some("toml") => Figment::from(Toml::string(&text)).extract().map_err(|error| error.to_string()),
        _ => return Err(CommandError::input(path, "is named neither .json nor .toml")),
    };
    parsed.map_err(|error| CommandError::input(path, format!("does not describe a round: {error}")))
}

#[cfg(test)]
mod tests {
    use api::rounds::{ProofDemand, Tensor};

    use super::*;

    fn parse(name: &str, text: &str) -> Result<CreateRound> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn toml_and_json_describe_the_same_round() {
        let digest = "ab".repeat(32);
        let toml = format!(
            "model_digest = \"{digest}\"\nmax_contributions = 100\nmin_cohort = 10\nclip = 1.5\n\
             closes_at_ms = 2000000000000\ncredential_epoch = 1\n\
             tensors = [{{ name = \"w\", shape = [64, 10] }}, {{ name = \"b\", shape = [] }}]\n"
        );
        let json = format!(
            "{{\"model_digest\": \"{digest}\", \"max_contributions\": 100, \"min_cohort\": 10, \"clip\": 1.5, \
             \"closes_at_ms\": 2000000000000, \"credential_epoch\": 1, \
             \"tensors\": [{{\"name\": \"w\", \"shape\": [64, 10]}}, {{\"name\": \"b\", \"shape\": []}}]}}"
        );
        for round in [parse("round.toml", &toml).unwrap(), parse("round.json", &json).unwrap()] {
            assert_eq!(round.model_digest.to_bytes(), [0xab; 32]);
            let tensors = [("w", vec![64, 10]), ("b", vec![])];
            assert_eq!(round.tensors, tensors.map(|(name, shape)| Tensor { name: name.to_owned(), shape }));
            assert_eq!((round.max_contributions, round.min_cohort, round.clip), (100, 10, 1.5));
            assert_eq!((round.norm_bound, round.weight_min, round.weight_max), (1 << 18, 1, 1));
            assert_eq!((round.proof, round.max_attempts), (ProofDemand::None, 2));
        }
    }

    #[test]
    fn mistakes_are_named() {
        let message = |name, text| parse(name, text).unwrap_err().to_string();
        assert!(message("round.toml", "model_digest = \"ab\"").contains("64 hexadecimal digits"));
        assert!(message("round.toml", "colour = 1").contains("colour"));
        assert!(message("round.yaml", "").contains("neither .json nor .toml"));
    }
}
