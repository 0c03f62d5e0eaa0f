//! The points of small order of X25519.

/// The u-coordinates of small order on the curve and on its twist, below 2²⁵⁵ and little-endian:
/// 0, 1, the two points of order 8, p − 1, and the second encodings p and p + 1 of 0 and 1.
const SMALL: [[u8; 32]; 7] = [
    [0; 32],
    ends(1, [0; 30], 0),
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda,
        0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04,
        0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
    ],
    ends(0xec, [0xff; 30], 0x7f),
    ends(0xed, [0xff; 30], 0x7f),
    ends(0xee, [0xff; 30], 0x7f),
];

const fn ends(first: u8, between: [u8; 30], last: u8) -> [u8; 32] {
    let mut bytes = [first; 32];
    let mut i = 0;
    while i < 30 {
        bytes[i + 1] = between[i];
        i += 1;
    }
    bytes[31] = last;
    bytes
}

/// Whether X25519 gives zero for these bytes and every private key. Such a point makes the X25519
/// half of a shared secret known to everybody. The top bit does not count (RFC 7748 §5).
/// Variable-time.
pub(crate) fn is_small_order(point: &[u8; 32]) -> bool {
    let mut masked = *point;
    masked[31] &= 0x7f;
    SMALL.contains(&masked)
}

#[cfg(test)]
mod tests {
    use curve25519_dalek::{MontgomeryPoint, constants::EIGHT_TORSION};
    use proptest::{array::uniform32, prelude::*};

    use super::*;

    /// A clamped scalar is a multiple of 8, and the cofactors are 8 and 4.
    fn by_definition(point: &[u8; 32]) -> bool {
        MontgomeryPoint(*point).mul_clamped([0; 32]).to_bytes() == [0; 32]
    }

    fn with_top_bit(mut point: [u8; 32]) -> [u8; 32] {
        point[31] |= 0x80;
        point
    }

    #[test]
    fn all_seven_are_of_small_order_with_either_top_bit() {
        for point in SMALL.iter().flat_map(|&point| [point, with_top_bit(point)]) {
            assert!(is_small_order(&point) && by_definition(&point), "{point:x?}");
        }
    }

    #[test]
    fn the_torsion_of_the_curve_is_among_them() {
        for point in EIGHT_TORSION {
            assert!(is_small_order(&point.to_montgomery().to_bytes()));
        }
    }

    /// Every integer that reduces to one of the five values, and its neighbours.
    #[test]
    fn neighbours_are_told_apart_as_the_curve_does() {
        for point in SMALL {
            for step in -40_i16..=40 {
                let mut neighbour = point;
                let mut carry = step;
                for byte in &mut neighbour {
                    let sum = i16::from(*byte) + carry;
                    *byte = sum.rem_euclid(256) as u8;
                    carry = sum.div_euclid(256);
                }
                for point in [neighbour, with_top_bit(neighbour)] {
                    assert_eq!(is_small_order(&point), by_definition(&point), "{point:x?}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn other_points_are_not(point in uniform32(any::<u8>())) {
            prop_assert_eq!(is_small_order(&point), by_definition(&point));
        }
    }
}
