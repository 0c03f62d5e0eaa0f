//! Runs `deploy/gpu/check` with programs that all fail, and then on the emulated card. On the
//! emulated card, scripts stand in for NVIDIA's sanitizers and the service.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder for a run, removed afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("gpu-check-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder for the results");
        Self(path)
    }

    /// A program that is this shell script.
    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("the folder is ours");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("the file is ours");
        path
    }

    /// Runs `deploy/gpu/check` with these programs instead of those that are shipped with it.
    fn check(&self, program: &Path, service: &Path, libraries: &str) -> Results {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/gpu/check");
        let results = self.0.join("results");
        let path = std::env::var("PATH").expect("a path");
        let mut command = Command::new(script);
        command.arg(&results).env("PATH", format!("{}:{path}", self.0.display()));
        command.env("GPU_CHECK", program).env("GPU_CHECK_SERVICE", service);
        command.env("GPU_CHECK_MEASURE", "rehearse").env("LD_LIBRARY_PATH", libraries);
        let output = command.output().expect("the script starts");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let files = std::fs::read_dir(&results).expect("the script makes the folder");
        let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
        files.sort();
        let [json, markdown] = &files[..] else { panic!("{files:?}: {printed}") };
        let read = |path| std::fs::read_to_string(path).expect("a readable file");
        Results { passed: output.status.success(), json: read(json), markdown: read(markdown), printed }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The folder is in the temporary directory, so a failure leaves little behind.
        let _removed = std::fs::remove_dir_all(&self.0);
    }
}

/// The results of the script: its exit status, JSON, Markdown and output.
struct Results {
    passed: bool,
    json: String,
    markdown: String,
    printed: String,
}

#[test]
fn failures_are_in_the_results_and_in_the_exit_status() {
    let folder = Folder::new("failing");
    folder.script("compute-sanitizer", "exit 1");
    let nothing = Path::new("/bin/false");
    let Results { passed, json, markdown, printed } = folder.check(nothing, nothing, "");
    assert!(!passed, "{printed}");
    let names =
        ["parity", "memcheck", "racecheck", "initcheck", "planted-overflow", "planted-race", "measure"];
    for name in names.into_iter().chain(["service-cuda", "service-cpu"]) {
        assert!(json.contains(&format!("\"{name}\": {{\"outcome\": \"failed\"")), "{name}: {printed}");
        assert!(markdown.contains(&format!("| {name} | failed |")), "{name}: {printed}");
    }
    assert!(json.contains(r#""measurements": null"#), "{printed}");
}

/// Runs the real program, with every kernel and every probe.
#[cfg(feature = "cuda")]
mod rehearsal {
    use super::*;

    /// Runs the program. If the program is wrong on purpose, reports the fault instead.
    const SANITIZER: &str = r#"while [ $# -gt 2 ]; do shift; done
        [ "$2" = overflow ] && echo 'Invalid __global__ read' && exit 9
        [ "$2" = race ] && echo 'Error: Race reported between Write access' && exit 9
        exec "$@""#;

    /// Prints the name and driver of a card, or its clocks, power and temperature until it is
    /// stopped.
    const CARD: &str = r#"case "$1" in *clocks*) printf '%s\n' '1980, 2619, 300.5, 40' '1200, 2619, 100.0, 39' '1755, 2619, [N/A], 41'; exec sleep 60;;
        *name*) echo 'Card of a Test';; *) echo 580.1;; esac"#;

    /// The output of the measurement of verification.
    const SERVICE: &str = "echo '| 2^20 | 16 | 10 ms | 20 ms | 13.05 | 1.0 ms | 16 ms |'; echo $BACKEND";

    fn rehearse(name: &str, sanitizer: &str) -> Results {
        let tests = std::env::current_exe().expect("this program");
        let program = tests.ancestors().nth(2).expect("a folder of programs").join("examples/gpu-check");
        assert!(program.exists(), "`cargo test` without a choice of targets builds {}", program.display());
        let folder = Folder::new(name);
        folder.script("compute-sanitizer", sanitizer);
        let service = folder.script("service", SERVICE);
        folder.script("nvidia-smi", CARD);
        folder.check(&program, &service, emulator::DRIVER_FOLDER)
    }

    #[test]
    fn everything_passes_and_is_in_the_results() {
        let Results { passed, json, markdown, printed } = rehearse("rehearsal", SANITIZER);
        assert!(passed, "{printed}");
        let json: serde_json::Value = serde_json::from_str(&json).expect("one JSON object");
        let checks = json["checks"].as_object().expect("an object");
        assert_eq!(checks.len(), 9, "{printed}");
        assert!(checks.values().all(|check| check["outcome"] == "passed"), "{printed}");
        assert_eq!((&json["card"], &json["driver"]), (&"Card of a Test".into(), &"580.1".into()));
        let clock = &json["state"]["multiprocessor_clock_mhz"];
        assert_eq!((&clock["median"], &clock["highest"]), (&1755.into(), &1980.into()));
        assert_eq!(json["state"]["power_w"]["highest"], 300.5);
        assert!(markdown.contains("| temperature c | 40 | 41 |"), "{markdown}");
        let measured = &json["measurements"];
        assert_eq!(measured["scale"], "rehearsal");
        let operations = measured["operations"].as_object().expect("an object");
        assert_eq!(operations.len(), 7, "{printed}");
        for (name, figures) in operations {
            for figure in ["kernel_seconds", "limit_seconds", "with_copies_seconds", "processor_seconds"] {
                assert!(figures[figure].as_f64().is_some_and(|seconds| seconds > 0.0), "{name} {figure}");
            }
            assert!(markdown.contains(&format!("| {name} | ")), "{name}");
        }
        assert_eq!(json["verified_per_second"]["cuda"]["2^20"], 13.05);
        assert!(markdown.contains("\ncuda\n") && markdown.contains("\ncpu\n"), "each backend has its turn");
    }

    /// The blind sanitizer finds no fault. The useless one fails without naming a fault.
    #[test]
    fn a_sanitizer_that_does_not_find_planted_faults_fails() {
        let blind = r#"while [ $# -gt 2 ]; do shift; done; exec "$@""#;
        let useless =
            r#"while [ $# -gt 2 ]; do shift; done; case "$2" in overflow|race) exit 9;; esac; exec "$@""#;
        for (name, sanitizer) in [("blind", blind), ("useless", useless)] {
            let Results { passed, json, printed, .. } = rehearse(name, sanitizer);
            assert!(!passed, "{name}: {printed}");
            assert!(json.contains(r#""memcheck": {"outcome": "passed""#), "{name}: {printed}");
            for fault in ["planted-overflow", "planted-race"] {
                let failed = format!(r#""{fault}": {{"outcome": "failed""#);
                assert!(json.contains(&failed), "{name}: {printed}");
            }
        }
    }
}
