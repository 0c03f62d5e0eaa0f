//! Tests that no comment and no page of the repository has a fault of style.

use style::{
    Fault, Source, broken_links, long_lines, retired, retired_words, root, sources, unlisted_fields,
};

fn none(faults: Vec<Fault>) {
    let listed: Vec<String> = faults.iter().map(Fault::to_string).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), listed.join("\n"));
}

fn checked() -> Vec<Source> {
    let sources = sources(root());
    assert!(sources.len() > 300, "the repository was not found: {} files", sources.len());
    sources
}

#[test]
fn lines_of_prose_have_at_most_a_hundred_characters() {
    none(checked().iter().flat_map(long_lines).collect());
}

#[test]
fn retired_words_are_gone() {
    let retired = retired();
    assert!(retired.len() > 10, "the list of retired words was not found");
    none(checked().iter().flat_map(|source| retired_words(source, &retired)).collect());
}

#[test]
fn links_between_pages_resolve() {
    none(broken_links(root(), &checked()));
}

#[test]
fn log_lines_have_the_fields_of_the_logging_page() {
    let page = include_str!("../../../docs/LOGGING.md");
    none(sources(root()).iter().flat_map(|source| unlisted_fields(source, page)).collect());
}

#[test]
fn every_table_is_described_in_the_data_model() {
    let page = include_str!("../../../docs/data-model.md");
    let sources = sources(root());
    let migrations = sources.iter().filter(|source| source.path.starts_with("migrations/"));
    let tables: Vec<&str> = migrations
        .flat_map(|source| source.text.split("CREATE TABLE ").skip(1))
        .map(|rest| rest.split([' ', '(', '\n']).next().unwrap())
        .collect();
    assert!(tables.len() > 30, "the migrations were not found");
    for table in tables {
        assert!(page.contains(&format!("`{table}`")), "{table} is missing in docs/data-model.md");
    }
}

/// Every row of SECURITY.md's table of tests names tests that exist, and every promise has a row.
#[test]
fn promises_are_linked_to_their_tests() {
    let page = include_str!("../../../SECURITY.md");
    let table = page.split("## Tests of the promises").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| P")).collect();
    for promise in 1..=6 {
        assert!(rows.iter().any(|row| row.starts_with(&format!("| P{promise} |"))), "P{promise} has no row");
    }
    for row in rows {
        let links: Vec<_> = row.split('[').skip(1).map(|link| link.split_once("](").unwrap()).collect();
        assert!(!links.is_empty(), "no test: {row}");
        for (name, rest) in links {
            let path = rest.split(')').next().unwrap();
            let text = std::fs::read_to_string(root().join(path)).unwrap();
            assert!(text.contains(&format!("fn {name}(")), "there is no test {name} in {path}");
        }
    }
}
