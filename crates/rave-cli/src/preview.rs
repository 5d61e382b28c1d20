//! `rave preview`: one frame of a film, before and after, side by side.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use rave_core::{Error, Frame, LogLevel, PixelFormat, Result, Size, Status};
use rave_engine::{Cancel, ModelOptions};
use rave_ffmpeg::{Converter, VideoFrame};
use rave_pipeline::{Engine, FrameSource, Picture, Upscale};

use crate::film::frame_at;
use crate::interrupt::Interrupt;
use crate::messages;
use crate::output::Output;
use crate::upscale::arguments::{EngineFlags, ModeFlag};
use crate::upscale::model_options;
use crate::values::time;

/// The examples in its help.
pub(crate) const EXAMPLES: &str = "Examples:
  rave preview film.mp4 -m model.onnx --at 1:05
  rave preview photo.png -m model.onnx -o both.png
  rave preview film.mp4 -m model.engine --device 0";

/// The command's arguments.
#[derive(Args, Debug)]
pub(crate) struct Preview {
    /// A film, numbered images such as in/%05d.png, or a picture
    input: PathBuf,
    /// The ONNX model, or the TensorRT engine
    #[arg(short, long, value_name = "FILE")]
    model: PathBuf,
    /// When the frame is shown, from the start: seconds, or hours:minutes:seconds
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = time)]
    at: Duration,
    /// The picture's file; the input's name with -preview.png, in this folder, by default
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the picture's file if it is there
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    engine: EngineFlags,
}

/// White columns between the two pictures.
const GAP: usize = 4;

/// Makes the picture, and says what it shows.
// RV-CLI-1205
pub(crate) fn run(wanted: &Preview, verbose: bool, interrupt: &Interrupt) -> Result<String> {
    let output = wanted.output.clone().unwrap_or_else(|| default_output(&wanted.input));
    if output.extension().is_none_or(|end| !end.eq_ignore_ascii_case("png")) {
        return Err(Error::new(Status::InvalidParameter, format!("file {}", output.display()))
            .expected("the name of a PNG, such as preview.png"));
    }
    let place = Output::prepare(&output, &wanted.input, wanted.overwrite)?;
    // What a model lacks is said before a film is searched.
    interrupt.watch()?;
    let asked = interrupt.clone();
    let options = ModelOptions {
        cancel: Cancel::when(move || asked.came()),
        log: messages::to_stderr(if verbose { LogLevel::Debug } else { LogLevel::Warning }),
        ..model_options(&wanted.engine, ModeFlag::Strict)?
    };
    let engine = Engine::load(&wanted.model, wanted.engine.device, &options)?;
    let (frame, seconds) = frame_at(&wanted.input, wanted.at.as_secs_f64())?;
    let view = frame.view()?;
    let (from, colors) = (view.visible().size, view.tags().resolve(view.format(), view.size()));
    let size = engine.model().contract().scale.apply(from)?;
    let mut before = VideoFrame::new()?;
    Converter::new().resize_to_rgb(&frame, colors, size, &mut before)?;
    let after = after(frame, &engine, wanted, options)?;
    let both = side_by_side(&before.view()?, &after.view()?);
    place.write(&png_of(&both, Size::new(size.width * 2 + GAP as u32, size.height))?)?;
    Ok(format!(
        "{}: the frame at {seconds:.3} s, {from} by bicubic interpolation and by {}, {size} each\n",
        output.display(),
        engine.model().name()
    ))
}

/// The one frame, as a video that goes through the model as any other does.
struct One(Option<VideoFrame>);

impl FrameSource<Picture> for One {
    fn read(&mut self, picture: &mut Picture) -> Result<bool> {
        let Some(mut frame) = self.0.take() else { return Ok(false) };
        frame.set_pts(Some(0));
        *picture.frame_mut() = frame;
        Ok(true)
    }
}

/// What the model makes of `frame`, as 8-bit RGB.
fn after(frame: VideoFrame, engine: &Engine, wanted: &Preview, options: ModelOptions) -> Result<VideoFrame> {
    let folder = tempfile::tempdir().map_err(|error| Error::io(&std::env::temp_dir(), &error))?;
    let film = folder.path().join("after.nut");
    let path = film.to_string_lossy();
    // A format of RGB that frames on a GPU have, too; raw video keeps every bit.
    let mut upscale = Upscale::from_source(One(Some(frame)), engine)
        .model_options(options)
        .output(path)
        .codec("rawvideo")
        .pixel_format(PixelFormat::Rgb0);
    if let Some(tile) = wanted.engine.tile {
        upscale = upscale.tile(tile, wanted.engine.overlap);
    }
    upscale.run()?;
    let (made, _) = frame_at(&film, 0.0)?;
    let view = made.view()?;
    let (size, colors) = (view.size(), view.tags().resolve(view.format(), view.size()));
    let mut rgb = VideoFrame::new()?;
    Converter::new().resize_to_rgb(&made, colors, size, &mut rgb)?;
    Ok(rgb)
}

/// `film-preview.png` in the folder from which the command was called.
fn default_output(input: &Path) -> PathBuf {
    let stem =
        input.file_stem().map_or("preview".into(), |stem| format!("{}-preview", stem.to_string_lossy()));
    PathBuf::from(format!("{stem}.png"))
}

/// Rows of the one, the gap, and the other.
fn side_by_side(before: &Frame<'_>, after: &Frame<'_>) -> Vec<u8> {
    let (before, after) = (before.plane(0), after.plane(0));
    (0..before.height()).flat_map(|y| [before.row(y), &[0xff; GAP * 3], after.row(y)].concat()).collect()
}

/// The PNG of 8-bit RGB.
fn png_of(pixels: &[u8], size: Size) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.width, size.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(pixels)?;
        writer.finish()
    });
    written.map_err(|error| Error::new(Status::Io, format!("a PNG of {size}: {error}")))?;
    Ok(bytes)
}
