//! The two services.

use std::fmt;

/// One of the two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The service that receives, verifies, adds, records and publishes.
    Aggregator,
    /// The service that countersigns, attests and releases once.
    Combiner,
}

impl Service {
    /// Both services.
    pub const ALL: [Self; 2] = [Self::Aggregator, Self::Combiner];

    /// The name of the service in commands, folders and databases.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aggregator => "aggregator",
            Self::Combiner => "combiner",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
