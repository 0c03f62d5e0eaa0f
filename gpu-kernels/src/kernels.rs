//! The kernels, with a type for the arguments of each.
//!
//! A kernel is declared here with the parameters of its `.cu` text, in the same words and order. A
//! test compares the two. Its type has a field for each parameter, so a launch with a missing,
//! additional or ill-typed argument does not compile.

use crate::arguments::{Argument, StreamKey};

/// A kernel's launch: its arguments, which have the types of its parameters, and its threads.
#[derive(Debug)]
pub struct Launch<'a, B> {
    kernel: Kernel,
    arguments: Vec<Argument<'a, B>>,
    shape: Shape,
}

impl<'a, B> Launch<'a, B> {
    /// The kernel.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// An argument for each parameter, in order.
    pub fn arguments(&self) -> &[Argument<'a, B>] {
        &self.arguments
    }

    /// How many threads run it.
    pub fn shape(&self) -> Shape {
        self.shape
    }
}

/// How many threads run a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Blocks of threads, along x.
    pub grid: u32,
    /// Threads of a block, along x and y.
    pub block: [u32; 2],
    /// 64-bit words of shared memory of a block, without those that the kernel declares itself.
    pub shared_words: u32,
}

/// A parameter in three forms: the field's type, the argument made from the field, and the type in
/// the `.cu` text.
macro_rules! parameter {
    (field<$a:lifetime, $b:ident> StreamKey) => { StreamKey };
    (field<$a:lifetime, $b:ident> u32) => { u32 };
    (field<$a:lifetime, $b:ident> u64) => { u64 };
    (field<$a:lifetime, $b:ident> const u64* or null) => { Option<&$a $b> };
    (field<$a:lifetime, $b:ident> $($pointer:tt)+) => { &$a $b };

    (argument($value:expr) StreamKey) => { Argument::Key($value) };
    (argument($value:expr) u32) => { Argument::U32($value) };
    (argument($value:expr) u64) => { Argument::U64($value) };
    (argument($value:expr) const u64* or null) => { $value.map_or(Argument::Null, Argument::Buffer) };
    (argument($value:expr) $($pointer:tt)+) => { Argument::Buffer($value) };

    (text StreamKey) => { "StreamKey" };
    (text u32) => { "u32" };
    (text u64) => { "u64" };
    (text u32*) => { "u32*" };
    (text u64*) => { "u64*" };
    (text const u64*) => { "const u64*" };
    (text const u64* or null) => { "const u64*" };
}

macro_rules! kernels {
    ($(
        $(#[$doc:meta])*
        $variant:ident = $name:ident($($parameter:ident: [$($kind:tt)+]),* $(,)?);
    )*) => {
        /// The kernels, named as in the `.cu` files.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kernel {
            $($(#[$doc])* $variant,)*
        }

        impl Kernel {
            /// Every kernel, once.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name of its function.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($name),)*
                }
            }

            /// Type and name of each parameter, as in the `.cu` text.
            pub const fn parameters(self) -> &'static [(&'static str, &'static str)] {
                match self {
                    $(Self::$variant => &[$((parameter!(text $($kind)+), stringify!($parameter))),*],)*
                }
            }
        }

        $(
            $(#[$doc])*
            pub struct $variant<'a, B> {
                $(
                    #[doc = concat!("`", parameter!(text $($kind)+), "`")]
                    pub $parameter: parameter!(field<'a, B> $($kind)+),
                )*
            }

            impl<'a, B> $variant<'a, B> {
                /// The launch with these arguments in the shape `shape`.
                pub fn launch(self, shape: Shape) -> Launch<'a, B> {
                    let arguments = vec![$(parameter!(argument(self.$parameter) $($kind)+)),*];
                    Launch { kernel: Kernel::$variant, arguments, shape }
                }
            }
        )*
    };
}

kernels! {
    /// Coefficients to evaluations.
    Forward = forward(blocks: [u64*], count: [u64], twiddles: [const u64*]);

    /// Evaluations to coefficients.
    Inverse = inverse(blocks: [u64*], count: [u64], inverse_twiddles: [const u64*]);

    /// Adds packed bodies to sums.
    AddPacked = add_packed(
        sums: [u64*],
        length: [u64],
        packed: [const u64*],
        stride: [u64],
        bodies: [u32],
        width: [u32],
        refused: [u32*],
    );

    /// Inner products.
    InnerProduct = inner_product(
        lhs: [const u64*],
        rhs: [const u64*],
        length: [u64],
        partial_sums: [u64*],
    );

    /// Takes the masks off a sum.
    Unmask = unmask(
        stream: [StreamKey],
        first: [u64],
        key: [const u64*],
        words: [u64*],
        count: [u64],
        tau: [u32],
        delta: [u32],
        largest_residual: [u64*],
        inverse_twiddles: [const u64*],
    );

    /// Adds products with adjoints of mask polynomials.
    AdjointAccumulate = adjoint_accumulate(
        stream: [StreamKey],
        first: [u64],
        blocks: [const u64*],
        count: [u64],
        partial_sums: [u64*],
        twiddles: [const u64*],
    );

    /// Folds the rows of a projection.
    FoldRows = fold_rows(
        rows: [StreamKey],
        masks: [StreamKey],
        first: [u64],
        count: [u64],
        power_tables: [const u64*],
        packed: [const u64* or null],
        width: [u32],
        partial_adjoints: [u64*],
        partial_inners: [u64*],
        refused: [u32*],
        twiddles: [const u64*],
    );

    /// Adds the partial sums of blocks of threads.
    AddPartialSums = add_partial_sums(
        partial_sums: [const u64*],
        count: [u64],
        length: [u64],
        sums: [u64*],
    );

    /// Copies as fast as the card's memory allows.
    ProbeCopy = probe_copy(to: [u64*], from: [const u64*], length: [u64]);

    /// Shifts and combines bits as fast as the card can.
    ProbeAlu = probe_alu(out: [u64*], rounds: [u32], operand: [u32]);

    /// Multiplies as fast as the card can.
    ProbeMultiply = probe_multiply(out: [u64*], rounds: [u32], operand: [u32]);

    /// Has a race on purpose, for sanitizers to find.
    PlantedRace = planted_race(out: [u64*]);
}
