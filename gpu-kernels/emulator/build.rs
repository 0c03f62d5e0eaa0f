//! Compiles the kernels, as C++, into a shared library that the emulator loads at run time, so that
//! the same test program runs them with or without a sanitizer.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=emulated");
    watch_kernels(Path::new("../src"))?;
    let library = PathBuf::from(env::var("OUT_DIR")?).join("libkernels.so");
    let mut compiler =
        cc::Build::new().cpp(true).std("c++17").opt_level(2).pic(true).get_compiler().to_command();
    compiler.args(["-shared", "-o"]).arg(&library);
    compiler.args(sources(Path::new("emulated"))?);
    let status = compiler.status()?;
    if !status.success() {
        return Err(format!("the C++ compiler failed: {status}").into());
    }
    println!("cargo::rustc-env=EMULATED_KERNELS={}", library.display());
    println!("cargo::rustc-env=EMULATED_DRIVER={}", driver(&library)?.display());
    Ok(())
}

/// A folder in which the library has the name of the CUDA driver's library.
fn driver(library: &Path) -> Result<PathBuf, std::io::Error> {
    let folder = library.with_file_name("driver");
    fs::create_dir_all(&folder)?;
    fs::copy(library, folder.join("libcuda.so"))?;
    Ok(folder)
}

fn sources(folder: &Path) -> Result<Vec<PathBuf>, std::io::Error> {
    let entries: Result<Vec<_>, _> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect();
    Ok(entries?.into_iter().filter(|path| path.extension().is_some_and(|e| e == "cpp")).collect())
}

/// Makes cargo compile the library again when the text of a kernel changes.
fn watch_kernels(folder: &Path) -> Result<(), std::io::Error> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            watch_kernels(&path)?;
        } else if path.extension().is_some_and(|extension| extension == "cu" || extension == "cuh") {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    Ok(())
}
