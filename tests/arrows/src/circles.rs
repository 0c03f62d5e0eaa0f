//! Circles in a graph.

use std::collections::{BTreeMap, BTreeSet};

/// The uses: each node with the nodes that it uses.
pub type Arrows = BTreeMap<String, BTreeSet<String>>;

/// Finds the groups of nodes that use each other, directly or through others. The nodes of a group
/// are in alphabetical order.
pub fn circles(arrows: &Arrows) -> BTreeSet<Vec<String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        arrows.keys().map(|from| (from, reachable(arrows, from))).collect();
    let circle = |node: &&String| {
        let members =
            reached[*node].iter().filter(|other| reached.get(**other).is_some_and(|all| all.contains(*node)));
        members.map(|other| (**other).clone()).collect::<Vec<String>>()
    };
    arrows.keys().filter(|node| reached[*node].contains(*node)).map(|node| circle(&node)).collect()
}

fn reachable<'a>(arrows: &'a Arrows, from: &String) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&String> = arrows.get(from).into_iter().flatten().collect();
    while let Some(node) = next.pop() {
        if reached.insert(node) {
            next.extend(arrows.get(node).into_iter().flatten());
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_found_and_what_hangs_on_it_is_left_out() {
        let arrows = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("c", "e"), ("f", "g"), ("g", "f")];
        let mut graph = Arrows::new();
        for (from, to) in arrows {
            graph.entry(from.to_owned()).or_default().insert(to.to_owned());
        }
        let expected = [vec!["a", "b", "c"], vec!["f", "g"]];
        let expected = expected.map(|circle| circle.into_iter().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(circles(&graph), BTreeSet::from(expected));
    }
}
