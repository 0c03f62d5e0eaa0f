//! The arguments of kernels, in the form that a driver takes.

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
    /// The address of a buffer on the device.
    Buffer(&'a B),
    /// A null pointer.
    Null,
    /// A `u32`, by value.
    U32(u32),
    /// A `u64`, by value.
    U64(u64),
    /// A `StreamKey`, by value.
    Key(StreamKey),
}

/// The values of arguments. A driver takes the address of each.
#[derive(Debug)]
pub struct Values(Vec<Value>);

#[derive(Debug)]
enum Value {
    U32(u32),
    U64(u64),
    Key(StreamKey),
}

impl Values {
    /// The values of `arguments`. `address` gives the address of a buffer.
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

    /// The address of each value. It is good until the values are moved or dropped.
    pub fn pointers(&mut self) -> Vec<*mut c_void> {
        let pointer = |value: &mut Value| match value {
            Value::U32(value) => ptr::from_mut(value).cast(),
            Value::U64(value) => ptr::from_mut(value).cast(),
            Value::Key(key) => ptr::from_mut(key).cast(),
        };
        self.0.iter_mut().map(pointer).collect()
    }
}
