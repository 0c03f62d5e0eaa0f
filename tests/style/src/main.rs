//! Prints every fault of the repository. Fails if there is one.

use std::process::ExitCode;

use style::{broken_links, long_lines, retired, retired_words, root, sources};

fn main() -> ExitCode {
    let (sources, retired) = (sources(root()), retired());
    let mut faults = broken_links(root(), &sources);
    for source in &sources {
        faults.extend(long_lines(source));
        faults.extend(retired_words(source, &retired));
    }
    faults.sort();
    for fault in &faults {
        eprintln!("{fault}");
    }
    eprintln!("{} faults in {} files", faults.len(), sources.len());
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
