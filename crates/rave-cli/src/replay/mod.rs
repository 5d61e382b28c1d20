//! `rave replay`: runs again what a ledger tells of, and compares.

mod again;

use std::collections::HashMap;
use std::path::PathBuf;

use rave_core::{Error, Log, LogLevel, PixelFormat, Result, Size, Status, ValueRange};
use rave_engine::{EMBEDDED, Mode, Model, ModelOptions, SessionOptions};
use rave_ledger::{
    Digest, Entry, Event, FrameDone, Meta, ModelLoaded, Repeat, SessionClosed, SessionOpened, verify_file,
};

use crate::arguments::Replay;
use crate::frame_source::{self, FrameSource};
use crate::ledger::unfinished_error;
use crate::messages;
use again::{Again, Replayed, on_gpu};

/// Runs the ledger's frames again and tells how many came out the same.
///
/// # Errors
/// Of the first frame that differs, by its number; for another model or another input than the ledger's, and where there
/// is nothing to compare.
// RV-CLI-1502
pub(crate) fn run(wanted: &Replay, verbose: bool) -> Result<String> {
    let mut entries = Vec::new();
    let verified = verify_file(&wanted.ledger, |entry| {
        entries.push(entry);
        Ok(())
    })?;
    if let Some(error) = unfinished_error(&wanted.ledger, verified.ending).filter(|_| !wanted.unfinished) {
        return Err(error);
    }
    let mut run = Run {
        wanted,
        log: log(verbose),
        source: frame_source::open(&wanted.input)?,
        sizes: sizes(&entries),
        models: HashMap::new(),
        sessions: HashMap::new(),
        pixels: Vec::new(),
        notes: Vec::new(),
        equal: 0,
        cropped: 0,
    };
    for (Entry { record, meta }, line) in entries.into_iter().zip(1u64..) {
        let in_line =
            |error: Error| error.context(format_args!("ledger {}, line {line}", wanted.ledger.display()));
        match record.event {
            Event::Model(model) => run.load(model, &meta).map_err(in_line)?,
            Event::Session(session) => run.open(session).map_err(in_line)?,
            Event::Frame(frame) => run.frame(&frame).map_err(in_line)?,
            Event::Repeat(Repeat { session, .. }) => run.session(session)?.repeats += 1,
            Event::SessionClosed(closed) => run.close(&closed)?,
            _ => {}
        }
    }
    run.report()
}

/// The size of the first frames of each model.
fn sizes(entries: &[Entry]) -> HashMap<u32, Size> {
    let mut sizes = HashMap::new();
    for entry in entries {
        if let Event::Session(SessionOpened { model, input_size: [width, height], .. }) = entry.record.event {
            sizes.entry(model).or_insert(Size::new(width, height));
        }
    }
    sizes
}

fn log(verbose: bool) -> Log {
    let level = if verbose { LogLevel::Verbose } else { LogLevel::Warning };
    messages::to_stderr(level)
}

/// How far a replay is.
struct Run<'a> {
    wanted: &'a Replay,
    log: Log,
    source: Box<dyn FrameSource>,
    /// Of the frames that each model was loaded for.
    sizes: HashMap<u32, Size>,
    models: HashMap<u32, Model>,
    sessions: HashMap<u32, Replayed>,
    pixels: Vec<u8>,
    /// What is not as it was and may explain differences.
    notes: Vec<String>,
    equal: u64,
    cropped: u64,
}

impl Run<'_> {
    fn load(&mut self, told: ModelLoaded, meta: &Meta) -> Result<()> {
        let path = self.wanted.model.clone().or_else(|| meta.path.as_deref().map(PathBuf::from)).ok_or_else(
            || {
                Error::new(Status::InvalidParameter, "the ledger does not tell the model's file")
                    .help("name it: --model")
            },
        )?;
        let found = Digest::of(std::fs::read(&path).map_err(|error| Error::io(&path, &error))?);
        if found != told.sha256 {
            return Err(Error::new(
                Status::InvalidParameter,
                format!("model {} has the SHA-256 {found}", path.display()),
            )
            .expected(format!("{}, that of the ledger's", told.sha256))
            .help("name the file with --model"));
        }
        let embedded = told.library.starts_with("rten");
        let options = ModelOptions {
            values: choice(
                "values",
                &told.values,
                &[("unit", ValueRange::Unit), ("byte", ValueRange::Byte)],
            )?,
            mode: mode(&told.mode)?,
            runtime_lib: self.wanted.runtime_lib.clone().or_else(|| embedded.then(|| EMBEDDED.into())),
            lean_runtime: self.wanted.lean_runtime.clone(),
            size_hint: self.sizes.get(&told.model).copied(),
            threads: self.wanted.threads,
            log: self.log.clone(),
            ..match &told.engine {
                Some(engine) => on_gpu(engine, self.wanted.allow_host_code)?,
                None => ModelOptions::default(),
            }
        };
        let model = Model::load(&path, &options)?;
        let again = last_event(&model, |event| match event {
            Event::Model(model) => Some(model),
            _ => None,
        });
        if let Some(again) = again {
            self.note("library", &again.library, &told.library);
            if let (Some(again), Some(told)) = (again.engine, told.engine) {
                self.note("engine", again.sha256, told.sha256);
            }
            if let (Some(again), Some(told)) = (again.device, told.device) {
                self.note("GPU", again.name, told.name);
                let driver = |driver: Option<String>| driver.unwrap_or_else(|| "unknown".into());
                self.note("driver", driver(again.driver), driver(told.driver));
            }
        }
        self.models.insert(told.model, model);
        Ok(())
    }

    /// Keeps in mind that something is another than it was.
    fn note<T: PartialEq + std::fmt::Display>(&mut self, what: &str, is: T, was: T) {
        if is != was {
            self.notes.push(format!("the {what} is {is}, and was {was}"));
        }
    }

    fn open(&mut self, told: SessionOpened) -> Result<()> {
        let model = self.models.get(&told.model).ok_or_else(|| unknown("model", told.model))?;
        let size = |[width, height]: [u32; 2]| Size::new(width, height);
        let options = SessionOptions {
            output_format: format(&told.output_format)?,
            tile: told.tile.map(size),
            overlap: told.overlap,
            dither: told.dither,
            mode: mode(&told.mode)?,
            // One frame goes through at a time; how many did then changes no pixel.
            ..SessionOptions::new(format(&told.input_format)?, size(told.input_size))
        };
        let session = Again::open(model, &options, &self.log)?;
        let again = last_event(model, |event| match event {
            Event::Session(session) => Some(session),
            _ => None,
        });
        let described = |s: &SessionOpened| {
            format!("{} tiles, pictures of {:?}, output {:?}", s.tiles, s.model_size, s.output_size)
        };
        if let Some(again) = again.filter(|again| described(again) != described(&told)) {
            return Err(Error::new(
                Status::InferenceFailed,
                format!("the session has {}", described(&again)),
            )
            .expected(described(&told)));
        }
        let replayed = Replayed {
            session,
            format: options.input_format,
            size: options.size,
            output: options.output_format,
            taken: 0,
            repeats: 0,
        };
        self.sessions.insert(told.session, replayed);
        Ok(())
    }

    fn frame(&mut self, told: &FrameDone) -> Result<()> {
        let replayed =
            self.sessions.get_mut(&told.session).ok_or_else(|| unknown("session", told.session))?;
        let number = told.frame;
        let taken = total([number, replayed.repeats, 1])?;
        let whole = read(&mut *self.source, replayed, taken, &mut self.pixels)?;
        if told.crop.is_some() {
            self.cropped += 1;
            return Ok(());
        }
        if !whole {
            return Err(Error::new(
                Status::InvalidParameter,
                format!("the input ends before frame {number}"),
            )
            .help("name the whole input of the run"));
        }
        let (found_input, found_output) = replayed
            .run(&self.pixels, told)
            .map_err(|error| error.context(format_args!("frame {number} of the ledger")))?;
        let differs = |what: &str, status, found: Digest, expected: Digest| {
            Error::new(status, format!("frame {number}: the {what} has the SHA-256 {found}"))
                .expected(format!("{expected}, as it was"))
        };
        if found_input != told.input {
            return Err(differs("input", Status::InvalidParameter, found_input, told.input)
                .help("name the input of that run, or the decoder's output of then"));
        }
        if found_output != told.output {
            let error = differs("output", Status::InferenceFailed, found_output, told.output);
            return Err(if self.notes.is_empty() { error } else { error.help(self.notes.join("; ")) });
        }
        self.equal += 1;
        Ok(())
    }

    /// Reads past the frames of a session that has ended.
    fn close(&mut self, told: &SessionClosed) -> Result<()> {
        let Some(mut replayed) = self.sessions.remove(&told.session) else { return Ok(()) };
        let all = total([told.frames, told.failed_frames, told.lost_frames, replayed.repeats])?;
        read(&mut *self.source, &mut replayed, all, &mut self.pixels).map(drop)
    }

    fn session(&mut self, number: u32) -> Result<&mut Replayed> {
        self.sessions.get_mut(&number).ok_or_else(|| unknown("session", number))
    }

    fn report(self) -> Result<String> {
        let Run { equal, cropped, notes, wanted, .. } = self;
        let name = wanted.ledger.display();
        if equal == 0 {
            return Err(Error::new(
                Status::InvalidParameter,
                format!("ledger {name}: nothing to compare; {cropped} frames were cropped"),
            )
            .expected("frames with hashes (filter option ledger_every)"));
        }
        let mut text = format!("{name}: {equal} frames came out the same\n");
        if cropped > 0 {
            text += &format!(
                "{name}: {cropped} frames were cropped, and are not compared
"
            );
        }
        notes.iter().for_each(|note| text += &format!("{name}: {note}\n"));
        Ok(text)
    }
}

/// Reads frames for `replayed` until it has taken `count`; `false` where the input ends before.
fn read(
    source: &mut dyn FrameSource,
    replayed: &mut Replayed,
    count: u64,
    pixels: &mut Vec<u8>,
) -> Result<bool> {
    while replayed.taken < count {
        if !source.next(replayed.format, replayed.size, pixels)? {
            return Ok(false);
        }
        replayed.taken += 1;
    }
    Ok(true)
}

/// The last event of a kind that a model's ledger has.
fn last_event<T>(model: &Model, kind: impl Fn(Event) -> Option<T>) -> Option<T> {
    let ledger = model.ledger();
    (0..ledger.lines()).rev().find_map(|seq| kind(ledger.event(seq)?))
}

/// A sum of what a ledger says.
fn total(counts: impl IntoIterator<Item = u64>) -> Result<u64> {
    let sum = counts.into_iter().try_fold(0u64, u64::checked_add);
    sum.ok_or_else(|| {
        Error::new(Status::Untrusted, "more frames than can be counted").expected("those of a run")
    })
}

fn unknown(what: &str, number: u32) -> Error {
    Error::new(Status::Untrusted, format!("{what} {number} is not in the ledger before")).expected("its line")
}

fn format(name: &str) -> Result<PixelFormat> {
    PixelFormat::from_name(name)
        .ok_or_else(|| Error::new(Status::UnsupportedFormat, format!("pixel format {name} is unknown")))
}

fn mode(name: &str) -> Result<Mode> {
    choice("mode", name, &[("strict", Mode::Strict), ("hardened", Mode::Hardened)])
}

fn choice<T: Copy>(what: &str, name: &str, choices: &[(&str, T)]) -> Result<T> {
    choices.iter().find(|(known, _)| *known == name).map(|(_, choice)| *choice).ok_or_else(|| {
        let known: Vec<_> = choices.iter().map(|(known, _)| *known).collect();
        Error::new(Status::Untrusted, format!("{what} is {name}")).expected(known.join(" or "))
    })
}
