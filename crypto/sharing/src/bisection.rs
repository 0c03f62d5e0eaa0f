//! Finds the wrong items of a batch that is checked by one combined equation.

use std::ops::Range;

/// Decides about each of `count` items and returns whether it is right, in order.
///
/// `holds` checks the items of a range together. It may pass over a wrong item only with negligible
/// probability, and never refuses a range of right ones. For a range of one item it must be exact,
/// because no item is called wrong without a check of its own.
///
/// A range that fails is split in two. If the first half holds, the second one cannot, so its own
/// check is left out. One wrong item costs at most 2·⌈log₂ count⌉ + 1 checks, and a batch of wrong
/// items less than 2·count.
pub fn bisect(count: usize, mut holds: impl FnMut(Range<usize>) -> bool) -> Vec<bool> {
    let mut verdicts = vec![true; count];
    if count > 0 {
        split(0..count, false, &mut holds, &mut verdicts);
    }
    verdicts
}

/// Decides about the items of a range that is not empty. Returns whether all of them are right.
fn split(
    range: Range<usize>,
    is_wrong: bool,
    holds: &mut impl FnMut(Range<usize>) -> bool,
    verdicts: &mut [bool],
) -> bool {
    if range.len() == 1 {
        verdicts[range.start] = holds(range.clone());
        return verdicts[range.start];
    }
    if !is_wrong && holds(range.clone()) {
        return true;
    }
    let middle = range.start + range.len() / 2;
    let first = split(range.start..middle, false, holds, verdicts);
    let second = split(middle..range.end, first, holds, verdicts);
    first && second
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdicts about a batch with these wrong items, and the number of checks.
    fn decide(count: usize, wrong: impl Fn(usize) -> bool) -> (Vec<bool>, usize) {
        let mut checks = 0;
        let verdicts = bisect(count, |mut range| {
            assert!(!range.is_empty());
            checks += 1;
            !range.any(&wrong)
        });
        (verdicts, checks)
    }

    #[test]
    fn every_set_of_wrong_items_is_found() {
        for count in 0..=9 {
            for set in 0..1_usize << count {
                let (verdicts, checks) = decide(count, |index| set >> index & 1 == 1);
                let expected: Vec<bool> = (0..count).map(|index| set >> index & 1 == 0).collect();
                assert_eq!(verdicts, expected);
                assert!(checks <= (2 * count).saturating_sub(1), "{count} items, {set:b}: {checks}");
            }
        }
    }

    #[test]
    fn right_items_cost_one_check_and_one_wrong_item_a_logarithm() {
        for count in 1..=100_usize {
            assert_eq!(decide(count, |_| false).1, 1);
            let most = 2 * count.next_power_of_two().ilog2() as usize + 1;
            for wrong in 0..count {
                let checks = decide(count, |index| index == wrong).1;
                assert!(checks <= most, "item {wrong} of {count}: {checks}");
            }
        }
    }
}
