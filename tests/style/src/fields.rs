use crate::{Fault, Source, prose::Syntax};

/// Finds fields of log lines in the services' programs that `page` does not list.
///
/// `page` lists a field as a row `` | `name` | … | `` or in a sentence as `` `name` ``.
pub fn unlisted_fields(source: &Source, page: &str) -> Vec<Fault> {
    let logs = source.syntax == Syntax::Slashes && source.path.starts_with("services/");
    if !logs || !source.path.contains("/src/") {
        return Vec::new();
    }
    let unlisted = fields(&source.text).filter(|(_, field)| !page.contains(&format!("`{field}`")));
    let fault = |(line, field): (usize, String)| Fault {
        path: source.path.clone(),
        line,
        rule: format!("docs/LOGGING.md does not list the field `{field}`"),
    };
    unlisted.map(fault).collect()
}

/// Lists the fields of each log line, with the line on which its macro begins.
fn fields(text: &str) -> impl Iterator<Item = (usize, String)> {
    text.match_indices("tracing::").flat_map(|(start, _)| {
        let line = text[..start].matches('\n').count() + 1;
        let arguments = text[start..].split_once("!(").map_or("", |(name, rest)| {
            let is_macro = name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':');
            if is_macro { rest } else { "" }
        });
        names(arguments).into_iter().map(move |name| (line, name))
    })
}

/// Lists the names before the message of a log line: `name = value`, `%name`, `?name` or `name`.
fn names(arguments: &str) -> Vec<String> {
    let (mut depth, mut quoted, mut argument, mut names) = (0, false, String::new(), Vec::new());
    for c in arguments.chars() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth > 0 => depth -= 1,
            ')' => break,
            ',' if depth == 0 => names.extend(name(&std::mem::take(&mut argument))),
            _ => {}
        }
        argument.push(c);
    }
    names.extend(name(&argument));
    names
}

/// Returns the name of one argument. The message has no name.
fn name(argument: &str) -> Option<String> {
    let name = argument.split('=').next()?;
    let name = name.trim_matches(|c: char| c.is_whitespace() || ",%?".contains(c));
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_.".contains(c));
    is_name.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unlisted(text: &str) -> Vec<String> {
        let path = "services/kit/src/a.rs".into();
        let source = Source { path, syntax: Syntax::Slashes, text: text.into() };
        let page = "| `round_id` | a round |\nand `ms`";
        unlisted_fields(&source, page).into_iter().map(|fault| fault.rule).collect()
    }

    #[test]
    fn names_of_every_form_are_found() {
        let listed = "tracing::info!(%round_id, ms = f(1, \"a, b\"), \"done, round = {}\");";
        assert!(unlisted(listed).is_empty(), "{:?}", unlisted(listed));
        for line in ["tracing::warn!(round = 1, \"m\")", "tracing::warn!(\n  ?round,\n  \"m\"\n)"] {
            assert_eq!(unlisted(line), ["docs/LOGGING.md does not list the field `round`"], "{line}");
        }
    }

    #[test]
    fn messages_and_other_paths_are_no_fields() {
        assert!(unlisted("use tracing::Instrument; f!(round); tracing::info!(\"round\");").is_empty());
    }
}
