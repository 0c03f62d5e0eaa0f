//! The layout of an update: which coordinates belong to which tensor.

use names::{LayoutDigest, labels};

use crate::codec::{DecodeError, Reader, Writer};

/// One tensor of an update, such as the weights of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The name in the model, at most 256 bytes.
    pub name: String,
    /// The length of each axis, at most 8 axes. A scalar has none.
    pub shape: Vec<u32>,
    /// The index of its first coordinate in the flat update.
    pub offset: u64,
    /// The unit of its coordinates. This version knows no units, so it is absent.
    pub scale: Option<f64>,
}

impl Tensor {
    /// The number of coordinates. `None` if it exceeds 2⁶⁴ − 1.
    pub fn size(&self) -> Option<u64> {
        self.shape.iter().try_fold(1u64, |size, &axis| size.checked_mul(axis.into()))
    }
}

/// `H("layout", tensors)`. Updates with the same digest have coordinates with the same meaning.
pub(crate) fn digest(tensors: &[Tensor]) -> LayoutDigest {
    let mut writer = Writer::default();
    write(&mut writer, tensors);
    labels::hash(labels::LAYOUT, &[&writer.into_bytes()])
}

/// Whether the tensors follow one another without gaps and make up `dimension`.
pub(crate) fn covers(tensors: &[Tensor], dimension: u64) -> bool {
    let mut next = 0u64;
    for tensor in tensors {
        let end = tensor.size().and_then(|size| next.checked_add(size));
        match end {
            Some(end) if tensor.offset == next => next = end,
            _ => return false,
        }
    }
    next == dimension
}

pub(crate) fn write(writer: &mut Writer, tensors: &[Tensor]) {
    writer.u16(u16::try_from(tensors.len()).expect("a document has at most 65535 tensors"));
    for tensor in tensors {
        writer.text(&tensor.name);
        writer.u8(u8::try_from(tensor.shape.len()).expect("a tensor has at most 8 axes"));
        tensor.shape.iter().for_each(|&axis| writer.u32(axis));
        writer.u64(tensor.offset);
        writer.optional(tensor.scale.as_ref(), |writer, &scale| writer.f64(scale));
    }
}

pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Vec<Tensor>, DecodeError> {
    let count = reader.u16("tensors")?;
    (0..count)
        .map(|_| {
            let name = reader.text(256, "tensor name")?;
            let rank = reader.u8("tensor rank")?;
            if rank > 8 {
                return Err(DecodeError::Range { field: "tensor rank" });
            }
            let shape = (0..rank).map(|_| reader.u32("tensor shape")).collect::<Result<_, _>>()?;
            let offset = reader.u64("tensor offset")?;
            let scale = reader.optional("tensor scale", |reader| reader.f64("tensor scale"))?;
            Ok(Tensor { name, shape, offset, scale })
        })
        .collect()
}
