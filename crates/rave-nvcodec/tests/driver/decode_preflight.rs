//! What a user reads when NVDEC does not take a stream.

use rave_core::{Size, Status};
use rave_nvcodec::{Chroma, DecodeCodec, DecodeRequest, preflight_decode};

use crate::stand_in::Nvdec;

const ON_THE_CPU: &str = "decode on the CPU: leave out -hwaccel cuda, and put hwupload_cuda in front of rave";

const H264_1080P: DecodeRequest =
    DecodeRequest { codec: DecodeCodec::H264, chroma: Chroma::Yuv420, depth: 8, size: Size::new(1920, 1088) };

/// The message for a request, on the stand-in's GPU.
fn refusal(nvdec: &Nvdec, request: DecodeRequest) -> (Status, String) {
    let error = preflight_decode(&nvdec.capabilities(), &request).unwrap_err();
    (error.status(), error.to_string())
}

/// RV-NVC-1201
#[test]
fn streams_within_the_limits_pass() {
    let caps = Nvdec::default().capabilities();
    for size in [Size::new(48, 16), Size::new(1920, 1088), Size::new(4096, 4096)] {
        assert_eq!(preflight_decode(&caps, &DecodeRequest { size, ..H264_1080P }), Ok(()));
    }
}

/// RV-NVC-1202
#[test]
fn a_gpu_without_a_decoder_is_told_apart() {
    let (status, text) = refusal(&Nvdec { modes: vec![], ..Nvdec::default() }, H264_1080P);
    assert_eq!(status, Status::InvalidDevice);
    assert_eq!(text, format!("[INVALID_DEVICE] Stand-in GPU has no NVDEC; {ON_THE_CPU}"));
}

/// RV-NVC-1202
#[test]
fn each_refusal_says_what_was_asked_what_is_possible_and_what_to_do() {
    let hevc = DecodeRequest { codec: DecodeCodec::Hevc, ..H264_1080P };
    for (request, message) in [
        (DecodeRequest { codec: DecodeCodec::Av1, ..H264_1080P }, "Stand-in GPU does not decode av1"),
        (
            DecodeRequest { depth: 10, ..H264_1080P },
            "Stand-in GPU does not decode h264 4:2:0 of 10 bits; expected 4:2:0 of 8 bits",
        ),
        (
            DecodeRequest { chroma: Chroma::Yuv422, depth: 10, ..hevc },
            "Stand-in GPU does not decode hevc 4:2:2 of 10 bits; expected 4:2:0 of 8 bits, 4:2:0 of 10 bits, \
             4:4:4 of 10 bits",
        ),
        (
            DecodeRequest { size: Size::new(7680, 4320), ..H264_1080P },
            "h264 of 7680x4320 is over the NVDEC limit of Stand-in GPU; expected at most 4096x4096",
        ),
        (
            DecodeRequest { size: Size::new(128, 160), ..hevc },
            "hevc of 128x160 is under the NVDEC limit of Stand-in GPU; expected at least 144x144",
        ),
        (
            DecodeRequest { chroma: Chroma::Yuv444, depth: 10, size: Size::new(8192, 4096), ..hevc },
            "hevc of 8192x4096 has 131072 macroblocks, over the NVDEC limit of Stand-in GPU; expected at most 65536",
        ),
    ] {
        let (status, text) = refusal(&Nvdec::default(), request);
        assert_eq!(status, Status::UnsupportedFormat);
        assert_eq!(text, format!("[UNSUPPORTED_FORMAT] {message}; {ON_THE_CPU}"));
    }
}
