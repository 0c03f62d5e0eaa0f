use std::{fs, path::Path};

use crate::prose::Syntax;

/// One text file of the repository.
#[derive(Debug)]
pub struct Source {
    /// Path below the root, with `/` between its parts.
    pub path: String,
    /// How its comments are written.
    pub syntax: Syntax,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// The extension of its name, or nothing.
    pub fn extension(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or("", |(_, extension)| extension)
    }
}

/// Folders that hold what is built, installed or measured.
const SKIPPED: [&str; 4] = ["target", "node_modules", "__pycache__", "prebuilt"];

/// Every source and page below `root`, ordered by path.
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

/// The file as a source, unless it is of another kind.
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
