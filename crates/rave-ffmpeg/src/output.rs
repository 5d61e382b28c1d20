//! Writing files, pipes and image sequences.

use std::ffi::CStr;
use std::ptr::{self, NonNull};

use rave_core::{Error, Result, Status};

use crate::dictionary::{Dictionary, c_string, text_at};
use crate::error::{check, error_of, out_of_memory};
use crate::output_streams::TrackState;
use crate::packet::Packet;
use crate::sys;
use crate::{log, url};

/// What is to be written, and how.
#[derive(Clone, Debug, Default)]
pub struct OutputOptions {
    /// A path, `-` for standard output, or a pattern of numbered images such as `frame-%04d.png`.
    pub path: String,
    /// FFmpeg's name of the container; by the ending of [`OutputOptions::named_as`] or the path where it is not given.
    pub format: Option<String>,
    /// The name by whose ending the container is chosen and that messages tell, for files that have another name until they
    /// are complete.
    pub named_as: Option<String>,
    /// The muxer's options, such as `movflags`.
    pub options: Vec<(String, String)>,
}

impl OutputOptions {
    /// To write `path`, with everything else as it comes.
    pub fn new(path: impl Into<String>) -> Self {
        OutputOptions { path: path.into(), ..OutputOptions::default() }
    }
}

/// A stream of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Track(pub(crate) usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Describing,
    Writing,
    Finished,
}

/// An output that is being written: first its streams are described, then come the header, packets and the end.
///
/// One that is dropped before [`Output::finish`] is left as it is, incomplete.
#[derive(Debug)]
pub struct Output {
    pub(crate) context: NonNull<sys::AVFormatContext>,
    pub(crate) name: String,
    pub(crate) tracks: Vec<TrackState>,
    options: Dictionary,
    state: State,
    adjusted: u64,
    /// Whether it is one image, and whether that is written.
    one_image: bool,
    has_image: bool,
}

// SAFETY: the context is used through the one Output that owns it; libavformat keeps nothing of a thread.
unsafe impl Send for Output {}

impl Output {
    /// Makes the file, or takes the pipe. An existing file is emptied.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] when the name says no container, or one that this FFmpeg does not write;
    /// [`Status::FileNotFound`], [`Status::PermissionDenied`], [`Status::Io`] when it cannot be made.
    // RV-FF-1601
    pub fn create(options: &OutputOptions) -> Result<Self> {
        log::install();
        log::take_error();
        let named_as = options.named_as.as_ref().unwrap_or(&options.path);
        let name = format!("output {named_as}");
        let location = c_string("path", &url::url_of(&options.path, 1))?;
        let named_as = c_string("path", named_as)?;
        let format = options.format.as_deref().map(|format| c_string("format", format)).transpose()?;
        // SAFETY: names are NULL or terminated.
        let found = unsafe {
            let format = format.as_ref().map_or(ptr::null(), |format| format.as_ptr());
            sys::av_guess_format(format, named_as.as_ptr(), ptr::null())
        };
        if found.is_null() {
            let found = match &options.format {
                Some(format) => format!("{name}: no muxer {format}"),
                None => format!("{name}: no container is known by that name"),
            };
            return Err(Error::new(Status::InvalidParameter, found)
                .expected("an ending such as .mp4, .mkv, .mov or .png")
                .help("or name the format; see ffmpeg -muxers"));
        }
        let mut context = ptr::null_mut();
        // SAFETY: the place is valid, the format static, the name terminated.
        let code = unsafe {
            sys::avformat_alloc_output_context2(&mut context, found, ptr::null(), location.as_ptr())
        };
        check(code, || name.clone())?;
        let context = NonNull::new(context).ok_or_else(|| out_of_memory(&name))?;
        let mut output = Output {
            context,
            name,
            tracks: Vec::new(),
            options: Dictionary::of(&options.options)?,
            state: State::Describing,
            adjusted: 0,
            one_image: false,
            has_image: false,
        };
        output.set_defaults(options, &location)?;
        if !output.has_flag(sys::AVFMT_NOFILE) {
            // SAFETY: the context is ours, the name terminated.
            let code = unsafe {
                let place = &raw mut (*output.context.as_ptr()).pb;
                sys::avio_open(place, location.as_ptr(), sys::AVIO_FLAG_WRITE)
            };
            check(code, || output.name.clone())?;
        }
        Ok(output)
    }

    /// What makes common cases work: one image without a number, MP4 into a pipe.
    fn set_defaults(&mut self, options: &OutputOptions, location: &CStr) -> Result<()> {
        let given = |key: &str| options.options.iter().any(|(name, _)| name == key);
        // SAFETY: the name is terminated.
        let numbered = unsafe { sys::av_filename_number_test(location.as_ptr()) } != 0;
        if self.format_name() == "image2" && !numbered && !given("update") && !given("strftime") {
            self.options.set("update", "1")?;
            self.one_image = !url::is_pipe(&options.path);
        }
        if self.is_mov_family() && url::is_pipe(&options.path) && !given("movflags") {
            self.options.set("movflags", "frag_keyframe+empty_moov+default_base_moof")?;
        }
        Ok(())
    }

    /// Whether it is one image, so that the packet of a second picture is refused.
    #[must_use]
    pub fn is_one_image(&self) -> bool {
        self.one_image
    }

    /// What is said of a second picture for one image.
    #[must_use]
    pub fn second_picture(&self) -> Error {
        Error::new(Status::InvalidParameter, format!("{}: more than one picture for one image", self.name))
            .help("name numbered images, such as frame-%05d.png, or a video; or take one picture (a shorter --duration)")
    }

    /// Its name in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// FFmpeg's name of the container.
    #[must_use]
    pub fn format_name(&self) -> String {
        // SAFETY: an output has a format with a name.
        unsafe { text_at((*self.get().oformat).name) }.unwrap_or_default()
    }

    pub(crate) fn is_mov_family(&self) -> bool {
        matches!(self.format_name().as_str(), "mp4" | "mov" | "ipod" | "3gp" | "3g2" | "psp" | "f4v" | "ismv")
    }

    /// Whether encoders are to leave their headers to the container.
    #[must_use]
    pub fn wants_global_header(&self) -> bool {
        self.has_flag(sys::AVFMT_GLOBALHEADER)
    }

    pub(crate) fn has_flag(&self, flag: i32) -> bool {
        // SAFETY: an output has a format, which is static.
        unsafe { (*self.get().oformat).flags & flag != 0 }
    }

    /// Writes the header. All streams must have been added.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for an option that the muxer does not have, or streams that the container cannot
    /// hold; [`Status::Io`] when writing fails.
    pub fn write_header(&mut self) -> Result<()> {
        self.expect_state(State::Describing, "write_header")?;
        // SAFETY: the context is ours, its streams are described.
        let code = unsafe { sys::avformat_write_header(self.context.as_ptr(), self.options.as_mut_ptr()) };
        check(code, || self.name.clone())?;
        self.state = State::Writing;
        self.options.refuse_unused(&self.name)
    }

    /// Writes a packet of a stream, in its place among those of the others, and leaves it empty. Packets of one stream
    /// come by rising decoding time; those of streams that are not yet due are kept until they are.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for times of encoded video that do not rise, and for a second picture of one image;
    /// [`Status::Io`] when writing fails.
    // RV-FF-1601, RV-FF-1602
    pub fn write(&mut self, track: Track, packet: &mut Packet) -> Result<()> {
        self.expect_state(State::Writing, "write")?;
        let state = &mut self.tracks[track.0];
        let Some(index) = state.stream else {
            packet.clear();
            return Ok(());
        };
        if self.one_image && std::mem::replace(&mut self.has_image, true) {
            return Err(self.second_picture());
        }
        // SAFETY: the context has this stream, since the track was made with it.
        let (format, stream) = unsafe {
            let context = self.context.as_ptr();
            (&*(*context).oformat, &**(*context).streams.add(index))
        };
        // SAFETY: the packet is valid and ours to change.
        let raw = unsafe { &mut *packet.as_mut_ptr() };
        state.rescale(raw, stream);
        if format.flags & sys::AVFMT_NOTIMESTAMPS == 0 {
            let strict = format.flags & sys::AVFMT_TS_NONSTRICT == 0;
            self.adjusted +=
                u64::from(state.make_rise(raw, strict).map_err(|error| error.context(&self.name))?);
        }
        raw.stream_index = index as i32;
        // SAFETY: the header is written; the packet is taken over and left blank.
        let code = unsafe { sys::av_interleaved_write_frame(self.context.as_ptr(), raw) };
        packet.clear();
        self.written(code)
    }

    /// Writes what is kept and the container's end, and closes the file.
    ///
    /// # Errors
    /// [`Status::Io`] when writing fails: the file is incomplete then.
    // RV-FF-1603
    pub fn finish(mut self) -> Result<()> {
        self.expect_state(State::Writing, "finish")?;
        self.state = State::Finished;
        // SAFETY: the header is written, and the trailer is not.
        let code = unsafe { sys::av_write_trailer(self.context.as_ptr()) };
        self.written(code)?;
        let code = self.close();
        self.written(code)
    }

    /// How many packets of copied streams had times that did not rise, and were moved by the least that makes them.
    #[must_use]
    pub fn adjusted_times(&self) -> u64 {
        self.adjusted
    }

    fn written(&self, code: i32) -> Result<()> {
        if code >= 0 {
            return Ok(());
        }
        let error = error_of(code, &self.name);
        Err(match -code {
            libc::ENOSPC => error.help("make room on the disk"),
            libc::EPIPE => error.help("whoever reads the pipe has gone"),
            _ => error,
        })
    }

    pub(crate) fn expect_describing(&self, call: &str) -> Result<()> {
        self.expect_state(State::Describing, call)
    }

    fn expect_state(&self, state: State, call: &str) -> Result<()> {
        if self.state == state {
            return Ok(());
        }
        let found = format!("{}: {call} when it is {:?}", self.name, self.state).to_lowercase();
        Err(Error::new(Status::InvalidParameter, found)
            .expected("streams, header, packets, end, in that order"))
    }

    fn close(&mut self) -> i32 {
        if self.has_flag(sys::AVFMT_NOFILE) {
            return 0;
        }
        // SAFETY: the place is the context's; NULL is allowed, and NULL is left there.
        unsafe { sys::avio_closep(&raw mut (*self.context.as_ptr()).pb) }
    }

    pub(crate) fn get(&self) -> &sys::AVFormatContext {
        // SAFETY: valid while self lives, and written through &mut self alone.
        unsafe { self.context.as_ref() }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.close();
        // SAFETY: it is ours, and is not used after this.
        unsafe { sys::avformat_free_context(self.context.as_ptr()) };
    }
}
