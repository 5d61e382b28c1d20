//! RaveModel: a loaded model.

use std::ffi::{CString, c_char};
use std::path::PathBuf;

use rave_core::{ElementType, Extent};
use rave_engine::{Model, ModelOptions};

use crate::boundary::{guard, guard_create, guard_value};
use crate::caller_log::CallerLog;
use crate::context::CONTEXTS;
use crate::handles::Registry;
use crate::model_options::model_options;
use crate::pointers::{read_struct, write_struct};
use crate::strings::read_string;
use crate::structs::{RaveContext, RaveModel, RaveModelConfig, RaveModelInfo};

/// What may be read beside a running call.
pub(crate) struct ModelFacts {
    pub(crate) model: Model,
    pub(crate) log: CallerLog,
    description: CString,
}

pub(crate) static MODELS: Registry<(), ModelFacts> = Registry::new("model");

/// Loads the model in the file `path` and checks that it keeps the model contract: one NCHW tensor in and one out, 3
/// (RGB) or 1 (luma) channels, fp32 or fp16, scaled alike in both directions. `config` may be NULL for the defaults.
///
/// Blocks for as long as reading and preparing the model takes. In a context of RAVE_DEVICE_CUDA an ONNX model becomes a
/// TensorRT engine first, which can take minutes and is told to the log every few seconds; the engine is kept in a folder
/// for the next time. Equal files with equal settings are loaded once in a process, and stay loaded for a while after
/// their last use.
///
/// Returns the model, which the caller ends with rave_model_destroy(), or NULL with a status in `*error`:
/// RAVE_ERROR_FILE_NOT_FOUND, RAVE_ERROR_PERMISSION_DENIED, RAVE_ERROR_IO, RAVE_ERROR_MODEL_LOAD_FAILED,
/// RAVE_ERROR_UNTRUSTED, RAVE_ERROR_RUNTIME_LIBRARY_MISSING, RAVE_ERROR_DEVICE_NOT_FOUND, RAVE_ERROR_OUT_OF_MEMORY,
/// RAVE_ERROR_ENGINE_MISMATCH, RAVE_ERROR_DEVICE_LOST, RAVE_ERROR_CANCELLED,
/// RAVE_ERROR_INVALID_PARAMETER, RAVE_ERROR_ABI_MISMATCH, RAVE_ERROR_INVALID_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_model_load(
    context: *mut RaveContext,
    path: *const c_char,
    config: *const RaveModelConfig,
    error: *mut i32,
) -> *mut RaveModel {
    // SAFETY: the header requires `error` to be NULL or writable, `path` to be NULL or a string, and `config` to be
    // NULL or to have as many readable bytes as its struct_size says, with strings that are NULL or such, and a callback
    // that may be called during this call, after which the options are dropped.
    unsafe {
        guard_create(error, || {
            let context = CONTEXTS.get(context)?;
            let _running = context.lock("context")?;
            let path = PathBuf::from(read_string(path, "path")?);
            let mut options = match config.is_null() {
                true => ModelOptions::default(),
                false => model_options(&read_struct(config, "config")?)?,
            };
            options.log = context.facts.log.log();
            options.device = context.facts.device.clone();
            options.ledger = context.facts.ledger.clone();
            // RV-FFI-1007
            let model = Model::load(&path, &options)?;
            let description = CString::new(model.description().replace('\0', " ")).unwrap_or_default();
            Ok(MODELS.insert((), ModelFacts { model, log: context.facts.log.clone(), description }))
        })
    }
}

/// Ends `*model` and sets it to NULL. Sessions made from it stay valid. NULL, or a pointer to NULL, is nothing to do.
/// RAVE_ERROR_INVALID_HANDLE when it was destroyed already, RAVE_ERROR_BUSY while a call runs on it; `*model` is
/// unchanged then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_model_destroy(model: *mut *mut RaveModel) -> i32 {
    // SAFETY: the header requires `model` to be NULL or to point to a handle.
    guard(|| unsafe { MODELS.destroy(model) })
}

/// Writes what the model takes and gives to `*info`, whose struct_size must be set. Never blocks; may run beside other
/// calls. RAVE_ERROR_INVALID_PARAMETER, RAVE_ERROR_ABI_MISMATCH, RAVE_ERROR_INVALID_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_model_info(model: *const RaveModel, info: *mut RaveModelInfo) -> i32 {
    guard(|| {
        let model = MODELS.get(model)?;
        let contract = model.facts.model.contract();
        let fixed = |extent: Extent| match extent {
            Extent::Fixed(pixels) => pixels,
            Extent::Dynamic => 0,
        };
        let bits = |element: ElementType| match element {
            ElementType::F32 => 32,
            ElementType::F16 => 16,
        };
        let value = RaveModelInfo {
            struct_size: 0,
            channels: contract.channels,
            scale_numerator: contract.scale.numerator(),
            scale_denominator: contract.scale.denominator(),
            fixed_width: fixed(contract.width),
            fixed_height: fixed(contract.height),
            input_bits: bits(contract.input_type),
            output_bits: bits(contract.output_type),
        };
        // SAFETY: the header requires `info` to be NULL or to have as many writable bytes as its struct_size says.
        unsafe { write_struct(info, "info", &value) }
    })
}

/// One line for people: tensors, types, scale, and which inference library runs the model. NULL when `model` is not a
/// live handle. The text stays valid until the model is destroyed. Never blocks; may run beside other calls.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_model_description(model: *const RaveModel) -> *const c_char {
    guard_value(std::ptr::null(), || Ok(MODELS.get(model)?.facts.description.as_ptr()))
}
