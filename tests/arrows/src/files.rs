//! The files of a crate, and the uses between them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path as FilePath,
};

use crate::source::{self, Path, Source};

/// A crate's files by the paths of their modules. The root has the empty path.
#[derive(Debug, Default)]
pub struct Files(BTreeMap<Path, Source>);

impl Files {
    /// Reads a crate from its root, `lib.rs` or `main.rs`.
    ///
    /// # Panics
    /// When a file cannot be read.
    pub fn read(root: &FilePath) -> Self {
        let mut files = Self::default();
        let folder = root.parent().expect("a file is in a folder");
        files.add(Path::new(), root, folder);
        files
    }

    fn add(&mut self, module: Path, file: &FilePath, folder: &FilePath) {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let source = source::read(&text);
        for child in &source.modules {
            let (file, inner) = (folder.join(format!("{child}.rs")), folder.join(child));
            // The file of a module with `#[path]` is elsewhere. It is left out.
            if file.exists() {
                self.add(below(&module, child), &file, &inner);
            }
        }
        self.0.insert(module, source);
    }

    /// Lists for each file the files that it uses. A file that only declares modules and re-exports
    /// from them uses none. An item that it re-exports counts as used from the file that defines
    /// it.
    pub fn arrows(&self) -> BTreeMap<String, BTreeSet<String>> {
        let arrows = self.0.iter().map(|(module, source)| {
            let used = source.uses.iter().filter_map(|path| self.resolve(module, path, 0));
            let others = used.filter(|used| *used != module).map(name);
            (name(module), others.collect())
        });
        arrows.collect()
    }

    /// Returns the module whose file defines the item that `from` calls `path`. Returns `None` if
    /// the item is of another crate.
    fn resolve<'a>(&'a self, from: &'a Path, path: &[String], hops: u8) -> Option<&'a Path> {
        let source = &self.0[from];
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.descend(&[], rest, hops),
            "self" => self.descend(from, rest, hops),
            "super" => match rest.first().map(String::as_str) {
                Some("super") => self.resolve(self.key(from.split_last()?.1)?, rest, hops),
                _ => self.descend(from.split_last()?.1, rest, hops),
            },
            child if source.modules.contains(child) => self.descend(from, path, hops),
            _ => self.imported(from, path, hops),
        }
    }

    /// Resolves a path that begins with a name that `from` imports.
    fn imported<'a>(&'a self, from: &'a Path, path: &[String], hops: u8) -> Option<&'a Path> {
        let import = self.0[from].imports.get(&path[0]).filter(|import| import[0] != path[0] && hops < 8)?;
        let whole: Path = import.iter().chain(&path[1..]).cloned().collect();
        self.resolve(from, &whole, hops + 1)
    }

    fn descend<'a>(&'a self, from: &[String], path: &[String], hops: u8) -> Option<&'a Path> {
        let mut module = from.to_vec();
        let mut rest = path;
        while let Some((first, after)) = rest.split_first() {
            let child = below(&module, first);
            if !self.0.contains_key(&child) {
                break;
            }
            (module, rest) = (child, after);
        }
        let module = self.key(&module)?;
        match rest.first() {
            Some(name) => self.item(module, name, rest, hops),
            None => Some(module),
        }
    }

    fn item<'a>(&'a self, module: &'a Path, name: &str, path: &[String], hops: u8) -> Option<&'a Path> {
        let source = &self.0[module];
        if source.items.contains(name) || hops >= 8 {
            return Some(module);
        }
        if source.imports.contains_key(name) {
            return self.imported(module, path, hops);
        }
        let defines =
            |found: &&Path| self.0[*found].items.contains(name) || self.0[*found].imports.contains_key(name);
        let globs = source.globs.iter().filter_map(|glob| self.resolve(module, glob, hops + 1));
        if let Some(found) = globs.filter(|found| *found != module).find(defines) {
            return self.item(found, name, path, hops + 1);
        }
        let by_example = self.0.iter().find(|(_, source)| source.macros.contains(name));
        Some(by_example.map_or(module, |(module, _)| module))
    }

    fn key(&self, module: &[String]) -> Option<&Path> {
        self.0.get_key_value(module).map(|(key, _)| key)
    }
}

fn below(module: &[String], child: &str) -> Path {
    module.iter().cloned().chain([child.to_owned()]).collect()
}

fn name(module: &Path) -> String {
    if module.is_empty() { "lib".to_owned() } else { module.join("/") }
}
