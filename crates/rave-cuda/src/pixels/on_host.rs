//! The kernels themselves, compiled for this machine's CPU (`kernels/on_host.h`), beside rave-core's reference.
//!
//! It is the source that becomes PTX, run thread by thread: indexing, edges, order of operations and the exchange between
//! threads are what they are on a GPU. What only a GPU shows (its compiler, races, speed) is `checkkernel`'s.

use std::cell::Cell;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use rave_core::Result;

use super::luma::LumaFrame;
use super::luma_plan::{LumaLaunches, LumaPlan, filter_key};
use super::pack::PackPlan;
use super::params::{
    BlendParams, CompareParams, CutParams, PackLumaParams, PackLumaWholeParams, PackParams,
    ScaleChromaParams, UnpackParams,
};
use super::tiles::TilerPlan;
use super::unpack::UnpackPlan;
use crate::ScratchOnDevice;
use crate::module::LaunchDims;

#[path = "../bin/checkkernel/case.rs"]
#[allow(dead_code, reason = "checkkernel prints cases and lists large ones too")]
mod case;
#[path = "../bin/checkkernel/frame_pair.rs"]
mod frame_pair;
#[path = "../bin/checkkernel/image.rs"]
mod image;
#[path = "../bin/checkkernel/luma_case.rs"]
mod luma_case;
#[path = "../bin/checkkernel/random.rs"]
mod random;
#[path = "../bin/checkkernel/reference.rs"]
mod reference;
#[path = "../bin/checkkernel/tile_case.rs"]
mod tile_case;

use case::{Axes, Case, Content, ELEMENTS, FORMATS, FRAME_CONTENTS, TENSOR_CONTENTS};
use frame_pair::FramePair;
use luma_case::LumaCase;
use reference::{LumaReference, PackReference, UnpackReference};
use tile_case::{TileCase, TileReference, batch_on_device};

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
                let (case, random): (Case, _) = Case::draw(1, index, Axes { ..axes });
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

/// RV-CUDA-1001
#[test]
fn the_tile_kernels_equal_the_reference_to_the_bit() {
    let cutter = HostKernels::compile("tiles", "cut_on_host");
    let blender = HostKernels::compile("tiles", "blend_on_host");
    proptest!(ProptestConfig::with_cases(64), |(seed: u64)| {
        let mut random = random::Random::of(seed, 0);
        let case = TileCase::draw(&mut random);
        let TileCase { scale, channels, elements, .. } = case;
        let reference = TileReference::new(&case, &mut random).expect("the case is valid");
        let plan = TilerPlan::new(&case.plan().unwrap(), scale, channels, elements).unwrap();
        let [cut, blend] = plan.kernels();
        let tables = Aligned::of(&plan.tables());
        let source = Aligned::of(&reference.canvas.bytes);
        let mut target = Aligned::of(&reference.empty.bytes);
        let (from, to) = (
            reference.canvas.on_device(source.address()).unwrap(),
            reference.empty.on_device(target.address()).unwrap(),
        );
        for batch in &reference.batches {
            let mut input = Aligned::of(&batch.empty.bytes);
            let output = Aligned::of(&batch.output.bytes);
            let slots = batch_on_device(&batch.empty, input.address(), plan.input_tile).unwrap();
            let (dims, params) = plan.cut(&from, batch.tiles.clone(), &slots, tables.address()).unwrap();
            // SAFETY: cut kernels take CutParams, made of blocks and tables that live until the end of this closure.
            unsafe { cutter.run::<CutParams>(&cut, dims, &params) };
            prop_assert_eq!(batch.expected.compare_values(input.bytes()), None, "{}: {:?}", case, batch.tiles);
            let slots = batch_on_device(&batch.output, output.address(), plan.output_tile).unwrap();
            let (dims, params) = plan.blend(batch.tiles.clone(), &slots, &to, tables.address()).unwrap();
            // SAFETY: as above, with BlendParams.
            unsafe { blender.run::<BlendParams>(&blend, dims, &params) };
        }
        prop_assert_eq!(reference.expected.compare_values(target.bytes()), None, "{}", case);
    });
}

/// RV-CUDA-1001
#[test]
fn the_luma_kernels_equal_the_reference_to_the_bit() {
    let scale_chroma = HostKernels::compile("scale_chroma", "scale_chroma_on_host");
    let pack_luma = HostKernels::compile("pack_luma", "pack_luma_on_host");
    let pack_luma_whole = HostKernels::compile("pack_luma_whole", "pack_luma_whole_on_host");
    let whole_launches = Cell::new(0);
    let compare = |case: &LumaCase, random| -> Result<Option<String>> {
        let reference = LumaReference::new(case, random)?;
        let plan = LumaPlan::new(&case.geometry)?;
        let mut source = Aligned::of(&reference.input);
        let elements = Aligned::of(&reference.tensor.bytes);
        let mut target = (!case.in_place()).then(|| Aligned::of(&reference.layout.block()));
        let target_address = target.as_ref().unwrap_or(&source).address();
        let taps = plan.taps(filter_key(case.visible, case.input_color.siting, case.color.siting)).unwrap();
        let filters = Aligned::of(&taps.bytes);
        // What is in scratch memory before must not matter; what lies around it must not change.
        const MARGIN: usize = 256;
        let mut scratch = Aligned::of(&vec![0xff; plan.scratch_bytes() + 2 * MARGIN]);
        let mut counter = 0u32;
        let frame = LumaFrame {
            input: &reference.input_layout.on_device(source.address())?.with_visible(case.visible)?,
            input_color: case.input_color,
            tensor: &reference.tensor.on_device(elements.address())?,
            white: case.white,
            output: &reference.layout.on_device(target_address)?,
            color: case.color,
            // SAFETY: the bytes lie inside the block, which lives until the end of this closure.
            scratch: &unsafe {
                ScratchOnDevice::new(scratch.address() + MARGIN as u64, plan.scratch_bytes())
            },
            non_finite: None,
        };
        let counter_address = (&raw mut counter).expose_provenance() as u64;
        // SAFETY: these kernels take these structs, made of blocks and a counter that live until the end of this closure.
        unsafe {
            match plan.launches(&frame, &taps.axes, filters.address(), counter_address)? {
                LumaLaunches::Whole(dims, params) => {
                    whole_launches.set(whole_launches.get() + 1);
                    let kernel = plan.pack_luma_whole.as_ref().expect("the plan names it");
                    pack_luma_whole.run::<PackLumaWholeParams>(kernel, dims, &params);
                }
                LumaLaunches::Halves(first, second) => {
                    scale_chroma.run::<ScaleChromaParams>(&plan.scale_chroma, first.0, &first.1);
                    pack_luma.run::<PackLumaParams>(&plan.pack_luma, second.0, &second.1);
                }
            }
        }
        if counter != reference.not_finite {
            return Ok(Some(format!("{} elements are not finite, counted {counter}", reference.not_finite)));
        }
        let around = scratch.bytes();
        let (before, after) = (&around[..MARGIN], &around[around.len() - MARGIN..]);
        if before.iter().chain(after).any(|&byte| byte != 0xff) {
            return Ok(Some("bytes outside of scratch memory were written".into()));
        }
        Ok(reference.layout.compare(target.as_mut().unwrap_or(&mut source).bytes(), &reference.expected))
    };
    let mut cases = Vec::new();
    for output in FORMATS {
        for axes in luma_case::luma_axes(true, output) {
            cases.push(LumaCase::draw(1, cases.len() as u64, axes));
        }
    }
    assert!(cases.iter().filter(|(case, _)| case.in_place()).count() > 20, "frames were written in place");
    let failures: Vec<_> = cases
        .into_iter()
        .filter_map(|(case, random)| {
            let difference = compare(&case, random).expect("the case is valid")?;
            Some(format!("{case}: {difference}"))
        })
        .collect();
    assert!(
        failures.is_empty(),
        "{} cases differ, first {:#?}",
        failures.len(),
        &failures[..failures.len().min(5)]
    );
    assert!(whole_launches.get() > 40, "{} cases took one launch", whole_launches.get());
}

/// RV-CUDA-1007
#[test]
fn the_compare_kernel_finds_one_bit_and_nothing_outside_the_visible_part() {
    let kernels = HostKernels::compile("compare", "compare_on_host");
    proptest!(ProptestConfig::with_cases(400), |(seed: u64)| {
        let pair = FramePair::draw(&mut random::Random::of(seed, 0));
        let blocks = [Aligned::of(&pair.blocks[0]), Aligned::of(&pair.blocks[1])];
        let [a, b] = [0, 1].map(|which| pair.on_device(which, blocks[which].address()).unwrap());
        let mut differs = 0u32;
        let (dims, params) = super::compare::plan(&a, &b, (&raw mut differs).expose_provenance() as u64).unwrap();
        // SAFETY: the kernel takes CompareParams, made of blocks and a word that live until the end of this closure.
        unsafe { kernels.run::<CompareParams>("compare", dims, &params) };
        prop_assert_eq!(differs, u32::from(pair.different), "{}", pair);
    });
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
