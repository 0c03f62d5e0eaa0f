use crate::{Fault, Source};

/// The most characters in a line of prose.
const LIMIT: usize = 100;

/// Finds lines of comments and Markdown with more than 100 characters.
///
/// Tables, fenced code and the targets of links do not count, since they cannot be broken.
pub fn long_lines(source: &Source) -> Vec<Fault> {
    let long = source.syntax.prose(&source.text).into_iter().filter_map(|(number, line)| {
        let length = length(line);
        let rule = format!("{length} characters of prose, {LIMIT} at most");
        (length > LIMIT).then(|| Fault { path: source.path.clone(), line: number, rule })
    });
    long.collect()
}

fn length(line: &str) -> usize {
    let content = line.trim_start_matches(|c: char| c.is_whitespace() || "/!-#".contains(c));
    if content.starts_with('|') { 0 } else { without_targets(line).chars().count() }
}

/// Returns the line without addresses and without the targets of Markdown links.
fn without_targets(line: &str) -> String {
    let mut kept = String::new();
    let mut rest = line;
    while let Some(start) = rest.find("](") {
        let (before, after) = rest.split_at(start + 2);
        kept.push_str(before);
        rest = after.find(')').map_or("", |end| &after[end..]);
    }
    kept.push_str(rest);
    let words = kept.split(' ').filter(|word| !word.contains("https://") && !word.contains("http://"));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use crate::Syntax;

    use super::*;

    fn lines_of(syntax: Syntax, text: &str) -> Vec<usize> {
        let source = Source { path: "page".into(), syntax, text: text.into() };
        long_lines(&source).into_iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        let (fits, long) = ("é".repeat(100), "é".repeat(101));
        assert_eq!(lines_of(Syntax::Markdown, &format!("{fits}\n{long}\n")), [2]);
    }

    #[test]
    fn tables_fenced_code_and_targets_of_links_are_excepted() {
        let long = "word ".repeat(30);
        let page = format!("| {long} |\n```sh\n{long}\n```\n[page](https://{})\n{long}\n", "x".repeat(200));
        assert_eq!(lines_of(Syntax::Markdown, &page), [6]);
    }

    #[test]
    fn only_comments_count_in_code() {
        let long = "word ".repeat(30);
        assert_eq!(lines_of(Syntax::Slashes, &format!("let {long};\n    /// {long}\n")), [2]);
        assert_eq!(lines_of(Syntax::Dashes, &format!("SELECT {long};\n-- {long}\n")), [2]);
        assert_eq!(lines_of(Syntax::Hash, &format!("echo {long}\n# {long}\n")), [2]);
        let python = format!("\"\"\"A text.\n{long}\n\"\"\"\nx = '{long}'\n# {long}\n");
        assert_eq!(lines_of(Syntax::Python, &python), [2, 5]);
    }

    #[test]
    fn fences_in_comments_end_with_the_comment() {
        let long = "word ".repeat(30);
        let code = format!("/// ```\n/// {long}\nfn f() {{}}\n/// {long}\n");
        assert_eq!(lines_of(Syntax::Slashes, &code), [4]);
    }
}
