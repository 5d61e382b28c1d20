//! `rave upscale`.

pub(crate) mod arguments;
mod news;

use std::path::Path;
use std::time::Duration;

use rave_core::{Error, Log, Result, Status};
use rave_engine::{BuilderProgram, Cancel, Ledger, LedgerOptions, ModelOptions};
use rave_pipeline::{CancellationToken, Summary, Upscale, is_of_input, is_same_file, unfinished_folder};

use crate::interrupt::Interrupt;
use crate::messages::tell;
use arguments::{BuildFlag, Dedup};
use news::{News, OFTEN};

/// How often it is asked whether the command is to end.
const ASK: Duration = Duration::from_millis(50);

/// Upscales what is wanted, and says what came of it.
pub(crate) fn run(wanted: &arguments::Upscale, verbose: bool, interrupt: &Interrupt) -> Result<String> {
    if wanted.json && wanted.output == "-" {
        return Err(Error::new(Status::InvalidParameter, "--json with -o -: both write to standard output")
            .help("leave one of them out"));
    }
    let news = News::new(wanted.json);
    match upscaled(wanted, &news, verbose, interrupt) {
        Ok(summary) => {
            let text = news.done(&wanted.output, &summary);
            if wanted.output == "-" {
                tell(text.trim_end());
                return Ok(String::new());
            }
            Ok(text)
        }
        Err(error) if only_built(wanted, &error, interrupt) => {
            Ok(news.only_built(&wanted.model.display().to_string()))
        }
        Err(error) => {
            news.failed(&error);
            let resumable = interrupt.came() && unfinished_folder(&wanted.output).exists();
            Err(if resumable { error.help("--resume goes on with what is done") } else { error })
        }
    }
}

/// The run, of which `news` tell from its beginning on.
fn upscaled(
    wanted: &arguments::Upscale,
    news: &News,
    verbose: bool,
    interrupt: &Interrupt,
) -> Result<Summary> {
    interrupt.watch()?;
    let stop = CancellationToken::new();
    let (asked, log, mut told) = (interrupt.clone(), news.log(verbose), news.clone());
    let options = ModelOptions {
        cancel: Cancel::when(move || asked.came()),
        ledger: ledger(wanted, &log)?,
        log,
        ..model_options(&wanted.engine, wanted.part.mode)?
    };
    let job = upscale(wanted, options)
        .cancelled_by(&stop)
        .on_progress(OFTEN, move |progress| told.progress(progress))
        .begin()?;
    news.begun(&wanted.input, &wanted.output, job.facts());
    while !job.is_over() {
        // RV-CLI-1706
        if interrupt.came() {
            stop.cancel();
        }
        std::thread::sleep(ASK);
    }
    job.wait()
}

/// The ledger that is wanted. A file that is there is what a run has left, or something else altogether.
// RV-CLI-1712
fn ledger(wanted: &arguments::Upscale, log: &Log) -> Result<Ledger> {
    let Some(path) = &wanted.ledger else { return Ok(Ledger::default()) };
    let found =
        |what: &str| Error::new(Status::InvalidParameter, format!("ledger {}: {what}", path.display()));
    let output = Path::new(&wanted.output);
    if is_of_input(path, Path::new(&wanted.input)) || is_same_file(path, &wanted.model) {
        return Err(found("the input, or the model, is there").help("name another file"));
    }
    if path == output || is_same_file(path, output) {
        return Err(found("the output is to be there").help("name another file"));
    }
    if path.exists() && !wanted.overwrite {
        return Err(found("a file is there already").help(
            "name another file, as each run, also one that goes on, has a ledger of its own; or --overwrite",
        ));
    }
    let options =
        LedgerOptions { path: Some(path.clone()), every: Some(wanted.ledger_every), log: log.clone() };
    Ledger::open(options)
}

/// Whether `error` is that of a run which was to build an engine and end there.
// RV-CLI-1708
fn only_built(wanted: &arguments::Upscale, error: &Error, interrupt: &Interrupt) -> bool {
    wanted.engine.first_use.build == BuildFlag::Only
        && error.status() == Status::Cancelled
        && !interrupt.came()
}

/// How a model is loaded, as far as the flags say.
pub(crate) fn model_options(
    engine: &arguments::EngineFlags,
    mode: arguments::ModeFlag,
) -> Result<ModelOptions> {
    let this = std::env::current_exe()
        .map_err(|error| Error::new(Status::Io, format!("the path of rave itself is unknown: {error}")))?;
    Ok(ModelOptions {
        threads: engine.threads,
        values: engine.values.range(),
        precision: engine.first_use.precision.into(),
        build: engine.first_use.build.into(),
        cache: engine.first_use.cache(),
        runtime_lib: engine.runtime_lib.clone(),
        lean_runtime: engine.lean_runtime.clone(),
        mode: mode.into(),
        builder: Some(BuilderProgram::rave(this)),
        ..ModelOptions::default()
    })
}

// RV-CLI-1701, RV-CLI-1702, RV-CLI-1705, RV-CLI-1709
fn upscale(wanted: &arguments::Upscale, options: ModelOptions) -> Upscale {
    let arguments::Upscale { part, engine, encoding, .. } = wanted;
    let mut upscale = Upscale::new(&wanted.input, &wanted.model)
        .output(&wanted.output)
        .overwrite(wanted.overwrite)
        .resumable(wanted.resume)
        .segment(wanted.segment)
        .device(engine.device)
        .model_options(options)
        .streams(engine.streams)
        .input_format(part.input_format.as_deref(), &part.input_option)
        .start(part.start)
        .dedup(part.dedup == Dedup::Exact)
        .copy_streams(!encoding.no_copy)
        .dither(!encoding.no_dither);
    if let Some(length) = part.duration {
        upscale = upscale.length(length);
    }
    if let Some(tile) = engine.tile {
        upscale = upscale.tile(tile, engine.overlap);
    }
    if let Some(codec) = &encoding.codec {
        upscale = upscale.codec(codec);
    }
    if let Some(quality) = encoding.quality {
        upscale = upscale.quality(quality);
    }
    if let Some(preset) = &encoding.preset {
        upscale = upscale.preset(preset);
    }
    for (name, value) in &encoding.encoder_option {
        upscale = upscale.encoder_option(name, value);
    }
    if let Some(format) = encoding.pixel_format {
        upscale = upscale.pixel_format(format);
    }
    if let Some(format) = &encoding.format {
        upscale = upscale.container(format);
    }
    match encoding.max_size {
        Some(size) => upscale.max_output(size),
        None => upscale,
    }
}
