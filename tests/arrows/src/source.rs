//! The declarations, imports and paths of one file. Code that is only for tests is left out.

use std::collections::{BTreeMap, BTreeSet};

use crate::tokens::{Token, tokens};

/// A path as it is written: `crate`, `self`, `super` and names.
pub type Path = Vec<String>;

/// A file.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// Modules in files of their own.
    pub modules: BTreeSet<String>,
    /// The items that the file defines, also inside functions and blocks.
    pub items: BTreeSet<String>,
    /// Its macros by example.
    pub macros: BTreeSet<String>,
    /// Names that it imports, each with its path.
    pub imports: BTreeMap<String, Path>,
    /// Modules of which it imports everything.
    pub globs: Vec<Path>,
    /// Every path that it uses, except those in re-exports.
    pub uses: BTreeSet<Path>,
}

/// Reads a file.
pub fn read(text: &str) -> Source {
    let mut parser =
        Parser { tokens: tokens(text), at: 0, inline: Vec::new(), depth: 0, source: Source::default() };
    while parser.at < parser.tokens.len() {
        parser.step();
    }
    parser.source
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    /// The inline modules around this token, each as the depth of its braces.
    inline: Vec<usize>,
    depth: usize,
    source: Source,
}

impl Parser {
    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead)
    }

    fn word(&self, ahead: usize) -> Option<&str> {
        match self.peek(ahead) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn is_mark(&self, ahead: usize, mark: char) -> bool {
        self.peek(ahead) == Some(&Token::Mark(mark))
    }

    fn step(&mut self) {
        if self.is_mark(0, '#') && self.is_test_only() {
            self.skip_item();
            return;
        }
        match self.peek(0) {
            Some(Token::Mark('{')) => self.depth += 1,
            Some(Token::Mark('}')) => {
                self.depth = self.depth.saturating_sub(1);
                if self.inline.last() == Some(&self.depth) {
                    self.inline.pop();
                }
            }
            Some(Token::Word(word)) => {
                let word = word.clone();
                return self.step_word(&word);
            }
            _ => {}
        }
        self.at += 1;
    }

    fn step_word(&mut self, word: &str) {
        let name = self.word(1).map(str::to_owned);
        match (word, name) {
            ("use", _) => {
                let exported = self.is_exported();
                self.at += 1;
                self.tree(&Vec::new(), exported);
            }
            ("mod", Some(name)) if self.is_mark(2, ';') => {
                self.source.modules.insert(name);
                self.at += 3;
            }
            ("mod", Some(name)) if self.is_mark(2, '{') => {
                self.source.items.insert(name);
                self.inline.push(self.depth);
                self.at += 2;
            }
            ("fn" | "struct" | "enum" | "union" | "trait" | "type" | "const" | "static", Some(name)) => {
                self.source.items.insert(name);
                self.at += 2;
            }
            ("macro_rules", None) => {
                self.source.macros.extend(self.word(2).map(str::to_owned));
                self.at += 3;
            }
            _ => self.path(),
        }
    }

    /// Whether the import at this token is a re-export: `pub use`, `pub(crate) use`.
    fn is_exported(&self) -> bool {
        let before = |back: usize| self.at.checked_sub(back).and_then(|at| self.tokens.get(at));
        match before(1) {
            Some(Token::Word(word)) => word == "pub",
            Some(Token::Mark(')')) => true,
            _ => false,
        }
    }

    /// A path in code that has at least two names.
    fn path(&mut self) {
        let begins =
            self.at == 0 || !matches!(self.tokens[self.at - 1], Token::PathSeparator | Token::Mark('.'));
        let mut path = Path::new();
        while let Some(Token::Word(word)) = self.peek(0) {
            path.push(word.clone());
            self.at += 1;
            match (self.peek(0), self.peek(1)) {
                (Some(Token::PathSeparator), Some(Token::Word(_))) => self.at += 1,
                _ => break,
            }
        }
        if begins && path.len() > 1 {
            self.add(path);
        }
    }

    /// Reads one tree of imports, such as `a::{b, c as d}`, below `prefix`.
    fn tree(&mut self, prefix: &Path, exported: bool) {
        let mut path = prefix.clone();
        loop {
            match self.peek(0).cloned() {
                Some(Token::Word(word)) if word == "as" => {
                    let alias = self.word(1).unwrap_or("_").to_owned();
                    self.at += 2;
                    return self.import(path, alias, exported);
                }
                Some(Token::Word(word)) => {
                    path.push(word);
                    self.at += 1;
                }
                Some(Token::PathSeparator) => self.at += 1,
                Some(Token::Mark('*')) => {
                    self.at += 1;
                    if !exported {
                        self.add(path.clone());
                    }
                    return self.source.globs.extend(self.relative(path));
                }
                Some(Token::Mark('{')) => return self.branches(&path, exported),
                _ => {
                    if path.last().is_some_and(|name| name == "self") && path.len() > 1 {
                        path.pop();
                    }
                    let name = path.last().cloned().unwrap_or_default();
                    return self.import(path, name, exported);
                }
            }
        }
    }

    fn branches(&mut self, prefix: &Path, exported: bool) {
        self.at += 1;
        while self.at < self.tokens.len() && !self.is_mark(0, '}') {
            self.tree(prefix, exported);
            if self.is_mark(0, ',') {
                self.at += 1;
            }
        }
        self.at += 1;
    }

    fn import(&mut self, mut path: Path, name: String, exported: bool) {
        if path.last().is_some_and(|name| name == "self") && path.len() > 1 {
            path.pop();
        }
        if !exported {
            self.add(path.clone());
        }
        if let Some(path) = self.relative(path) {
            self.source.imports.insert(name, path);
        }
    }

    fn add(&mut self, path: Path) {
        self.source.uses.extend(self.relative(path));
    }

    /// The path as seen from the file. `None` if it points into an inline module of this file.
    fn relative(&self, mut path: Path) -> Option<Path> {
        for _ in &self.inline {
            match path.first().map(String::as_str) {
                Some("super") => drop(path.remove(0)),
                Some("self") => return None,
                _ => break,
            }
        }
        (!path.is_empty()).then_some(path)
    }

    /// Whether `#[cfg(test)]` or `#[cfg(all(test, …))]` begins here.
    fn is_test_only(&self) -> bool {
        let words: Vec<&str> = (0..8).filter_map(|ahead| self.word(ahead)).take(3).collect();
        let attribute = self.is_mark(1, '[') && self.word(2) == Some("cfg") && self.is_mark(3, '(');
        attribute && matches!(words.as_slice(), ["cfg", "test", ..] | ["cfg", "all", "test"])
    }

    /// Skips an item and the attributes before it.
    fn skip_item(&mut self) {
        while self.is_mark(0, '#') {
            self.at += 1;
            self.skip_braces('[', ']');
        }
        let import = (0..6).filter_map(|ahead| self.word(ahead)).any(|word| word == "use");
        while self.at < self.tokens.len() {
            if self.is_mark(0, ';') {
                self.at += 1;
                return;
            }
            if self.is_mark(0, '{') {
                self.skip_braces('{', '}');
                if !import {
                    return;
                }
            } else {
                self.at += 1;
            }
        }
    }

    fn skip_braces(&mut self, open: char, close: char) {
        let mut depth = 0;
        while let Some(token) = self.peek(0) {
            depth += i32::from(*token == Token::Mark(open)) - i32::from(*token == Token::Mark(close));
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(paths: &[&str]) -> BTreeSet<Path> {
        paths.iter().map(|path| path.split("::").map(str::to_owned).collect()).collect()
    }

    #[test]
    fn imports_re_exports_and_paths_in_code_are_read() {
        let source = read(
            "pub mod a; mod b { use super::c; } pub(crate) use a::A; use crate::{d::{self, e as f}, g::*};
             macro_rules! m { () => {} } fn h() { d::i(); x.k::<u8>(); std::mem::take(&mut y) }",
        );
        assert_eq!(source.modules, BTreeSet::from(["a".to_owned()]));
        assert_eq!(source.items, BTreeSet::from(["b".to_owned(), "h".to_owned()]));
        assert_eq!(source.macros, BTreeSet::from(["m".to_owned()]));
        assert_eq!(source.imports["A"], ["a", "A"]);
        assert_eq!(source.imports["f"], ["crate", "d", "e"]);
        assert_eq!(source.globs, [["crate", "g"]]);
        assert_eq!(
            source.uses,
            paths(&["c", "crate::d", "crate::d::e", "crate::g", "d::i", "std::mem::take"])
        );
    }

    #[test]
    fn code_for_tests_alone_is_left_out() {
        let source = read(
            "#[cfg(test)] use a::{b}; #[cfg(test)] mod tests { use super::c; } #[cfg(test)] #[path = \"x\"] mod d;
             #[cfg(all(test, unix))] fn e() {} use crate::f::G;",
        );
        assert_eq!(source.uses, paths(&["crate::f::G"]));
        assert!(source.modules.is_empty() && source.items.is_empty());
    }
}
