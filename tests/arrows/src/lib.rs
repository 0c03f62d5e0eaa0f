//! Compares the drawings of `ARCHITECTURE.md` with the code: the dependencies between crates, and
//! the uses between the files of a crate. See `tests/arrows.rs` and `tests/files.rs`.

pub mod circles;
pub mod drawing;
pub mod files;
pub mod source;
pub mod tokens;
