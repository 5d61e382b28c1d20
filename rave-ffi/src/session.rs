//! RaveSession: a model bound to one frame geometry.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rave_core::{Error, PixelFormat, Result, Size, Status};
use rave_engine::{Session, SessionOptions, Stats};

use crate::boundary::{guard, guard_create};
use crate::caller_log::CallerLog;
use crate::constants::{RAVE_DITHER_AUTO, RAVE_DITHER_NONE};
use crate::frames;
use crate::handles::Registry;
use crate::model::MODELS;
use crate::pointers::{output, read_struct, write_struct};
use crate::structs::{RaveFrame, RaveModel, RaveSession, RaveSessionConfig, RaveStats};

/// What may be read beside a running call.
pub(crate) struct SessionFacts {
    output_size: Size,
    stats: Arc<Stats>,
    /// Keeps the callback that the session's messages go to.
    _log: CallerLog,
}

pub(crate) static SESSIONS: Registry<Session, SessionFacts> = Registry::new("session");

/// Binds `model` to frames of the geometry in `config` and allocates the model's tensors; what else processing needs is
/// allocated with the first frame.
///
/// May run the model on small inputs to learn which sizes it takes, so it may block for a short while.
///
/// Returns the session, which the caller ends with rave_session_destroy(), or NULL with a status in `*error`:
/// RAVE_ERROR_UNSUPPORTED_FORMAT, RAVE_ERROR_INVALID_PARAMETER, RAVE_ERROR_OUT_OF_MEMORY, RAVE_ERROR_MODEL_LOAD_FAILED,
/// RAVE_ERROR_INFERENCE_FAILED, RAVE_ERROR_ABI_MISMATCH, RAVE_ERROR_INVALID_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_session_create(
    model: *mut RaveModel,
    config: *const RaveSessionConfig,
    error: *mut i32,
) -> *mut RaveSession {
    // SAFETY: the header requires `error` to be NULL or writable, and `config` to be NULL or to have as many readable
    // bytes as its struct_size says.
    unsafe {
        guard_create(error, || {
            let model = MODELS.get(model)?;
            let _running = model.lock("model")?;
            let options = options(&read_struct(config, "config")?)?;
            let session = Session::new(&model.facts.model, &options, model.facts.log.log())?;
            let facts = SessionFacts {
                output_size: session.output_size(),
                stats: session.stats(),
                _log: model.facts.log.clone(),
            };
            Ok(SESSIONS.insert(session, facts))
        })
    }
}

/// Ends `*session` and sets it to NULL. NULL, or a pointer to NULL, is nothing to do. RAVE_ERROR_INVALID_HANDLE when it
/// was destroyed already, RAVE_ERROR_BUSY while a call runs on it; `*session` is unchanged then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_session_destroy(session: *mut *mut RaveSession) -> i32 {
    // SAFETY: the header requires `session` to be NULL or to point to a handle.
    guard(|| unsafe { SESSIONS.destroy(session) })
}

/// Writes the size of the frames that the session makes to `*width` and `*height`, in pixels. Never blocks; may run
/// beside other calls. RAVE_ERROR_INVALID_PARAMETER, RAVE_ERROR_INVALID_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_session_output_size(
    session: *const RaveSession,
    width: *mut u32,
    height: *mut u32,
) -> i32 {
    guard(|| {
        let session = SESSIONS.get(session)?;
        // SAFETY: the header requires both to be NULL or writable.
        let (width, height) = unsafe { (output(width, "width")?, output(height, "height")?) };
        width.write(session.facts.output_size.width);
        height.write(session.facts.output_size.height);
        Ok(())
    })
}

/// Runs the model on the visible part of `input` and writes the result to `out`.
///
/// The caller describes both frames in full and owns their pixels; the planes of `out` must not overlap each other or
/// those of `input`. The format and visible size of `input`, and the format and size of `out`, must be the session's:
/// anything else is refused and nothing is written. The colour description is read from each input frame; what is
/// unspecified there is taken as BT.601 below 720 lines and BT.709 from there, limited range for Y'CbCr, full range for
/// RGB and gray, left siting. Where RGB becomes Y'CbCr or gray, or gray Y'CbCr, the matrix and range in `out` are what
/// is made, if they are specified; otherwise the fields of `out` have no effect on the pixels. On success `out->matrix`, `out->range` and `out->siting` say what the pixels are.
/// After a failure the pixels of `out` are undefined, and its fields are unchanged.
///
/// Blocks until the pixels are written. RAVE_ERROR_UNSUPPORTED_FORMAT, RAVE_ERROR_INVALID_PARAMETER,
/// RAVE_ERROR_INFERENCE_FAILED (also when the model's output is not finite), RAVE_ERROR_OUT_OF_MEMORY,
/// RAVE_ERROR_BUSY, RAVE_ERROR_ABI_MISMATCH, RAVE_ERROR_INVALID_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_session_process(
    session: *mut RaveSession,
    input: *const RaveFrame,
    out: *mut RaveFrame,
) -> i32 {
    guard(|| {
        let session = SESSIONS.get(session)?;
        let mut running = session.lock("session")?;
        // SAFETY: the header requires `input` and `out` to be NULL or to have as many readable bytes as their
        // struct_size says, and their planes to be readable and writable as described.
        unsafe {
            // The engine counts what fails in it; what does not get that far is counted here.
            let refused = |_: &Error| {
                session.facts.stats.failed_frames.fetch_add(1, Ordering::Relaxed);
            };
            let source = read_struct(input, "input").inspect_err(refused)?;
            let mut target = read_struct(out, "out").inspect_err(refused)?;
            let colorimetry = {
                let (from, mut to) = frames::pair(&source, &target).inspect_err(refused)?;
                running.process(&from, &mut to)?
            };
            target.matrix = match target_is_rgb(&target)? {
                true => 0,
                false => colorimetry.matrix.code(),
            };
            target.range = colorimetry.range.code();
            target.siting = colorimetry.siting.code();
            write_struct(out, "out", &target)
        }
    })
}

/// Writes what the session has done so far to `*stats`, whose struct_size must be set. Never blocks; may run beside
/// other calls. RAVE_ERROR_INVALID_PARAMETER, RAVE_ERROR_ABI_MISMATCH, RAVE_ERROR_INVALID_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_session_stats(session: *const RaveSession, stats: *mut RaveStats) -> i32 {
    guard(|| {
        let session = SESSIONS.get(session)?;
        let now = &session.facts.stats;
        let value = RaveStats {
            struct_size: 0,
            tiles: now.tiles.load(Ordering::Relaxed),
            frames: now.frames.load(Ordering::Relaxed),
            failed_frames: now.failed_frames.load(Ordering::Relaxed),
            unpack_ns: now.unpack_ns.load(Ordering::Relaxed),
            inference_ns: now.inference_ns.load(Ordering::Relaxed),
            pack_ns: now.pack_ns.load(Ordering::Relaxed),
        };
        // SAFETY: the header requires `stats` to be NULL or to have as many writable bytes as its struct_size says.
        unsafe { write_struct(stats, "stats", &value) }
    })
}

fn target_is_rgb(frame: &RaveFrame) -> Result<bool> {
    Ok(PixelFormat::from_code(frame.format)?.family() == rave_core::PixelFamily::Rgb)
}

fn options(config: &RaveSessionConfig) -> Result<SessionOptions> {
    let invalid = |found: String| Error::new(Status::InvalidParameter, format!("config: {found}"));
    let tile = match (config.tile_width, config.tile_height) {
        (0, 0) => None,
        (width, height) => Some(Size::new(width, height)),
    };
    let dither = match config.dither {
        RAVE_DITHER_AUTO => true,
        RAVE_DITHER_NONE => false,
        other => return Err(invalid(format!("dither is {other}")).expected("a RAVE_DITHER_ constant")),
    };
    if config.reserved != 0 {
        return Err(invalid("reserved is not zero".into()).expected("0"));
    }
    let input_format =
        PixelFormat::from_code(config.format).map_err(|error| error.context("config: format"))?;
    let output_format = match config.output_format {
        0 => input_format,
        code => PixelFormat::from_code(code).map_err(|error| error.context("config: output_format"))?,
    };
    Ok(SessionOptions {
        input_format,
        output_format,
        size: Size::new(config.width, config.height),
        tile,
        overlap: (config.overlap != 0).then_some(config.overlap),
        dither,
    })
}
