//! The handshake with NVENC, and what its answers become.

use rave_core::{Result, Size, Status};
use rave_nvcodec::sys::nvenc::NV_ENC_CAPS;
use rave_nvcodec::{ApiVersion, EncodeCodec, EncoderCaps, EncoderSupport, Profile};

use crate::stand_in::{Nvenc, REFUSED, h264, hevc};

fn caps(nvenc: &Nvenc) -> EncoderCaps {
    match nvenc.capabilities().unwrap() {
        EncoderSupport::Nvenc(caps) => caps,
        none @ EncoderSupport::NoNvenc { .. } => panic!("{none}"),
    }
}

fn failure(nvenc: &Nvenc) -> (Status, String) {
    let error = nvenc.capabilities().unwrap_err();
    (error.status(), error.to_string())
}

/// RV-NVC-1101
#[test]
fn every_codec_is_asked_about_and_kept_with_its_answers() {
    let caps = caps(&Nvenc::default());
    assert_eq!(caps.api, ApiVersion::new(12, 1));
    assert_eq!(caps.codecs.len(), 2);
    let h264 = caps.codec(EncodeCodec::H264).unwrap();
    assert_eq!(h264.profiles, [Profile::H264Baseline, Profile::H264High444]);
    assert_eq!((h264.min, h264.max), (Size::new(145, 49), Size::new(4096, 4096)));
    assert_eq!((h264.max_macroblocks, h264.b_frames, h264.engines), (Some(65536), 4, Some(2)));
    assert_eq!((h264.ten_bit, h264.yuv422, h264.yuv444, h264.lossless), (false, None, true, true));
    assert!(caps.codec(EncodeCodec::Hevc).unwrap().ten_bit);
    assert_eq!(caps.codec(EncodeCodec::Av1), None);
}

/// RV-NVC-1002
#[test]
fn the_interface_spoken_is_the_newest_that_both_know() {
    let number = |major: u32, minor: u32| major | minor << 24;
    for (newest, spoken) in [
        ((12, 0), number(12, 0)),
        ((12, 1), number(12, 1)),
        ((13, 0), number(13, 0)),
        ((13, 1), number(13, 0)),
        ((14, 0), number(13, 0)),
    ] {
        let library = Nvenc { newest, ..Nvenc::default() }.compile();
        let encoder = library.open().unwrap();
        assert!(matches!(encoder.capabilities(), Ok(EncoderSupport::Nvenc(_))));
        assert_eq!(encoder.api(), ApiVersion::new(newest.0, newest.1));
        assert_eq!((library.spoken(), library.sessions()), (spoken, 0), "{newest:?}");
    }
}

/// RV-NVC-1002
#[test]
fn a_driver_that_is_too_old_is_told_with_the_one_that_is_needed() {
    let (status, text) = failure(&Nvenc { newest: (11, 1), ..Nvenc::default() });
    assert_eq!(status, Status::RuntimeLibraryMissing);
    assert_eq!(
        text,
        "[RUNTIME_LIBRARY_MISSING] NVENC of Stand-in GPU: the driver is too old, its encoder interface is 11.1; \
         expected 12.0 or newer; install NVIDIA driver 520.56.06 or newer"
    );
}

/// RV-NVC-1001
#[test]
fn a_list_with_a_function_left_out_is_refused() {
    let (status, text) = failure(&Nvenc { incomplete: true, ..Nvenc::default() });
    assert_eq!(status, Status::RuntimeLibraryMissing);
    assert!(text.contains("lacks functions of interface 12.1"), "{text}");
}

/// RV-NVC-1103, RV-NVC-1104
#[test]
fn a_gpu_without_nvenc_is_an_answer_and_what_opening_left_is_destroyed() {
    for (open_status, answer) in
        [(1, "NV_ENC_ERR_NO_ENCODE_DEVICE (1)"), (2, "NV_ENC_ERR_UNSUPPORTED_DEVICE (2)")]
    {
        for leaves_handle in [false, true] {
            let library = Nvenc { open_status, leaves_handle, ..Nvenc::default() }.compile();
            let support = library.open().unwrap().capabilities().unwrap();
            assert_eq!(
                support.to_string(),
                format!("Stand-in GPU encodes nothing: it has no NVENC ({answer}; driver with API 12.1)\n")
            );
            assert_eq!(library.sessions(), 0);
        }
    }
}

/// RV-NVC-1104
#[test]
fn a_session_that_does_not_open_says_why_and_what_helps() {
    for (open_status, status, words) in [
        (21, Status::Busy, "end other programs that encode on this GPU"),
        (10, Status::Busy, "end other programs that encode on this GPU"),
        (
            15,
            Status::RuntimeLibraryMissing,
            "libcuda.so.1 and libnvidia-encode.so.1 may be of different ones",
        ),
        (5, Status::DeviceLost, "restart the process"),
        (20, Status::InvalidDevice, "NvEncOpenEncodeSessionEx failed: NV_ENC_ERR_GENERIC (20)"),
        (77, Status::InvalidDevice, "NvEncOpenEncodeSessionEx failed: NVENCSTATUS 77"),
    ] {
        let (found, text) = failure(&Nvenc { open_status, ..Nvenc::default() });
        assert_eq!(found, status, "{text}");
        assert!(text.contains(words), "{text}");
    }
}

/// RV-NVC-1104
#[test]
fn whichever_call_fails_the_error_is_told_and_the_session_is_closed() {
    let library = Nvenc::default().compile();
    library.open().unwrap().capabilities().unwrap();
    let calls = library.calls();
    assert!(calls > 20, "two codecs with ten questions each: {calls}");
    for call in 1..=calls {
        library.fail(call, 20);
        let result: Result<_> = library.open().and_then(|encoder| encoder.capabilities());
        let text = result.unwrap_err().to_string();
        assert!(text.contains("NVENC of Stand-in GPU") && text.contains("NV_ENC_ERR_GENERIC (20)"), "{text}");
        let in_session = call > 3;
        assert_eq!(text.contains(": the stand-in was told to fail"), in_session, "call {call}: {text}");
        assert_eq!(library.sessions(), 0, "call {call}");
    }
}

/// RV-NVC-1102
#[test]
fn what_the_driver_does_not_answer_is_unknown_or_not_there() {
    let codec = h264()
        .answering(NV_ENC_CAPS::NUM_ENCODER_ENGINES, REFUSED)
        .answering(NV_ENC_CAPS::MB_NUM_MAX, REFUSED)
        .answering(NV_ENC_CAPS::WIDTH_MIN, REFUSED)
        .answering(NV_ENC_CAPS::SUPPORT_YUV444_ENCODE, REFUSED)
        .answering(NV_ENC_CAPS::NUM_MAX_BFRAMES, -1);
    let caps = caps(&Nvenc { codecs: vec![codec], ..Nvenc::default() });
    let h264 = caps.codec(EncodeCodec::H264).unwrap();
    assert_eq!((h264.engines, h264.max_macroblocks), (None, None));
    assert_eq!((h264.min, h264.yuv444, h264.b_frames), (Size::new(1, 49), false, 0));

    let codec = hevc().answering(NV_ENC_CAPS::WIDTH_MAX, REFUSED);
    let (status, text) = failure(&Nvenc { codecs: vec![codec], ..Nvenc::default() });
    assert_eq!(status, Status::InvalidDevice);
    assert!(text.contains("hevc_nvenc has no answer to NV_ENC_CAPS_WIDTH_MAX"), "{text}");
}

/// RV-NVC-1101, RV-NVC-1102
#[test]
fn yuv422_is_asked_about_where_the_interface_knows_it() {
    for (newest, answer, known) in
        [((12, 2), 1, None), ((13, 0), 1, Some(true)), ((13, 0), 0, Some(false)), ((13, 0), REFUSED, None)]
    {
        let codec = hevc().answering(NV_ENC_CAPS::SUPPORT_YUV422_ENCODE, answer);
        let caps = caps(&Nvenc { newest, codecs: vec![codec], ..Nvenc::default() });
        assert_eq!(caps.codecs[0].yuv422, known, "{newest:?} {answer}");
    }
}

/// RV-NVC-1101
#[test]
fn the_table_has_a_row_for_each_encoder() {
    let expected = "\
Stand-in GPU encodes (driver with API 12.1):
encoder     smallest  largest    macroblocks  10-bit  4:2:2  4:4:4  lossless  B-frames  engines  profiles
h264_nvenc  145x49    4096x4096  65536        no      ?      yes    yes       4         2        baseline high444p
hevc_nvenc  129x33    8192x8192  262144       yes     ?      yes    yes       5         2        main main10
";
    assert_eq!(Nvenc::default().capabilities().unwrap().to_string(), expected);
}
