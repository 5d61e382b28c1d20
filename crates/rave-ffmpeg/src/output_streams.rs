//! What streams an output has: encoded video, and whatever is copied from the input.

use std::ffi::CStr;
use std::ops::Range;
use std::ptr;

use rave_core::{Error, Result, Status};

use crate::encoder::Encoder;
use crate::error::{check, out_of_memory};
use crate::input::Input;
use crate::output::{Output, Track};
use crate::stream::StreamKind;
use crate::sys::{self, AVCodecID, timestamp};
use crate::{Rational, output_side_data};

/// What is known of a stream that is written.
#[derive(Debug)]
pub(crate) struct TrackState {
    /// Its index in the output; `None` where its packets are not needed, as those of a cover that became an attachment.
    pub(crate) stream: Option<usize>,
    copied: bool,
    /// Samples in a packet of copied sound, where all have the same number.
    samples: Option<i32>,
    rescale_state: i64,
    last_dts: Option<i64>,
}

impl TrackState {
    fn new(stream: Option<usize>, copied: bool) -> Self {
        TrackState { stream, copied, samples: None, rescale_state: sys::AV_NOPTS_VALUE, last_dts: None }
    }

    /// Brings a packet's times into the unit that the muxer has chosen for the stream.
    pub(crate) fn rescale(&mut self, packet: &mut sys::AVPacket, stream: &sys::AVStream) {
        // SAFETY: a stream's parameters are never NULL; the functions are plain arithmetic on what they are given.
        unsafe {
            let parameters = &*stream.codecpar;
            let is_sound =
                sys::enum_code!(parameters.codec_type) == sys::AVMediaType::AVMEDIA_TYPE_AUDIO as i32;
            if is_sound && self.copied && parameters.sample_rate > 0 && packet.dts != sys::AV_NOPTS_VALUE {
                // In steps of samples, so that coarse units of the input do not become uneven ones of the output.
                let known = sys::av_get_audio_frame_duration2(stream.codecpar, packet.size);
                let samples = if known > 0 { known } else { self.samples.unwrap_or(0) };
                let unit = sys::AVRational { num: 1, den: parameters.sample_rate };
                packet.dts = sys::av_rescale_delta(
                    packet.time_base,
                    packet.dts,
                    unit,
                    samples,
                    &mut self.rescale_state,
                    stream.time_base,
                );
                packet.pts = packet.dts;
                packet.duration = sys::av_rescale_q(packet.duration, packet.time_base, stream.time_base);
            } else {
                sys::av_packet_rescale_ts(packet, packet.time_base, stream.time_base);
            }
        }
        packet.time_base = stream.time_base;
    }

    /// Sees to it that decoding times rise, which containers need. Copied packets are moved; whether one was is returned.
    /// Encoded video must rise by itself.
    pub(crate) fn make_rise(&mut self, packet: &mut sys::AVPacket, strict: bool) -> Result<bool> {
        let Some(dts) = timestamp(packet.dts) else { return Ok(false) };
        let least = self.last_dts.map_or(i64::MIN, |last| last + i64::from(strict));
        let mut moved = dts < least;
        if moved && !self.copied {
            let last = self.last_dts.unwrap_or_default();
            return Err(Error::new(
                Status::InvalidParameter,
                format!("video's decoding time {dts} after {last}"),
            )
            .expected("times that rise in the container's unit")
            .help("use a container with finer times, such as .mp4, or a constant frame rate"));
        }
        if !self.copied && timestamp(packet.pts).is_some_and(|pts| pts < dts) {
            return Err(Error::new(
                Status::InvalidParameter,
                format!("video at {} is decoded at {dts}", packet.pts),
            )
            .expected("decoding before showing"));
        }
        packet.dts = dts.max(least);
        if let Some(pts) = timestamp(packet.pts)
            && pts < packet.dts
        {
            packet.pts = packet.dts;
            moved = true;
        }
        self.last_dts = Some(packet.dts);
        Ok(moved)
    }
}

/// Which stream of an output each stream of an input became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamMap {
    /// By the input's index; `None` for what is not copied.
    pub tracks: Vec<Option<Track>>,
    /// The track of the video.
    pub video: Track,
    /// What could not be copied because the container does not hold it.
    pub left_out: Vec<usize>,
}

/// Metadata that was true of the input's video, and is not of what is encoded from it.
const STALE: [&str; 6] = ["encoder", "BPS", "NUMBER_OF_BYTES", "NUMBER_OF_FRAMES", "_STATISTICS_", "ENCODER"];

impl Output {
    /// Adds everything that `input` has, in its order: the video as `encoder` encodes it, copies of whatever else the
    /// container can hold, metadata and chapters.
    ///
    /// # Errors
    /// As [`Output::add_video`] and [`Output::copy_stream`].
    // RV-FF-1605, RV-FF-1606
    pub fn add_streams_of(&mut self, input: &Input, encoder: &Encoder) -> Result<StreamMap> {
        let index = input.video()?.index;
        let (mut tracks, mut left_out, mut video) = (Vec::new(), Vec::new(), None);
        for stream in input.streams() {
            tracks.push(if stream.index == index {
                video = Some(self.add_video(encoder, Some(input))?);
                video
            } else if self.can_copy(input, stream.index) {
                Some(self.copy_stream(input, stream.index)?)
            } else {
                left_out.push(stream.index);
                None
            });
        }
        self.copy_metadata(input)?;
        self.copy_chapters(input, |times, _| Some(times))?;
        let video =
            video.ok_or_else(|| Error::new(Status::UnsupportedFormat, input.name()).expected("video"))?;
        Ok(StreamMap { tracks, video, left_out })
    }

    /// Adds the video of `encoder`. From `like`, whose video it was made of, come metadata, disposition, rotation and
    /// whatever else is said of the whole stream and still holds.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when the container cannot hold such video, or the header is written already.
    // RV-FF-1604
    pub fn add_video(&mut self, encoder: &Encoder, like: Option<&Input>) -> Result<Track> {
        self.expect_describing("add_video")?;
        let context = encoder.get();
        self.check_holds(context.codec_id, "video")?;
        let stream = self.new_stream()?;
        // SAFETY: the stream is new and ours; the encoder is open; the input's stream is valid.
        unsafe {
            let code = sys::avcodec_parameters_from_context((*stream).codecpar, context);
            check(code, || self.name.clone())?;
            (*stream).time_base = context.time_base;
            (*stream).avg_frame_rate = context.framerate;
            (*stream).sample_aspect_ratio = context.sample_aspect_ratio;
            let hevc = AVCodecID::AV_CODEC_ID_HEVC as i32;
            if self.is_mov_family() && sys::enum_code!(context.codec_id) == hevc {
                // Headers are in the container alone; some players take HEVC by no other name.
                (*(*stream).codecpar).codec_tag = u32::from_le_bytes(*b"hvc1");
            }
            output_side_data::of_encoder(context, (*stream).codecpar)?;
            if let Some(input) = like {
                let source = input.stream_ptr(input.video()?.index);
                output_side_data::of_input((*source).codecpar, (*stream).codecpar)?;
                (*stream).disposition = (*source).disposition & !sys::AV_DISPOSITION_ATTACHED_PIC;
                (*stream).id = if self.has_flag(sys::AVFMT_SHOW_IDS) { (*source).id } else { (*stream).id };
                sys::av_dict_copy(&mut (*stream).metadata, (*source).metadata, 0);
                remove_stale(&mut (*stream).metadata);
            }
        }
        Ok(self.track_of(stream, false))
    }

    /// Whether the container can hold a copy of a stream. Timecodes and chapters that are streams of their own are not
    /// copied: they come back from metadata and [`Output::copy_chapters`].
    #[must_use]
    // RV-FF-1605
    pub fn can_copy(&self, input: &Input, index: usize) -> bool {
        let stream = input.stream_ptr(index);
        // SAFETY: a stream's parameters are never NULL.
        let (codec, tag) = unsafe { ((*(*stream).codecpar).codec_id, (*(*stream).codecpar).codec_tag) };
        match input.kind(index) {
            StreamKind::Attachment => self.is_matroska(),
            StreamKind::Data if [*b"tmcd", *b"text"].map(u32::from_le_bytes).contains(&tag) => false,
            StreamKind::Picture if self.is_matroska() => true,
            _ => self.holds(codec),
        }
    }

    /// Adds a copy of an input's stream, with its metadata and disposition. Its packets are to be written as they are
    /// read.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when the container cannot hold it ([`Output::can_copy`]), or the header is written
    /// already.
    // RV-FF-1605
    pub fn copy_stream(&mut self, input: &Input, index: usize) -> Result<Track> {
        self.expect_describing("copy_stream")?;
        let source = input.stream_ptr(index);
        if !self.can_copy(input, index) {
            let info = &input.streams()[index];
            let found = format!(
                "{}: {} cannot hold {} {}",
                self.name,
                self.format_name(),
                info.kind.name(),
                info.codec
            );
            return Err(Error::new(Status::InvalidParameter, found).help("leave it out, or use .mkv"));
        }
        if input.kind(index) == StreamKind::Picture && self.is_matroska() {
            return self.attach_picture(source);
        }
        let stream = self.new_stream()?;
        // SAFETY: the stream is new and ours, the source valid.
        unsafe {
            check(sys::avcodec_parameters_copy((*stream).codecpar, (*source).codecpar), || {
                self.name.clone()
            })?;
            (*(*stream).codecpar).codec_tag = self.tag_for((*source).codecpar);
            (*stream).time_base = (*source).time_base;
            (*stream).avg_frame_rate = (*source).avg_frame_rate;
            (*stream).r_frame_rate = (*source).r_frame_rate;
            (*stream).sample_aspect_ratio = (*source).sample_aspect_ratio;
            (*stream).disposition = (*source).disposition;
            (*stream).id = if self.has_flag(sys::AVFMT_SHOW_IDS) { (*source).id } else { (*stream).id };
            sys::av_dict_copy(&mut (*stream).metadata, (*source).metadata, 0);
        }
        let track = self.track_of(stream, true);
        // SAFETY: as above.
        let samples = unsafe { (*(*stream).codecpar).frame_size };
        self.tracks[track.0].samples = (samples > 0).then_some(samples);
        Ok(track)
    }

    /// Matroska keeps a cover as an attached file. As a stream it would be a video of one frame.
    fn attach_picture(&mut self, source: *mut sys::AVStream) -> Result<Track> {
        let stream = self.new_stream()?;
        // SAFETY: the stream is new and ours; the source's picture is a packet that lives as long as its input.
        unsafe {
            let picture = &(*source).attached_pic;
            let parameters = (*stream).codecpar;
            let id = (*(*source).codecpar).codec_id;
            (*parameters).codec_type = sys::AVMediaType::AVMEDIA_TYPE_ATTACHMENT;
            (*parameters).codec_id = id;
            let size = picture.size.max(0) as usize;
            (*parameters).extradata =
                sys::av_mallocz(size + sys::AV_INPUT_BUFFER_PADDING_SIZE as usize).cast();
            if (*parameters).extradata.is_null() {
                return Err(out_of_memory(&self.name));
            }
            ptr::copy_nonoverlapping(picture.data, (*parameters).extradata, size);
            (*parameters).extradata_size = size as i32;
            let (file, kind) = if sys::enum_code!(id) == AVCodecID::AV_CODEC_ID_PNG as i32 {
                (c"cover.png", c"image/png")
            } else {
                (c"cover.jpg", c"image/jpeg")
            };
            sys::av_dict_copy(&mut (*stream).metadata, (*source).metadata, 0);
            let keep = sys::AV_DICT_DONT_OVERWRITE;
            sys::av_dict_set(&mut (*stream).metadata, c"filename".as_ptr(), file.as_ptr(), keep);
            sys::av_dict_set(&mut (*stream).metadata, c"mimetype".as_ptr(), kind.as_ptr(), keep);
        }
        self.tracks.push(TrackState::new(None, true));
        Ok(Track(self.tracks.len() - 1))
    }

    /// Takes over the container's metadata.
    ///
    /// # Errors
    /// When the header is written already.
    pub fn copy_metadata(&mut self, input: &Input) -> Result<()> {
        self.expect_describing("copy_metadata")?;
        // SAFETY: both lists are their contexts'.
        unsafe {
            let metadata = &raw mut (*self.context.as_ptr()).metadata;
            check(sys::av_dict_copy(metadata, input.get().metadata, 0), || self.name.clone())?;
            // The program that wrote the input, and times that muxers write themselves.
            for key in [c"encoder", c"major_brand", c"minor_version", c"compatible_brands"] {
                sys::av_dict_set(metadata, key.as_ptr(), ptr::null(), 0);
            }
        }
        Ok(())
    }

    /// Takes over the chapters. `place` is given the times of each, from one to another in a unit of seconds, and says what
    /// they are in the output; `None` leaves it out.
    ///
    /// # Errors
    /// [`Status::OutOfMemory`]; when the header is written already.
    // RV-FF-1606
    pub fn copy_chapters(
        &mut self,
        input: &Input,
        place: impl Fn(Range<i64>, Rational) -> Option<Range<i64>>,
    ) -> Result<()> {
        self.expect_describing("copy_chapters")?;
        let (source, context) = (input.get(), self.context.as_ptr());
        // SAFETY: the new list and its entries are allocated as libavformat frees them: by av_malloc, a pointer each.
        unsafe {
            for index in 0..source.nb_chapters as usize {
                let from = &**source.chapters.add(index);
                let Some(times) = place(from.start..from.end, from.time_base.into()) else { continue };
                let count = (*context).nb_chapters as usize;
                let size = (count + 1) * size_of::<*mut sys::AVChapter>();
                let list = sys::av_realloc((*context).chapters.cast(), size).cast::<*mut sys::AVChapter>();
                let chapter = sys::av_mallocz(size_of::<sys::AVChapter>()).cast::<sys::AVChapter>();
                if !list.is_null() {
                    (*context).chapters = list;
                }
                if list.is_null() || chapter.is_null() {
                    sys::av_free(chapter.cast());
                    return Err(out_of_memory(&self.name));
                }
                (*chapter).id = from.id;
                (*chapter).time_base = from.time_base;
                (*chapter).start = times.start;
                (*chapter).end = times.end;
                sys::av_dict_copy(&mut (*chapter).metadata, from.metadata, 0);
                *list.add(count) = chapter;
                (*context).nb_chapters += 1;
            }
        }
        Ok(())
    }

    /// The unit of a stream's times, which the muxer settles when it writes the header.
    #[must_use]
    pub fn time_base(&self, track: Track) -> Option<Rational> {
        let index = self.tracks[track.0].stream?;
        // SAFETY: the context has this stream, since the track was made with it.
        Some(unsafe { (**self.get().streams.add(index)).time_base }.into())
    }

    fn new_stream(&mut self) -> Result<*mut sys::AVStream> {
        // SAFETY: the context is ours.
        let stream = unsafe { sys::avformat_new_stream(self.context.as_ptr(), ptr::null()) };
        if stream.is_null() { Err(out_of_memory(&self.name)) } else { Ok(stream) }
    }

    fn track_of(&mut self, stream: *const sys::AVStream, copied: bool) -> Track {
        // SAFETY: the stream is of this context.
        let index = unsafe { (*stream).index } as usize;
        self.tracks.push(TrackState::new(Some(index), copied));
        Track(self.tracks.len() - 1)
    }

    fn is_matroska(&self) -> bool {
        matches!(self.format_name().as_str(), "matroska" | "webm")
    }

    fn holds(&self, codec: AVCodecID) -> bool {
        // SAFETY: the format is static. Other than 0 is yes, or that it does not say.
        unsafe { sys::avformat_query_codec(self.get().oformat, codec, sys::FF_COMPLIANCE_NORMAL) != 0 }
    }

    fn check_holds(&self, codec: AVCodecID, kind: &str) -> Result<()> {
        if self.holds(codec) {
            return Ok(());
        }
        // SAFETY: names of codecs are static.
        let codec = unsafe { CStr::from_ptr(sys::avcodec_get_name(codec)) }.to_string_lossy();
        let found = format!("{}: {} cannot hold {kind} {codec}", self.name, self.format_name());
        Err(Error::new(Status::InvalidParameter, found).help("use .mkv, or another encoder"))
    }

    /// The codec's tag in this container: the input's where it means the same here, otherwise the muxer's choice.
    ///
    /// # Safety
    /// `parameters` points to valid parameters of a stream.
    unsafe fn tag_for(&self, parameters: *const sys::AVCodecParameters) -> u32 {
        // SAFETY: required of the caller; the format's tables are static.
        unsafe {
            let (tags, id, tag) =
                ((*self.get().oformat).codec_tag, (*parameters).codec_id, (*parameters).codec_tag);
            let mut other = 0;
            let means_the_same = tags.is_null()
                || sys::av_codec_get_id(tags, tag) as i32 == id as i32
                || sys::av_codec_get_tag2(tags, id, &mut other) == 0;
            if means_the_same { tag } else { 0 }
        }
    }
}

/// # Safety
/// `metadata` is a valid place of a list.
unsafe fn remove_stale(metadata: *mut *mut sys::AVDictionary) {
    // SAFETY: required of the caller.
    unsafe {
        for (key, _) in crate::dictionary::pairs(*metadata) {
            if STALE.iter().any(|stale| key.starts_with(stale))
                && let Ok(key) = crate::dictionary::c_string("key", &key)
            {
                sys::av_dict_set(metadata, key.as_ptr(), ptr::null(), 0);
            }
        }
    }
}
