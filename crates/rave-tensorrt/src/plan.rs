//! A serialized engine ("plan"), checked as far as that is possible without TensorRT.
//!
//! Every plan seen so far begins alike, integers little-endian:
//!
//! | bytes | content |
//! |---|---|
//! | 0..4 | `ftrt` (TensorRT 8 to 11) or `vtrt` (TensorRT-RTX) |
//! | 4..8 | zero |
//! | 8..16 | layout of what follows: 1 (TensorRT 8.6), 2 (TensorRT-RTX 1.7) |
//! | 16..24 | size of the whole plan in bytes |
//! | 24..28 | version that built it: major, minor, patch, build (its low 8 bits) |
//!
//! Sources: plans built by TensorRT 8.6.0 and TensorRT-RTX 1.7.1, the comparisons with these tags inside the libraries
//! of 8.6, 10.16, 11.4 and RTX 1.7.1, and NVIDIA's answer about the version's place (NVIDIA/TensorRT issue 3073).
//! A plan of layout 1 also tells the compute capability of the GPU that built it, as two tagged integers in its
//! device description; that is used to explain a refusal, never to refuse.
//!
//! A plan is machine code for the GPU and tables that TensorRT trusts: NVIDIA gives no check against tampering. The
//! only real one is a SHA-256 over the whole file, from whoever made or approved it.

use std::fmt;

use rave_core::{Error, Result, Status};
use sha2::{Digest, Sha256};

use crate::Version;

const HEADER: usize = 28;
/// The layouts whose size field is known to be the plan's size.
const KNOWN_LAYOUTS: [u64; 2] = [1, 2];

/// A plan whose header is whole, ready for [`crate::Engine::deserialize`].
#[derive(Clone, Copy)]
pub struct Plan<'a> {
    name: &'a str,
    bytes: &'a [u8],
    version: Version,
    rtx: bool,
}

impl<'a> Plan<'a> {
    /// Checks the header, the size and, if the caller knows what the file has to be, its SHA-256.
    ///
    /// `name` is the file's, for messages.
    ///
    /// # Errors
    /// [`Status::ModelLoadFailed`] for what is not a plan or not a whole one; [`Status::Untrusted`] when the digest
    /// differs.
    // RV-TRT-1101, RV-TRT-1102
    pub fn check(name: &'a str, bytes: &'a [u8], sha256: Option<&[u8; 32]>) -> Result<Plan<'a>> {
        let bad = |found: String| Error::new(Status::ModelLoadFailed, format!("engine {name}: {found}"));
        if bytes.is_empty() {
            return Err(bad("the file is empty".into()).expected("a TensorRT engine"));
        }
        let rtx = match bytes.get(..4) {
            Some(b"ftrt") => false,
            Some(b"vtrt") => true,
            Some(_) | None => {
                let start = bytes[..bytes.len().min(4)].escape_ascii();
                return Err(bad(format!("the file begins with \"{start}\""))
                    .expected("a TensorRT engine, which begins with \"ftrt\" (or \"vtrt\": TensorRT-RTX)")
                    .help("convert the model with trtexec, or give RAVE its .onnx"));
            }
        };
        let cut = |size: String| {
            bad(format!("the file has {} bytes", bytes.len()))
                .expected(size)
                .help("the copy is not the engine that was built; copy or build it again")
        };
        let Some(header) = bytes.get(..HEADER) else {
            return Err(cut(format!("a header of {HEADER} bytes")));
        };
        let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| header[at + i]));
        let (layout, size) = (number(8), number(16));
        if KNOWN_LAYOUTS.contains(&layout) && size != bytes.len() as u64 {
            return Err(cut(format!("{size}, as its header says")));
        }
        if let Some(expected) = sha256 {
            let found: [u8; 32] = Sha256::digest(bytes).into();
            if found != *expected {
                return Err(Error::new(
                    Status::Untrusted,
                    format!("engine {name}: its SHA-256 is {}", Hex(&found)),
                )
                .expected(Hex(expected).to_string())
                .help("the file was changed or damaged after it was approved; build it again"));
            }
        }
        Ok(Plan {
            name,
            bytes,
            version: Version { major: header[24].into(), minor: header[25].into(), patch: header[26].into() },
            rtx,
        })
    }

    /// The name given to [`Plan::check`].
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The whole plan.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The version of TensorRT that built it.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Whether TensorRT-RTX built it.
    #[must_use]
    pub fn is_rtx(&self) -> bool {
        self.rtx
    }

    /// The builder's full name, such as "TensorRT 8.6.0".
    #[must_use]
    pub fn builder(&self) -> String {
        format!("{} {}", product(self.rtx), self.version)
    }

    /// The compute capability of the GPU that the plan was built on, where the plan tells it readably.
    ///
    /// The device description follows the header as a list of tagged values; a tag is a 32-bit number whose upper half
    /// is 1. It begins with tags 0x8012 and 0x8010; major and minor are the next two values of tag 0x8007.
    #[must_use]
    pub fn compute_capability(&self) -> Option<(u32, u32)> {
        const DEVICE: [u8; 8] = [0x12, 0x80, 1, 0, 0x10, 0x80, 1, 0];
        const INTEGER: [u8; 4] = [0x07, 0x80, 1, 0];
        if self.rtx {
            return None;
        }
        let head = self.bytes.get(HEADER..512)?;
        let at = head.windows(DEVICE.len()).position(|window| window == DEVICE)? + DEVICE.len();
        let integer = |at: usize| {
            let value = head.get(at..at + 8)?.strip_prefix(&INTEGER)?;
            Some(u32::from_le_bytes(value.try_into().ok()?))
        };
        let (major, minor) = (integer(at)?, integer(at + 8)?);
        // Anything else means that the values are not what they are taken for.
        ((5..=20).contains(&major) && minor <= 9).then_some((major, minor))
    }
}

impl fmt::Debug for Plan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plan({}, {} bytes, {})", self.name, self.bytes.len(), self.builder())
    }
}

pub(crate) fn product(rtx: bool) -> &'static str {
    if rtx { "TensorRT-RTX" } else { "TensorRT" }
}

struct Hex<'a>(&'a [u8; 32]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn plan() -> Vec<u8> {
        head_of([8, 6, 0])
    }

    /// The head of a plan of layout 1 as TensorRT `version` writes it for compute capability 9.0, and nothing after it.
    pub(crate) fn head_of(version: [u8; 3]) -> Vec<u8> {
        let mut bytes = b"ftrt\0\0\0\0\x01\0\0\0\0\0\0\0".to_vec();
        bytes.extend(600u64.to_le_bytes());
        bytes.extend(version);
        bytes.extend([12, 0, 0, 0, 0]);
        bytes.extend([0; 80]);
        bytes.extend([0x12, 0x80, 1, 0, 0x10, 0x80, 1, 0]);
        bytes.extend([0x07, 0x80, 1, 0, 9, 0, 0, 0, 0x07, 0x80, 1, 0, 0, 0, 0, 0]);
        bytes.resize(600, 0);
        bytes
    }

    #[test]
    fn a_whole_plan_tells_its_version_and_its_gpu() {
        let bytes = plan();
        let plan = Plan::check("x.engine", &bytes, None).unwrap();
        assert_eq!(plan.builder(), "TensorRT 8.6.0");
        assert_eq!(plan.compute_capability(), Some((9, 0)));
        assert!(!plan.is_rtx());
    }

    /// RV-TRT-1101
    #[test]
    fn every_cut_of_a_plan_and_trailing_bytes_are_refused() {
        let mut bytes = plan();
        for length in 0..bytes.len() {
            let error = Plan::check("x.engine", &bytes[..length], None).unwrap_err();
            assert_eq!(error.status(), Status::ModelLoadFailed, "{length}");
            assert!(error.to_string().contains("x.engine"), "{error}");
        }
        bytes.push(0);
        assert!(Plan::check("x.engine", &bytes, None).is_err());
    }

    /// RV-TRT-1102
    #[test]
    fn every_flipped_bit_is_refused_when_the_digest_is_known() {
        let mut bytes = plan();
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        Plan::check("x.engine", &bytes, Some(&digest)).unwrap();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let error = Plan::check("x.engine", &bytes, Some(&digest)).unwrap_err();
            let status = error.status();
            assert!(matches!(status, Status::Untrusted | Status::ModelLoadFailed), "{error}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    /// RV-TRT-1101
    #[test]
    fn what_is_not_a_plan_is_refused_with_its_first_bytes() {
        for (bytes, start) in [(&b"\x08\x07\x12\x04onnx"[..], "\\x08\\x07"), (&b"f"[..], "\"f\"")] {
            let error = Plan::check("x.engine", bytes, None).unwrap_err();
            assert_eq!(error.status(), Status::ModelLoadFailed);
            assert!(error.to_string().contains(start), "{error}");
        }
    }
}
