//! Finds the commit that is compiled, for `blindsum --version`.
//!
//! A new commit compiles only this package again. Without a git directory, as in an unpacked
//! archive, the version has no commit.

use std::{path::Path, process::Command};

const ROOT: &str = "../..";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let version = env!("CARGO_PKG_VERSION");
    let version = match commit() {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    };
    println!("cargo:rustc-env=BLINDSUM_VERSION={version}");
}

/// The commit that is checked out, if this folder belongs to a checkout of this repository.
fn commit() -> Option<String> {
    let same = |a: &Path, b: &Path| Some(a.canonicalize().ok()? == b.canonicalize().ok()?);
    // A repository around an unpacked archive says nothing about this source.
    if !same(Path::new(&git(&["rev-parse", "--show-toplevel"])?), Path::new(ROOT))? {
        return None;
    }
    for file in ["HEAD", "logs/HEAD"] {
        // A path that does not exist would make Cargo run this script at every build.
        if let Some(path) = git(&["rev-parse", "--git-path", file]).filter(|path| Path::new(path).exists()) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

/// The output of git. `None` if git is missing or fails.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let answer = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| answer.trim_end().to_owned())
}
