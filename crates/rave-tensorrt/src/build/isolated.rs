//! Building in a process of its own.
//!
//! TensorRT's parser and builder are native code that reads a stranger's file. In a child, their crash is an error and
//! not the end of the host, a build that is not wanted any more ends at once instead of after the step at hand, and the
//! memory that they took goes back to the system.

use std::io;
use std::net::Shutdown;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rave_core::{Error, Log, Result, Status, ValueRange};

use super::message::{Reply, Request};
use super::{
    BuildOptions, Builder, BuilderOptions, BuiltPlan, NewEngine, Phase, Progress, TryEngine, cancelled,
};
use crate::{Library, SearchOptions};

/// How long a build may be silent before the caller's function is asked again whether it goes on.
const TICK: Duration = Duration::from_millis(100);

impl Builder {
    /// [`Builder::build`] in a child process, which `command` starts and which calls [`serve_builds`]: a program of the
    /// same build of RAVE, usually this one under a word of its own. Its standard input and output are used for that.
    ///
    /// The child has no CUDA context of its parent's. Where the build takes a GPU it is the first one that the child
    /// sees: `CUDA_VISIBLE_DEVICES` in the command's environment chooses it.
    ///
    /// With `trial` the child also runs the new engine once, by what was given to its [`serve_builds`], on a picture
    /// whose black and white are these: [`BuiltPlan::tried`] then tells what came of it.
    ///
    /// `progress` is called on this thread, at least ten times a second, also when nothing is new. A child that is
    /// broken off, or whose caller panics in `progress`, is killed.
    ///
    /// # Errors
    /// Those of [`Builder::build`] and of the trial, [`Status::ModelLoadFailed`] when the child dies, and [`Status::Io`]
    /// when it cannot be started.
    // RV-TRT-1313, RV-TRT-1314
    pub fn build_isolated(
        &self,
        command: &mut Command,
        name: &str,
        onnx: &[u8],
        options: &BuildOptions,
        trial: Option<ValueRange>,
        progress: &mut dyn FnMut(&Progress<'_>) -> ControlFlow<()>,
    ) -> Result<BuiltPlan> {
        options.check(self)?;
        let of_model = |error: Error| error.context(format!("model {name}"));
        let request = Request {
            library: self.library.name().to_owned(),
            parser: self.parser.name.clone(),
            name: name.to_owned(),
            onnx: onnx.to_owned(),
            options: options.clone(),
            trial,
        };
        let start = |error: io::Error| {
            of_model(Error::new(Status::Io, format!("the process that builds cannot be started: {error}")))
        };
        let (ours, theirs) = UnixStream::pair().map_err(start)?;
        command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null());
        let mut child = Killed(command.spawn().map_err(start)?);
        // The command keeps the child's end open otherwise, and its death would not be seen.
        command.stdin(Stdio::null());
        let replies = converse(ours, request).map_err(start)?;
        let (mut layers, mut fraction, mut phases) = (0, 0.0, Vec::<Phase>::new());
        let mut untried = None;
        loop {
            match replies.recv_timeout(TICK) {
                Ok(Reply::Log(level, text)) => self.log.write(level, text),
                Ok(Reply::Failed(status, text)) => return Err(Error::new(status, text)),
                Ok(Reply::Built { bytes, timings, layers }) => {
                    let (name, library) = (name.to_owned(), self.library.version());
                    let built = BuiltPlan { name, bytes, timings, layers, tried: None, library };
                    built.check()?;
                    if trial.is_none() {
                        return Ok(built);
                    }
                    untried = Some(built);
                }
                Ok(Reply::Tried(tried)) => {
                    if let Some(built) = untried.take() {
                        return Ok(BuiltPlan { tried: Some(tried), ..built });
                    }
                }
                Ok(Reply::Progress { layers: l, fraction: f, phases: p }) => {
                    (layers, fraction, phases) = (l, f, p)
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(of_model(died(&child.end(), untried.is_some())));
                }
            }
            // RV-TRT-1305
            if progress(&Progress { layers, phases: &phases, fraction }).is_break() {
                return Err(of_model(cancelled()));
            }
        }
    }
}

/// The error of a child that ended in the way `how`, before or after its engine was built.
// RV-TRT-1310, RV-TRT-1313
fn died(how: &str, built: bool) -> Error {
    let error = |found: String| Error::new(Status::ModelLoadFailed, found);
    if built {
        return error(format!("its engine was built, and the process that ran it died ({how})")).help(
            "the engine is not used; build it in another precision, for another size, or with another TensorRT",
        );
    }
    error(format!("the process that builds it died ({how})")).help(
        "the model may be damaged, or too large for this machine's memory; run it on the CPU, or build it elsewhere",
    )
}

/// Sends the request and collects the replies, each on a thread of its own: a child that reads nothing, or says
/// nothing, holds up neither the caller nor the other direction. The threads end with the child.
fn converse(stream: UnixStream, request: Request) -> io::Result<mpsc::Receiver<Reply>> {
    let mut sending = stream.try_clone()?;
    let mut receiving = stream;
    thread::Builder::new().name("rave-build-ask".into()).spawn(move || {
        // A child that is gone is noticed by the other thread. The stream stays open: its end tells the child that its
        // parent has gone.
        _ = request.write(&mut sending);
    })?;
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new().name("rave-build-hear".into()).spawn(move || {
        while let Ok(Some(reply)) = Reply::read(&mut receiving) {
            if sender.send(reply).is_err() {
                break;
            }
        }
        _ = receiving.shutdown(Shutdown::Both);
    })?;
    Ok(receiver)
}

/// A child that does not outlive this value.
struct Killed(Child);

impl Killed {
    /// How a child ended that says nothing more. One that still lives, because it is no such program, is killed: that
    /// does nothing to how a dead one ended.
    fn end(&mut self) -> String {
        _ = self.0.kill();
        match self.0.wait() {
            Ok(status) => {
                status.signal().map_or_else(|| status.to_string(), |signal| format!("signal {signal}"))
            }
            Err(error) => error.to_string(),
        }
    }
}

// RV-TRT-1306
impl Drop for Killed {
    fn drop(&mut self) {
        self.end();
    }
}

/// The child's side of [`Builder::build_isolated`]: builds what the parent asks for on standard input, which is a
/// socket, runs the new engine by `try_engine` where it asks for that, and returns when that is done. The process ends at
/// once when the parent does.
///
/// # Errors
/// [`Status::Io`] when standard input is no such socket. What goes wrong with the build goes to the parent.
pub fn serve_builds(try_engine: &TryEngine<'_>) -> Result<()> {
    let unusable = |found: String| {
        Error::new(Status::Io, format!("standard input: {found}"))
            .expected("the socket of a process that wants something built")
    };
    let io_error = |error: io::Error| unusable(error.to_string());
    let mut stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned().map_err(io_error)?);
    let request = Request::read(&mut stream)
        .map_err(io_error)?
        .ok_or_else(|| unusable("not a message of this version of RAVE".into()))?;
    let mut watched = stream.try_clone().map_err(io_error)?;
    thread::spawn(move || {
        // Nothing more comes, so this ends with the parent.
        _ = io::copy(&mut watched, &mut io::sink());
        _exit(1);
    });
    let stream = &*Box::leak(Box::new(Mutex::new(stream)));
    let send = |reply: &Reply| {
        let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
        reply.write(&mut *stream)
    };
    // A parent that does not listen any more has gone, or will kill this process.
    let log = Log::new(move |level, text| _ = send(&Reply::Log(level, text.to_owned())));
    let BuiltPlan { bytes, timings, layers, .. } = match build(&request, log.clone(), &send) {
        Ok(built) => built,
        Err(error) => return send(&failed(&error)).map_err(io_error),
    };
    // Before the trial, so that a child that dies of it has said how far it came.
    let plan = if request.trial.is_some() { bytes.clone() } else { Vec::new() };
    send(&Reply::Built { bytes, timings, layers }).map_err(io_error)?;
    let Some(values) = request.trial else { return Ok(()) };
    let tried = try_engine(&NewEngine {
        name: &request.name,
        plan: &plan,
        library: &request.library,
        compute_capabilities: &request.options.compute_capabilities,
        values,
        log,
    });
    send(&tried.map_or_else(|error| failed(&error), Reply::Tried)).map_err(io_error)
}

fn failed(error: &Error) -> Reply {
    let text = error.to_string();
    let token = format!("[{}] ", error.status().token());
    Reply::Failed(error.status(), text.strip_prefix(&token).unwrap_or(&text).to_owned())
}

// SAFETY (of the import): POSIX declares it so; it takes any number and does not return. Unlike exit it runs none of
// the exit handlers of TensorRT, whose threads are at work.
unsafe extern "C" {
    safe fn _exit(status: std::ffi::c_int) -> !;
}

fn build(
    request: &Request,
    log: Log,
    send: &(impl Fn(&Reply) -> io::Result<()> + Sync),
) -> Result<BuiltPlan> {
    let library = Library::open(&SearchOptions { runtime_lib: Some(request.library.clone()) })?;
    let builder = Builder::new(&library, &BuilderOptions { parser_lib: Some(request.parser.clone()) }, log)?;
    builder.build(&request.name, &request.onnx, &request.options, &mut |progress| {
        let Progress { layers, phases, fraction } = progress.clone();
        match send(&Reply::Progress { layers, fraction, phases: phases.to_vec() }) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    })
}
