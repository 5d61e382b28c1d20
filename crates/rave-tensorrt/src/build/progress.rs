//! How far a build is, and breaking it off.

use std::any::Any;
use std::ffi::{CStr, c_char, c_void};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sys;

/// Something that TensorRT is doing, in its own words. The names differ between versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Such as "Timing tactics".
    pub name: String,
    /// Steps that have ended.
    pub done: u32,
    /// All steps.
    pub steps: u32,
}

/// Where a build is.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    /// Layers of the network.
    pub layers: u32,
    /// The phases that are open, each a part of the one before; none before TensorRT's builder has begun.
    pub phases: &'a [Phase],
    /// The share of the steps that have ended, 0 to 1. It never falls. Steps differ in length, so it is not the time.
    pub fraction: f32,
}

/// Takes a build's reports to the caller's function. Used by reference from TensorRT's threads while the build runs.
pub(super) struct Monitor<'a>(Mutex<State<'a>>);

struct State<'a> {
    report: &'a mut (dyn FnMut(&Progress<'_>) -> ControlFlow<()> + Send),
    layers: u32,
    phases: Vec<Phase>,
    fraction: f32,
    stopped: bool,
    panic: Option<Box<dyn Any + Send>>,
}

impl<'a> Monitor<'a> {
    pub(super) fn new(report: &'a mut (dyn FnMut(&Progress<'_>) -> ControlFlow<()> + Send)) -> Self {
        Monitor(Mutex::new(State {
            report,
            layers: 0,
            phases: Vec::new(),
            fraction: 0.0,
            stopped: false,
            panic: None,
        }))
    }

    /// The model was read.
    pub(super) fn parsed(&self, layers: u32) {
        let mut state = self.lock();
        state.layers = layers;
        state.report();
    }

    /// Whether the build is to end.
    pub(super) fn stopped(&self) -> bool {
        self.lock().stopped
    }

    /// After the build: whether it was broken off. A panic of the caller's function goes on from here.
    pub(super) fn end(self) -> bool {
        let state = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(panic) = state.panic {
            resume_unwind(panic);
        }
        state.stopped
    }

    /// The shim's view of `self`, which must not move or end while the shim uses it.
    pub(super) fn raw(&self) -> sys::Monitor {
        sys::Monitor {
            user: std::ptr::from_ref(self).cast_mut().cast(),
            phase_start: on_start,
            step_complete: on_step,
            phase_finish: on_finish,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State<'_> {
    fn report(&mut self) {
        let within = self.phases.iter().rev().fold(0.0, |inner, phase| {
            (f64::from(phase.done) + inner).min(f64::from(phase.steps)) / f64::from(phase.steps.max(1))
        });
        // RV-TRT-1304
        self.fraction = self.fraction.max(within.min(1.0) as f32);
        if self.stopped {
            return;
        }
        let progress = Progress { layers: self.layers, phases: &self.phases, fraction: self.fraction };
        // RV-TRT-1306
        // A panic must not unwind through TensorRT: it waits for Monitor::end.
        match catch_unwind(AssertUnwindSafe(|| (self.report)(&progress))) {
            Ok(answer) => self.stopped = answer.is_break(),
            Err(panic) => {
                self.stopped = true;
                self.panic = Some(panic);
            }
        }
    }

    /// The innermost open phase of that name.
    fn find(&self, name: &str) -> Option<usize> {
        self.phases.iter().rposition(|phase| phase.name == name)
    }

    fn start(&mut self, name: String, parent: Option<&str>, steps: u32) {
        // What is open below the parent has ended, whether TensorRT said so or not.
        let depth = parent.and_then(|parent| self.find(parent)).map_or(0, |index| index + 1);
        self.phases.truncate(depth);
        self.phases.push(Phase { name, done: 0, steps });
        self.report();
    }

    fn step(&mut self, name: &str, step: u32) {
        if let Some(index) = self.find(name) {
            self.phases.truncate(index + 1);
            self.phases[index].done = step.saturating_add(1).min(self.phases[index].steps);
        }
        self.report();
    }

    fn finish(&mut self, name: &str) {
        if let Some(index) = self.find(name) {
            self.phases.truncate(index);
        }
        self.report();
    }
}

/// Runs one callback on the monitor behind `user`; whether the build goes on.
///
/// # Safety
/// `user` is that of [`Monitor::raw`], whose monitor is alive.
unsafe fn with(user: *mut c_void, change: impl FnOnce(&mut State<'_>)) -> bool {
    // Nothing inside unwinds but for a failing allocation's panic; that must not reach TensorRT either.
    catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: by this function's own precondition; only shared access happens.
        let monitor = unsafe { &*user.cast::<Monitor<'_>>() };
        let mut state = monitor.lock();
        change(&mut state);
        !state.stopped
    }))
    .unwrap_or(false)
}

/// # Safety
/// `text` is null or a NUL-terminated string that lives through the call.
unsafe fn text(text: *const c_char) -> Option<String> {
    // SAFETY: by this function's own precondition.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

unsafe extern "C" fn on_start(user: *mut c_void, phase: *const c_char, parent: *const c_char, steps: i32) {
    // SAFETY: the user is the monitor's (raw), which outlives the build; IProgressMonitor::phaseStart gets strings that
    // live through the call, and null for no parent.
    unsafe {
        let (phase, parent) = (text(phase).unwrap_or_default(), text(parent));
        with(user, |state| state.start(phase, parent.as_deref(), steps.try_into().unwrap_or(0)));
    }
}

// RV-TRT-1305
unsafe extern "C" fn on_step(user: *mut c_void, phase: *const c_char, step: i32) -> i32 {
    // SAFETY: as in on_start.
    unsafe {
        let phase = text(phase).unwrap_or_default();
        with(user, |state| state.step(&phase, step.try_into().unwrap_or(0))).into()
    }
}

unsafe extern "C" fn on_finish(user: *mut c_void, phase: *const c_char) {
    // SAFETY: as in on_start.
    unsafe {
        let phase = text(phase).unwrap_or_default();
        with(user, |state| state.finish(&phase));
    }
}
