//! The stand-ins: compiled for each test from C, with what the test wants them to answer.

use std::ffi::c_void;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rave_nvcodec::sys::nvenc::{self, GUID, NV_ENC_CAPS};
use rave_nvcodec::{Decoder, DecoderCaps, Encoder, EncoderSupport};

/// What the GPU is called here.
pub(crate) const GPU: &str = "Stand-in GPU";

fn compile(source: &str, script: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("script.h"), script).unwrap();
    let library = folder.path().join("library.so");
    let output = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-shared", "-fPIC", "-I"])
        .arg(folder.path())
        .arg("-o")
        .arg(&library)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/driver").join(source))
        .output()
        .expect("a C compiler");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (folder, library)
}

/// The script of nvcuvid.c.
pub(crate) struct Nvdec {
    /// Codec, chroma, depth, smallest and largest width and height, macroblocks, engines, surfaces: the header's numbers.
    pub(crate) modes: Vec<[u32; 10]>,
    pub(crate) failure: u32,
    pub(crate) older_than: u32,
}

impl Default for Nvdec {
    /// H.264 4:2:0 of 8 bits; HEVC 4:2:0 of 8 and 10 bits and 4:4:4 of 10.
    fn default() -> Self {
        Nvdec {
            modes: vec![
                [4, 1, 8, 48, 16, 4096, 4096, 65536, 7, 0b1],
                [8, 1, 8, 144, 144, 8192, 8192, 262_144, 7, 0b1],
                [8, 1, 10, 144, 144, 8192, 8192, 262_144, 7, 0b11],
                [8, 3, 10, 144, 144, 8192, 4096, 65536, 7, 0b1010],
            ],
            failure: 0,
            older_than: u32::MAX,
        }
    }
}

impl Nvdec {
    pub(crate) fn open(&self) -> Decoder {
        let modes: Vec<String> =
            self.modes.iter().map(|mode| format!("{{{}}}", mode.map(|n| n.to_string()).join(", "))).collect();
        // An initialiser may not be empty: no codec has this number.
        let modes = if modes.is_empty() { "{.codec = ~0u}".into() } else { modes.join(", ") };
        let script = format!(
            "#define MODES {modes}\n#define FAILURE {}\n#define OLDER_THAN {}u\n",
            self.failure, self.older_than
        );
        let (_folder, library) = compile("nvcuvid.c", &script);
        Decoder::open_library(GPU, &library).unwrap()
    }

    pub(crate) fn capabilities(&self) -> DecoderCaps {
        self.open().capabilities().unwrap()
    }
}

/// One codec of [`Nvenc`].
#[derive(Clone)]
pub(crate) struct Codec {
    pub(crate) guid: GUID,
    pub(crate) profiles: Vec<GUID>,
    /// Answers by the number of the question. What is not here is answered with 0.
    pub(crate) answers: Vec<(NV_ENC_CAPS, i32)>,
}

impl Codec {
    /// The codec with another answer.
    pub(crate) fn answering(mut self, question: NV_ENC_CAPS, answer: i32) -> Self {
        self.answers.retain(|(other, _)| *other != question);
        self.answers.push((question, answer));
        self
    }
}

/// What the stand-in answers with "unsupported parameter".
pub(crate) const REFUSED: i32 = i32::MIN;

/// H.264 up to 4096x4096, 8 bits only, with 4:4:4.
pub(crate) fn h264() -> Codec {
    Codec {
        guid: nvenc::NV_ENC_CODEC_H264_GUID,
        profiles: vec![nvenc::NV_ENC_H264_PROFILE_BASELINE_GUID, nvenc::NV_ENC_H264_PROFILE_HIGH_444_GUID],
        answers: vec![
            (NV_ENC_CAPS::NUM_MAX_BFRAMES, 4),
            (NV_ENC_CAPS::WIDTH_MIN, 145),
            (NV_ENC_CAPS::HEIGHT_MIN, 49),
            (NV_ENC_CAPS::WIDTH_MAX, 4096),
            (NV_ENC_CAPS::HEIGHT_MAX, 4096),
            (NV_ENC_CAPS::MB_NUM_MAX, 65536),
            (NV_ENC_CAPS::SUPPORT_YUV444_ENCODE, 1),
            (NV_ENC_CAPS::SUPPORT_LOSSLESS_ENCODE, 1),
            (NV_ENC_CAPS::NUM_ENCODER_ENGINES, 2),
        ],
    }
}

/// HEVC up to 8192x8192, with 10 bits and 4:4:4.
pub(crate) fn hevc() -> Codec {
    Codec {
        guid: nvenc::NV_ENC_CODEC_HEVC_GUID,
        profiles: vec![nvenc::NV_ENC_HEVC_PROFILE_MAIN_GUID, nvenc::NV_ENC_HEVC_PROFILE_MAIN10_GUID],
        answers: vec![
            (NV_ENC_CAPS::NUM_MAX_BFRAMES, 5),
            (NV_ENC_CAPS::WIDTH_MIN, 129),
            (NV_ENC_CAPS::HEIGHT_MIN, 33),
            (NV_ENC_CAPS::WIDTH_MAX, 8192),
            (NV_ENC_CAPS::HEIGHT_MAX, 8192),
            (NV_ENC_CAPS::MB_NUM_MAX, 262_144),
            (NV_ENC_CAPS::SUPPORT_10BIT_ENCODE, 1),
            (NV_ENC_CAPS::SUPPORT_YUV444_ENCODE, 1),
            (NV_ENC_CAPS::SUPPORT_LOSSLESS_ENCODE, 1),
            (NV_ENC_CAPS::NUM_ENCODER_ENGINES, 2),
        ],
    }
}

/// The script of nvenc.c.
pub(crate) struct Nvenc {
    /// Major and minor version of the newest interface.
    pub(crate) newest: (u32, u32),
    pub(crate) open_status: u32,
    pub(crate) leaves_handle: bool,
    pub(crate) incomplete: bool,
    pub(crate) codecs: Vec<Codec>,
}

impl Default for Nvenc {
    fn default() -> Self {
        Nvenc {
            newest: (12, 1),
            open_status: 0,
            leaves_handle: false,
            incomplete: false,
            codecs: vec![h264(), hevc()],
        }
    }
}

fn c_guid(guid: &GUID) -> String {
    let rest = guid.Data4.map(|byte| byte.to_string()).join(", ");
    format!("{{{}u, {}, {}, {{{rest}}}}}", guid.Data1, guid.Data2, guid.Data3)
}

/// A compiled nvenc.c. It can be asked what happened to it.
pub(crate) struct Library {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Nvenc {
    pub(crate) fn compile(&self) -> Library {
        let mut codecs = String::new();
        for codec in &self.codecs {
            let profiles: Vec<String> = codec.profiles.iter().map(c_guid).collect();
            let answers: Vec<String> = codec
                .answers
                .iter()
                .map(|(question, answer)| {
                    format!(
                        "[{}] = {}",
                        question.0,
                        if *answer == REFUSED { "REFUSED".into() } else { answer.to_string() }
                    )
                })
                .collect();
            let _ = write!(
                codecs,
                "{{{}, {}, {{{}}}, {{{}}}}}, ",
                c_guid(&codec.guid),
                profiles.len(),
                profiles.join(", "),
                answers.join(", ")
            );
        }
        let script = format!(
            "#define NEWEST {}u\n#define OPEN_STATUS {}\n#define LEAVES_HANDLE {}\n#define INCOMPLETE {}\n\
             #define CODECS {codecs}\n",
            self.newest.0 << 4 | self.newest.1,
            self.open_status,
            u32::from(self.leaves_handle),
            u32::from(self.incomplete),
        );
        let (folder, path) = compile("nvenc.c", &script);
        Library { path, _folder: folder }
    }

    /// What RAVE makes of it.
    pub(crate) fn capabilities(&self) -> rave_core::Result<EncoderSupport> {
        self.compile().open()?.capabilities()
    }
}

impl Library {
    pub(crate) fn open(&self) -> rave_core::Result<Encoder> {
        // SAFETY: the stand-in looks whether the context is null, and nothing else.
        unsafe { Encoder::open_library(GPU, 0x1000 as *mut c_void, &self.path) }
    }

    fn ask<T>(&self, name: &str) -> T {
        // SAFETY: the library is open already, and its functions for tests take nothing and return the T of nvenc.c,
        // which the callers below name.
        unsafe {
            let library = libloading::Library::new(&self.path).unwrap();
            let function = library.get::<unsafe extern "C" fn() -> T>(name).unwrap();
            function()
        }
    }

    /// Has the call with this number fail, counted from 1 from now on.
    pub(crate) fn fail(&self, call: u32, status: u32) {
        // SAFETY: the library is open already, and the type is the function's in nvenc.c.
        unsafe {
            let library = libloading::Library::new(&self.path).unwrap();
            let fail = library.get::<unsafe extern "C" fn(u32, u32)>("stand_in_fail").unwrap();
            fail(call, status);
        }
    }

    /// Sessions that are open.
    pub(crate) fn sessions(&self) -> i32 {
        self.ask("stand_in_sessions")
    }

    /// Calls so far.
    pub(crate) fn calls(&self) -> u32 {
        self.ask("stand_in_calls")
    }

    /// `NVENCAPI_VERSION` of the interface that was agreed on.
    pub(crate) fn spoken(&self) -> u32 {
        self.ask("stand_in_spoken")
    }
}
