//! The JSON form of a bundle.

use std::borrow::Cow;

use names::{ContributionId, NotHex, PublicKey, decode_hex};
use serde::{Deserialize, Deserializer, de::Error};

/// A bundle as it was published. Only its JSON is checked. Fields that this version does not know
/// are ignored.
#[derive(Clone, Debug, Deserialize)]
pub struct BundleJson {
    pub(super) document: Bytes,
    pub(super) aggregator_key: PublicKey,
    pub(super) aggregator_signature: SignatureBytes,
    pub(super) countersignatures: Vec<SignatureBytes>,
    pub(super) members: Vec<MemberJson>,
    pub(super) answers: Vec<Bytes>,
    pub(super) result: Bytes,
    #[serde(rename = "version", deserialize_with = "known_version")]
    _version: u32,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct MemberJson {
    pub(super) contribution_id: ContributionId,
    pub(super) header: Bytes,
    pub(super) proof: Bytes,
    pub(super) attestations: Vec<Bytes>,
}

/// A canonical encoding, in hexadecimal.
#[derive(Clone, Debug)]
pub(super) struct Bytes(pub(super) Vec<u8>);

/// A signature, in hexadecimal.
#[derive(Clone, Debug)]
pub(super) struct SignatureBytes(pub(super) [u8; 64]);

impl BundleJson {
    /// Reads the JSON.
    ///
    /// # Errors
    /// When the text is not JSON or not that of a bundle.
    pub fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// The key that signed the document, according to the bundle.
    pub fn aggregator_key(&self) -> PublicKey {
        self.aggregator_key
    }

    /// The canonical bytes of the round document.
    pub fn document_bytes(&self) -> &[u8] {
        &self.document.0
    }

    /// The contribution ids of the members, in the order of the set root.
    pub fn contributions(&self) -> impl ExactSizeIterator<Item = ContributionId> + '_ {
        self.members.iter().map(|member| member.contribution_id)
    }

    /// The number of answers.
    pub fn answer_count(&self) -> usize {
        self.answers.len()
    }
}

/// The version of the bundle's format.
const VERSION: u32 = 2;

fn known_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        VERSION => Ok(VERSION),
        version => {
            let words = format!("version {version} is not known; this program reads version {VERSION}");
            Err(Error::custom(words))
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        hex::decode(text.as_bytes()).map(Self).map_err(|_| Error::custom(NotHex { bytes: None }))
    }
}

impl<'de> Deserialize<'de> for SignatureBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        decode_hex(&text).map(Self).map_err(Error::custom)
    }
}
