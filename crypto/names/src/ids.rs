//! The identifiers, digests, public keys and encoded commitments of the protocol.

crate::name! {
    /// Names a round in paths, in tables and in the vault. The aggregator makes it, a UUID of
    /// version 7.
    pub RoundId: 16;
    /// Names a contribution in paths and in tables. Its client draws it at random.
    pub ContributionId: 16;
    /// Names a holder's HPKE key for one round.
    pub RoundKeyId: 16;

    /// Hash of a round document. Every signature and proof of the round is bound to it.
    pub RoundHash: 32;
    /// Hash of a contribution's header, which binds every byte of the contribution.
    pub HeaderHash: 32;
    /// Merkle root over the header hashes of the contributions that a round sums.
    pub SetRoot: 32;
    /// Merkle root over the digests of a body's chunks.
    pub BodyDigest: 32;
    /// BLAKE3 digest of one chunk of a body or of a sum.
    pub ChunkDigest: 32;
    /// Merkle root over the digests of a sum's chunks.
    pub SumDigest: 32;
    /// SHA-256 of a proof's bytes.
    pub ProofDigest: 32;
    /// Labelled hash of a contribution's sealed seeds.
    pub SealedDigest: 32;
    /// A digest in a Merkle tree: of a leaf, of a node, or of a whole tree.
    pub TreeHash: 32;
    /// SHA-256 of the model that a round starts from.
    pub ModelDigest: 32;
    /// Labelled hash of the layout of an update: its tensors with their names, shapes and scales.
    pub LayoutDigest: 32;
    /// SHA-256 of the coordinates of an update. It never leaves the participant.
    pub UpdateDigest: 32;

    /// The public seed of a round's mask polynomials, common to all its clients.
    pub MaskSeed: 32;
    /// The Ed25519 public key of a party, as bytes. Any 32 bytes are accepted here. A signature
    /// check rejects bytes that are not a usable key.
    pub PublicKey: 32;
    /// The commitment to one holder's key share, as bytes. Any 32 bytes are accepted here. Decoding
    /// rejects bytes that are not a group element.
    pub EncodedCommitment: 32;
    /// The public half of a holder's HPKE key for one round, as bytes: an ML-KEM-768 encapsulation
    /// key of 1184 bytes and a point of X25519. Any 1216 bytes are accepted here; the check of a
    /// round document rejects those that no seed may be sealed to.
    pub RoundPublicKey: 1216;
}
