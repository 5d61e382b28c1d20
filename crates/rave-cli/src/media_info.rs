//! `rave info` of films and pictures.

use std::path::Path;

use rave_core::Size;
use rave_ffmpeg::{ColorCodes, Input, InputOptions, Rational, StreamInfo, StreamKind, VideoInfo};

/// What FFmpeg finds in the file at `path`: the container's format, and names and values. `None` for what is no film,
/// sound or picture.
// RV-CLI-1204
pub(crate) fn of(path: &Path) -> Option<(String, Vec<(String, String)>)> {
    let is_model =
        path.extension().is_some_and(|end| ["onnx", "engine", "plan"].iter().any(|model| end == *model));
    let name = path.to_str()?;
    if is_model {
        return None;
    }
    let input = Input::open(&InputOptions::new(name)).ok()?;
    let mut lines = Vec::new();
    let mut line = |name: &str, value: String| lines.push((name.to_owned(), value));
    if let Some(seconds) = input.duration() {
        let rate = input.bit_rate().map_or(String::new(), |rate| format!(", {} kbit/s", rate / 1000));
        line("duration", format!("{seconds:.3} s{rate}"));
    }
    if let Ok(video) = input.video() {
        line("video", video_line(video));
        line("pixels", pixels_line(video));
        line("colours", colors_line(&video.color));
        hdr_lines(video).into_iter().for_each(|value| line("light", value));
        if video.rotation != 0 {
            line("rotation", format!("{} degrees clockwise, by the player", video.rotation));
        }
    }
    let shown = input.video().map(|video| video.index).ok();
    for stream in input.streams().iter().filter(|stream| Some(stream.index) != shown) {
        line(stream.kind.name(), stream_line(stream));
    }
    let chapters = input.chapters().len();
    if chapters > 0 {
        line("chapters", chapters.to_string());
    }
    Some((input.format_name(), lines))
}

fn video_line(video: &VideoInfo) -> String {
    let profile = video.profile.as_ref().map_or(String::new(), |profile| format!(" ({profile})"));
    let rate = |rate: Rational| {
        format!("{:.3}", rate.to_f64()).trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let rates = match (video.average_rate, video.frame_rate) {
        (Some(average), Some(most)) if average != most => {
            format!(", {} frames/s on average, up to {}", rate(average), rate(most))
        }
        (Some(known), _) | (_, Some(known)) => format!(", {} frames/s", rate(known)),
        _ => String::new(),
    };
    let frames = video.frames.map_or(String::new(), |frames| format!(", about {frames} frames"));
    let fields = if video.interlaced { ", interlaced" } else { "" };
    format!("{}{profile}, {}{rates}{frames}{fields}", video.codec, video.size)
}

fn pixels_line(video: &VideoInfo) -> String {
    let kernels = match video.format {
        Some(_) => String::new(),
        None => match rave_ffmpeg::closest_known_format(&video.pixel_format) {
            Some(format) => format!(", brought to {format} first"),
            None => ", which RAVE does not know".to_owned(),
        },
    };
    let aspect = match video.sample_aspect {
        Some(aspect) if aspect.num != aspect.den => {
            let Size { width, height } = video.size;
            let shown = f64::from(width) * aspect.to_f64();
            format!(", of {}:{}, shown as {shown:.0}x{height}", aspect.num, aspect.den)
        }
        _ => ", square".to_owned(),
    };
    format!("{}{kernels}{aspect}", video.pixel_format)
}

/// By their names in H.273, as far as RAVE tells them apart; otherwise by their numbers.
fn colors_line(color: &ColorCodes) -> String {
    let matrix = match color.tags() {
        Ok(tags) => tags.matrix.map_or("matrix unspecified".to_owned(), |matrix| matrix.to_string()),
        Err(_) => format!("matrix {}, which RAVE does not convert", color.matrix),
    };
    let range = ["range unspecified", "limited range", "full range"];
    let range = range.get(color.range as usize).copied().unwrap_or("unknown range");
    let transfer = match color.transfer {
        16 => ", PQ (HDR)".to_owned(),
        18 => ", HLG (HDR)".to_owned(),
        2 => String::new(),
        code => format!(", transfer {code}"),
    };
    format!("{matrix}, {range}{transfer}")
}

fn hdr_lines(video: &VideoInfo) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some([least, most]) = video.hdr.mastering.and_then(|mastering| mastering.luminance) {
        lines.push(format!("graded at {} to {} cd/m2", least.to_f64(), most.to_f64()));
    }
    if let Some(light) = video.hdr.light {
        let (content, average) = (light.max_content, light.max_frame_average);
        lines.push(format!("at most {content} cd/m2, {average} on average over a frame"));
    }
    lines
}

fn stream_line(stream: &StreamInfo) -> String {
    let mut parts = vec![stream.codec.clone()];
    if let (Some(rate), Some(channels)) = (stream.sample_rate, stream.channels) {
        parts.push(format!("{rate} Hz"));
        parts.push(format!("{channels} {}", if channels == 1 { "channel" } else { "channels" }));
    }
    if stream.kind != StreamKind::Attachment {
        parts.extend(stream.metadata_value("language").map(str::to_owned));
    }
    for key in ["title", "filename"] {
        parts.extend(stream.metadata_value(key).map(|value| format!("\u{201c}{value}\u{201d}")));
    }
    parts.join(", ")
}
