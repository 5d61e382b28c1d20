//! Which encoder writes a file, and in which pixel format.

use std::ptr;

use rave_core::{ChromaSiting, Colorimetry, Error, Matrix, PixelFormat, Range, Result, Status};

use crate::dictionary::{c_string, text_at};
use crate::encoder::find_encoder;
use crate::error::check;
use crate::formats;
use crate::sys::{self, AVCodecConfig, AVCodecID, AVPixelFormat};

/// Whether this FFmpeg has the encoder of video `name`.
#[must_use]
pub fn encoder_exists(name: &str) -> bool {
    find_encoder(name).is_ok()
}

/// Whether what an encoder makes of a frame depends on that frame alone, as of PNG: it predicts nothing from others, and as it
/// may lose nothing, no rate is regulated.
///
/// # Errors
/// [`Status::InvalidParameter`] for an encoder that this FFmpeg does not have.
// RV-FF-1505
pub fn encodes_without_memory(encoder: &str) -> Result<bool> {
    let (properties, id) = described(encoder)?;
    // FFmpeg does not say it of PNG, whose decoder is that of APNG.
    let is_png = id == AVCodecID::AV_CODEC_ID_PNG as i32;
    let is_alone = properties & sys::AV_CODEC_PROP_INTRA_ONLY != 0 || is_png;
    Ok(properties & sys::AV_CODEC_PROP_LOSSLESS != 0 && is_alone)
}

/// Whether an encoder gives back what went in, whatever its options.
fn loses_nothing(encoder: &str) -> Result<bool> {
    let (properties, _) = described(encoder)?;
    Ok(properties & (sys::AV_CODEC_PROP_LOSSLESS | sys::AV_CODEC_PROP_LOSSY) == sys::AV_CODEC_PROP_LOSSLESS)
}

/// What FFmpeg says of an encoder's codec, and its number.
fn described(encoder: &str) -> Result<(i32, i32)> {
    let codec = find_encoder(encoder)?;
    // SAFETY: the codec is static, its id one that libavcodec has; that gives NULL or a static description.
    let (described, id) =
        unsafe { (sys::avcodec_descriptor_get((*codec).id).as_ref(), sys::enum_code!((*codec).id)) };
    Ok((described.map_or(0, |codec| codec.props), id))
}

/// The encoder for a file of that name: what its container is for, and of those that this FFmpeg has, the one that
/// keeps `format`. H.264 becomes HEVC for more than 8 bits, which few players take in H.264; lossless containers and
/// images get lossless encoders.
///
/// # Errors
/// [`Status::InvalidParameter`] when the container is unknown, holds no video, or this FFmpeg has no encoder for it.
// RV-FF-1503
pub fn default_encoder(path: &str, container: Option<&str>, format: PixelFormat) -> Result<String> {
    let container_name = container.map(|name| c_string("format", name)).transpose()?;
    let path_name = c_string("path", path)?;
    // SAFETY: names are NULL or terminated.
    let found = unsafe {
        let name = container_name.as_ref().map_or(ptr::null(), |name| name.as_ptr());
        sys::av_guess_format(name, path_name.as_ptr(), ptr::null())
    };
    // SAFETY: NULL or a static description.
    let Some(output) = (unsafe { found.as_ref() }) else {
        return Err(Error::new(
            Status::InvalidParameter,
            format!("output {path}: no container is known by that name"),
        )
        .expected("an ending such as .mp4, .mkv, .mov or .png")
        .help("or name the format"));
    };
    // SAFETY: the name is static; the codec is read as a number.
    let (name, codec) =
        unsafe { (text_at(output.name).unwrap_or_default(), sys::enum_code!(output.video_codec)) };
    let is = |id: AVCodecID| codec == id as i32;
    let deep = format.layout().depth > 8;
    let first =
        |names: &[&str]| names.iter().find(|name| encoder_exists(name)).map(|name| (*name).to_owned());
    let chosen = if is(AVCodecID::AV_CODEC_ID_NONE) {
        None
    } else if name == "yuv4mpegpipe" || name == "rawvideo" {
        first(&["rawvideo"])
    } else if name.starts_with("image2") {
        // SAFETY: names are NULL or terminated; the format is static.
        let id = unsafe {
            sys::av_guess_codec(
                output,
                ptr::null(),
                path_name.as_ptr(),
                ptr::null(),
                sys::AVMediaType::AVMEDIA_TYPE_VIDEO,
            )
        };
        encoder_of(id)
    } else if is(AVCodecID::AV_CODEC_ID_H264) || name == "mpegts" {
        let hevc =
            if deep && may_hold(output, AVCodecID::AV_CODEC_ID_HEVC) { first(&["libx265"]) } else { None };
        hevc.or_else(|| first(&["libx264", "libopenh264"])).or_else(|| encoder_of(output.video_codec))
    } else {
        encoder_of(output.video_codec)
    };
    chosen.ok_or_else(|| {
        Error::new(Status::InvalidParameter, format!("output {path}: this FFmpeg has no encoder for {name}"))
            .help("name one with the codec option; see ffmpeg -encoders")
    })
}

fn encoder_of(id: AVCodecID) -> Option<String> {
    // SAFETY: the id is one that libav* gave; it gives NULL or a static description with a name.
    unsafe { sys::avcodec_find_encoder(id).as_ref().and_then(|codec| text_at(codec.name)) }
}

/// Other than 0 is yes, or that the muxer does not say.
fn may_hold(output: &sys::AVOutputFormat, codec: AVCodecID) -> bool {
    // SAFETY: the format is a static description.
    unsafe { sys::avformat_query_codec(output, codec, sys::FF_COMPLIANCE_NORMAL) != 0 }
}

/// How the Y'CbCr of an encoder's frames is to be coded, where its codec leaves no choice: of JPEG, by BT.601 in full range, with
/// chroma in the middle (JFIF, ITU-T T.871).
// RV-FF-1507
#[must_use]
pub fn fixed_colors(encoder: &str) -> Option<Colorimetry> {
    let jfif = Colorimetry { matrix: Matrix::Bt601, range: Range::Full, siting: ChromaSiting::Center };
    matches!(encoder, "mjpeg" | "ljpeg").then_some(jfif)
}

/// The pixel formats of frames in host memory that an encoder takes and RAVE writes, in the encoder's order of
/// preference. All of RAVE's where the encoder does not say.
///
/// # Errors
/// [`Status::InvalidParameter`] for an encoder that this FFmpeg does not have.
pub fn supported_formats(encoder: &str) -> Result<Vec<PixelFormat>> {
    let Some(codes) = format_codes(encoder)? else { return Ok(PixelFormat::ALL.to_vec()) };
    let known = |code: &i32| formats::known(*code).or_else(|| formats::other_endian(*code));
    let plain = codes.iter().filter(|&&code| formats::without_j(code).is_none());
    let formats: Vec<PixelFormat> = plain.filter_map(known).collect();
    if !formats.is_empty() {
        return Ok(formats);
    }
    // Encoders of full range alone name the J formats.
    Ok(codes.iter().filter_map(known).collect())
}

/// FFmpeg's number of the format in which an encoder takes frames of `format`, and whether it has the bytes of samples
/// in the other order.
pub(crate) fn stored_format(encoder: &str, format: PixelFormat) -> Result<(i32, bool)> {
    let same = formats::av_format(format) as i32;
    let codes = format_codes(encoder)?.unwrap_or_default();
    let swapped = codes.iter().find(|&&code| formats::other_endian(code) == Some(format));
    Ok(match swapped {
        Some(&code) if !codes.contains(&same) => (code, true),
        _ => (same, false),
    })
}

/// FFmpeg's numbers of the formats that an encoder takes; `None` where it does not say.
fn format_codes(encoder: &str) -> Result<Option<Vec<i32>>> {
    let codec = find_encoder(encoder)?;
    let (mut list, mut count) = (ptr::null(), 0);
    // SAFETY: the codec is static, both places are valid; the list is the encoder's own, and static.
    let code = unsafe {
        sys::avcodec_get_supported_config(
            ptr::null(),
            codec,
            AVCodecConfig::AV_CODEC_CONFIG_PIX_FORMAT,
            0,
            &mut list,
            &mut count,
        )
    };
    check(code, || format!("encoder {encoder}"))?;
    if list.is_null() {
        return Ok(None);
    }
    // SAFETY: the list has as many formats as it says; they are read as numbers.
    let codes = (0..count as usize).map(|index| unsafe { *list.cast::<i32>().add(index) });
    Ok(Some(codes.filter(|&code| code != AVPixelFormat::AV_PIX_FMT_NONE as i32).collect()))
}

/// Of the formats that an encoder takes ([`supported_formats`]), the nearest to `format`: it keeps depth, and then the
/// resolution of chroma, where any of them does.
///
/// # Errors
/// [`Status::InvalidParameter`] for an encoder that this FFmpeg does not have or that takes nothing RAVE writes.
// RV-FF-1504
pub fn closest_format(encoder: &str, format: PixelFormat) -> Result<PixelFormat> {
    let supported = supported_formats(encoder)?;
    if supported.contains(&format) {
        return Ok(format);
    }
    let layout = format.layout();
    let chroma = (layout.log2_chroma_width, layout.log2_chroma_height);
    formats::closest(supported, layout.family, layout.depth, chroma).ok_or_else(|| {
        Error::new(
            Status::InvalidParameter,
            format!("encoder {encoder} takes no pixel format that RAVE writes"),
        )
    })
}

/// An encoder's own options for a quality on the scale of x264's `crf`: 0 is lossless or the best, 51 the worst; and
/// for a preset by the encoder's own name.
///
/// # Errors
/// [`Status::InvalidParameter`] for a quality of an encoder that has none, or none that is known here; what loses nothing takes
/// 0. For an encoder that this FFmpeg does not have.
// RV-FF-1506
pub fn quality_options(
    encoder: &str,
    quality: Option<f32>,
    preset: Option<&str>,
) -> Result<Vec<(String, String)>> {
    let mut options = quality.map_or(Ok(Vec::new()), |quality| options_of_quality(encoder, quality))?;
    if let Some(preset) = preset {
        options.push(("preset".to_owned(), preset.to_owned()));
    }
    Ok(options)
}

fn options_of_quality(encoder: &str, quality: f32) -> Result<Vec<(String, String)>> {
    let pairs = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let (is_best, number) = (quality <= 0.0, quality.to_string());
    Ok(if encoder.ends_with("_nvenc") && is_best {
        // As its cq, 0 would be what NVENC chooses.
        pairs(&[("rc", "constqp"), ("qp", "0")])
    } else if encoder.ends_with("_nvenc") {
        pairs(&[("rc", "vbr"), ("cq", &number), ("b", "0")])
    } else if ["libx26", "libsvtav1", "libvpx"].iter().any(|family| encoder.starts_with(family)) {
        pairs(&[("crf", &number)])
    } else if matches!(encoder, "mjpeg" | "mpeg4" | "mpeg2video") {
        // Quantisers of these go from 1 to 31.
        let quantiser = (1.0 + quality.clamp(0.0, 51.0) * 30.0 / 51.0).round() as i32;
        let quantiser = (quantiser * sys::FF_QP2LAMBDA).to_string();
        pairs(&[("flags", "+qscale"), ("global_quality", &quantiser)])
    } else {
        let loses_nothing = loses_nothing(encoder)?;
        if !(loses_nothing && is_best) {
            let found = format!("quality {quality} of encoder {encoder}");
            let error = Error::new(Status::InvalidParameter, found);
            let expected =
                if loses_nothing { "0: it loses nothing" } else { "an encoder whose scale RAVE knows" };
            return Err(error.expected(expected).help(format!(
                "leave the quality out, and give the encoder's own options (rave upscale -x NAME=VALUE; see \
                 ffmpeg -h encoder={encoder})"
            )));
        }
        Vec::new()
    })
}
