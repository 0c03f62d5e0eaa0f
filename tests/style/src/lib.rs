//! Checks what the compiler cannot check: the length of prose lines, retired words, links between
//! pages, and the fields of log lines.
//!
//! `cargo run -p style` prints each fault as `file:line: what is wrong`.

mod fault;
mod fields;
mod lines;
mod links;
mod prose;
mod tree;
mod words;

use std::path::Path;

pub use fault::Fault;
pub use fields::unlisted_fields;
pub use lines::long_lines;
pub use links::broken_links;
pub use prose::Syntax;
pub use tree::{Source, sources};
pub use words::{Retired, retired_words};

/// The root of this repository.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The words that `docs/vocabulary.md` retires.
///
/// # Panics
///
/// If the page has no list of them.
pub fn retired() -> Vec<Retired> {
    words::list(include_str!("../../../docs/vocabulary.md"))
}
