use std::{collections::BTreeMap, path::Path};

use crate::{Fault, Source, prose::Syntax};

/// Finds links between pages whose file or heading does not exist, and paths in backquotes that do
/// not exist.
///
/// Addresses on the network and rustdoc's paths (`[x](Type::method)`) are not checked.
pub fn broken_links(root: &Path, sources: &[Source]) -> Vec<Fault> {
    let pages = sources.iter().filter(|source| source.syntax == Syntax::Markdown);
    let pages: BTreeMap<&str, &Source> = pages.map(|page| (page.path.as_str(), page)).collect();
    let mut faults = Vec::new();
    for (path, page) in &pages {
        for (line, text) in page.syntax.prose(&page.text) {
            for named in paths(text).filter(|named| !is_found(root, path, named)) {
                let rule = format!("there is no {named}");
                faults.push(Fault { path: (*path).to_owned(), line, rule });
            }
            for target in targets(text) {
                if let Some(rule) = broken(root, &pages, path, target) {
                    faults.push(Fault { path: (*path).to_owned(), line, rule });
                }
            }
        }
    }
    faults
}

/// Lists the paths of files and folders that a line names in backquotes.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    const FOLDERS: [&str; 7] =
        ["crypto/", "deploy/", "docs/", "gpu-kernels/", "migrations/", "services/", "tests/"];
    let spans = line.split('`').skip(1).step_by(2);
    let is_path = |span: &&str| span.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c));
    spans.filter(is_path).filter(|span| FOLDERS.iter().any(|folder| span.starts_with(folder)))
}

/// Returns whether a path exists, seen from the root or from a folder that contains the page.
fn is_found(root: &Path, page: &str, named: &str) -> bool {
    Path::new(page).ancestors().any(|folder| root.join(folder).join(named).exists())
}

/// Lists the targets of the Markdown links on a line.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let after = line.split("](").skip(1);
    let targets = after.filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.contains("::"))
}

/// Returns what is wrong with a link from the page `path`. Returns `None` if the link works.
fn broken(root: &Path, pages: &BTreeMap<&str, &Source>, path: &str, target: &str) -> Option<String> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let aimed = if file.is_empty() { path.to_owned() } else { resolve(path, file) };
    if !pages.contains_key(aimed.as_str()) && !root.join(&aimed).exists() {
        return Some(format!("{target}: there is no {aimed}"));
    }
    let page = pages.get(aimed.as_str()).filter(|_| !anchor.is_empty())?;
    let found = anchors(&page.text).any(|heading| heading == anchor);
    (!found).then(|| format!("{target}: {aimed} has no such heading"))
}

/// Resolves `file` in the folder of the page `path`.
fn resolve(path: &str, file: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "" | "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Lists the anchors that the headings of a page get.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let lines = Syntax::Markdown.prose(text).into_iter().map(|(_, line)| line);
    lines.filter(|line| line.starts_with('#')).map(|line| anchor(line.trim_start_matches('#').trim()))
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(page: &str) -> Vec<String> {
        let source = |path: &str, text: &str| Source {
            path: path.into(),
            syntax: Syntax::Markdown,
            text: text.into(),
        };
        let sources = [source("docs/a.md", page), source("README.md", "# The `first` heading\n")];
        broken_links(crate::root(), &sources).into_iter().map(|fault| fault.rule).collect()
    }

    #[test]
    fn files_and_headings_have_to_exist() {
        assert!(
            rules("[a](../README.md#the-first-heading) [b](Type::method) [c](#here)\n# Here\n").is_empty()
        );
        assert_eq!(rules("[a](../README.md#second)").len(), 1);
        assert_eq!(rules("`crypto/no-such-crate/src` and `tests/style/src/links.rs`").len(), 1);
        assert_eq!(rules("[a](no-such-page.md) [b](../README.md)").len(), 1);
    }
}
