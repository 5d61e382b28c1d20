//! The sidecar: what is in it, and everything that must hold before it is used.

use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rave_core::{Error, Result, Status};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{fountain, sidecar_of};
use crate::fixture::parse_json;

/// The version of the sidecars that are written and read.
const SCHEMA: u64 = 1;
/// The largest file that carries one. What is committed is smaller.
pub(super) const MAX_BYTES: u64 = 16 << 20;
/// The largest sidecar that is read: hashes and repair symbols of the largest file.
const MAX_SIDECAR: u64 = 2 * MAX_BYTES;
/// RFC 6330 has symbols of up to 65535 bytes; these are multiples of its alignment.
const MAX_SYMBOL: usize = 4096;
pub(super) const ALIGNMENT: usize = 8;
/// The fewest repair symbols.
const MIN_REPAIR: usize = 4;

/// SHA-256, in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Hash([u8; 32]);

impl Hash {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Hash(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> String {
        hash.to_string()
    }
}

impl TryFrom<String> for Hash {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        let wrong = || format!("{text:?} is no SHA-256 of 64 hexadecimal digits");
        let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 64 || !text.bytes().all(lower) {
            return Err(wrong());
        }
        let mut hash = [0; 32];
        for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Hash(hash))
    }
}

/// A file's sidecar.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sidecar {
    schema: u64,
    /// The file's name, without a folder.
    file: String,
    /// Its length.
    pub(super) bytes: u64,
    pub(super) sha256: Hash,
    /// The length of a symbol; the last of the file is filled up with zeros.
    pub(super) symbol_bytes: usize,
    /// The hash of every symbol of the file.
    pub(super) source: Vec<Hash>,
    pub(super) repair: Vec<Repair>,
}

/// A repair symbol, in the order in which RaptorQ makes them.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Repair {
    sha256: Hash,
    /// Base64.
    data: String,
}

impl Repair {
    /// The symbol, unless it is damaged.
    pub(super) fn data(&self, symbol_bytes: usize) -> Option<Vec<u8>> {
        let data = STANDARD.decode(&self.data).ok()?;
        (data.len() == symbol_bytes && Hash::of(&data) == self.sha256).then_some(data)
    }
}

/// How long symbols of a file are: short enough that little is lost with each, long enough that hashes are few.
fn symbol_bytes(bytes: u64) -> usize {
    match bytes {
        ..4096 => 64,
        4096..65536 => 256,
        _ => 1024,
    }
}

/// How many repair symbols `source` symbols have: a tenth, and at least four.
pub(super) fn repair_count(source: usize) -> usize {
    source.div_ceil(10).max(MIN_REPAIR)
}

/// The symbols of a file, the last filled up with zeros.
pub(super) fn symbols(bytes: &[u8], symbol_bytes: usize) -> impl Iterator<Item = Vec<u8>> {
    bytes.chunks(symbol_bytes).map(move |chunk| {
        let mut symbol = chunk.to_vec();
        symbol.resize(symbol_bytes, 0);
        symbol
    })
}

impl Sidecar {
    /// That of `file` as it is.
    pub(super) fn make(file: &Path) -> Result<Self> {
        let length = std::fs::metadata(file).map_err(|error| Error::io(file, &error))?.len();
        if length == 0 || length > MAX_BYTES {
            let found = format!("{}: {length} bytes", file.display());
            return Err(Error::new(Status::InvalidParameter, found)
                .expected(format!("1 to {MAX_BYTES}: an empty file has nothing to repair")));
        }
        let bytes = std::fs::read(file).map_err(|error| Error::io(file, &error))?;
        let symbol_bytes = symbol_bytes(length);
        let source: Vec<Hash> = symbols(&bytes, symbol_bytes).map(|symbol| Hash::of(&symbol)).collect();
        let repair = fountain::repair_symbols(&bytes, symbol_bytes, repair_count(source.len()))
            .into_iter()
            .map(|data| Repair { sha256: Hash::of(&data), data: STANDARD.encode(data) })
            .collect();
        let sha256 = Hash::of(&bytes);
        Ok(Sidecar { schema: SCHEMA, file: name(file)?, bytes: length, sha256, symbol_bytes, source, repair })
    }

    /// Writes it beside `file`; whether that changed anything.
    pub(super) fn write(&self, file: &Path) -> Result<bool> {
        let path = sidecar_of(file);
        let text = crate::report::pretty(self);
        if std::fs::read_to_string(&path).is_ok_and(|before| before == text) {
            return Ok(false);
        }
        super::repair::replace(&path, text.as_bytes())?;
        Ok(true)
    }

    /// That beside `file`, once everything in it holds together.
    pub(super) fn read(file: &Path) -> Result<Self> {
        let path = sidecar_of(file);
        let length = match std::fs::metadata(&path) {
            Err(error) => {
                return Err(Error::io(&path, &error)
                    .help("rave-conformance protect makes the sidecar of a file that is as it should be"));
            }
            Ok(metadata) => metadata.len(),
        };
        let refused = |why: String| {
            Error::new(Status::Untrusted, format!("{}: {why}", path.display()))
                .help("restore it from the repository's history")
        };
        if length > MAX_SIDECAR {
            return Err(refused(format!("{length} bytes")).expected(format!("at most {MAX_SIDECAR}")));
        }
        let text = std::fs::read(&path).map_err(|error| Error::io(&path, &error))?;
        let text = String::from_utf8(text).map_err(|_| refused("it is no text".into()))?;
        let sidecar: Sidecar =
            parse_json(&text, &path, SCHEMA).map_err(|error| refused(error.to_string()))?;
        sidecar.check(&name(file)?).map_err(refused)?;
        Ok(sidecar)
    }

    /// What does not hold together, if anything.
    // RV-CONF-1204
    fn check(&self, name: &str) -> std::result::Result<(), String> {
        if self.file != name {
            return Err(format!("it is of {:?}", self.file));
        }
        if self.bytes == 0 || self.bytes > MAX_BYTES {
            return Err(format!("a file of {} bytes; 1 to {MAX_BYTES} are possible", self.bytes));
        }
        let whole = self.symbol_bytes.is_multiple_of(ALIGNMENT);
        if !whole || !(ALIGNMENT..=MAX_SYMBOL).contains(&self.symbol_bytes) {
            return Err(format!(
                "symbols of {} bytes; multiples of {ALIGNMENT} up to {MAX_SYMBOL} are possible",
                self.symbol_bytes
            ));
        }
        let source = self.bytes.div_ceil(self.symbol_bytes as u64) as usize;
        if self.source.len() != source || source > fountain::MAX_SOURCE_SYMBOLS {
            return Err(format!("{} hashes of {source} symbols", self.source.len()));
        }
        let repair = repair_count(source);
        if self.repair.len() != repair {
            return Err(format!("{} repair symbols; {source} have {repair}", self.repair.len()));
        }
        Ok(())
    }
}

fn name(file: &Path) -> Result<String> {
    file.file_name()
        .and_then(|name| name.to_str())
        .map(str::to_string)
        .ok_or_else(|| Error::new(Status::InvalidParameter, format!("{}: no name", file.display())))
}
