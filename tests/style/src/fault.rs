use std::fmt;

/// One place that breaks a rule of style.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Path below the root of the repository.
    pub path: String,
    /// Counted from 1.
    pub line: usize,
    /// The rule, with what breaks it.
    pub rule: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.rule)
    }
}
