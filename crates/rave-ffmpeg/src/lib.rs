//! Reading, decoding, encoding and writing of video, by FFmpeg's libraries (7.1 or newer; libavfilter is not used).
//!
//! | type | what it is |
//! |---|---|
//! | [`Input`] | an opened file, pipe or image sequence: its streams, and packets in the order in which they are stored |
//! | [`Packet`] | one packet, on its way from an input or an encoder to an output |
//! | [`Decoder`] | packets of the input's video stream become [`VideoFrame`]s |
//! | [`VideoFrame`] | pixels in host memory or on a GPU, with timestamp, colours and side data |
//! | [`FramePool`], [`HardwareFrames`] | where output frames come from, recycled |
//! | [`HardwareDevice`] | a GPU, for NVDEC and NVENC |
//! | [`Converter`] | frames of a format that RAVE has no kernels for become frames of the nearest that it has |
//! | [`Encoder`] | frames become packets |
//! | [`segments`] | encoded video in pieces, joined to the stream that would have come of one |
//! | [`Output`] | a file, pipe or image sequence that is written: encoded video beside copied streams |
//!
//! Everything blocks, is `Send` and has no threads of its own: those of a codec are the codec's. Once it runs, nothing
//! here allocates per frame, but for what FFmpeg's libraries do by themselves: shells of packets and frames are used
//! again by whoever calls ([`Input::read`], [`Decoder::receive`], [`Encoder::receive`] fill what they are given).
//!
//! ```no_run
//! use rave_ffmpeg::{Decoder, DecoderOptions, Encoder, EncoderOptions, Input, InputOptions, Output, OutputOptions};
//! use rave_ffmpeg::{Packet, Received, VideoFrame};
//!
//! # fn main() -> rave_core::Result<()> {
//! let mut input = Input::open(&InputOptions::new("in.mp4"))?;
//! let video = input.video()?.clone();
//! let mut decoder = Decoder::open(&input, &DecoderOptions::default())?;
//! let (mut packet, mut frame) = (Packet::new()?, VideoFrame::new()?);
//! let mut frames = 0;
//! loop {
//!     let more = input.read(&mut packet)?;
//!     match more {
//!         true if packet.stream() != video.index => continue,
//!         true => decoder.send(&packet)?,
//!         false => decoder.finish()?,
//!     }
//!     while decoder.receive(&mut frame)? == Received::Yes {
//!         frames += 1; // frame.view()? has the pixels
//!     }
//!     if !more {
//!         break;
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod color;
mod convert;
mod decoder;
mod dictionary;
mod encoder;
mod encoder_adapter;
mod encoder_choice;
mod error;
mod formats;
mod frame;
mod frame_copies;
mod frame_properties;
mod hardware;
mod hdr;
mod input;
mod log;
mod output;
mod output_side_data;
mod output_streams;
mod packet;
mod pool;
mod rational;
pub mod segments;
mod stream;
mod sys;
mod url;
mod versions;

pub use color::ColorCodes;
pub use convert::Converter;
pub use decoder::{Damage, Decoder, DecoderOptions, Received};
pub use encoder::{Encoder, EncoderOptions};
pub use encoder_choice::{
    closest_format, default_encoder, encoder_exists, encodes_without_memory, fixed_colors, quality_options,
    supported_formats,
};
pub use formats::closest_known_format;
pub use frame::{DevicePlane, FrameFormat, VideoFrame};
pub use hardware::{HardwareDevice, HardwareFrames};
pub use hdr::{ContentLight, Hdr, MasteringDisplay};
pub use input::{Chapter, Input, InputOptions, VideoInfo};
pub use log::log_to;
pub use output::{Output, OutputOptions, Track};
pub use output_streams::StreamMap;
pub use packet::Packet;
pub use pool::FramePool;
pub use rational::Rational;
pub use stream::{StreamInfo, StreamKind};
pub use versions::{Library, devices, libraries, license, release};
