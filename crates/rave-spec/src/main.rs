//! `cargo run -p rave-spec [-- --check]`: renews docs/requirements and docs/COMPLIANCE.md, or only compares them.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use rave_spec::{Fault, Outputs};

const USAGE: &str = "usage: cargo run -p rave-spec [-- --check]

Traces the requirements of every SPEC.md to the code and the tests that name them, and writes docs/requirements/*.yaml and
docs/COMPLIANCE.md. Fails, and writes nothing, when a requirement, an id or a link is wrong.

  --check   write nothing; fail when these files are not what they would be";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let check = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--check"] => true,
        ["-h" | "--help"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let traced = root().map_err(|fault| vec![fault]).and_then(|root| rave_spec::trace(&root));
    let done = traced.and_then(|outputs| if check { compare(&outputs) } else { renew(&outputs) });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(faults) => {
            for fault in &faults {
                eprintln!("{fault}");
            }
            eprintln!("{} fault(s) in the requirements", faults.len());
            ExitCode::FAILURE
        }
    }
}

fn renew(outputs: &Outputs) -> Result<(), Vec<Fault>> {
    for file in outputs.write().map_err(|fault| vec![fault])? {
        println!("renewed {file}");
    }
    Ok(())
}

fn compare(outputs: &Outputs) -> Result<(), Vec<Fault>> {
    let different = outputs.differences().map_err(|fault| vec![fault])?;
    if different.is_empty() {
        return Ok(());
    }
    let stale = |file: String| Fault {
        file,
        line: 0,
        found: "it is not what SPEC.md files and sources make".into(),
        help: "run `cargo run -p rave-spec` and commit the result".into(),
    };
    Err(different.into_iter().map(stale).collect())
}

/// The root of the repository that this is run in.
fn root() -> Result<PathBuf, Fault> {
    let output = Command::new("git").args(["rev-parse", "--show-toplevel"]).output();
    let found = match output {
        Ok(output) if output.status.success() => {
            return Ok(Path::new(String::from_utf8_lossy(&output.stdout).trim_end()).to_path_buf());
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim_end().to_string(),
        Err(error) => format!("git does not run: {error}"),
    };
    Err(Fault { file: ".".into(), line: 0, found, help: "run this inside a clone of the repository".into() })
}
