//! The operations that a device does for its caller.

use lattice::{SummingBackend, TransformBackend};

/// Every operation that a device does: those of the aggregator and of encrypted scoring. It has
/// none of a client's operations, so a device cannot mask.
pub trait DeviceBackend: SummingBackend + TransformBackend {}

impl<B: SummingBackend + TransformBackend> DeviceBackend for B {}
