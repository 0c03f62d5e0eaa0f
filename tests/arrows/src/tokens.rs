//! The tokens of a Rust file that matter for its imports. Comments and literals are left out.

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// An identifier or keyword.
    Word(String),
    /// `::`
    PathSeparator,
    /// Any other character that is not white space.
    Mark(char),
}

/// The tokens of a file.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut reader = Reader { rest: text };
    let mut tokens = Vec::new();
    while let Some(first) = reader.rest.chars().next() {
        if let Some(length) = reader.skipped(first) {
            reader.rest = &reader.rest[length..];
        } else if is_word(first) {
            let length = reader.rest.find(|c| !is_word(c)).unwrap_or(reader.rest.len());
            tokens.push(Token::Word(reader.rest[..length].to_owned()));
            reader.rest = &reader.rest[length..];
        } else if let Some(rest) = reader.rest.strip_prefix("::") {
            tokens.push(Token::PathSeparator);
            reader.rest = rest;
        } else {
            tokens.push(Token::Mark(first));
            reader.rest = &reader.rest[first.len_utf8()..];
        }
    }
    tokens
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    /// The length of the white space, comment, literal or lifetime that comes next.
    fn skipped(&self, first: char) -> Option<usize> {
        match first {
            c if c.is_whitespace() => Some(c.len_utf8()),
            '/' if self.rest.starts_with("//") => Some(self.rest.find('\n').unwrap_or(self.rest.len())),
            '/' if self.rest.starts_with("/*") => Some(block_comment(self.rest)),
            '"' => Some(string(self.rest)),
            '\'' => Some(quoted(self.rest)),
            'r' | 'b' | 'c' => prefixed(self.rest),
            _ => None,
        }
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Block comments nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text[at..];
        let (change, step) = match rest {
            rest if rest.starts_with("/*") => (1, 2),
            rest if rest.starts_with("*/") => (-1, 2),
            rest => (0, rest.chars().next().map_or(1, char::len_utf8)),
        };
        (depth, at) = (depth + change, at + step);
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal, or of the mark that begins a lifetime.
fn quoted(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some(_)) => text[3..].find('\'').map_or(text.len(), |end| end + 4),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

/// The length of a literal with a prefix, if one begins here.
fn prefixed(text: &str) -> Option<usize> {
    let after = text.trim_start_matches(['r', 'b', 'c']);
    let prefix = text.len() - after.len();
    if prefix > 2 {
        return None;
    }
    let raw = text[..prefix].contains('r');
    let hashes = after.len() - after.trim_start_matches('#').len();
    match after[hashes..].chars().next() {
        Some('"') if raw => {
            let end = format!("\"{}", "#".repeat(hashes));
            let length = after[hashes + 1..].find(&end).map_or(after.len(), |at| hashes + 1 + at + end.len());
            Some(prefix + length)
        }
        Some('"') if hashes == 0 => Some(prefix + string(after)),
        Some('\'') if hashes == 0 && text.starts_with("b'") => Some(prefix + quoted(after)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_left_out() {
        let text = r##"use a::b; // use c::d
            /* x /* y */ z */ fn f<'a>(s: &'a str) { "use \" e"; r#"g " h"#; b"i"; 'j'; '\''; b'k'; '"'; }"##;
        let words: Vec<String> = tokens(text)
            .into_iter()
            .filter_map(|token| if let Token::Word(word) = token { Some(word) } else { None })
            .collect();
        assert_eq!(words, ["use", "a", "b", "fn", "f", "a", "s", "a", "str"]);
    }
}
