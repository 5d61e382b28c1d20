//! Opening and reading files, pipes and image sequences.

use std::path::Path;
use std::ptr::{self, NonNull};

use rave_core::{Error, PixelFormat, Result, Size, Status};

use crate::color::ColorCodes;
use crate::dictionary::{Dictionary, c_string, pairs, text_at};
use crate::error::{check, error_of, out_of_memory};
use crate::hdr::Hdr;
use crate::packet::Packet;
use crate::stream::{StreamInfo, StreamKind};
use crate::sys::{self, timestamp};
use crate::{Rational, formats, log, url};

/// What is to be opened, and how.
#[derive(Clone, Debug, Default)]
pub struct InputOptions {
    /// A path, `-` for standard input, or a pattern of numbered images such as `frame-%04d.png`.
    pub path: String,
    /// FFmpeg's name of the container; found out where it is not given.
    pub format: Option<String>,
    /// The demuxer's options, such as `framerate` of an image sequence.
    pub options: Vec<(String, String)>,
    /// Whether damage is an error. Otherwise it is counted, and reading goes on as far as it can.
    pub strict: bool,
}

impl InputOptions {
    /// To open `path`, with everything else as it comes.
    pub fn new(path: impl Into<String>) -> Self {
        InputOptions { path: path.into(), ..InputOptions::default() }
    }
}

/// What an input says of its video stream. Frames may say otherwise; they are right.
#[derive(Clone, Debug)]
pub struct VideoInfo {
    /// The stream, as packets name it.
    pub index: usize,
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// The codec's profile, where it has one.
    pub profile: Option<String>,
    /// The size of a picture in pixels, without what is cropped.
    pub size: Size,
    /// FFmpeg's name of the pixel format.
    pub pixel_format: String,
    /// The format of decoded frames in host memory, if RAVE has kernels for it. Otherwise see [`Converter`](crate::Converter).
    pub format: Option<PixelFormat>,
    /// The unit of timestamps, in seconds.
    pub time_base: Rational,
    /// Frames per second, as the container and the codec together suggest.
    pub frame_rate: Option<Rational>,
    /// Frames over duration. Other than [`VideoInfo::frame_rate`] where frames differ in duration.
    pub average_rate: Option<Rational>,
    /// Width over height of a pixel, where it is said.
    pub sample_aspect: Option<Rational>,
    /// Its colours.
    pub color: ColorCodes,
    /// Its dynamic range, as far as the container says.
    pub hdr: Hdr,
    /// By how many degrees players turn it, clockwise: 0, 90, 180, 270, or what else the container says.
    pub rotation: i32,
    /// Whether frames are made of two fields.
    pub interlaced: bool,
    /// The first timestamp in units of [`VideoInfo::time_base`], where it is said.
    pub start: Option<i64>,
    /// Seconds, where they are said.
    pub duration: Option<f64>,
    /// How many frames there are: said by the container or estimated from duration and rate. For progress, not for counting.
    pub frames: Option<u64>,
}

/// A chapter.
#[derive(Clone, Debug, PartialEq)]
pub struct Chapter {
    /// Seconds at its start.
    pub start: f64,
    /// Seconds at its end.
    pub end: f64,
    /// Its title, where it has one.
    pub title: Option<String>,
}

/// An opened input.
#[derive(Debug)]
pub struct Input {
    context: NonNull<sys::AVFormatContext>,
    name: String,
    streams: Vec<StreamInfo>,
    video: Option<VideoInfo>,
    strict: bool,
    corrupt_packets: u64,
    cut_short: bool,
}

// SAFETY: the context is used through the one Input that owns it; libavformat keeps nothing of a thread.
unsafe impl Send for Input {}

impl Input {
    /// Opens an input and looks at its first packets, to know its streams.
    ///
    /// # Errors
    /// [`Status::FileNotFound`], [`Status::PermissionDenied`], [`Status::UnsupportedFormat`] for what FFmpeg does not
    /// recognise as a media file, [`Status::InvalidParameter`] for an option or a container that it does not have.
    // RV-FF-1001, RV-FF-1002
    pub fn open(options: &InputOptions) -> Result<Self> {
        log::install();
        log::take_error();
        let name = format!("input {}", options.path);
        let location = c_string("path", &url::url_of(&options.path, 0))?;
        let format = match &options.format {
            None => ptr::null(),
            Some(wanted) => {
                let found = c_string("format", wanted)?;
                // SAFETY: the name is terminated.
                let found = unsafe { sys::av_find_input_format(found.as_ptr()) };
                if found.is_null() {
                    return Err(Error::new(Status::InvalidParameter, format!("{name}: no demuxer {wanted}"))
                        .help("see ffmpeg -demuxers"));
                }
                found
            }
        };
        if Path::new(&options.path).is_dir() {
            return Err(Error::new(Status::InvalidParameter, format!("{name} is a folder"))
                .expected("a file, `-`, or a pattern such as frame-%04d.png"));
        }
        let mut dictionary = Dictionary::of(&options.options)?;
        let mut context = ptr::null_mut();
        // SAFETY: the context is NULL, so that it is allocated; the format is NULL or static; strings are terminated.
        let code = unsafe {
            sys::avformat_open_input(&mut context, location.as_ptr(), format, dictionary.as_mut_ptr())
        };
        if code < 0 {
            return Err(open_error(code, &name));
        }
        let context = NonNull::new(context).ok_or_else(|| out_of_memory(&name))?;
        let mut input = Input {
            context,
            name,
            streams: Vec::new(),
            video: None,
            strict: options.strict,
            corrupt_packets: 0,
            cut_short: false,
        };
        dictionary.refuse_unused(&input.name)?;
        // SAFETY: the context is open.
        let code = unsafe { sys::avformat_find_stream_info(input.as_mut_ptr(), ptr::null_mut()) };
        check(code, || input.name.clone())?;
        input.describe();
        Ok(input)
    }

    fn describe(&mut self) {
        for index in 0..self.stream_count() {
            // SAFETY: the index is one of the context's, which is ours.
            self.streams.push(unsafe { StreamInfo::of(self.stream_ptr(index)) });
        }
        // SAFETY: the context is open; no decoder is asked for.
        let best = unsafe {
            sys::av_find_best_stream(
                self.context.as_ptr(),
                sys::AVMediaType::AVMEDIA_TYPE_VIDEO,
                -1,
                -1,
                ptr::null_mut(),
                0,
            )
        };
        // A cover alone is a picture to be upscaled as any other.
        self.video = usize::try_from(best).ok().map(|index| self.describe_video(index));
    }

    fn describe_video(&self, index: usize) -> VideoInfo {
        let stream = self.stream_ptr(index);
        let context = self.context.as_ptr();
        // SAFETY: stream and context are valid and ours; the guesses only read them.
        unsafe {
            let parameters = (*stream).codecpar;
            let format = (*parameters).format;
            let time_base = Rational::from((*stream).time_base);
            let frame_rate =
                Rational::from(sys::av_guess_frame_rate(context, stream, ptr::null_mut())).known();
            let average_rate = Rational::from((*stream).avg_frame_rate).known();
            let aspect = sys::av_guess_sample_aspect_ratio(context, stream, ptr::null_mut());
            let duration = timestamp((*stream).duration)
                .map(|ticks| ticks as f64 * time_base.to_f64())
                .or_else(|| self.duration());
            let estimate = || {
                Some((duration? * average_rate.or(frame_rate)?.to_f64()).round() as u64)
                    .filter(|&count| count > 0)
            };
            let order = sys::enum_code!((*parameters).field_order);
            VideoInfo {
                index,
                codec: self.streams[index].codec.clone(),
                profile: text_at(sys::avcodec_profile_name((*parameters).codec_id, (*parameters).profile)),
                size: crate::decoder::cropped_size(parameters),
                pixel_format: formats::name_of(format).unwrap_or_else(|| "unknown".to_owned()),
                format: formats::known(format),
                time_base,
                frame_rate,
                average_rate,
                sample_aspect: Rational::from(aspect).known(),
                color: ColorCodes::of_parameters(parameters),
                hdr: Hdr::of_parameters(parameters),
                rotation: rotation_of(parameters),
                interlaced: order > sys::AVFieldOrder::AV_FIELD_PROGRESSIVE as i32,
                start: timestamp((*stream).start_time),
                duration,
                frames: u64::try_from((*stream).nb_frames).ok().filter(|&count| count > 0).or_else(estimate),
            }
        }
    }

    /// Its name in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// FFmpeg's names of the container, separated by commas.
    #[must_use]
    pub fn format_name(&self) -> String {
        // SAFETY: an opened input has a format with a name.
        unsafe { text_at((*self.get().iformat).name) }.unwrap_or_default()
    }

    /// All streams, in the input's order.
    #[must_use]
    pub fn streams(&self) -> &[StreamInfo] {
        &self.streams
    }

    /// The video stream that players would show.
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] when there is none.
    // RV-FF-1004
    pub fn video(&self) -> Result<&VideoInfo> {
        self.video.as_ref().ok_or_else(|| {
            let found: Vec<&str> = self.streams.iter().map(|stream| stream.kind.name()).collect();
            Error::new(
                Status::UnsupportedFormat,
                format!("{} has streams of {}", self.name, found.join(", ")),
            )
            .expected("a video stream")
        })
    }

    /// The container's metadata.
    #[must_use]
    pub fn metadata(&self) -> Vec<(String, String)> {
        // SAFETY: the list is the context's, which nobody changes now.
        unsafe { pairs(self.get().metadata) }
    }

    /// Its chapters.
    #[must_use]
    pub fn chapters(&self) -> Vec<Chapter> {
        let context = self.get();
        (0..context.nb_chapters as usize)
            .map(|index| {
                // SAFETY: the context has as many chapters as it says.
                let chapter = unsafe { &**context.chapters.add(index) };
                let unit = Rational::from(chapter.time_base).to_f64();
                // SAFETY: the list is the chapter's, which nobody changes now.
                let metadata = unsafe { pairs(chapter.metadata) };
                Chapter {
                    start: chapter.start as f64 * unit,
                    end: chapter.end as f64 * unit,
                    title: metadata.into_iter().find(|(key, _)| key == "title").map(|(_, title)| title),
                }
            })
            .collect()
    }

    /// Seconds, where they are known.
    #[must_use]
    pub fn duration(&self) -> Option<f64> {
        timestamp(self.get().duration)
            .filter(|&ticks| ticks > 0)
            .map(|t| t as f64 / f64::from(sys::AV_TIME_BASE))
    }

    /// Seconds at which it starts: what [`Input::seek`] counts from.
    #[must_use]
    pub fn start(&self) -> f64 {
        timestamp(self.get().start_time).map_or(0.0, |ticks| ticks as f64 / f64::from(sys::AV_TIME_BASE))
    }

    /// Bits per second over all streams, where they are known.
    #[must_use]
    pub fn bit_rate(&self) -> Option<u64> {
        u64::try_from(self.get().bit_rate).ok().filter(|&rate| rate > 0)
    }

    /// Leaves out the packets of a stream from now on.
    ///
    /// # Panics
    /// When there is no such stream.
    pub fn discard(&mut self, index: usize) {
        assert!(index < self.streams.len(), "stream {index} of {}", self.streams.len());
        // SAFETY: the index was checked; libavformat reads the field at each packet.
        unsafe { (*self.stream_ptr(index)).discard = sys::AVDiscard::AVDISCARD_ALL };
    }

    /// Goes to the last point at or before `seconds` (counted from the input's start) from which the video can be
    /// decoded. Decoders must be opened anew, or flushed ([`Decoder::flush`](crate::Decoder::flush)).
    ///
    /// # Errors
    /// [`Status::UnsupportedFormat`] or [`Status::Io`] where the input cannot seek, as a pipe.
    pub fn seek(&mut self, seconds: f64) -> Result<()> {
        let start = timestamp(self.get().start_time).unwrap_or(0);
        let target = start.saturating_add((seconds * f64::from(sys::AV_TIME_BASE)) as i64);
        // SAFETY: the context is open.
        let code = unsafe { sys::avformat_seek_file(self.as_mut_ptr(), -1, i64::MIN, target, target, 0) };
        check(code, || format!("{}: seeking to {seconds} s", self.name)).map(drop)
    }

    /// Reads the next packet of any stream. Packets come in the order in which they are stored, each stream's by
    /// rising decoding time.
    ///
    /// # Returns
    /// False at the end, when the packet is empty.
    ///
    /// # Errors
    /// [`Status::Io`] when reading fails. In strict mode also for a packet that is damaged and an input that is cut
    /// short; otherwise these are counted ([`Input::corrupt_packets`], [`Input::is_cut_short`]).
    // RV-FF-1005
    pub fn read(&mut self, packet: &mut Packet) -> Result<bool> {
        loop {
            packet.clear();
            // SAFETY: the context is open and the packet blank.
            let code = unsafe { sys::av_read_frame(self.as_mut_ptr(), packet.as_mut_ptr()) };
            if code == sys::AVERROR(libc::EAGAIN) {
                continue;
            }
            if code < 0 {
                return self.ended(code).map(|()| false);
            }
            let index = packet.stream();
            // A stream that appears in the middle is one that nobody asked for.
            if index >= self.streams.len() {
                continue;
            }
            if packet.is_corrupt() {
                self.corrupt_packets += 1;
                if self.strict {
                    return Err(Error::new(
                        Status::Io,
                        format!("{}: stream {index} has a damaged packet", self.name),
                    )
                    .help("without strict mode it is counted, and decoding goes on"));
                }
            }
            let (pts, dts, duration) = (packet.pts(), packet.dts(), packet.duration());
            packet.set_times(pts, dts, duration, self.streams[index].time_base);
            return Ok(true);
        }
    }

    /// Judges why no packet came.
    fn ended(&mut self, code: i32) -> Result<()> {
        // SAFETY: the byte stream is NULL or the context's.
        let failed = unsafe { self.get().pb.as_ref() }.map_or(0, |stream| stream.error);
        let code = if failed < 0 && failed != sys::AVERROR_EOF { failed } else { code };
        if code == sys::AVERROR_EOF {
            return Ok(());
        }
        self.cut_short = true;
        if self.strict || code == sys::AVERROR(libc::ENOMEM) {
            let error = error_of(code, &self.name);
            return Err(error.help("without strict mode, what can be read is used"));
        }
        Ok(())
    }

    /// How many packets said that they are damaged.
    #[must_use]
    pub fn corrupt_packets(&self) -> u64 {
        self.corrupt_packets
    }

    /// Whether reading ended by a failure instead of the end.
    #[must_use]
    pub fn is_cut_short(&self) -> bool {
        self.cut_short
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.strict
    }

    fn stream_count(&self) -> usize {
        self.get().nb_streams as usize
    }

    pub(crate) fn stream_ptr(&self, index: usize) -> *mut sys::AVStream {
        assert!(index < self.stream_count(), "stream {index} of {}", self.stream_count());
        // SAFETY: the context has as many streams as it says.
        unsafe { *self.get().streams.add(index) }
    }

    pub(crate) fn get(&self) -> &sys::AVFormatContext {
        // SAFETY: open while self lives, and written through &mut self alone.
        unsafe { self.context.as_ref() }
    }

    fn as_mut_ptr(&mut self) -> *mut sys::AVFormatContext {
        self.context.as_ptr()
    }

    /// The kind of a stream.
    pub(crate) fn kind(&self, index: usize) -> StreamKind {
        self.streams[index].kind
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: it is ours, and is not used after this.
        unsafe { sys::avformat_close_input(&mut context) };
    }
}

fn open_error(code: i32, name: &str) -> Error {
    let error = error_of(code, name);
    match code {
        sys::AVERROR_INVALIDDATA => error.expected("a media file that FFmpeg recognises"),
        sys::AVERROR_OPTION_NOT_FOUND => error.help("see the demuxer's options with ffmpeg -h demuxer=NAME"),
        _ => error,
    }
}

/// By how many degrees a stream's display matrix turns it, clockwise, from 0 to 359.
///
/// # Safety
/// `parameters` points to valid parameters of a stream.
unsafe fn rotation_of(parameters: *const sys::AVCodecParameters) -> i32 {
    use sys::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX;
    // SAFETY: required of the caller; the matrix is read only where there are nine numbers.
    unsafe {
        let (list, count) = ((*parameters).coded_side_data, (*parameters).nb_coded_side_data);
        let entry = sys::av_packet_side_data_get(list, count, AV_PKT_DATA_DISPLAYMATRIX);
        match entry.as_ref() {
            Some(entry) if entry.size >= 9 * size_of::<i32>() => {
                let matrix = entry.data.cast::<[i32; 9]>().read_unaligned();
                let angle = sys::av_display_rotation_get(matrix.as_ptr());
                if angle.is_nan() { 0 } else { (-angle).round().rem_euclid(360.0) as i32 }
            }
            _ => 0,
        }
    }
}
