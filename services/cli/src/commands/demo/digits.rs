//! The data: 1797 handwritten digits, 8 × 8 pixels (`data/README.md`).

/// Pixels of an image.
pub(crate) const PIXELS: usize = 64;
/// Classes: the digits 0 to 9.
pub(crate) const CLASSES: usize = 10;

/// One of this many images is kept for testing.
const TEST_STRIDE: usize = 5;

/// An image with its pixels scaled to [0, 1], and the digit that it shows.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) pixels: [f32; PIXELS],
    pub(crate) label: usize,
}

/// The images, split into training and test sets. The split is always the same.
pub(crate) struct Digits {
    pub(crate) train: Vec<Sample>,
    pub(crate) test: Vec<Sample>,
}

impl Digits {
    /// Reads the images, which are compiled into this program.
    pub(crate) fn load() -> Self {
        let samples = include_str!("../../../data/digits.csv").lines().map(parse);
        let (test, train): (Vec<_>, Vec<_>) =
            samples.enumerate().partition(|(index, _)| index % TEST_STRIDE == TEST_STRIDE - 1);
        let drop_index =
            |samples: Vec<(usize, Sample)>| samples.into_iter().map(|(_, sample)| sample).collect();
        Self { train: drop_index(train), test: drop_index(test) }
    }
}

fn parse(line: &str) -> Sample {
    let mut values =
        line.split(',').map(|value| value.parse::<u8>().expect("the data file holds small integers"));
    let pixels = std::array::from_fn(|_| f32::from(values.next().expect("a line holds 64 pixels")) / 16.0);
    Sample { pixels, label: values.next().expect("a line ends with the digit").into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_is_there_once_and_in_range() {
        let Digits { train, test } = Digits::load();
        assert_eq!((train.len(), test.len()), (1438, 359));
        for Sample { pixels, label } in train.iter().chain(&test) {
            assert!(pixels.iter().all(|pixel| (0.0..=1.0).contains(pixel)));
            assert!(*label < CLASSES);
        }
    }

    #[test]
    fn every_digit_is_as_frequent_as_published() {
        let Digits { train, test } = Digits::load();
        let mut counts = [0; CLASSES];
        train.iter().chain(&test).for_each(|sample| counts[sample.label] += 1);
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    }
}
