//! The kernels as a card loads them: machine code for capability 9.0, PTX for later ones, or code
//! compiled from source at start-up.

use std::panic::catch_unwind;
use std::sync::Arc;

use cudarc::driver::{CudaContext, CudaFunction, CudaModule, sys};
use cudarc::nvrtc::{CompileOptions, Ptx, compile_ptx_with_opts};

use super::error::{described, failed};
use super::source;
use crate::device::DeviceError;
use crate::fold_rows;
use crate::kernels::Kernel;

/// Machine code for compute capability 9.0.
static CUBIN: &[u8] = include_bytes!("../../prebuilt/kernels.sm_90.cubin");

/// PTX for the driver's compiler, on cards after 9.0.
static PTX: &str = include_str!("../../prebuilt/kernels.ptx");

/// The functions of all kernels.
#[derive(Debug)]
pub(super) struct Functions {
    functions: Vec<CudaFunction>,
    origin: &'static str,
}

impl Functions {
    /// Loads the kernels in the best form that the card takes.
    pub(super) fn load(context: &Arc<CudaContext>) -> Result<Self, DeviceError> {
        let capability = context.compute_capability().map_err(failed("reading the card's capability"))?;
        let (module, origin) = load_module(context, capability)?;
        let load = |kernel: &Kernel| {
            let function = module.load_function(kernel.name()).map_err(failed(kernel.name()))?;
            if *kernel == Kernel::FoldRows {
                let attribute =
                    sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
                let granted = function.set_attribute(attribute, (fold_rows::SHARED_WORDS * 8) as i32);
                granted.map_err(failed("reserving shared memory"))?;
            }
            Ok(function)
        };
        let functions: Result<Vec<_>, DeviceError> = Kernel::ALL.iter().map(load).collect();
        Ok(Self { functions: functions?, origin })
    }

    /// The function of `kernel`.
    pub(super) fn of(&self, kernel: Kernel) -> sys::CUfunction {
        self.functions[kernel as usize].cu_function()
    }

    pub(super) fn origin(&self) -> &'static str {
        self.origin
    }
}

fn load_module(
    context: &Arc<CudaContext>,
    (major, minor): (i32, i32),
) -> Result<(Arc<CudaModule>, &'static str), DeviceError> {
    let prebuilt = match (major, minor) {
        (9, 0) => Some((Ptx::from_binary(CUBIN.to_vec()), "machine code")),
        (9.., _) => Some((Ptx::from_src(PTX), "PTX")),
        _ => None,
    };
    if let Some((image, origin)) = prebuilt
        && let Ok(module) = context.load_module(image)
    {
        return Ok((module, origin));
    }
    let image = compile(major, minor)?;
    let module = context.load_module(image).map_err(failed("loading the kernels"))?;
    Ok((module, "source"))
}

/// Compiles the embedded source with the compiler library of an installed CUDA.
fn compile(major: i32, minor: i32) -> Result<Ptx, DeviceError> {
    const OPERATION: &str = "compiling the kernels";
    // SAFETY: this loads the library, whose initialisers are NVIDIA's.
    if !unsafe { cudarc::nvrtc::sys::is_culib_present() } {
        let reason = format!("no prebuilt kernels for capability {major}.{minor}, and no NVRTC library");
        return Err(described(OPERATION, reason));
    }
    let architecture = format!("--gpu-architecture=compute_{major}{minor}");
    let options = vec![architecture, "--std=c++17".to_owned(), "--device-int128".to_owned()];
    let options = CompileOptions { options, ..CompileOptions::default() };
    match catch_unwind(|| compile_ptx_with_opts(source::unit(), options)) {
        Ok(result) => result.map_err(|error| described(OPERATION, format!("{error:?}"))),
        Err(_) => Err(described(OPERATION, "the NVRTC library is not usable".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Needs the compiler library but no card.
    #[test]
    fn the_embedded_source_compiles() {
        // SAFETY: as in `compile`.
        if !unsafe { cudarc::nvrtc::sys::is_culib_present() } {
            for name in ["REQUIRE_CUDA", "REQUIRE_NVRTC"] {
                assert!(std::env::var_os(name).is_none(), "{name} is set and there is no NVRTC library");
            }
            testkit::skipped("there is no NVRTC library");
            return;
        }
        let image = compile(9, 0).unwrap();
        let text = String::from_utf8_lossy(image.as_bytes().unwrap()).into_owned();
        for kernel in Kernel::ALL {
            assert!(text.contains(&format!(".entry {}(", kernel.name())), "{}", kernel.name());
        }
    }

    #[test]
    fn prebuilt_code_has_every_kernel() {
        for kernel in Kernel::ALL {
            assert!(PTX.contains(&format!(".entry {}(", kernel.name())), "{}", kernel.name());
            let section = format!(".text.{}\0", kernel.name());
            assert!(
                CUBIN.windows(section.len()).any(|bytes| bytes == section.as_bytes()),
                "{}",
                kernel.name()
            );
        }
    }

    #[test]
    fn kernels_are_found_by_their_position() {
        for (position, &kernel) in Kernel::ALL.iter().enumerate() {
            assert_eq!(kernel as usize, position);
        }
    }
}
