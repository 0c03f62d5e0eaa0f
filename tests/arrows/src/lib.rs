//! What `ARCHITECTURE.md` draws, beside what the code does: dependencies between crates, and uses
//! between the files of a crate. See `tests/arrows.rs` and `tests/files.rs`.

pub mod circles;
pub mod drawing;
pub mod files;
pub mod source;
pub mod tokens;
