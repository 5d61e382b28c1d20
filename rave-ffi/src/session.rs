//! RaveSession: a model bound to one frame geometry.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rave_core::{Colorimetry, Error, PixelFormat, Result, Size, Status};
use rave_engine::{
    CudaDevice, CudaSession, FrameOnDevice, GraphChoice, Mode, Session, SessionOptions, Stats,
};

use crate::boundary::{guard, guard_create};
use crate::caller_log::CallerLog;
use crate::constants::{
    RAVE_DITHER_AUTO, RAVE_DITHER_NONE, RAVE_GRAPH_AUTO, RAVE_GRAPH_OFF, RAVE_GRAPH_ON, RAVE_MODE_HARDENED,
    RAVE_MODE_STRICT,
};
use crate::frames::{self, CudaPair};
use crate::handles::Registry;
use crate::model::MODELS;
use crate::pointers::{output, read_struct, write_struct};
use crate::structs::{RaveFrame, RaveModel, RaveSession, RaveSessionConfig, RaveStats};

/// What frames go through.
pub(crate) enum Work {
    Host {
        session: Box<Session>,
        /// Frames that were submitted, and so are done, and not finished: 0 or 1.
        in_flight: u32,
    },
    Cuda(Box<CudaSession>),
}

/// What may be read beside a running call.
pub(crate) struct SessionFacts {
    output_size: Size,
    capacity: u32,
    stats: Arc<Stats>,
    /// The GPU; `None` is the CPU.
    device: Option<CudaDevice>,
    /// Keeps the callback that the session's messages go to.
    _log: CallerLog,
}

pub(crate) static SESSIONS: Registry<Work, SessionFacts> = Registry::new("session");

/// Binds `model` to frames of the geometry in `config` and allocates the model's tensors; what else processing needs is
/// allocated with the first frame.
///
/// May run the model on small inputs to learn which sizes it takes, so it may block for a short while.
///
/// Returns the session, which the caller ends with rave_session_destroy(), or NULL with a status in `*error`:
/// RAVE_ERROR_UNSUPPORTED_FORMAT, RAVE_ERROR_INVALID_PARAMETER, RAVE_ERROR_OUT_OF_MEMORY, RAVE_ERROR_MODEL_LOAD_FAILED,
/// RAVE_ERROR_INFERENCE_FAILED, RAVE_ERROR_KERNEL_LAUNCH_FAILED, RAVE_ERROR_DEVICE_LOST, RAVE_ERROR_ABI_MISMATCH,
/// RAVE_ERROR_INVALID_HANDLE.
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
            let (model, log) = (&model.facts.model, &model.facts.log);
            let (work, output_size, capacity, stats) = match model.device() {
                None => {
                    let session = Session::new(model, &options, log.log())?;
                    let facts = (session.output_size(), 1, session.stats());
                    (Work::Host { session: Box::new(session), in_flight: 0 }, facts.0, facts.1, facts.2)
                }
                Some(_) => {
                    let session = CudaSession::new(model, &options, log.log())?;
                    let facts = (session.output_size(), session.capacity() as u32, session.stats());
                    (Work::Cuda(Box::new(session)), facts.0, facts.1, facts.2)
                }
            };
            let device = model.device().cloned();
            let facts = SessionFacts { output_size, capacity, stats, device, _log: log.clone() };
            Ok(SESSIONS.insert(work, facts))
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
/// is made, if they are specified; otherwise the fields of `out` have no effect on the pixels. On success
/// `out->matrix`, `out->range` and `out->siting` say what the pixels are.
/// After a failure the pixels of `out` are undefined, and its fields are unchanged.
///
/// With RAVE_MODE_HARDENED a frame without a result gives RAVE_ERROR_FRAME_LOST, if the one before did not: leave it out and
/// go on with the next.
///
/// In host memory it blocks until the pixels are written. In GPU memory it is rave_session_submit() and
/// rave_session_finish() in one, refused with RAVE_ERROR_BUSY while frames are in flight.
///
/// RAVE_ERROR_UNSUPPORTED_FORMAT, RAVE_ERROR_INVALID_PARAMETER, RAVE_ERROR_INFERENCE_FAILED (also when the model's output
/// is not finite), RAVE_ERROR_FRAME_LOST, RAVE_ERROR_KERNEL_LAUNCH_FAILED, RAVE_ERROR_DEVICE_LOST,
/// RAVE_ERROR_OUT_OF_MEMORY, RAVE_ERROR_BUSY, RAVE_ERROR_ABI_MISMATCH, RAVE_ERROR_INVALID_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_session_process(
    session: *mut RaveSession,
    input: *const RaveFrame,
    out: *mut RaveFrame,
) -> i32 {
    // SAFETY: the header requires of `input` and `out` here what `run` does.
    guard(|| unsafe {
        run(session, input, out, |work, from, to| match work {
            Work::Host { in_flight: 0, session } => host(session, from, to),
            Work::Cuda(session) if session.in_flight() == 0 => {
                let colorimetry = submit(session, from, to)?;
                session.finish()?;
                Ok(colorimetry)
            }
            _ => Err(Error::new(Status::Busy, "frames are in flight").help("finish them first")),
        })
    })
}

/// Enqueues a frame: as rave_session_process(), but in GPU memory it returns before any of it is done, and the frame is in
/// flight until rave_session_finish(). Frames are finished in the order in which they were submitted; at most
/// rave_session_capacity() are in flight, one more gives RAVE_ERROR_BUSY.
///
/// What `input` holds is read in order on the context's stream as it is now. Both frames must stay as they are until the
/// frame is finished. In GPU memory, where the session keeps size and format, `out` may be the same frame as `input`.
/// What goes wrong with a frame on the GPU may be known only later: then the error of a later call names the frame. A frame
/// that gives RAVE_ERROR_FRAME_LOST is not in flight, and nothing needs it any more.
///
/// In host memory the frame is processed before this returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_session_submit(
    session: *mut RaveSession,
    input: *const RaveFrame,
    out: *mut RaveFrame,
) -> i32 {
    // SAFETY: the header requires of `input` and `out` here what `run` does.
    guard(|| unsafe {
        run(session, input, out, |work, from, to| match work {
            Work::Host { session, in_flight } if *in_flight == 0 => {
                let colorimetry = host(session, from, to)?;
                *in_flight = 1;
                Ok(colorimetry)
            }
            // RV-FFI-1008
            Work::Host { .. } => {
                Err(Error::new(Status::Busy, "a frame is in flight").help("finish it first"))
            }
            Work::Cuda(session) => submit(session, from, to),
        })
    })
}

/// Finishes the oldest frame in flight: from now on its output is valid in order on the context's stream, and what is
/// enqueued there from now on may change its input. Does not wait for the GPU. RAVE_ERROR_INVALID_PARAMETER when no frame
/// is in flight; else as rave_session_submit().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_session_finish(session: *mut RaveSession) -> i32 {
    guard(|| {
        let session = SESSIONS.get(session)?;
        match &mut *session.lock("session")? {
            Work::Cuda(session) => session.finish(),
            // RV-FFI-1008
            Work::Host { in_flight: 0, .. } => {
                Err(Error::new(Status::InvalidParameter, "no frame is in flight")
                    .help("submit one before finishing it"))
            }
            Work::Host { in_flight, .. } => {
                *in_flight = 0;
                Ok(())
            }
        }
    })
}

/// Writes 1 to `*repeat` when the visible part of `frame` has the bytes and the colours of `previous`, so that the
/// session makes the same of both, and 0 when not. Both are of the session's input geometry. Nothing that is in flight may
/// write to either. In GPU memory they are compared there, and the call blocks until that is known.
/// RAVE_ERROR_UNSUPPORTED_FORMAT, RAVE_ERROR_INVALID_PARAMETER, RAVE_ERROR_OUT_OF_MEMORY, RAVE_ERROR_KERNEL_LAUNCH_FAILED,
/// RAVE_ERROR_DEVICE_LOST, RAVE_ERROR_BUSY, RAVE_ERROR_ABI_MISMATCH, RAVE_ERROR_INVALID_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_session_is_repeat(
    session: *mut RaveSession,
    previous: *const RaveFrame,
    frame: *const RaveFrame,
    repeat: *mut i32,
) -> i32 {
    guard(|| {
        let session = SESSIONS.get(session)?;
        let mut running = session.lock("session")?;
        // SAFETY: the header requires all to be NULL or to have as many readable bytes as their struct_size says, or to be
        // writable, and the planes to be readable.
        unsafe {
            let previous = read_struct(previous, "previous")?;
            let frame = read_struct(frame, "frame")?;
            let repeat = output(repeat, "repeat")?;
            // RV-FILT-1309
            let same = match &mut *running {
                Work::Host { session, .. } => {
                    let previous = frames::readable(&previous, "previous")?;
                    session.is_repeat(&previous, &frames::readable(&frame, "frame")?)
                }
                Work::Cuda(session) => {
                    let (previous, before) = frames::readable_on_device(&previous, "previous")?;
                    let (frame, now) = frames::readable_on_device(&frame, "frame")?;
                    let described = |frame: &FrameOnDevice| (frame.format(), frame.size(), frame.visible());
                    before == now
                        && described(&previous) == described(&frame)
                        && session.is_repeat(&previous, &frame)?
                }
            };
            repeat.write(same.into());
            Ok(())
        }
    })
}

/// Blocks until the GPU has done everything that was submitted, and reports what went wrong with it; for the end of a
/// stream. Frames in flight stay so. As rave_session_submit().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_session_drain(session: *mut RaveSession) -> i32 {
    guard(|| {
        let session = SESSIONS.get(session)?;
        match &mut *session.lock("session")? {
            Work::Cuda(session) => session.drain(),
            Work::Host { .. } => Ok(()),
        }
    })
}

/// Writes how many frames may be in flight to `*frames`. Never blocks; may run beside other calls.
/// RAVE_ERROR_INVALID_PARAMETER, RAVE_ERROR_INVALID_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_session_capacity(session: *const RaveSession, frames: *mut u32) -> i32 {
    guard(|| {
        let session = SESSIONS.get(session)?;
        // SAFETY: the header requires it to be NULL or writable.
        unsafe { output(frames, "frames") }?.write(session.facts.capacity);
        Ok(())
    })
}

/// Reads both frames, does `work` with them, and writes what was made into `out`.
///
/// # Safety
/// `input` and `out` are NULL or have as many readable bytes as their struct_size says, those of `out` writable; their
/// planes are as the header describes.
unsafe fn run(
    session: *mut RaveSession,
    input: *const RaveFrame,
    out: *mut RaveFrame,
    work: impl FnOnce(&mut Work, &RaveFrame, &RaveFrame) -> Result<Colorimetry>,
) -> Result<()> {
    let session = SESSIONS.get(session)?;
    let mut running = session.lock("session")?;
    // The engine counts what fails in it; what does not get that far is counted here.
    let refused = |_: &Error| {
        session.facts.stats.failed_frames.fetch_add(1, Ordering::Relaxed);
    };
    // SAFETY: the caller vouches for both.
    let (source, mut target) = unsafe {
        let source = read_struct(input, "input").inspect_err(refused)?;
        (source, read_struct(out, "out").inspect_err(refused)?)
    };
    let before = session.facts.stats.attempts();
    let colorimetry = work(&mut running, &source, &target).inspect_err(|error| {
        if session.facts.stats.attempts() == before {
            refused(error);
        }
    })?;
    target.matrix = match target_is_rgb(&target)? {
        true => 0,
        false => colorimetry.matrix.code(),
    };
    target.range = colorimetry.range.code();
    target.siting = colorimetry.siting.code();
    // SAFETY: the caller vouches for it.
    unsafe { write_struct(out, "out", &target) }
}

/// # Safety
/// As [`frames::pair`].
unsafe fn host(session: &mut Session, input: &RaveFrame, out: &RaveFrame) -> Result<Colorimetry> {
    // SAFETY: the same contract; the slices end with this call.
    let (from, mut to) = unsafe { frames::pair(input, out) }?;
    session.process(&from, &mut to)
}

/// # Safety
/// As [`frames::cuda_pair`].
unsafe fn submit(session: &mut CudaSession, input: &RaveFrame, out: &RaveFrame) -> Result<Colorimetry> {
    // SAFETY: the same contract.
    let CudaPair { input, tags, out, wanted } = unsafe { frames::cuda_pair(input, out) }?;
    session.submit(&input, tags, &out, wanted)
}

/// Writes what the session has done so far to `*stats`, whose struct_size must be set. Never blocks; may run beside
/// other calls. RAVE_ERROR_INVALID_PARAMETER, RAVE_ERROR_ABI_MISMATCH, RAVE_ERROR_INVALID_HANDLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rave_session_stats(session: *const RaveSession, stats: *mut RaveStats) -> i32 {
    guard(|| {
        let session = SESSIONS.get(session)?;
        let now = &session.facts.stats;
        let pool = session.facts.device.as_ref().map(CudaDevice::pool_stats).unwrap_or_default();
        let value = RaveStats {
            struct_size: 0,
            tiles: now.tiles.load(Ordering::Relaxed),
            frames: now.frames.load(Ordering::Relaxed),
            failed_frames: now.failed_frames.load(Ordering::Relaxed),
            unpack_ns: now.unpack_ns.load(Ordering::Relaxed),
            inference_ns: now.inference_ns.load(Ordering::Relaxed),
            pack_ns: now.pack_ns.load(Ordering::Relaxed),
            submit_ns: now
                .submit_ns
                .load(Ordering::Relaxed)
                .saturating_sub(now.wait_ns.load(Ordering::Relaxed)),
            graph_frames: now.graph_frames.load(Ordering::Relaxed),
            non_finite: now.non_finite.load(Ordering::Relaxed),
            pool_bytes: pool.held_bytes as u64,
            pool_hits: pool.hits,
            pool_misses: pool.misses,
            streams: now.streams.load(Ordering::Relaxed),
            reserved: 0,
            lost_frames: now.lost_frames.load(Ordering::Relaxed),
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
    // RV-FFI-1012
    let mode = match config.mode {
        RAVE_MODE_STRICT => Mode::Strict,
        RAVE_MODE_HARDENED => Mode::Hardened,
        other => return Err(invalid(format!("mode is {other}")).expected("a RAVE_MODE_ constant")),
    };
    let graph = match config.graph {
        RAVE_GRAPH_AUTO => GraphChoice::Auto,
        RAVE_GRAPH_OFF => GraphChoice::Off,
        RAVE_GRAPH_ON => GraphChoice::On,
        other => return Err(invalid(format!("graph is {other}")).expected("a RAVE_GRAPH_ constant")),
    };
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
        mode,
        streams: config.streams,
        batch: config.batch,
        graph,
    })
}
