use crate::{Fault, Source};

/// A word, a phrase or an identifier that is no longer used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retired {
    words: Vec<String>,
    stem: bool,
    instead: String,
}

/// Pages that may use retired words: the list itself, and reports of earlier measurements and
/// releases.
const EXCEPTED: [&str; 3] = ["CHANGELOG.md", "docs/vocabulary.md", "tests/style/src/words.rs"];

/// Reads the list of a page. It is a block fenced as `retired`. Each line of it has the
/// form `old -> new`.
///
/// `old` is one or more words in a row, in upper or lower case. A last word that ends in `*` stands
/// for all words that begin so.
pub(crate) fn list(page: &str) -> Vec<Retired> {
    let block = page.split("```retired\n").nth(1).expect("the page has a block of retired words");
    let block = block.split("```").next().unwrap_or_default();
    let lines = block.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| retire(line.split_once("->").expect("a line is `old -> new`"))).collect()
}

fn retire((old, new): (&str, &str)) -> Retired {
    let (old, stem) = match old.trim().strip_suffix('*') {
        Some(old) => (old, true),
        None => (old.trim(), false),
    };
    let words = words(old).map(|(_, word)| word).collect();
    Retired { words, stem, instead: new.trim().into() }
}

/// Finds every use of a retired word in a file. A phrase may continue on the next line.
pub fn retired_words(source: &Source, retired: &[Retired]) -> Vec<Fault> {
    if EXCEPTED.contains(&source.path.as_str()) {
        return Vec::new();
    }
    let words: Vec<_> = words(&source.text).collect();
    let mut faults = Vec::new();
    for start in 0..words.len() {
        for phrase in retired.iter().filter(|phrase| phrase.begins(&words[start..])) {
            let rule = format!("`{}` is retired: say {}", phrase.words.join(" "), phrase.instead);
            faults.push(Fault { path: source.path.clone(), line: words[start].0, rule });
        }
    }
    faults
}

impl Retired {
    fn begins(&self, words: &[(usize, String)]) -> bool {
        let Some((last, first)) = self.words.split_last() else { return false };
        let Some((_, end)) = words.get(first.len()) else { return false };
        let starts = first.iter().zip(words).all(|(expected, (_, word))| expected == word);
        starts && if self.stem { end.starts_with(last) } else { end == last }
    }
}

/// Lists the words of a text in lower case, with the numbers of their lines. Comment marks are not
/// words.
fn words(text: &str) -> impl Iterator<Item = (usize, String)> {
    text.lines().enumerate().flat_map(|(index, line)| {
        let words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.filter(|word| !word.is_empty()).map(move |word| (index + 1, word.to_lowercase()))
    })
}

#[cfg(test)]
mod tests {
    use crate::Syntax;

    use super::*;

    fn lines_of(text: &str) -> Vec<usize> {
        let page = "text\n```retired\nreckon* -> compute\nin earnest -> really\nold_name -> new_name\n```\n";
        let source = Source { path: "a.rs".into(), syntax: Syntax::Slashes, text: text.into() };
        retired_words(&source, &list(page)).into_iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn stems_phrases_and_identifiers_are_found() {
        assert_eq!(lines_of("/// Reckoned.\nfn f() {}\nlet x = old_name(1);\n"), [1, 3]);
        assert_eq!(lines_of("// This is in\n// earnest.\n"), [1]);
    }

    #[test]
    fn parts_of_words_are_not_found() {
        assert_eq!(lines_of("my_old_name, unreckoned, old_names, earnest in"), [0; 0]);
    }
}
