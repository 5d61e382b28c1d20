//! How an entry lies in its file, and everything that must hold before its payload is given out.
//!
//! All numbers are little-endian:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | `RAVE\r\n\x1a\0`, which a transfer as text would change |
//! | 8 | 4 | version of this layout, [`FORMAT`] |
//! | 12 | 4 | t, bytes of the label, at most [`MAX_LABEL`] |
//! | 16 | 8 | p, bytes of the payload |
//! | 24 | 32 | the key: SHA-256 of the label |
//! | 56 | 32 | SHA-256 of the payload |
//! | 88 | t | the label |
//! | 88 + t | p | the payload, and nothing behind it |

use std::fs::File;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::label::{FORMAT, Label, hex};

const MAGIC: &[u8; 8] = b"RAVE\r\n\x1a\0";
const HEADER: usize = 88;
/// More than a label of a hundred inputs has.
const MAX_LABEL: u32 = 64 << 10;
/// How much is read at a time.
const CHUNK: usize = 1 << 20;

/// Why a file's payload is not given out.
#[derive(Debug)]
pub(super) enum Fault {
    /// The file is not as it was written.
    Damaged {
        /// What is there.
        found: String,
        /// What should be.
        expected: String,
    },
    /// It cannot be read.
    Io(io::Error),
    /// The payload does not fit into memory.
    OutOfMemory,
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Fault::Io(error)
    }
}

fn damaged(found: impl Into<String>, expected: impl Into<String>) -> Fault {
    Fault::Damaged { found: found.into(), expected: expected.into() }
}

/// What stands before a payload, checked.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) label: Label,
    payload_bytes: u64,
    payload_sha256: [u8; 32],
}

/// The bytes to write before `payload` in an entry of `label`.
pub(super) fn head(label: &Label, payload: &[u8]) -> Vec<u8> {
    let text = label.text().as_bytes();
    let mut head = Vec::with_capacity(HEADER + text.len());
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(&FORMAT.to_le_bytes());
    head.extend_from_slice(&(text.len() as u32).to_le_bytes());
    head.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    head.extend_from_slice(&label.hash());
    head.extend_from_slice(&Sha256::digest(payload));
    head.extend_from_slice(text);
    head
}

/// Whether `label` is short enough for an envelope.
pub(super) fn takes(label: &Label) -> bool {
    label.text().len() <= MAX_LABEL as usize
}

/// Reads and checks what stands before the payload of `file`, which has `bytes` bytes and is at its beginning.
// RV-ENG-1402
pub(super) fn read_head(file: &mut File, bytes: u64) -> Result<Head, Fault> {
    if bytes < HEADER as u64 {
        return Err(damaged(format!("it has {bytes} bytes"), format!("a header of {HEADER} bytes")));
    }
    let mut header = [0; HEADER];
    file.read_exact(&mut header)?;
    if header[..8] != *MAGIC {
        return Err(damaged(
            format!("it begins with {}", header[..8].escape_ascii()),
            MAGIC.escape_ascii().to_string(),
        ));
    }
    let version = u32::from_le_bytes(array(&header, 8));
    if version != FORMAT {
        return Err(damaged(format!("its version is {version}"), format!("{FORMAT}")));
    }
    let label_bytes = u32::from_le_bytes(array(&header, 12));
    if label_bytes > MAX_LABEL {
        return Err(damaged(format!("its label has {label_bytes} bytes"), format!("at most {MAX_LABEL}")));
    }
    let payload_bytes = u64::from_le_bytes(array(&header, 16));
    // Before anything of a size that the file itself names is allocated.
    let whole = (HEADER as u64 + u64::from(label_bytes)).checked_add(payload_bytes);
    if whole != Some(bytes) {
        let expected = whole.map_or("fewer than 2^64".to_owned(), |whole| whole.to_string());
        return Err(damaged(format!("it has {bytes} bytes"), format!("{expected}, as its header says")));
    }
    let mut text = vec![0; label_bytes as usize];
    file.read_exact(&mut text)?;
    let found: [u8; 32] = Sha256::digest(&text).into();
    let key: [u8; 32] = array(&header, 24);
    if found != key {
        return Err(damaged(format!("its label has the SHA-256 {}", hex(&found)), hex(&key)));
    }
    let label = Label::parse(text).map_err(|wrong| damaged(wrong, "what this version of RAVE writes"))?;
    Ok(Head { label, payload_bytes, payload_sha256: array(&header, 56) })
}

impl Head {
    /// Reads the payload, which `file` must be at, and gives it out if it is what was written.
    // RV-ENG-1402
    pub(super) fn read_payload(&self, file: &mut File) -> Result<Vec<u8>, Fault> {
        let mut payload = Vec::new();
        let bytes = usize::try_from(self.payload_bytes).map_err(|_| Fault::OutOfMemory)?;
        payload.try_reserve_exact(bytes).map_err(|_| Fault::OutOfMemory)?;
        self.read(file, |chunk| payload.extend_from_slice(chunk))?;
        Ok(payload)
    }

    /// Reads the payload, which `file` must be at, to see whether it is what was written.
    pub(super) fn check_payload(&self, file: &mut File) -> Result<(), Fault> {
        self.read(file, |_| {})
    }

    fn read(&self, file: &mut File, mut take: impl FnMut(&[u8])) -> Result<(), Fault> {
        let mut hash = Sha256::new();
        let mut chunk = vec![0; CHUNK.min(self.payload_bytes as usize)];
        let mut left = self.payload_bytes;
        while left > 0 {
            let now = left.min(CHUNK as u64) as usize;
            file.read_exact(&mut chunk[..now])?;
            hash.update(&chunk[..now]);
            take(&chunk[..now]);
            left -= now as u64;
        }
        let found: [u8; 32] = hash.finalize().into();
        if found != self.payload_sha256 {
            return Err(damaged(
                format!("its payload has the SHA-256 {}", hex(&found)),
                hex(&self.payload_sha256),
            ));
        }
        Ok(())
    }
}

/// The `N` bytes of `header` at `offset`, both constants within it.
fn array<const N: usize>(header: &[u8; HEADER], offset: usize) -> [u8; N] {
    std::array::from_fn(|index| header[offset + index])
}
