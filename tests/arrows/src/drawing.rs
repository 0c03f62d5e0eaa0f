//! The arrows that `ARCHITECTURE.md` draws.

use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../ARCHITECTURE.md");

/// One line of a drawing: a crate or a room, and everything that it may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrows {
    /// The crate or room at which the arrows begin.
    pub from: String,
    /// The crates or rooms to which the arrows point.
    pub to: BTreeSet<String>,
}

/// The lines of the fenced block that is named `name`.
///
/// # Panics
/// When a line is not `from -> to, to`.
pub fn block(name: &str) -> Vec<Arrows> {
    let fence = format!("```{name}");
    PAGE.lines()
        .skip_while(|line| *line != fence)
        .skip(1)
        .take_while(|line| *line != "```")
        .map(arrows)
        .collect()
}

fn arrows(line: &str) -> Arrows {
    let (from, to) = line.split_once("->").expect("a line is `from -> to, to`");
    let to = to.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    Arrows { from: from.trim().to_owned(), to: to.collect() }
}
