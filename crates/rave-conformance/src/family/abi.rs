//! The C interface as a C compiler and a linker see it, against the numbers that were promised.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use rave_core::{Error, Result, Status};
use serde::Deserialize;

use super::Bench;
use crate::fixture::{self, Tolerance};
use crate::tally::{Comparison, GroupReport};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    name: String,
    about: String,
    kind: Kind,
    /// What C calls it, and its number: a constant's value, or `STRUCTURE.field` and its offset.
    #[serde(default)]
    numbers: BTreeMap<String, i64>,
    /// Functions that the library exports.
    #[serde(default)]
    functions: Vec<String>,
    tolerance: Tolerance,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Constants,
    Offsets,
    Exports,
}

pub(super) fn run(bench: &mut Bench) -> Result<Vec<GroupReport>> {
    let family = fixture::read::<Group>(&bench.fixtures, "abi")?;
    Ok(family.groups.iter().map(|group| group.run(bench)).collect())
}

fn failed(what: impl Into<String>) -> Error {
    Error::new(Status::Unknown, what.into())
}

impl Group {
    // RV-CONF-1105
    fn run(&self, bench: &Bench) -> GroupReport {
        let library = bench.build.join("prefix/lib/librave.so");
        let (oracle, subject) = match self.kind {
            Kind::Constants | Kind::Offsets => ("the promised numbers, by the C compiler", "include/rave.h"),
            Kind::Exports => ("the promised functions, by nm", "librave.so"),
        };
        let name = format!("abi/{}", self.name);
        let mut report =
            GroupReport::new(name.clone(), &self.about, oracle.into(), subject.into(), &self.tolerance);
        if self.kind == Kind::Exports && !library.is_file() {
            let path = library.display();
            report.skipped = Some(format!("{path} is not there: scripts/install.sh makes it"));
            return report;
        }
        let found = match self.kind {
            Kind::Constants | Kind::Offsets => self.compiled(&bench.root),
            Kind::Exports => exported(&library),
        };
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                report.broken(&name, &error);
                return report;
            }
        };
        let promised = self.numbers.iter().map(|(name, &number)| (name, Some(number)));
        for (symbol, number) in promised.chain(self.functions.iter().map(|name| (name, None))) {
            let mut comparison = Comparison::default();
            let have = found.get(symbol);
            let equal = have.is_some_and(|have| number.is_none_or(|number| number == *have));
            comparison.note(if equal { 0.0 } else { 1.0 }, || match (have, number) {
                (Some(have), Some(number)) => format!("it is {have}, not {number}"),
                _ => "it is not there".into(),
            });
            report.case(&format!("{name}/{symbol}"), comparison, || None);
        }
        report.finished()
    }

    /// What a program of C prints of the names.
    fn compiled(&self, root: &Path) -> Result<BTreeMap<String, i64>> {
        let mut source =
            String::from("#include <rave.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n");
        for name in self.numbers.keys() {
            let expression = match (self.kind, name.split_once('.')) {
                (Kind::Offsets, Some((structure, field))) => format!("offsetof({structure}, {field})"),
                (Kind::Offsets, None) => return Err(failed(format!("abi.json: {name} names no field"))),
                _ => name.clone(),
            };
            let _ = writeln!(source, "  printf(\"{name} %lld\\n\", (long long)({expression}));");
        }
        source += "  return 0;\n}\n";
        let folder = tempfile::tempdir().map_err(|error| failed(format!("no temporary folder: {error}")))?;
        let [file, program] = ["numbers.c", "numbers"].map(|name| folder.path().join(name));
        std::fs::write(&file, source).map_err(|error| Error::io(&file, &error))?;
        let mut compiler = Command::new("cc");
        compiler.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-I"]).arg(root.join("include"));
        output(compiler.arg(&file).arg("-o").arg(&program))?;
        let text = output(&mut Command::new(&program))?;
        Ok(text
            .lines()
            .filter_map(|line| {
                let (name, number) = line.rsplit_once(' ')?;
                Some((name.into(), number.parse().ok()?))
            })
            .collect())
    }
}

/// The functions that a library exports, each with 1.
fn exported(library: &Path) -> Result<BTreeMap<String, i64>> {
    let text = output(Command::new("nm").args(["-D", "--defined-only"]).arg(library))?;
    let functions = text.lines().filter_map(|line| line.split_once(" T ")).map(|(_, name)| name);
    // Versions of symbols are written behind them.
    Ok(functions.map(|name| (name.split('@').next().unwrap_or(name).to_string(), 1)).collect())
}

fn output(command: &mut Command) -> Result<String> {
    let run = command.output().map_err(|error| failed(format!("{command:?}: {error}")))?;
    if run.status.success() {
        Ok(String::from_utf8_lossy(&run.stdout).into_owned())
    } else {
        Err(failed(format!("{command:?}: {}", String::from_utf8_lossy(&run.stderr).trim_end())))
    }
}
