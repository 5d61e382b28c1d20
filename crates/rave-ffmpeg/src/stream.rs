//! What an input's streams are.

use std::ffi::CStr;

use crate::Rational;
use crate::dictionary::pairs;
use crate::sys::{self, AVMediaType};

/// What a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamKind {
    /// Moving pictures.
    Video,
    /// One picture beside the content, such as a cover.
    Picture,
    /// Sound.
    Audio,
    /// Subtitles.
    Subtitle,
    /// A file inside the file, such as a font.
    Attachment,
    /// Anything else: timecodes, telemetry.
    Data,
}

impl StreamKind {
    /// A word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            StreamKind::Video => "video",
            StreamKind::Picture => "picture",
            StreamKind::Audio => "audio",
            StreamKind::Subtitle => "subtitle",
            StreamKind::Attachment => "attachment",
            StreamKind::Data => "data",
        }
    }
}

/// One stream of an input.
#[derive(Clone, Debug)]
pub struct StreamInfo {
    /// Its place among the input's streams, which packets name.
    pub index: usize,
    /// What it holds.
    pub kind: StreamKind,
    /// FFmpeg's name of its codec.
    pub codec: String,
    /// The unit of its timestamps, in seconds.
    pub time_base: Rational,
    /// Bits per second, where the container says.
    pub bit_rate: Option<u64>,
    /// Samples per second, of sound.
    pub sample_rate: Option<u32>,
    /// Channels, of sound.
    pub channels: Option<u32>,
    /// Whether players choose it by themselves.
    pub is_default: bool,
    /// Its metadata: language, title and whatever else.
    pub metadata: Vec<(String, String)>,
}

impl StreamInfo {
    /// The value of a key of its metadata.
    #[must_use]
    pub fn metadata_value(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// # Safety
    /// `stream` points to a stream of an opened input that is not in use elsewhere.
    pub(crate) unsafe fn of(stream: *const sys::AVStream) -> Self {
        // SAFETY: required of the caller; a stream's parameters are never NULL, names of codecs are static.
        unsafe {
            let parameters = (*stream).codecpar;
            let is_sound =
                sys::enum_code!((*parameters).codec_type) == AVMediaType::AVMEDIA_TYPE_AUDIO as i32;
            StreamInfo {
                index: (*stream).index.max(0) as usize,
                kind: kind_of(stream),
                codec: CStr::from_ptr(sys::avcodec_get_name((*parameters).codec_id))
                    .to_string_lossy()
                    .into_owned(),
                time_base: (*stream).time_base.into(),
                bit_rate: u64::try_from((*parameters).bit_rate).ok().filter(|&rate| rate > 0),
                sample_rate: is_sound.then_some((*parameters).sample_rate.max(0) as u32),
                channels: is_sound.then_some((*parameters).ch_layout.nb_channels.max(0) as u32),
                is_default: (*stream).disposition & sys::AV_DISPOSITION_DEFAULT != 0,
                metadata: pairs((*stream).metadata),
            }
        }
    }
}

/// # Safety
/// As for [`StreamInfo::of`].
pub(crate) unsafe fn kind_of(stream: *const sys::AVStream) -> StreamKind {
    // SAFETY: required of the caller.
    let (code, disposition) =
        unsafe { (sys::enum_code!((*(*stream).codecpar).codec_type), (*stream).disposition) };
    let is = |kind: AVMediaType| code == kind as i32;
    if is(AVMediaType::AVMEDIA_TYPE_VIDEO) {
        if disposition & sys::AV_DISPOSITION_ATTACHED_PIC != 0 {
            StreamKind::Picture
        } else {
            StreamKind::Video
        }
    } else if is(AVMediaType::AVMEDIA_TYPE_AUDIO) {
        StreamKind::Audio
    } else if is(AVMediaType::AVMEDIA_TYPE_SUBTITLE) {
        StreamKind::Subtitle
    } else if is(AVMediaType::AVMEDIA_TYPE_ATTACHMENT) {
        StreamKind::Attachment
    } else {
        StreamKind::Data
    }
}
