//! How a model is loaded, as the caller says it.

use std::ffi::c_char;
use std::path::PathBuf;

use rave_core::{Error, Result, Size, Status, ValueRange};
use rave_engine::{
    BackendChoice, BuildChoice, BuilderProgram, CacheChoice, Cancel, Mode, ModelOptions, Precision,
};

use crate::caller_cancel::CallerCancel;
use crate::constants::{
    RAVE_BACKEND_AUTO, RAVE_BACKEND_ONNX, RAVE_BACKEND_TENSORRT, RAVE_BUILD_AUTO, RAVE_BUILD_NEVER,
    RAVE_BUILD_ONLY, RAVE_MODE_HARDENED, RAVE_MODE_STRICT, RAVE_PRECISION_AUTO, RAVE_PRECISION_BF16,
    RAVE_PRECISION_FP16, RAVE_PRECISION_FP32, RAVE_PRECISION_TF32, RAVE_VALUES_BYTE, RAVE_VALUES_UNIT,
};
use crate::strings::read_string;
use crate::structs::RaveModelConfig;

/// In place of the cache's folder: none.
const NO_CACHE: &str = "off";

/// The options of `config`.
///
/// # Safety
/// Its strings are NULL or as [`read_string`] has it. Its cancel callback, unless it is NULL, may be called with its
/// opaque pointer from any thread for as long as the options are there.
pub(crate) unsafe fn model_options(config: &RaveModelConfig) -> Result<ModelOptions> {
    let backend = match config.backend {
        RAVE_BACKEND_AUTO => BackendChoice::Auto,
        RAVE_BACKEND_ONNX => BackendChoice::Onnx,
        RAVE_BACKEND_TENSORRT => BackendChoice::TensorRt,
        other => return Err(unknown("backend", other)),
    };
    let values = match config.values {
        RAVE_VALUES_UNIT => ValueRange::Unit,
        RAVE_VALUES_BYTE => ValueRange::Byte,
        other => return Err(unknown("values", other)),
    };
    if config.threads > 1024 {
        return Err(invalid(format!("threads is {}", config.threads)).expected("0 (all cores) to 1024"));
    }
    if config.allow_host_code > 1 {
        return Err(invalid(format!("allow_host_code is {}", config.allow_host_code)).expected("0 or 1"));
    }
    let precision = match config.precision {
        RAVE_PRECISION_AUTO => Precision::Model,
        RAVE_PRECISION_FP32 => Precision::Fp32,
        RAVE_PRECISION_FP16 => Precision::Fp16,
        RAVE_PRECISION_BF16 => Precision::Bf16,
        RAVE_PRECISION_TF32 => Precision::Tf32,
        other => return Err(unknown("precision", other)),
    };
    let build = match config.build {
        RAVE_BUILD_AUTO => BuildChoice::Auto,
        RAVE_BUILD_NEVER => BuildChoice::Never,
        RAVE_BUILD_ONLY => BuildChoice::Only,
        other => return Err(unknown("build", other)),
    };
    let mode = match config.mode {
        RAVE_MODE_STRICT => Mode::Strict,
        RAVE_MODE_HARDENED => Mode::Hardened,
        other => return Err(unknown("mode", other)),
    };
    let text = |text: *const c_char, name: &str| match text.is_null() {
        true => Ok(None),
        // SAFETY: the caller's promise.
        false => unsafe { read_string(text, name) }.map(Some),
    };
    let cache = match text(config.cache, "config: cache")? {
        None => CacheChoice::Usual,
        Some(NO_CACHE) => CacheChoice::Off,
        Some(folder) => CacheChoice::At(folder.into()),
    };
    // RV-FILT-1112
    let builder = match text(config.builder, "config: builder")? {
        None => BuilderProgram::beside_this_program(),
        Some(program) => Some(BuilderProgram::rave(program)),
    };
    // RV-FFI-1107
    // SAFETY: the caller's promise.
    let cancel = unsafe { CallerCancel::new(config.cancel, config.cancel_opaque) };
    Ok(ModelOptions {
        backend,
        values,
        threads: config.threads as usize,
        runtime_lib: text(config.runtime_lib, "config: runtime_lib")?.map(PathBuf::from),
        lean_runtime: text(config.lean_runtime, "config: lean_runtime")?.map(PathBuf::from),
        allow_host_code: config.allow_host_code == 1,
        precision,
        build,
        cache,
        mode,
        size_hint: size_hint(config)?,
        builder,
        cancel: cancel.map_or_else(Cancel::default, |cancel| Cancel::when(move || cancel.came())),
        ..ModelOptions::default()
    })
}

fn size_hint(config: &RaveModelConfig) -> Result<Option<Size>> {
    match (config.width, config.height) {
        (0, 0) => Ok(None),
        (width, height) => Size::new(width, height).checked("config: width and height").map(Some),
    }
}

fn invalid(found: String) -> Error {
    Error::new(Status::InvalidParameter, format!("config: {found}"))
}

fn unknown(name: &str, found: i32) -> Error {
    invalid(format!("{name} is {found}")).expected(format!("a RAVE_{}_ constant", name.to_uppercase()))
}
