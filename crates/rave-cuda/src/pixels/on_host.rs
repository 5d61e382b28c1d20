//! The kernels themselves, compiled for this machine's CPU (`kernels/on_host.h`), beside rave-core's reference.
//!
//! It is the source that becomes PTX, run thread by thread: indexing, edges, order of operations and the exchange between
//! threads are what they are on a GPU. What only a GPU shows (its compiler, races, speed) is `checkkernel`'s.

use std::path::Path;
use std::process::Command;

use rave_core::Result;

use super::pack::PackPlan;
use super::params::{PackParams, UnpackParams};
use super::unpack::UnpackPlan;
use crate::module::LaunchDims;

#[path = "../bin/checkkernel/case.rs"]
#[allow(dead_code, reason = "checkkernel prints cases and lists large ones too")]
mod case;
#[path = "../bin/checkkernel/image.rs"]
mod image;
#[path = "../bin/checkkernel/random.rs"]
mod random;
#[path = "../bin/checkkernel/reference.rs"]
mod reference;

use case::{Axes, Case, Content, ELEMENTS, FORMATS, FRAME_CONTENTS, TENSOR_CONTENTS};
use reference::{PackReference, UnpackReference};

/// A kernel file as a library for this CPU.
struct HostKernels {
    library: libloading::Library,
    launcher: &'static str,
}

impl HostKernels {
    fn compile(file: &str, launcher: &'static str) -> Self {
        let clang = std::env::var_os("RAVE_CLANG").unwrap_or_else(|| "clang".into());
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels").join(file).with_extension("cu");
        let library = Path::new(env!("OUT_DIR")).join(format!("{file}-on-host-{}.so", std::process::id()));
        let status = Command::new(clang)
            .args([
                "-x",
                "c++",
                "-std=c++17",
                "-O1",
                "-ffp-contract=off",
                "-fPIC",
                "-shared",
                "-DRAVE_ON_HOST",
            ])
            .args([
                "-Wall",
                "-Wextra",
                "-Werror",
                "-Wno-unused-parameter",
                "-Wno-unused-function",
                "-Wno-unused-const-variable",
            ])
            .arg(&source)
            .arg("-o")
            .arg(&library)
            .arg("-lm")
            .status()
            .expect("clang runs");
        assert!(status.success(), "clang compiles {}", source.display());
        // SAFETY: the library was just made of our source; it has no initialisers.
        let loaded = unsafe { libloading::Library::new(&library) }.expect("the library loads");
        std::fs::remove_file(&library).expect("the library can be removed once it is open");
        HostKernels { library: loaded, launcher }
    }

    /// # Safety
    /// `P` is the parameter struct of `kernel`, whose addresses are valid for it.
    unsafe fn run<P: Copy>(&self, kernel: &str, dims: LaunchDims, params: &P) {
        type Launcher<P> = unsafe extern "C" fn(*const (), *const P, i32, i32, i32, i32);
        // SAFETY: the signature is RAVE_HOST_LAUNCHER's; the kernel's pointer is passed on without being called here.
        unsafe {
            let launcher =
                self.library.get::<Launcher<P>>(self.launcher.as_bytes()).expect("the launcher exists");
            let kernel = self.library.get::<*const ()>(kernel.as_bytes()).expect("the kernel exists");
            let (grid, block) = (dims.grid, dims.block);
            launcher(*kernel, params, grid.0 as i32, grid.1 as i32, block.0 as i32, block.1 as i32);
        }
    }
}

/// Runs every format and element type through `compare`; the failures.
fn failures(
    contents: &'static [Content],
    compare: impl Fn(&Case, random::Random) -> Result<Option<String>>,
) -> Vec<String> {
    let mut index = 0;
    let mut failures = Vec::new();
    for format in FORMATS {
        for element in ELEMENTS {
            for axes in case::axes(true, format, element, contents) {
                index += 1;
                let (case, random): (Case, _) = Case::draw(1, index, Axes { ..axes }, true);
                if let Some(difference) = compare(&case, random).expect("the case is valid") {
                    failures.push(format!("{case}: {difference}"));
                }
            }
        }
    }
    assert!(index > 1000, "the cases were run");
    failures
}

/// RV-CUDA-1001
#[test]
fn the_unpack_kernels_equal_the_reference_to_the_bit() {
    let kernels = HostKernels::compile("unpack", "unpack_on_host");
    let failures = failures(&FRAME_CONTENTS, |case, random| {
        let reference = UnpackReference::new(case, random)?;
        let mut target = Aligned::of(&reference.empty.bytes);
        let source = Aligned::of(&reference.frame);
        let frame = reference.layout.on_device(source.address())?.with_visible(case.visible)?;
        let tensor = reference.empty.on_device(target.address())?;
        let plan = UnpackPlan::new(case.format, case.visible.size, case.element, case.channels, case.tensor)?;
        let params = plan.params(&frame, case.color, case.white, &tensor)?;
        // SAFETY: unpack kernels take UnpackParams, made of blocks that live until the end of this closure.
        unsafe { kernels.run::<UnpackParams>(&plan.kernel, plan.dims, &params) };
        Ok(reference.expected.compare(target.bytes()))
    });
    assert!(
        failures.is_empty(),
        "{} cases differ, first {:#?}",
        failures.len(),
        &failures[..failures.len().min(5)]
    );
}

/// RV-CUDA-1001
#[test]
fn the_pack_kernels_equal_the_reference_to_the_bit() {
    let kernels = HostKernels::compile("pack", "pack_on_host");
    let failures = failures(&TENSOR_CONTENTS, |case, random| {
        let reference = PackReference::new(case, random)?;
        let source = Aligned::of(&reference.tensor.bytes);
        let mut target = Aligned::of(&reference.layout.block());
        let mut counter = 0u32;
        let tensor = reference.tensor.on_device(source.address())?;
        let frame = reference.layout.on_device(target.address())?;
        let plan = PackPlan::new(case.format, case.visible.size, case.element, case.tensor, case.dither)?;
        let counter_address = (&raw mut counter).expose_provenance() as u64;
        let params = plan.params(&tensor, case.white, case.color, &frame, counter_address)?;
        // SAFETY: pack kernels take PackParams, made of blocks and a counter that live until the end of this closure.
        unsafe { kernels.run::<PackParams>(&plan.kernel, plan.dims, &params) };
        if counter != reference.not_finite {
            return Ok(Some(format!("{} elements are not finite, counted {counter}", reference.not_finite)));
        }
        Ok(reference.layout.compare(target.bytes(), &reference.expected))
    });
    assert!(
        failures.is_empty(),
        "{} cases differ, first {:#?}",
        failures.len(),
        &failures[..failures.len().min(5)]
    );
}

/// A block of bytes as aligned as device memory.
struct Aligned {
    memory: Vec<[u128; 16]>,
    bytes: usize,
}

impl Aligned {
    fn of(block: &[u8]) -> Self {
        let memory = block
            .chunks(256)
            .map(|chunk| {
                std::array::from_fn(|word| {
                    let mut bytes = [0; 16];
                    let from = chunk.len().min(16 * word);
                    let part = &chunk[from..chunk.len().min(16 * word + 16)];
                    bytes[..part.len()].copy_from_slice(part);
                    u128::from_le_bytes(bytes)
                })
            })
            .collect();
        Aligned { memory, bytes: block.len() }
    }

    fn address(&self) -> u64 {
        self.memory.as_ptr().expose_provenance() as u64
    }

    /// The bytes after a kernel may have written them.
    fn bytes(&mut self) -> &[u8] {
        // SAFETY: the memory is at least as long as the block that it was made of, and initialised.
        unsafe { std::slice::from_raw_parts(self.memory.as_mut_ptr().cast::<u8>(), self.bytes) }
    }
}
