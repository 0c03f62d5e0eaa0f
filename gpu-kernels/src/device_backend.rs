//! What a device computes for its caller.

use lattice::{SummingBackend, TransformBackend};

/// Every operation that a device does: those of an aggregator and of encrypted scoring. A client's
/// are not among them, so a holder of this trait cannot mask.
pub trait DeviceBackend: SummingBackend + TransformBackend {}

impl<B: SummingBackend + TransformBackend> DeviceBackend for B {}
