//! The command `rave`.

#![forbid(unsafe_code)]

mod arguments;
mod bench;
mod build;
mod cache;
mod check;
mod doctor;
mod exit_code;
mod film;
mod frame_source;
mod info;
mod interrupt;
mod ledger;
mod media_info;
mod messages;
mod output;
mod preview;
mod progress;
mod replay;
mod shell;
mod upscale;
mod values;

use std::io::Write;
use std::process::ExitCode;

use rave_core::{Error, Result};
use rave_engine::{BuilderProgram, serve_builds};

use crate::arguments::{Arguments, Command, LedgerAction};
use crate::interrupt::Interrupt;

fn main() -> ExitCode {
    let interrupt = Interrupt::default();
    // `rave build` starts itself by this word, which is nobody else's: no help, completion or manual page has it.
    let result = match std::env::args_os().nth(1) {
        Some(word) if word == BuilderProgram::WORD => serve_builds().map(|()| ExitCode::SUCCESS),
        _ => run(arguments::parse(), &interrupt),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            messages::tell(format_args!("rave: {error}"));
            interrupt.exit_code().unwrap_or_else(|| exit_code::of(error.status())).into()
        }
    }
}

fn run(arguments: Arguments, interrupt: &Interrupt) -> Result<ExitCode> {
    match arguments.command {
        Command::Build(wanted) => print(&build::run(&wanted, arguments.verbose, interrupt)?)?,
        Command::Bench(wanted) => print(&bench::run(&wanted, arguments.verbose)?)?,
        Command::Upscale(wanted) => print(&upscale::run(&wanted, arguments.verbose, interrupt)?)?,
        Command::Check(wanted) => print(&check::run(&wanted, arguments.verbose)?)?,
        Command::Info(wanted) => info::run(&wanted, arguments.verbose, print)?,
        Command::Preview(wanted) => print(&preview::run(&wanted, arguments.verbose, interrupt)?)?,
        Command::Doctor => {
            let report = doctor::run();
            print(&report.to_string())?;
            return Ok(report.exit_code());
        }
        Command::Cache { folder, action } => {
            let (text, fault) = cache::run(&action, folder)?;
            print(&text)?;
            return fault.map_or(Ok(ExitCode::SUCCESS), Err);
        }
        Command::Ledger { action: LedgerAction::Verify { file, unfinished } } => {
            let (text, fault) = ledger::verify(&file, unfinished)?;
            print(&text)?;
            return fault.map_or(Ok(ExitCode::SUCCESS), Err);
        }
        Command::Replay(wanted) => print(&replay::run(&wanted, arguments.verbose)?)?,
        Command::Completions { shell } => print(&shell::completions(shell))?,
        Command::Man { folder } => print(&shell::man_pages(&folder)?)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes to standard output. A reader that has seen enough and left (`rave info x | head -1`) is no error.
// RV-CLI-1001
fn print(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::io("standard output".as_ref(), &error))
        }
        _ => Ok(()),
    }
}
