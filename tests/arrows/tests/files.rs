//! No files of a crate use each other in a circle, and the rooms of the aggregator use each other only
//! along the arrows of `ARCHITECTURE.md`.

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

#[test]
fn the_rooms_of_the_aggregator_use_each_other_along_the_arrows() {
    let packages = packages();
    let aggregator =
        packages.iter().find(|package| package.name.as_str() == "aggregator").expect("the crate");
    let library = aggregator.targets.iter().find(|target| target.is_lib()).expect("its library");
    let mut actual: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, to) in files(library) {
        let others = to.iter().map(|to| room(to)).filter(|to| *to != room(&from));
        actual.entry(room(&from).to_owned()).or_default().extend(others.map(str::to_owned));
    }
    let mut above = BTreeSet::new();
    for line in block("rooms") {
        let up: Vec<&String> = line.to.iter().filter(|to| !above.contains(*to)).collect();
        assert!(up.is_empty(), "{} may use only rooms on lines above it, not {up:?}", line.from);
        let uses = actual.remove(&line.from).unwrap_or_else(|| panic!("there is no room {}", line.from));
        assert_eq!(uses, line.to, "what {} uses (left) is not what ARCHITECTURE.md draws (right)", line.from);
        above.insert(line.from);
    }
    assert!(actual.is_empty(), "ARCHITECTURE.md draws no arrows for {:?}", actual.keys());
}
