//! What a user reads when NVENC does not take an output.

use rave_core::{PixelFormat, Size, Status};
use rave_nvcodec::sys::nvenc::NV_ENC_CAPS;
use rave_nvcodec::{ApiVersion, EncodeCodec, EncodeRequest, EncoderSupport, preflight_encode};

use crate::stand_in::{Codec, Nvenc, h264, hevc};

const H264_1080P: EncodeRequest = EncodeRequest {
    codec: EncodeCodec::H264,
    size: Size::new(1920, 1080),
    format: PixelFormat::Nv12,
    api: ApiVersion::new(12, 1),
};
const HEVC_1080P: EncodeRequest = EncodeRequest { codec: EncodeCodec::Hevc, ..H264_1080P };
const EIGHT_K: Size = Size::new(7680, 4320);

/// A GPU with these codecs, on a driver with this interface.
fn gpu(newest: (u32, u32), codecs: impl Into<Vec<Codec>>) -> EncoderSupport {
    Nvenc { newest, codecs: codecs.into(), ..Nvenc::default() }.capabilities().unwrap()
}

/// The message for a request that is refused as unsupported.
fn unsupported(support: &EncoderSupport, request: EncodeRequest) -> String {
    let error = preflight_encode(support, &request).unwrap_err();
    assert_eq!(error.status(), Status::UnsupportedFormat, "{error}");
    error.to_string().replace("[UNSUPPORTED_FORMAT] ", "")
}

/// RV-NVC-1201
#[test]
fn outputs_within_the_limits_pass() {
    let support = gpu((12, 1), [h264(), hevc()]);
    for request in [
        H264_1080P,
        EncodeRequest { size: Size::new(4096, 4096), ..H264_1080P },
        EncodeRequest { size: Size::new(145, 49), format: PixelFormat::Yuv444p, ..H264_1080P },
        EncodeRequest { format: PixelFormat::Bgr0, ..H264_1080P },
        EncodeRequest { format: PixelFormat::P010, size: EIGHT_K, ..HEVC_1080P },
        EncodeRequest { format: PixelFormat::Yuv444p16, ..HEVC_1080P },
        EncodeRequest { format: PixelFormat::Gbrp, api: ApiVersion::new(11, 1), ..HEVC_1080P },
    ] {
        assert_eq!(preflight_encode(&support, &request), Ok(()), "{request:?}");
    }
}

/// RV-NVC-1202
#[test]
fn a_gpu_without_nvenc_is_named_with_the_way_around() {
    let support = Nvenc { open_status: 2, ..Nvenc::default() }.capabilities().unwrap();
    for (request, around) in [
        (H264_1080P, "put hwdownload,format=nv12 after rave and use libx264"),
        (
            EncodeRequest { format: PixelFormat::P010, ..HEVC_1080P },
            "put hwdownload,format=p010le after rave and use libx265",
        ),
        (
            EncodeRequest { codec: EncodeCodec::Av1, ..H264_1080P },
            "put hwdownload,format=nv12 after rave and use libsvtav1",
        ),
    ] {
        let error = preflight_encode(&support, &request).unwrap_err();
        assert_eq!(error.status(), Status::InvalidDevice);
        assert_eq!(error.to_string(), format!("[INVALID_DEVICE] Stand-in GPU has no NVENC; {around}"));
    }
}

/// RV-NVC-1205
#[test]
fn a_driver_older_than_the_encoder_is_told_with_both_versions_and_what_to_install() {
    let support = gpu((12, 0), [h264()]);
    for (api, install) in [
        (ApiVersion::new(12, 1), "install NVIDIA driver 530.41.03 or newer"),
        (ApiVersion::new(13, 0), "install NVIDIA driver 570.0 or newer"),
        (ApiVersion::new(99, 0), "install a newer NVIDIA driver"),
    ] {
        let error = preflight_encode(&support, &EncodeRequest { api, ..H264_1080P }).unwrap_err();
        assert_eq!(error.status(), Status::RuntimeLibraryMissing);
        assert_eq!(
            error.to_string(),
            format!(
                "[RUNTIME_LIBRARY_MISSING] the driver is too old for h264_nvenc: its encoder interface is 12.0; \
                 expected {api}; {install}"
            )
        );
    }
}

/// RV-NVC-1203
#[test]
fn a_codec_that_is_not_there_points_to_those_that_take_the_frames() {
    let request = EncodeRequest { codec: EncodeCodec::Av1, ..H264_1080P };
    let both = gpu((12, 1), [h264(), hevc()]);
    assert_eq!(unsupported(&both, request), "Stand-in GPU has no AV1 encoder; use h264_nvenc or hevc_nvenc");
    assert_eq!(
        unsupported(&both, EncodeRequest { size: EIGHT_K, ..request }),
        "Stand-in GPU has no AV1 encoder; use hevc_nvenc"
    );
    assert_eq!(
        unsupported(&gpu((12, 1), [h264()]), EncodeRequest { size: EIGHT_K, ..request }),
        "Stand-in GPU has no AV1 encoder; put hwdownload,format=nv12 after rave and use libsvtav1"
    );
}

/// RV-NVC-1203
#[test]
fn a_frame_that_is_too_large_points_to_a_codec_that_takes_it_only_where_there_is_one() {
    let request = EncodeRequest { size: EIGHT_K, ..H264_1080P };
    let over = "output 7680x4320 is over the h264_nvenc limit of Stand-in GPU; expected at most 4096x4096;";
    assert_eq!(
        unsupported(&gpu((12, 1), [h264(), hevc()]), request),
        format!("{over} use hevc_nvenc, or scale down")
    );
    assert_eq!(unsupported(&gpu((12, 1), [h264()]), request), format!("{over} scale down"));
    let tall = EncodeRequest { size: Size::new(1080, 4097), ..H264_1080P };
    assert!(unsupported(&gpu((12, 1), [h264()]), tall).contains("output 1080x4097 is over"));
}

/// RV-NVC-1202
#[test]
fn a_frame_that_is_too_small_or_has_too_many_macroblocks_is_told_with_the_limit() {
    let support = gpu((12, 1), [h264().answering(NV_ENC_CAPS::MB_NUM_MAX, 36_864), hevc()]);
    assert_eq!(
        unsupported(&support, EncodeRequest { size: Size::new(140, 40), ..H264_1080P }),
        "output 140x40 is under the h264_nvenc limit of Stand-in GPU; expected at least 145x49; use hevc_nvenc, or \
         scale up, or put hwdownload,format=nv12 after rave and use libx264"
    );
    assert_eq!(
        unsupported(&support, EncodeRequest { size: Size::new(64, 64), ..H264_1080P }),
        "output 64x64 is under the h264_nvenc limit of Stand-in GPU; expected at least 145x49; scale up, or put \
         hwdownload,format=nv12 after rave and use libx264"
    );
    assert_eq!(
        unsupported(&support, EncodeRequest { size: Size::new(4000, 4001), ..H264_1080P }),
        "output 4000x4001 has 62750 macroblocks, over the h264_nvenc limit of Stand-in GPU; expected at most 36864; \
         use hevc_nvenc, or scale down"
    );
}

/// RV-NVC-1202, RV-NVC-1203
#[test]
fn ten_bit_samples_point_to_a_codec_that_has_them_or_to_eight_bits() {
    let request = EncodeRequest { format: PixelFormat::P010, ..H264_1080P };
    let refused = "10-bit H.264 (p010le) is not supported by h264_nvenc of Stand-in GPU;";
    assert_eq!(
        unsupported(&gpu((12, 1), [h264(), hevc()]), request),
        format!("{refused} use hevc_nvenc, or format=nv12")
    );
    assert_eq!(unsupported(&gpu((12, 1), [h264()]), request), format!("{refused} use format=nv12"));
    assert_eq!(
        unsupported(&gpu((12, 1), [h264()]), EncodeRequest { format: PixelFormat::Yuv444p16, ..H264_1080P }),
        "10-bit H.264 (yuv444p16le) is not supported by h264_nvenc of Stand-in GPU; use format=yuv444p"
    );
}

/// RV-NVC-1202, RV-NVC-1203
#[test]
fn chroma_that_is_not_encoded_points_to_a_codec_that_has_it_or_to_420() {
    let without = |codec: Codec| codec.answering(NV_ENC_CAPS::SUPPORT_YUV444_ENCODE, 0);
    let support = gpu((12, 1), [without(h264()), hevc()]);
    assert_eq!(
        unsupported(&support, EncodeRequest { format: PixelFormat::Yuv444p, ..H264_1080P }),
        "4:4:4 H.264 (yuv444p) is not supported by h264_nvenc of Stand-in GPU; use hevc_nvenc, or format=nv12"
    );
    let support = gpu((12, 1), [without(h264()), without(hevc())]);
    assert_eq!(
        unsupported(&support, EncodeRequest { format: PixelFormat::Gbrp16, ..HEVC_1080P }),
        "4:4:4 HEVC (gbrp16le) is not supported by hevc_nvenc of Stand-in GPU; use format=p010le"
    );
    assert_eq!(
        unsupported(&support, EncodeRequest { format: PixelFormat::Yuv444p16, ..H264_1080P }),
        "4:4:4 H.264 (yuv444p16le) is not supported by h264_nvenc of Stand-in GPU; use format=nv12"
    );
}

/// RV-NVC-1204
#[test]
fn a_size_that_is_not_taken_either_is_named_with_the_format() {
    let h264 = || h264().answering(NV_ENC_CAPS::SUPPORT_YUV444_ENCODE, 0);
    let few = h264().answering(NV_ENC_CAPS::MB_NUM_MAX, 36_864);
    let yuv444 = |size| EncodeRequest { format: PixelFormat::Yuv444p, size, ..H264_1080P };
    let refused = "4:4:4 H.264 (yuv444p) is not supported by h264_nvenc of Stand-in GPU;";
    for (codecs, size, help) in [
        (vec![h264()], EIGHT_K, "use format=nv12 and scale down to at most 4096x4096"),
        (vec![h264(), hevc()], EIGHT_K, "use hevc_nvenc, or format=nv12 and scale down to at most 4096x4096"),
        (vec![h264()], Size::new(64, 64), "use format=nv12 and scale up to at least 145x49"),
        (vec![few], Size::new(4000, 4000), "use format=nv12 and scale down to at most 36864 macroblocks"),
    ] {
        assert_eq!(unsupported(&gpu((12, 1), codecs), yuv444(size)), format!("{refused} {help}"));
    }
    let p210 = EncodeRequest { format: PixelFormat::P210, size: Size::new(9000, 9000), ..HEVC_1080P };
    let too_old = unsupported(&gpu((12, 1), [hevc()]), p210);
    assert!(too_old.ends_with("or use format=p010le and scale down to at most 8192x8192"), "{too_old}");
}

/// RV-NVC-1205
#[test]
fn yuv422_needs_the_driver_the_build_and_the_gpu() {
    let with = |answer| hevc().answering(NV_ENC_CAPS::SUPPORT_YUV422_ENCODE, answer);
    let new = ApiVersion::new(13, 0);
    let p210 = EncodeRequest { format: PixelFormat::P210, ..HEVC_1080P };
    let refused = "4:2:2 HEVC (p210le) is not supported by hevc_nvenc of Stand-in GPU;";
    assert_eq!(
        unsupported(&gpu((12, 2), [with(1)]), p210),
        format!(
            "{refused} expected encoder interface 13.0 for it, not 12.2; install NVIDIA driver 570.0 or newer, or use \
             format=p010le"
        )
    );
    assert_eq!(
        unsupported(&gpu((13, 0), [with(1)]), p210),
        format!("{refused} expected an FFmpeg built for encoder interface 13.0, not 12.1; use format=p010le")
    );
    assert_eq!(
        unsupported(&gpu((13, 0), [with(0)]), EncodeRequest { api: new, ..p210 }),
        format!("{refused} use format=p010le")
    );
    assert_eq!(preflight_encode(&gpu((13, 0), [with(1)]), &EncodeRequest { api: new, ..p210 }), Ok(()));
}

/// RV-NVC-1204
#[test]
fn a_format_that_nvenc_does_not_take_points_to_the_nearest_that_it_does() {
    let support = gpu((12, 1), [h264(), hevc()]);
    for (format, instead) in [
        (PixelFormat::Yuv420p10, "p010le"),
        (PixelFormat::Yuv444p12, "yuv444p16le"),
        (PixelFormat::Gbrp10, "yuv444p16le"),
        (PixelFormat::Rgb24, "nv12"),
        (PixelFormat::Rgb48, "p010le"),
        (PixelFormat::Gray8, "nv12"),
        (PixelFormat::Gray12, "p010le"),
    ] {
        assert_eq!(
            unsupported(&support, EncodeRequest { format, ..HEVC_1080P }),
            format!("NVENC takes no {format} frames; use format={instead}")
        );
    }
    // One step at a time would be two errors: the other codec is named with the format that it takes.
    assert_eq!(
        unsupported(&support, EncodeRequest { format: PixelFormat::Yuv420p10, ..H264_1080P }),
        "10-bit H.264 (yuv420p10le) is not supported by h264_nvenc of Stand-in GPU; use hevc_nvenc with format=p010le, \
         or format=nv12"
    );
}

/// RV-NVC-1204
#[test]
fn every_format_either_passes_or_is_sent_to_one_that_does() {
    let support = gpu((13, 0), [hevc().answering(NV_ENC_CAPS::SUPPORT_YUV422_ENCODE, 1)]);
    for &format in PixelFormat::ALL {
        let request = EncodeRequest { format, api: ApiVersion::new(13, 0), ..HEVC_1080P };
        if let Err(error) = preflight_encode(&support, &request) {
            let text = error.to_string();
            let instead = PixelFormat::from_name(text.split_once("use format=").unwrap().1).unwrap();
            assert_eq!(preflight_encode(&support, &EncodeRequest { format: instead, ..request }), Ok(()));
        }
    }
}
