//! The arguments of kernels, and the form in which a driver takes them.

use std::ffi::c_void;
use std::ptr;

use lattice::expand::PublicStreamKey;

/// The key of a ChaCha stream: `StreamKey` in include/words.cuh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct StreamKey([u32; 8]);

impl From<&PublicStreamKey> for StreamKey {
    fn from(key: &PublicStreamKey) -> Self {
        let mut words = [0; 8];
        for (word, bytes) in words.iter_mut().zip(key.as_bytes().as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        Self(words)
    }
}

/// An argument of a kernel, on a device with buffers of type `B`.
#[derive(Debug)]
pub enum Argument<'a, B> {
    /// The address of memory of the device.
    Buffer(&'a B),
    /// The null pointer.
    Null,
    /// `u32`.
    U32(u32),
    /// `u64`.
    U64(u64),
    /// `StreamKey`.
    Key(StreamKey),
}

/// Arguments as a driver takes them: a value each, at an address of its own.
#[derive(Debug)]
pub struct Values(Vec<Value>);

#[derive(Debug)]
enum Value {
    U32(u32),
    U64(u64),
    Key(StreamKey),
}

impl Values {
    /// The values of `arguments`, where a buffer is at the address that `address` gives.
    pub fn new<B>(arguments: &[Argument<'_, B>], address: impl Fn(&B) -> u64) -> Self {
        let value = |argument: &Argument<'_, B>| match argument {
            Argument::Buffer(buffer) => Value::U64(address(buffer)),
            Argument::Null => Value::U64(0),
            Argument::U32(value) => Value::U32(*value),
            Argument::U64(value) => Value::U64(*value),
            Argument::Key(key) => Value::Key(*key),
        };
        Self(arguments.iter().map(value).collect())
    }

    /// Where each value lies, for as long as the values are not moved or dropped.
    pub fn pointers(&mut self) -> Vec<*mut c_void> {
        let pointer = |value: &mut Value| match value {
            Value::U32(value) => ptr::from_mut(value).cast(),
            Value::U64(value) => ptr::from_mut(value).cast(),
            Value::Key(key) => ptr::from_mut(key).cast(),
        };
        self.0.iter_mut().map(pointer).collect()
    }
}
