//! What a process that builds and the one that wants it say to each other: integers little-endian, strings and blobs
//! after their length. A request begins with the version of RAVE that sends it: both ends are of the same one, or it is not
//! read. A damaged message is an error.

use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use rave_core::{LogLevel, Size, Status, ValueRange};

use super::{BatchRange, BuildOptions, Phase, Precision, Tried};
use crate::contract::SizeRange;

/// No message is longer: TensorRT's own limit of plans is 2 GiB for most of its life.
const MAX_MESSAGE: u64 = 8 << 30;

/// What a request begins with.
const GREETING: &str = concat!("RAVE ", env!("CARGO_PKG_VERSION"));

/// What is to be built, with what.
pub(super) struct Request {
    pub(super) library: PathBuf,
    pub(super) parser: PathBuf,
    pub(super) name: String,
    pub(super) onnx: Vec<u8>,
    pub(super) options: BuildOptions,
    /// What stands for black and white, where the engine is to be run once.
    pub(super) trial: Option<ValueRange>,
}

/// What the process that builds has to say.
pub(super) enum Reply {
    Progress { layers: u32, fraction: f32, phases: Vec<Phase> },
    Log(LogLevel, String),
    Failed(Status, String),
    Built { bytes: Vec<u8>, timings: Option<Vec<u8>>, layers: u32 },
    Tried(Tried),
}

const PRECISIONS: [Precision; 5] =
    [Precision::Model, Precision::Fp32, Precision::Tf32, Precision::Fp16, Precision::Bf16];
const VALUES: [ValueRange; 2] = [ValueRange::Unit, ValueRange::Byte];
const LEVELS: [LogLevel; 5] =
    [LogLevel::Error, LogLevel::Warning, LogLevel::Info, LogLevel::Verbose, LogLevel::Debug];

impl Request {
    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let mut out = Writer::default();
        out.bytes(GREETING.as_bytes());
        out.bytes(self.library.as_os_str().as_bytes());
        out.bytes(self.parser.as_os_str().as_bytes());
        out.bytes(self.name.as_bytes());
        out.bytes(&self.onnx);
        let BuildOptions {
            precision,
            sizes,
            batch,
            workspace,
            level,
            version_compatible,
            compute_capabilities,
            timings,
        } = &self.options;
        out.place(&PRECISIONS, precision);
        out.optional(sizes.as_ref(), |out, range| {
            for Size { width, height } in [range.min, range.best, range.max] {
                out.number(width.into());
                out.number(height.into());
            }
        });
        for frames in [batch.min, batch.best, batch.max] {
            out.number(frames.into());
        }
        out.optional(workspace.as_ref(), |out, bytes| out.number(*bytes));
        out.number((*level).into());
        out.number((*version_compatible).into());
        out.number(compute_capabilities.len() as u64);
        for &(major, minor) in compute_capabilities {
            out.number(major.into());
            out.number(minor.into());
        }
        out.optional(timings.as_ref(), |out, timings| out.bytes(timings));
        out.optional(self.trial.as_ref(), |out, values| out.place(&VALUES, values));
        out.send(to)
    }

    /// `None` for a message that is none of ours, or of another version.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Option<Request>> {
        Ok(Reader(&receive(from)?).request())
    }
}

impl Reply {
    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let mut out = Writer::default();
        match self {
            Reply::Progress { layers, fraction, phases } => {
                out.number(0);
                out.number((*layers).into());
                out.number(fraction.to_bits().into());
                out.number(phases.len() as u64);
                for Phase { name, done, steps } in phases {
                    out.bytes(name.as_bytes());
                    out.number((*done).into());
                    out.number((*steps).into());
                }
            }
            Reply::Log(level, text) => {
                out.number(1);
                out.place(&LEVELS, level);
                out.bytes(text.as_bytes());
            }
            Reply::Failed(status, text) => {
                out.number(2);
                out.number(status.code() as u64);
                out.bytes(text.as_bytes());
            }
            Reply::Built { bytes, timings, layers } => {
                out.number(3);
                out.bytes(bytes);
                out.optional(timings.as_ref(), |out, timings| out.bytes(timings));
                out.number((*layers).into());
            }
            Reply::Tried(Tried::Finite) => out.number(4),
            Reply::Tried(Tried::NotFinite { elements, of, capability: (major, minor) }) => {
                out.number(5);
                for number in [*elements, *of, (*major).into(), (*minor).into()] {
                    out.number(number);
                }
            }
            Reply::Tried(Tried::NotRun(why)) => {
                out.number(6);
                out.bytes(why.as_bytes());
            }
        }
        out.send(to)
    }

    /// `None` for a message that is none of ours.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Option<Reply>> {
        Ok(Reader(&receive(from)?).reply())
    }
}

/// One message: its length, then its content.
fn receive(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 8];
    from.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    let mut message = Vec::new();
    // Grows with what really comes.
    let come = from.take(length.min(MAX_MESSAGE)).read_to_end(&mut message)?;
    if come as u64 == length { Ok(message) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, number: u64) {
        self.0.extend(number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend(bytes);
    }

    fn optional<T>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        self.number(value.is_some().into());
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// An enumeration's value as its place in the list of all.
    fn place<T: PartialEq>(&mut self, all: &[T], value: &T) {
        self.number(all.iter().position(|other| other == value).unwrap_or(all.len()) as u64);
    }

    fn send(self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&(self.0.len() as u64).to_le_bytes())?;
        to.write_all(&self.0)?;
        to.flush()
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn number(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.0.split_off(..8)?.try_into().ok()?))
    }

    fn small(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        let length = usize::try_from(self.number()?).ok()?;
        Some(self.0.split_off(..length)?.to_vec())
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?).ok()
    }

    fn path(&mut self) -> Option<PathBuf> {
        Some(std::ffi::OsString::from_vec(self.bytes()?).into())
    }

    fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.number()? {
            0 => Some(None),
            1 => read(self).map(Some),
            _ => None,
        }
    }

    fn place<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        all.get(usize::try_from(self.number()?).ok()?).copied()
    }

    fn size(&mut self) -> Option<Size> {
        Some(Size::new(self.small()?, self.small()?))
    }

    fn request(mut self) -> Option<Request> {
        if self.text()? != GREETING {
            return None;
        }
        let (library, parser, name, onnx) = (self.path()?, self.path()?, self.text()?, self.bytes()?);
        let precision = self.place(&PRECISIONS)?;
        let sizes = self
            .optional(|from| Some(SizeRange { min: from.size()?, best: from.size()?, max: from.size()? }))?;
        let batch = BatchRange { min: self.small()?, best: self.small()?, max: self.small()? };
        let workspace = self.optional(Self::number)?;
        let level = self.number()?.try_into().ok()?;
        let version_compatible = self.place(&[false, true])?;
        let mut compute_capabilities = Vec::new();
        for _ in 0..self.number()? {
            compute_capabilities.push((self.small()?, self.small()?));
        }
        let timings = self.optional(Self::bytes)?;
        let trial = self.optional(|from| from.place(&VALUES))?;
        let options = BuildOptions {
            precision,
            sizes,
            batch,
            workspace,
            level,
            version_compatible,
            compute_capabilities,
            timings,
        };
        self.0.is_empty().then_some(Request { library, parser, name, onnx, options, trial })
    }

    fn reply(mut self) -> Option<Reply> {
        let reply = match self.number()? {
            0 => {
                let (layers, fraction) = (self.small()?, f32::from_bits(self.small()?));
                let mut phases = Vec::new();
                for _ in 0..self.number()? {
                    phases.push(Phase { name: self.text()?, done: self.small()?, steps: self.small()? });
                }
                Reply::Progress { layers, fraction, phases }
            }
            1 => Reply::Log(self.place(&LEVELS)?, self.text()?),
            2 => Reply::Failed(Status::from_code(self.number()? as i32)?, self.text()?),
            3 => Reply::Built {
                bytes: self.bytes()?,
                timings: self.optional(Self::bytes)?,
                layers: self.small()?,
            },
            4 => Reply::Tried(Tried::Finite),
            5 => Reply::Tried(Tried::NotFinite {
                elements: self.number()?,
                of: self.number()?,
                capability: (self.small()?, self.small()?),
            }),
            6 => Reply::Tried(Tried::NotRun(self.text()?)),
            _ => return None,
        };
        self.0.is_empty().then_some(reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests() -> [Request; 2] {
        let size = |side| Size::new(side, side + 1);
        let full = BuildOptions {
            precision: Precision::Bf16,
            sizes: Some(SizeRange { min: size(8), best: size(16), max: size(64) }),
            batch: BatchRange { min: 1, best: 2, max: 3 },
            workspace: Some(1 << 40),
            level: 5,
            version_compatible: true,
            compute_capabilities: vec![(8, 9), (12, 0)],
            timings: Some(b"timings".to_vec()),
        };
        [(full, Some(ValueRange::Byte)), (BuildOptions::default(), None)].map(|(options, trial)| Request {
            library: "/opt/lib.so".into(),
            parser: "parser.so".into(),
            name: "x.onnx".into(),
            onnx: b"model".to_vec(),
            options,
            trial,
        })
    }

    #[test]
    fn a_request_arrives_as_it_was_sent() {
        for request in requests() {
            let mut sent = Vec::new();
            request.write(&mut sent).unwrap();
            let come = Request::read(&mut &sent[..]).unwrap().unwrap();
            assert!(
                come.options == request.options && come.onnx == request.onnx && come.name == request.name
            );
            assert_eq!((come.library, come.parser), (request.library, request.parser));
            assert_eq!(come.trial, request.trial);
        }
    }

    /// RV-TRT-1314
    #[test]
    fn what_came_of_a_trial_arrives_as_it_was_sent() {
        for tried in [
            Tried::Finite,
            Tried::NotFinite { elements: 1 << 40, of: 1 << 41, capability: (8, 9) },
            Tried::NotRun("no GPU".into()),
        ] {
            let mut sent = Vec::new();
            Reply::Tried(tried.clone()).write(&mut sent).unwrap();
            let Some(Reply::Tried(come)) = Reply::read(&mut &sent[..]).unwrap() else { panic!("{tried:?}") };
            assert_eq!(come, tried);
        }
    }

    #[test]
    fn a_request_of_another_version_is_not_read() {
        let mut sent = Vec::new();
        requests()[0].write(&mut sent).unwrap();
        let greeting = sent.windows(GREETING.len()).position(|bytes| bytes == GREETING.as_bytes()).unwrap();
        sent[greeting + GREETING.len() - 1] += 1;
        assert!(Request::read(&mut &sent[..]).unwrap().is_none());
    }

    #[test]
    fn every_cut_and_every_flipped_byte_of_a_message_is_read_without_harm() {
        let mut sent = Vec::new();
        requests()[0].write(&mut sent).unwrap();
        for length in 0..sent.len() {
            assert!(Request::read(&mut &sent[..length]).is_err(), "{length}");
        }
        for at in 0..sent.len() {
            let mut damaged = sent.clone();
            damaged[at] ^= 0xff;
            _ = Request::read(&mut &damaged[..]);
            _ = Reply::read(&mut &damaged[..]);
        }
    }
}
