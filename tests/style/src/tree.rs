use std::{fs, path::Path};

use crate::prose::Syntax;

/// A text file of the repository.
#[derive(Debug)]
pub struct Source {
    /// The path below the root, with `/` between folders.
    pub path: String,
    /// The syntax of its comments.
    pub syntax: Syntax,
    /// The whole text of the file.
    pub text: String,
}

/// Folders with files that are built, installed or measured.
const SKIPPED: [&str; 4] = ["target", "node_modules", "__pycache__", "prebuilt"];

/// Reads every source and page below `root`, in the order of paths.
///
/// # Panics
///
/// If a folder or file cannot be read.
pub fn sources(root: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    collect(root, "", &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(root: &Path, below: &str, found: &mut Vec<Source>) {
    let entries = fs::read_dir(root.join(below)).unwrap_or_else(|error| panic!("{below}: {error}"));
    for entry in entries {
        let entry = entry.unwrap_or_else(|error| panic!("{below}: {error}"));
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        if name.starts_with('.') && name != ".ci" || SKIPPED.contains(&name.as_str()) {
            continue;
        }
        if entry.path().is_dir() {
            collect(root, &path, found);
        } else if let Some(source) = read(&entry.path(), path) {
            found.push(source);
        }
    }
}

/// Reads the file. Returns `None` if it is of another kind.
fn read(file: &Path, path: String) -> Option<Source> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let syntax = match name.rsplit_once('.') {
        Some((_, extension)) => Syntax::of_extension(extension)?,
        None => Syntax::Hash,
    };
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{path}: {error}"));
    let scripted = text.starts_with("#!") || name == "justfile" || name.contains('.');
    scripted.then_some(Source { path, syntax, text })
}
