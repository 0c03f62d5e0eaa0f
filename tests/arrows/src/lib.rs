//! Compares the dependencies between crates with the arrows in `ARCHITECTURE.md`. See
//! `tests/arrows.rs`.
