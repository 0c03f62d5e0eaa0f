/// The syntax in which a language writes comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// Everything outside fenced code is prose.
    Markdown,
    /// `// …`
    Slashes,
    /// `-- …`
    Dashes,
    /// `# …`
    Hash,
    /// `# …`, and texts in triple quotation marks.
    Python,
}

impl Syntax {
    /// Returns the syntax of files with this extension. Returns `None` if their prose is not
    /// checked.
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension {
            "md" => Some(Self::Markdown),
            "rs" | "cu" | "cuh" | "cpp" | "h" | "cjs" => Some(Self::Slashes),
            "sql" => Some(Self::Dashes),
            "toml" | "sh" => Some(Self::Hash),
            "py" => Some(Self::Python),
            _ => None,
        }
    }

    /// Lists the lines of prose in `text`, with their numbers from 1. Fenced code is left out.
    pub fn prose(self, text: &str) -> Vec<(usize, &str)> {
        let (mut fenced, mut quoted) = (false, false);
        let mut prose = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let Some(content) = self.content(line, &mut quoted) else {
                fenced = false;
                continue;
            };
            if content.trim_start().starts_with("```") {
                fenced = !fenced;
            } else if !fenced {
                prose.push((index + 1, line));
            }
        }
        prose
    }

    /// Returns the prose of a line. Returns `None` for a line of code. `quoted` is the state
    /// between lines.
    fn content<'a>(self, line: &'a str, quoted: &mut bool) -> Option<&'a str> {
        let trimmed = line.trim_start();
        match self {
            Self::Markdown => Some(line),
            Self::Slashes => {
                let comment = trimmed.strip_prefix("//")?;
                Some(comment.trim_start_matches(['/', '!']))
            }
            Self::Dashes => trimmed.strip_prefix("--"),
            Self::Hash => trimmed.strip_prefix('#'),
            Self::Python => {
                let was_quoted = *quoted;
                if trimmed.matches("\"\"\"").count() % 2 == 1 {
                    *quoted = !was_quoted;
                }
                let is_text = was_quoted || trimmed.starts_with("\"\"\"");
                if is_text { Some(line) } else { trimmed.strip_prefix('#') }
            }
        }
    }
}
