//! `deploy/gpu/check` where everything that it starts fails.

use std::process::Command;

#[test]
fn failures_are_in_the_results_and_in_the_exit_status() {
    let folder = std::env::temp_dir().join(format!("gpu-check-{}", std::process::id()));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/gpu/check");
    let output = Command::new(script).arg(&folder).env("GPU_CHECK", "/bin/false").output();
    let output = output.expect("the script starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let files = std::fs::read_dir(&folder).expect("the script makes the folder");
    let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    let [json, markdown] = &files[..] else { panic!("{files:?}: {text}") };
    let read = |path| std::fs::read_to_string(path).expect("a readable file");
    assert!(read(json).contains(r#""parity": {"outcome": "failed""#), "{text}");
    assert!(read(json).contains(r#""measurements": null"#), "{text}");
    assert!(read(markdown).contains("| measure | failed |"), "{text}");
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
}
