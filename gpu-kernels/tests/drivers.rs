//! Opening a card with driver libraries that are not what they should be: an error each time, never a panic.
#![cfg(feature = "cuda")]

use std::path::Path;
use std::process::Command;

/// Names what this program does when it is started again by itself.
const ROLE: &str = "OPEN_A_CARD";

/// What opening a card says in a process that finds `libcuda.so` made from `text`; `None` when there is no C compiler.
fn opened_with(text: &str) -> Option<String> {
    let folder = std::env::temp_dir().join(format!("stub-{}-{}", std::process::id(), text.len()));
    std::fs::create_dir_all(&folder).expect("a folder for the library");
    let compiled = compile(&folder, text);
    let opened = compiled.then(|| {
        let program = std::env::current_exe().expect("this program");
        let output = Command::new(program)
            .args(["--exact", "opening", "--nocapture"])
            .env(ROLE, "1")
            .env("LD_LIBRARY_PATH", &folder)
            .output()
            .expect("this program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    });
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
    opened
}

fn compile(folder: &Path, text: &str) -> bool {
    let source = folder.join("stub.c");
    std::fs::write(&source, text).expect("the folder is ours");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(folder.join("libcuda.so")).arg(source);
    let compiled = compiler.status().is_ok_and(|status| status.success());
    if !compiled {
        eprintln!("skipped: there is no C compiler");
    }
    compiled
}

/// Does nothing as a test: it is what [`opened_with`] runs in another process.
#[test]
fn opening() {
    if std::env::var_os(ROLE).is_some() {
        let error = gpu_kernels::cuda::Cuda::open(0, 1 << 20).expect_err("stubs open no card");
        println!("opened: {error}");
    }
}

#[test]
fn a_library_without_functions_is_not_usable() {
    let Some(said) = opened_with("int nothing;") else { return };
    assert!(said.contains("opened: the driver library is not usable"), "{said}");
}

/// CUDA_ERROR_NO_DEVICE is 100: what a driver says on a machine whose card is gone.
#[test]
fn a_driver_without_a_card_has_no_device() {
    let Some(said) = opened_with("int cuInit(unsigned flags) { return 100; }") else { return };
    assert!(said.contains("opened: there is no device 0"), "{said}");
}

/// CUDA_ERROR_SYSTEM_DRIVER_MISMATCH is 803.
#[test]
fn a_driver_that_fails_is_named_with_its_error() {
    let Some(said) = opened_with("int cuInit(unsigned f) { return 803; }  ") else { return };
    assert!(said.contains("opened: counting the cards failed"), "{said}");
}
