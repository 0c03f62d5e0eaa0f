//! Broken driver libraries give an error, never a panic. The emulator is a working library, so the
//! tests make every call of the driver without a card.
#![cfg(feature = "cuda")]

use std::path::Path;
use std::process::{Command, Output};

use gpu_kernels::cuda::{self, Cuda};
use gpu_kernels::device::Device;
use gpu_kernels::{KernelBackend, Options};
use testkit::conformance::check_device;

/// The variable that gives this program its role when it starts itself.
const ROLE: &str = "OPEN_A_CARD";

/// The error of opening a card in a process that finds `libcuda.so` made from `text`. `None` when
/// there is no C compiler.
fn opened_with(text: &str) -> Option<String> {
    let folder = std::env::temp_dir().join(format!("stub-{}-{}", std::process::id(), text.len()));
    std::fs::create_dir_all(&folder).expect("a folder for the library");
    let compiled = compile(&folder, text);
    let opened = compiled.then(|| {
        let output = again("opening", &folder);
        String::from_utf8_lossy(&output.stdout).into_owned()
    });
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
    opened
}

/// Runs the test `name` in a process that looks for libraries in `folder`.
fn again(name: &str, folder: &Path) -> Output {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.args(["--exact", name, "--nocapture"]).env(ROLE, "1").env("LD_LIBRARY_PATH", folder);
    let output = command.output().expect("this program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn compile(folder: &Path, text: &str) -> bool {
    let source = folder.join("stub.c");
    std::fs::write(&source, text).expect("the folder is ours");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(folder.join("libcuda.so")).arg(source);
    let compiled = compiler.status().is_ok_and(|status| status.success());
    if !compiled {
        testkit::skipped("there is no C compiler");
    }
    compiled
}

/// Does nothing as a test. [`opened_with`] runs it in another process.
#[test]
fn opening() {
    if std::env::var_os(ROLE).is_some() {
        let error = Cuda::open(0, 1 << 20).expect_err("stubs open no card");
        println!("opened: {error}");
    }
}

#[test]
fn a_library_without_functions_is_not_usable() {
    let Some(said) = opened_with("int nothing;") else { return };
    assert!(said.contains("opened: the driver library is not usable"), "{said}");
}

/// A driver reports CUDA_ERROR_NO_DEVICE, which is 100, on a machine whose card is gone.
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

/// Does nothing as a test. The next test runs it in another process.
#[test]
fn conforming() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let (backend, description) = cuda::backend(&Options::default()).expect("the stored words");
    println!("conforms: {description}");
    drop(backend);
    for options in [
        Options { queue_bytes: 4 << 20, batch_blocks: 2, grid: 2, ..Options::default() },
        Options { queue_bytes: 8 << 20, queues: 1, teams: 2, batch_blocks: 3, grid: 3, ..Options::default() },
    ] {
        let card = Cuda::open(0, options.queue_bytes).expect("the emulated card");
        assert_eq!(card.name(), "cuda");
        check_device(&KernelBackend::new(&card, &options).expect("good options"));
    }
}

#[test]
fn the_emulator_as_a_driver_conforms() {
    let output = again("conforming", Path::new(emulator::DRIVER_FOLDER));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("conforms: emulated card, kernels from machine code"), "{said}");
}
