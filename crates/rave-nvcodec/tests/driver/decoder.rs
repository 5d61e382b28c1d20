//! What NVDEC's answers become.

use rave_core::{PixelFormat, Size, Status};
use rave_nvcodec::{Chroma, DecodeCodec, DecodeMode};

use crate::stand_in::Nvdec;

const HEVC_444_10: DecodeMode = DecodeMode { codec: DecodeCodec::Hevc, chroma: Chroma::Yuv444, depth: 10 };

/// RV-NVC-1101
#[test]
fn every_mode_is_asked_about_and_the_supported_ones_are_kept_with_their_limits() {
    let caps = Nvdec::default().capabilities();
    assert_eq!(caps.modes().len(), 4);
    let limits = caps.limits(HEVC_444_10).unwrap();
    assert_eq!((limits.min, limits.max), (Size::new(144, 144), Size::new(8192, 4096)));
    assert_eq!((limits.max_macroblocks, limits.engines), (65536, 7));
    let surfaces: Vec<_> = limits.surfaces.formats().collect();
    assert_eq!(surfaces, [PixelFormat::P016, PixelFormat::Yuv444p16]);
    assert_eq!(caps.limits(DecodeMode { depth: 8, ..HEVC_444_10 }), None);
    assert_eq!(DecodeMode::all().count(), 10 * 4 * 3);
}

#[test]
fn codecs_have_ffmpegs_names() {
    for codec in DecodeCodec::ALL {
        assert_eq!(DecodeCodec::from_name(codec.name()), Some(*codec));
    }
    assert_eq!(DecodeCodec::from_name("hevc"), Some(DecodeCodec::Hevc));
    assert_eq!(DecodeCodec::from_name("prores"), None);
}

/// RV-NVC-1102
#[test]
fn a_codec_that_the_driver_is_too_old_to_know_is_not_decoded() {
    let hevc = 8;
    let caps = Nvdec { older_than: hevc, ..Nvdec::default() }.capabilities();
    assert_eq!(caps.modes().len(), 1);
    assert_eq!(caps.modes()[0].0.codec, DecodeCodec::H264);
}

/// RV-NVC-1104
#[test]
fn without_a_current_context_the_error_says_so() {
    for code in [3, 201] {
        let error = Nvdec { failure: code, ..Nvdec::default() }.open().capabilities().unwrap_err();
        assert_eq!(error.status(), Status::InvalidDevice);
        let text = error.to_string();
        assert!(text.contains(&format!("CUDA error {code} (no CUDA context)")), "{text}");
        assert!(text.contains("expected a CUDA context that is current on the calling thread"), "{text}");
    }
}

/// RV-NVC-1104
#[test]
fn another_error_is_told_with_its_number() {
    let error = Nvdec { failure: 999, ..Nvdec::default() }.open().capabilities().unwrap_err();
    assert_eq!(
        error.to_string(),
        "[INVALID_DEVICE] NVDEC of Stand-in GPU: asking about mpeg1video mono of 8 bits gave CUDA error 999"
    );
}

/// RV-NVC-1101, RV-NVC-1103
#[test]
fn the_table_has_a_row_for_each_mode() {
    let expected = "\
Stand-in GPU decodes:
codec  chroma  bits  smallest  largest    macroblocks  engines  frames come out as
h264   4:2:0   8     48x16     4096x4096  65536        7        nv12
hevc   4:2:0   8     144x144   8192x8192  262144       7        nv12
hevc   4:2:0   10    144x144   8192x8192  262144       7        nv12 p016le
hevc   4:4:4   10    144x144   8192x4096  65536        7        p016le yuv444p16le
";
    assert_eq!(Nvdec::default().capabilities().to_string(), expected);
    let none = Nvdec { modes: vec![], ..Nvdec::default() }.capabilities();
    assert_eq!(none.to_string(), "Stand-in GPU decodes nothing: it has no NVDEC\n");
}
