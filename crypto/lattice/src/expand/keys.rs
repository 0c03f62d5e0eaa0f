//! Keys of streams.

names::name! {
    /// The key of a public stream.
    pub PublicStreamKey: 32;
}

names::secret! {
    /// The key of a secret stream. The stream expands to a key share, to errors or to rounding.
    pub SecretStreamKey: 32;
}
