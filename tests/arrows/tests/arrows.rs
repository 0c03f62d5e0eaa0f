//! Tests that crates depend on each other only as `ARCHITECTURE.md` says, and that cryptography
//! does no I/O.

use std::collections::{BTreeMap, BTreeSet};

use arrows::drawing::block;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Reads the page's list: each crate with the crates that it may depend on.
fn allowed() -> BTreeMap<String, BTreeSet<String>> {
    block("arrows").into_iter().map(|arrows| (arrows.from, arrows.to)).collect()
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .exec()
        .expect("cargo metadata")
}

/// Lists the packages that `package` needs to be built. Tests and benchmarks do not count.
fn dependencies(package: &Package) -> BTreeSet<String> {
    let normal =
        package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development);
    normal.map(|dependency| dependency.name.clone()).collect()
}

fn folder(package: &Package, metadata: &Metadata) -> String {
    let path = package.manifest_path.strip_prefix(&metadata.workspace_root).expect("a member");
    path.components().next().expect("a folder").as_str().to_owned()
}

#[test]
fn crates_depend_only_along_the_arrows() {
    let (metadata, allowed) = (metadata(), allowed());
    let members: BTreeSet<String> =
        metadata.workspace_packages().iter().map(|package| package.name.to_string()).collect();
    assert!(members.len() > 10, "the workspace was not found");
    for package in metadata.workspace_packages() {
        let name = package.name.to_string();
        if folder(package, &metadata) == "tests" || name == "testkit" {
            continue;
        }
        let allowed =
            allowed.get(&name).unwrap_or_else(|| panic!("ARCHITECTURE.md draws no arrows for {name}"));
        let actual: BTreeSet<String> = dependencies(package).intersection(&members).cloned().collect();
        let forbidden: Vec<_> = actual.difference(allowed).collect();
        assert!(forbidden.is_empty(), "{name} depends on {forbidden:?}");
    }
}

#[test]
fn the_testkit_and_the_testbed_are_dependencies_of_tests_only() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        if folder(package, &metadata) != "tests" && package.name.as_str() != "testkit" {
            for test_crate in ["testkit", "testbed"] {
                assert!(!dependencies(package).contains(test_crate), "{} ships it", package.name);
            }
        }
    }
}

#[test]
fn cryptography_does_no_io() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        if folder(package, &metadata) == "crypto" {
            let dependencies = dependencies(package);
            for forbidden in ["tokio", "sqlx", "axum", "reqwest", "time", "object_store"] {
                assert!(!dependencies.contains(forbidden), "{} depends on {forbidden}", package.name);
            }
        }
    }
}
