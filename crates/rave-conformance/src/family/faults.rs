//! What goes wrong, and the answer to it: from the library, and from FFmpeg with the filter, in both modes.

use std::path::{Path, PathBuf};

use rave_core::{Error, PixelFormat, Result, Size, Status};
use serde::Deserialize;

use super::Bench;
use crate::color::{Color, MatrixName, RangeName, SitingName};
use crate::content::Content;
use crate::fixture::{self, Tolerance};
use crate::picture::Picture;
use crate::random::Random;
use crate::subject::{ModeName, Runtime, Setup, Subject, Values};
use crate::tally::{Comparison, GroupReport};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    name: String,
    about: String,
    asked: Asked,
    runtimes: Vec<Runtime>,
    modes: Vec<ModeName>,
    faults: Vec<Fault>,
    tolerance: Tolerance,
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Asked {
    /// rave-engine, in this process.
    Library,
    /// FFmpeg's filter.
    Filter,
}

/// A model that must not run, and the answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    name: String,
    file: File,
    /// The token of the status.
    status: String,
    /// FFmpeg's exit code, which is the low byte of its AVERROR.
    exit: i32,
    /// The token and the exit code in hardened mode, where they are others.
    hardened: Option<(String, i32)>,
    /// What the message names.
    names: String,
}

impl Fault {
    /// The token of the status and the exit code.
    fn answer(&self, mode: ModeName) -> (&str, i32) {
        match &self.hardened {
            Some((status, exit)) if mode == ModeName::Hardened => (status, *exit),
            _ => (&self.status, self.exit),
        }
    }
}

/// The file that is named as the model.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum File {
    /// A model of the repository.
    Golden(String),
    /// These bytes.
    Bytes(String),
    /// The first half of a model of the repository.
    Half(String),
    /// No file.
    Missing,
    /// A folder.
    Folder,
}

const SIZE: Size = Size::new(24, 16);
const FORMAT: PixelFormat = PixelFormat::Rgb24;
const COLOR: Color = Color { matrix: MatrixName::Bt709, range: RangeName::Full, siting: SitingName::Left };

pub(super) fn run(bench: &mut Bench) -> Result<Vec<GroupReport>> {
    let family = fixture::read::<Group>(&bench.fixtures, "faults")?;
    Ok(family.groups.iter().map(|group| group.run(bench)).collect())
}

impl Group {
    fn run(&self, bench: &Bench) -> GroupReport {
        let runtime = bench.onnxruntime_there().err();
        let (subject, missing) = match self.asked {
            Asked::Library => ("rave-engine", runtime),
            Asked::Filter => ("the filter in FFmpeg", bench.ffmpeg.as_ref().err().cloned().or(runtime)),
        };
        let name = format!("faults/{}", self.name);
        let oracle = "the table of statuses and AVERRORs".into();
        let mut report = GroupReport::new(name, &self.about, oracle, subject.into(), &self.tolerance);
        if let Some(error) = missing {
            report.skipped = Some(error.to_string());
            return report;
        }
        for fault in &self.faults {
            for &runtime in &self.runtimes {
                for &mode in &self.modes {
                    let id =
                        format!("faults/{}/{}/{}/{}", self.name, fault.name, runtime.name(), mode.name());
                    match self.answer(bench, fault, runtime, mode) {
                        Ok(answer) => {
                            let wrong = self.wrong(fault, mode, &answer);
                            let mut comparison = Comparison::default();
                            comparison.note(if wrong.is_some() { 1.0 } else { 0.0 }, || {
                                format!("{}: {}", wrong.unwrap_or_default(), answer.said.trim_end())
                            });
                            report.case(&id, comparison, || None);
                        }
                        Err(error) => report.broken(&id, &error),
                    }
                }
            }
        }
        report.finished()
    }

    /// What is wrong with an answer, if anything.
    // RV-CONF-1106
    fn wrong(&self, fault: &Fault, mode: ModeName, answer: &Answer) -> Option<String> {
        let (status, exit) = fault.answer(mode);
        match self.asked {
            Asked::Library if answer.status != status => {
                return Some(format!("the status is {}, not {status}", answer.status));
            }
            Asked::Filter if answer.exit != Some(exit) => {
                return Some(format!("the exit code is {:?}, not {exit}", answer.exit));
            }
            Asked::Filter if !answer.said.contains(&format!("[{}]", fault.status)) => {
                return Some(format!("the log has no [{}]", fault.status));
            }
            _ => {}
        }
        (!answer.said.contains(&fault.names)).then(|| format!("the message does not name {}", fault.names))
    }

    fn answer(&self, bench: &Bench, fault: &Fault, runtime: Runtime, mode: ModeName) -> Result<Answer> {
        let folder = tempfile::tempdir()
            .map_err(|error| Error::new(Status::Io, format!("no temporary folder: {error}")))?;
        let model = fault.file.made(bench, folder.path())?;
        let picture = Content::Noise.frame(FORMAT, SIZE, COLOR.siting, &mut Random::named(&fault.name));
        match self.asked {
            Asked::Library => Ok(library(bench, model, (runtime, mode), &picture)),
            Asked::Filter => {
                let library = match runtime {
                    Runtime::OnnxRuntime => bench.onnxruntime.display().to_string(),
                    Runtime::Embedded => "embedded".into(),
                };
                let filter = format!("rave={}:mode={}:runtime_lib={library}", model.display(), mode.name());
                let ffmpeg = bench.ffmpeg.as_ref().map_err(Clone::clone)?;
                let run = ffmpeg.run(FORMAT.name(), SIZE, &picture.planes().concat(), &filter)?;
                Ok(Answer { status: String::new(), exit: run.code, said: run.stderr })
            }
        }
    }
}

struct Answer {
    status: String,
    exit: Option<i32>,
    said: String,
}

fn library(bench: &Bench, model: PathBuf, (runtime, mode): (Runtime, ModeName), picture: &Picture) -> Answer {
    let setup = Setup {
        model,
        runtime,
        mode,
        threads: 1,
        values: Values::Unit,
        format: FORMAT,
        size: SIZE,
        tile: None,
    };
    let ran =
        Subject::new(&setup, &bench.onnxruntime).and_then(|mut subject| subject.process(picture, COLOR));
    match ran {
        Ok(_) => Answer { status: Status::Ok.token().into(), exit: None, said: String::new() },
        Err(error) => Answer { status: error.status().token().into(), exit: None, said: error.to_string() },
    }
}

impl File {
    /// The path of the file, which is made in `folder` where it is none of the repository.
    fn made(&self, bench: &Bench, folder: &Path) -> Result<PathBuf> {
        let write = |bytes: &[u8]| {
            let path = folder.join("model.onnx");
            std::fs::write(&path, bytes).map_err(|error| Error::io(&path, &error))?;
            Ok(path)
        };
        match self {
            File::Golden(name) => bench.model(&format!("golden/{name}")),
            File::Bytes(text) => write(text.as_bytes()),
            File::Half(name) => {
                let path = bench.model(&format!("golden/{name}"))?;
                let bytes = std::fs::read(&path).map_err(|error| Error::io(&path, &error))?;
                write(&bytes[..bytes.len() / 2])
            }
            File::Missing => Ok(folder.join("missing.onnx")),
            File::Folder => Ok(folder.to_path_buf()),
        }
    }
}
