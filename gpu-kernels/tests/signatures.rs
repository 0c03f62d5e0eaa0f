//! The kernels declared in Rust are those of the `.cu` text, with the same names and the same
//! parameters in the same order. The declaration types a launch, so this test keeps launches in
//! step with the text.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use gpu_kernels::kernels::Kernel;

/// Type and name of each parameter of a kernel.
type Parameters = Vec<(String, String)>;

/// The kernels of the `.cu` files in the folders of `src`, with the folder's name.
fn written() -> BTreeMap<String, (String, Parameters)> {
    let mut kernels = BTreeMap::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("the sources") {
        let folder = entry.expect("an entry");
        let Ok(text) = fs::read_to_string(folder.path().join("kernel.cu")) else { continue };
        for kernel in text.split("extern \"C\" __global__ void").skip(1) {
            let (name, parameters) = signature(kernel);
            let folder = folder.file_name().into_string().expect("a name in ASCII");
            assert!(kernels.insert(name, (folder, parameters)).is_none(), "two kernels of one name");
        }
    }
    kernels
}

/// Name and parameters at the start of `text`, after `__launch_bounds__(…)` if there is one.
fn signature(text: &str) -> (String, Parameters) {
    let text = match text.trim_start().strip_prefix("__launch_bounds__") {
        Some(bounded) => bounded.split_once(')').expect("bounds end").1,
        None => text,
    };
    let (name, rest) = text.split_once('(').expect("a name before the parameters");
    let parameters = rest.split_once(')').expect("parameters end").0;
    (name.trim().to_owned(), parameters.split(',').map(parameter).collect())
}

fn parameter(text: &str) -> (String, String) {
    let words: Vec<&str> = text.split_whitespace().filter(|word| *word != "__restrict__").collect();
    let (name, kind) = words.split_last().expect("a type and a name");
    (kind.join(" "), (*name).to_owned())
}

#[test]
fn every_declaration_has_the_parameters_of_its_text() {
    let mut written = written();
    for kernel in Kernel::ALL {
        let (_, parameters) = written.remove(kernel.name()).expect("a kernel in a .cu file");
        let declared: Parameters =
            kernel.parameters().iter().map(|&(kind, name)| (kind.to_owned(), name.to_owned())).collect();
        assert_eq!(declared, parameters, "{}", kernel.name());
    }
    assert!(written.is_empty(), "not declared: {written:?}");
}

#[test]
fn every_operation_has_one_name() {
    for (name, (folder, _)) in written() {
        let probe = folder == "probe" && (name.starts_with("probe_") || name == "planted_race");
        assert!(probe || folder == name, "{name} is in {folder}");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(format!("{name}.rs"));
        assert!(probe || file.exists(), "{} is missing", file.display());
    }
}

/// The comparison sees each kind of change.
#[test]
fn a_changed_signature_is_seen() {
    let signature = |text| signature(text).1;
    let original = signature(" sum(u64* __restrict__ out, const u64* in, u32 width)\n{");
    for changed in [
        " sum(u64* __restrict__ out, const u64* in, u64 width)",
        " sum(u64* __restrict__ out, u64* in, u32 width)",
        " sum(const u64* in, u64* __restrict__ out, u32 width)",
        " sum(u64* __restrict__ out, const u64* in, u32 width, u32 more)",
        " sum(u64* __restrict__ out, const u64* in)",
    ] {
        assert_ne!(signature(changed), original, "{changed}");
    }
    let bounded =
        " __launch_bounds__(256, 2)\n    sum(u64* out, const u64* __restrict__ in,\n        u32 width)";
    assert_eq!(signature(bounded), original);
}
