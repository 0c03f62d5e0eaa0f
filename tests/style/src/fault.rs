use std::fmt;

/// A line that breaks a rule of style.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The path below the root of the repository.
    pub path: String,
    /// The number of the line, counted from 1.
    pub line: usize,
    /// The rule, with the words that break it.
    pub rule: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.rule)
    }
}
