//! `cargo run -p rave-conformance -- check`: see `--help`.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use rave_conformance::{Options, Plant, Report};
use rave_core::{Error, Result, Status};

mod sidecars;

/// Holds RAVE against oracles that are not RAVE.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Runs the families of cases and prints what they come to.
    Check(Check),
    /// The same, and writes report.json and report.html.
    Report {
        #[command(flatten)]
        check: Check,
        /// Where to.
        #[arg(long, value_name = "FOLDER", default_value = "build/conformance")]
        out: PathBuf,
        /// Makes this run the committed result that later ones are compared with.
        #[arg(long)]
        bless: bool,
    },
    /// Tells which symbols of golden data, committed results and fixtures are damaged.
    Scrub {
        /// The files: all that carry a sidecar where none is named.
        files: Vec<PathBuf>,
    },
    /// Brings damaged files back byte for byte, or refuses. Never under CI.
    Repair {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Makes the sidecars of files as they are, after a change that is meant. Never under CI.
    Protect {
        /// The files: all that carry a sidecar where none is named.
        files: Vec<PathBuf>,
    },
}

#[derive(Args, Debug)]
struct Check {
    /// The families to run: all where none is named.
    families: Vec<String>,
    /// The folder of the families' files; tests/conformance where none is named.
    #[arg(long, value_name = "FOLDER")]
    fixtures: Option<PathBuf>,
    /// The FFmpeg that is an oracle; the one of scripts/build-ffmpeg.sh where none is named.
    #[arg(long, value_name = "PROGRAM")]
    ffmpeg: Option<PathBuf>,
    /// Fails where something could not be checked.
    #[arg(long)]
    no_skips: bool,
    /// Checks the pixel kernels of the first GPU in place of the CPU's.
    #[arg(long)]
    gpu: bool,
    /// Changes the least bit of one sample that a kernel gives, to see that the check notices.
    #[arg(long, value_name = "CASE:COMPONENT:X:Y")]
    plant: Option<Plant>,
}

fn main() -> ExitCode {
    match run(Command::parse().action) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("rave-conformance: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether everything is as it should be.
fn run(action: Action) -> Result<bool> {
    match action {
        Action::Scrub { files } => sidecars::scrub(&files),
        Action::Repair { files } => refuse_under_ci("repair").and_then(|()| sidecars::repair(&files)),
        Action::Protect { files } => refuse_under_ci("protect").and_then(|()| sidecars::protect(&files)),
        Action::Check(check) => check.run().map(|report| check.passed(&report)),
        Action::Report { check, out, bless } => {
            if bless {
                refuse_under_ci("--bless")?;
            }
            let baseline = check.options().fixtures.join("baseline.json");
            if !bless {
                Report::check_baseline(&baseline)?;
            }
            let report = check.run()?;
            report.write(&out, &baseline)?;
            println!("{}", out.join("report.html").display());
            if bless {
                let passed = check.passed(&report) && check.families.is_empty();
                if passed {
                    report.write_baseline(&baseline)?;
                }
                return Ok(passed);
            }
            let missing = report.missing_since(&check.families, &baseline)?;
            for line in &missing {
                println!("MISSING {line}");
            }
            if !missing.is_empty() {
                println!(
                    "Renew tests/conformance/baseline.json where this is meant: scripts/bless.sh conformance"
                );
            }
            Ok(check.passed(&report) && missing.is_empty())
        }
    }
}

/// A machine that runs tests by itself must not change what they compare with.
// RV-CONF-1206
fn refuse_under_ci(what: &str) -> Result<()> {
    if std::env::var_os("CI").is_none_or(|value| value.is_empty()) {
        return Ok(());
    }
    Err(Error::new(
        Status::PermissionDenied,
        format!("{what} with CI set: CI checks what is committed and changes nothing"),
    )
    .help("run this at home, look at what it changes, and commit that"))
}

impl Check {
    fn options(&self) -> Options {
        let mut options = Options {
            families: self.families.clone(),
            gpu: self.gpu,
            plant: self.plant.clone(),
            ..Options::default()
        };
        if let Some(fixtures) = &self.fixtures {
            options.fixtures.clone_from(fixtures);
        }
        if let Some(ffmpeg) = &self.ffmpeg {
            options.ffmpeg.clone_from(ffmpeg);
        }
        options
    }

    fn run(&self) -> Result<Report> {
        let report = rave_conformance::check(&self.options(), |line| println!("{line}"))?;
        println!("{}", report.summary());
        Ok(report)
    }

    // RV-CONF-1006
    fn passed(&self, report: &Report) -> bool {
        report.failed() == 0 && !(self.no_skips && report.skipped() > 0)
    }
}
