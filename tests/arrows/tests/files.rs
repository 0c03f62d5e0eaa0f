//! Tests that no files of a crate use each other in a circle, and that the rooms of the aggregator
//! use each other only along the arrows of `ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};

use arrows::{
    circles::{Arrows, circles},
    drawing::block,
    files::Files,
};
use cargo_metadata::{MetadataCommand, Package, Target};

fn packages() -> Vec<Package> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().expect("cargo metadata");
    assert!(metadata.packages.len() > 10, "the workspace was not found");
    metadata.packages
}

fn files(target: &Target) -> Arrows {
    Files::read(target.src_path.as_std_path()).arrows()
}

#[test]
fn no_files_of_a_crate_use_each_other_in_a_circle() {
    let mut found = BTreeMap::new();
    let mut read = 0;
    for package in packages() {
        for target in package.targets.iter().filter(|target| target.is_lib() || target.is_bin()) {
            let arrows = files(target);
            read += arrows.len();
            let circles = circles(&arrows);
            if !circles.is_empty() {
                found.insert(
                    format!("{}, {}", package.name, target.src_path.file_name().unwrap_or_default()),
                    circles,
                );
            }
        }
    }
    assert!(read > 200, "only {read} files were read");
    assert!(found.is_empty(), "circles: {found:#?}");
}

/// The room of a file: the first name of its module's path.
fn room(module: &str) -> &str {
    module.split('/').next().unwrap_or(module)
}

/// Lists the rooms of a crate with the rooms that each uses. Every room is below all rooms that it
/// uses.
fn rooms(files: &Arrows) -> Vec<(String, BTreeSet<String>)> {
    let mut rest: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, to) in files {
        let others = to.iter().map(|to| room(to)).filter(|to| *to != room(from));
        rest.entry(room(from).to_owned()).or_default().extend(others.map(str::to_owned));
    }
    let (mut floors, mut below) = (Vec::new(), BTreeSet::new());
    while !rest.is_empty() {
        let floor: Vec<_> = rest.extract_if(.., |_, uses| uses.is_subset(&below)).collect();
        assert!(!floor.is_empty(), "rooms use each other in a circle, or hang on one: {rest:#?}");
        below.extend(floor.iter().map(|(room, _)| room.clone()));
        floors.extend(floor);
    }
    floors
}

#[test]
fn the_rooms_of_the_aggregator_use_each_other_along_the_arrows() {
    let packages = packages();
    let aggregator =
        packages.iter().find(|package| package.name.as_str() == "aggregator").expect("the crate");
    let library = aggregator.targets.iter().find(|target| target.is_lib()).expect("its library");
    let actual = rooms(&files(library));
    let drawn: Vec<_> = block("rooms").into_iter().map(|line| (line.from, line.to)).collect();
    let line = |(from, to): &(String, BTreeSet<String>)| {
        format!("{from} -> {}", to.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
    };
    let drawing: Vec<String> = actual.iter().map(line).collect();
    assert!(actual == drawn, "ARCHITECTURE.md does not draw the rooms as they are:\n{}", drawing.join("\n"));
}
