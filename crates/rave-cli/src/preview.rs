//! `rave preview`: one frame of a film, before and after, side by side.

use std::fs::Permissions;
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use rave_core::{Error, Frame, LogLevel, PixelFormat, Result, Size, Status};
use rave_engine::{Model, ModelOptions, Session, SessionOptions};
use rave_ffmpeg::{Converter, FramePool, VideoFrame};

use crate::film::frame_at;
use crate::messages;
use crate::values::time;

/// The examples in its help.
pub(crate) const EXAMPLES: &str = "Examples:
  rave preview film.mp4 -m model.onnx --at 1:05
  rave preview photo.png -m model.onnx -o both.png";

/// The command's arguments.
#[derive(Args, Debug)]
pub(crate) struct Preview {
    /// A film or a picture
    input: PathBuf,
    /// The ONNX model
    #[arg(short, long, value_name = "FILE")]
    model: PathBuf,
    /// When the frame is shown, from the start: seconds, or hours:minutes:seconds
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = time)]
    at: Duration,
    /// The picture's file; the input's name with -preview.png, in this folder, by default
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The inference library; searched for by default
    #[arg(long, value_name = "FILE")]
    runtime_lib: Option<PathBuf>,
    /// CPU threads; 0 is one for each core
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
}

/// White columns between the two pictures.
const GAP: usize = 4;

/// Makes the picture, and says what it shows.
// RV-CLI-1205
pub(crate) fn run(wanted: &Preview, verbose: bool) -> Result<String> {
    let log = messages::to_stderr(if verbose { LogLevel::Debug } else { LogLevel::Warning });
    let output = wanted.output.clone().unwrap_or_else(|| default_output(&wanted.input));
    if output.extension().is_none_or(|end| !end.eq_ignore_ascii_case("png")) {
        return Err(Error::new(Status::InvalidParameter, format!("file {}", output.display()))
            .expected("the name of a PNG, such as preview.png"));
    }
    // What a model lacks is said before a film is searched.
    let options = ModelOptions {
        runtime_lib: wanted.runtime_lib.clone(),
        threads: wanted.threads,
        log: log.clone(),
        ..ModelOptions::default()
    };
    let model = Model::load(&wanted.model, &options)?;
    let (frame, seconds) = frame_at(&wanted.input, wanted.at.as_secs_f64())?;
    let view = frame.view()?;
    let mut session_options = SessionOptions::new(view.format(), view.visible().size);
    session_options.output_format = PixelFormat::Rgb24;
    let mut session = Session::new(&model, &session_options, log)?;
    let size = session.output_size();
    let (mut after, mut before) = (VideoFrame::new()?, VideoFrame::new()?);
    FramePool::new(PixelFormat::Rgb24, size)?.take(&mut after)?;
    session.process(&view, &mut after.view_mut()?)?;
    let colors = view.tags().resolve(view.format(), view.size());
    Converter::new().resize_to_rgb(&frame, colors, size, &mut before)?;
    write(
        &output,
        &side_by_side(&before.view()?, &after.view()?),
        Size::new(size.width * 2 + GAP as u32, size.height),
    )?;
    Ok(format!(
        "{}: the frame at {seconds:.3} s, {} by bicubic interpolation and by {}, {size} each\n",
        output.display(),
        view.visible().size,
        model.name()
    ))
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

/// Writes a PNG that appears whole or not at all.
fn write(path: &Path, pixels: &[u8], size: Size) -> Result<()> {
    let io = |error: std::io::Error| Error::io(path, &error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".rave-")
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(folder)
        .map_err(|error| Error::io(folder, &error))?;
    let mut buffer = BufWriter::new(file.as_file_mut());
    let mut encoder = png::Encoder::new(&mut buffer, size.width, size.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(pixels)?;
        writer.finish()
    });
    written.map_err(|error| io(std::io::Error::other(error)))?;
    buffer.flush().map_err(io)?;
    drop(buffer);
    file.persist(path).map_err(|error| io(error.error))?;
    Ok(())
}
