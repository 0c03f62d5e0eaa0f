//! `deploy/gpu/check`, where everything that it starts fails, and where all goes well but for what needs a card's tools.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What the script left: its JSON, its Markdown, what it printed.
struct Results {
    json: String,
    markdown: String,
    printed: String,
}

/// Runs the script with `program` in the place of the one that is shipped with it. It exits with 1.
fn check(name: &str, program: &Path, libraries: &str) -> Results {
    let folder = std::env::temp_dir().join(format!("gpu-check-{name}-{}", std::process::id()));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/gpu/check");
    let mut command = Command::new(script);
    command.arg(&folder).env("GPU_CHECK", program).env("GPU_CHECK_MEASURE", "rehearse");
    let output = command.env("LD_LIBRARY_PATH", libraries).output().expect("the script starts");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{printed}");
    let files = std::fs::read_dir(&folder).expect("the script makes the folder");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    let [json, markdown] = &files[..] else { panic!("{files:?}: {printed}") };
    let read = |path| std::fs::read_to_string(path).expect("a readable file");
    let results = Results { json: read(json), markdown: read(markdown), printed };
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
    results
}

#[test]
fn failures_are_in_the_results_and_in_the_exit_status() {
    let Results { json, markdown, printed } = check("failing", Path::new("/bin/false"), "");
    assert!(json.contains(r#""parity": {"outcome": "failed""#), "{printed}");
    assert!(json.contains(r#""measurements": null"#), "{printed}");
    assert!(markdown.contains("| measure | failed |"), "{printed}");
}

/// The program itself, on the emulated card: every kernel, the probes too. Only NVIDIA's sanitizers are not there.
#[cfg(feature = "cuda")]
#[test]
fn everything_but_the_sanitizers_is_rehearsed_on_the_emulated_card() {
    let tests = std::env::current_exe().expect("this program");
    let program = tests.ancestors().nth(2).expect("a folder of programs").join("examples/gpu-check");
    assert!(program.exists(), "`cargo test` without a choice of targets builds {}", program.display());
    let Results { json, markdown, printed } = check("rehearsal", &program, emulator::DRIVER_FOLDER);
    assert!(
        markdown.contains("| parity | passed |") && markdown.contains("| measure | passed |"),
        "{printed}"
    );
    assert!(
        json.contains(r#""scale": "rehearsal""#) && json.contains(r#""forward_of_limit": "#),
        "{printed}"
    );
}
