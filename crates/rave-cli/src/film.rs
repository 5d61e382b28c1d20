//! Frames of a film or a picture: the one of a time, or a few of all of it.

use std::path::Path;

use rave_core::{Error, Result, Status};
use rave_ffmpeg::{
    Converter, Decoder, DecoderOptions, FrameFormat, Input, InputOptions, Packet, Received, VideoFrame,
};

/// A frame, and when it is shown: seconds from the start.
pub(crate) type Shown = (VideoFrame, f64);

/// The frame that is shown `seconds` after the start of a film, in a format that RAVE knows.
///
/// # Errors
/// Those of reading and decoding; [`Status::UnsupportedFormat`] where there is no picture, and
/// [`Status::InvalidParameter`] for a time after the end.
pub(crate) fn frame_at(path: &Path, seconds: f64) -> Result<Shown> {
    let mut film = Film::open(path)?;
    // What cannot seek is read from the beginning.
    if seconds > 0.0 && film.input.seek(seconds).is_err() {
        film = Film::open(path)?;
    }
    let mut shown: Option<Shown> = None;
    film.each(|frame, time| {
        // Times are sums of ticks: half a millisecond is less than any frame.
        let enough = shown.is_some() && time > seconds + 0.0005;
        if !enough {
            shown = Some((std::mem::replace(frame, VideoFrame::new()?), time));
        }
        Ok(!enough)
    })?;
    let (frame, time) = shown.ok_or_else(|| film.without_a_frame())?;
    // The end of what there is may be a little before what is said of it.
    let length = film.input.duration().unwrap_or(time);
    if seconds > length + 1.0 {
        return Err(Error::new(
            Status::InvalidParameter,
            format!("{} ends at {length:.3} s", film.input.name()),
        )
        .expected("an earlier time"));
    }
    Ok((known(frame)?, time))
}

/// Up to `count` frames that lie evenly over a film, in order, in a format that RAVE knows; fewer of a film that has not as
/// many, and one of a picture.
///
/// # Errors
/// Those of reading and decoding; [`Status::UnsupportedFormat`] where there is no picture.
// RV-CLI-1108
pub(crate) fn spread(path: &Path, count: usize) -> Result<Vec<Shown>> {
    let mut film = Film::open(path)?;
    let Some(length) = film.length()? else { return spread_in_order(path, count) };
    let mut frames: Vec<Shown> = Vec::new();
    for middle in (0..count).map(|index| length * (2 * index + 1) as f64 / (2 * count) as f64) {
        let (frame, time) = frame_at(path, middle)?;
        if frames.last().is_none_or(|(_, before)| time > *before) {
            frames.push((frame, time));
        }
    }
    Ok(frames)
}

/// As [`spread`], of what has no known length, or frames without times: all of it is decoded.
fn spread_in_order(path: &Path, count: usize) -> Result<Vec<Shown>> {
    let mut film = Film::open(path)?;
    let mut kept: Vec<Shown> = Vec::new();
    let (mut index, mut step) = (0u64, 1);
    film.each(|frame, time| {
        if index.is_multiple_of(step) {
            kept.push((std::mem::replace(frame, VideoFrame::new()?), time));
        }
        index += 1;
        if kept.len() == 2 * count {
            // The first, the third, and so on.
            let mut place = 0usize;
            kept.retain(|_| {
                place += 1;
                !place.is_multiple_of(2)
            });
            step *= 2;
        }
        Ok(true)
    })?;
    if kept.is_empty() {
        return Err(film.without_a_frame());
    }
    let (all, most) = (kept.len(), count.min(kept.len()));
    let chosen: Vec<usize> = (0..most).map(|index| all * (2 * index + 1) / (2 * most)).collect();
    let chosen = kept.into_iter().enumerate().filter(|(index, _)| chosen.contains(index));
    chosen.map(|(_, (frame, time))| Ok((known(frame)?, time))).collect()
}

/// A film, from where it is read.
struct Film {
    input: Input,
    /// Of its video.
    index: usize,
    /// The unit of its times, in seconds.
    unit: f64,
}

impl Film {
    fn open(path: &Path) -> Result<Film> {
        let name = path
            .to_str()
            .ok_or_else(|| Error::new(Status::InvalidParameter, "the input's name is no UTF-8"))?;
        let input = Input::open(&InputOptions::new(name))?;
        let (index, unit) = (input.video()?.index, input.video()?.time_base.to_f64());
        Ok(Film { input, index, unit })
    }

    /// Seconds, where that is known and its packets have times that can be looked for.
    fn length(&mut self) -> Result<Option<f64>> {
        let mut packet = Packet::new()?;
        while self.input.read(&mut packet)? {
            if packet.stream() == self.index {
                let timed = packet.pts().or(packet.dts()).is_some();
                return Ok(self.input.duration().filter(|_| timed));
            }
        }
        Ok(None)
    }

    /// Decodes, and calls `take` with each frame and the time at which it is shown, until that returns false or the film is
    /// over.
    fn each(&mut self, mut take: impl FnMut(&mut VideoFrame, f64) -> Result<bool>) -> Result<()> {
        let mut decoder = Decoder::open(&self.input, &DecoderOptions::default())?;
        let (mut packet, mut frame) = (Packet::new()?, VideoFrame::new()?);
        let start = self.input.start();
        loop {
            let more = self.input.read(&mut packet)?;
            match more {
                true if packet.stream() != self.index => continue,
                true => decoder.send(&packet)?,
                false => decoder.finish()?,
            }
            while decoder.receive(&mut frame)? == Received::Yes {
                let time = frame.pts().unwrap_or_default() as f64 * self.unit - start;
                if !take(&mut frame, time)? {
                    return Ok(());
                }
            }
            if !more {
                return Ok(());
            }
        }
    }

    fn without_a_frame(&self) -> Error {
        Error::new(Status::UnsupportedFormat, format!("{}: no frame could be decoded", self.input.name()))
    }
}

/// The frame in a format that RAVE has kernels for.
fn known(frame: VideoFrame) -> Result<VideoFrame> {
    let FrameFormat::Foreign(_) = frame.format() else { return Ok(frame) };
    let mut known = VideoFrame::new()?;
    Converter::new().convert(&frame, &mut known)?;
    Ok(known)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rave_core::PixelFormat;
    use rave_tests::ffmpeg::{Ffmpeg, newest};
    use tempfile::TempDir;

    use super::*;

    fn make(ffmpeg: &Ffmpeg, folder: &TempDir, name: &str, how: &str) -> PathBuf {
        let path = folder.path().join(name);
        let _made = ffmpeg.run(how.split_whitespace().chain([path.to_str().unwrap()])).ok();
        path
    }

    /// The frames of a film by the ffmpeg program, as 8-bit luma.
    fn luma(ffmpeg: &Ffmpeg, film: &Path, bytes: usize) -> Vec<Vec<u8>> {
        let film = film.to_str().unwrap();
        let run = ffmpeg
            .run(["-i", film, "-f", "rawvideo", "-pix_fmt", "gray", "-vf", "extractplanes=y", "-"])
            .ok();
        run.stdout.chunks(bytes).map(<[u8]>::to_vec).collect()
    }

    /// The places, among the frames of a film, of those that were chosen.
    fn places(chosen: &[Shown], all: &[Vec<u8>]) -> Vec<usize> {
        let place = |(frame, _): &Shown| {
            let view = frame.view().unwrap();
            let plane = view.plane(0);
            let bytes = (0..plane.height()).flat_map(|y| plane.row(y)).copied().collect::<Vec<u8>>();
            all.iter().position(|other| *other == bytes).expect("it is a frame of the film")
        };
        chosen.iter().map(place).collect()
    }

    /// RV-CLI-1108
    #[test]
    fn a_few_frames_are_taken_evenly_over_films_of_every_kind() {
        let Some(ffmpeg) = newest() else { return };
        let folder = tempfile::tempdir().unwrap();
        let source = "-f lavfi -i testsrc2=s=64x48:r=10:d=4 -pix_fmt yuv420p";
        for (name, codec, expected) in [
            // Two seconds between keyframes, and frames that are shown in another order than they are stored in.
            ("b.mkv", "-c:v libx264 -g 20 -bf 2", [2, 7, 12, 17, 22, 27, 32, 37]),
            // A container that does not say for how long its last frame is shown: it has 3.9 seconds.
            ("a.nut", "-c:v rawvideo", [2, 7, 12, 17, 21, 26, 31, 36]),
        ] {
            let film = make(&ffmpeg, &folder, name, &format!("{source} {codec}"));
            let chosen = spread(&film, 8).unwrap();
            assert_eq!(places(&chosen, &luma(&ffmpeg, &film, 64 * 48)), expected, "{name}");
            let times: Vec<f64> = chosen.iter().map(|(_, time)| (time * 10.0).round()).collect();
            assert_eq!(times, expected.map(|place| place as f64), "{name}");
        }
        // Frames without times, of a film whose length is a guess: every fourth of 40 is kept, and eight of these ten.
        let film = make(&ffmpeg, &folder, "raw.h264", &format!("{source} -c:v libx264 -bf 0 -g 5"));
        let found = places(&spread(&film, 8).unwrap(), &luma(&ffmpeg, &film, 64 * 48));
        assert_eq!(found, [0, 4, 12, 16, 20, 24, 32, 36]);
    }

    /// RV-CLI-1108
    #[test]
    fn of_a_short_film_every_frame_is_taken_once_and_of_a_picture_the_one_there_is() {
        let Some(ffmpeg) = newest() else { return };
        let folder = tempfile::tempdir().unwrap();
        let short = make(&ffmpeg, &folder, "short.mkv", "-f lavfi -i testsrc2=s=64x48:r=10:d=0.3 -c:v ffv1");
        assert_eq!(spread(&short, 8).unwrap().len(), 3);
        for (name, format, expected) in [
            ("rgb.png", "rgb24", PixelFormat::Rgb24),
            ("rgba.png", "rgba", PixelFormat::Rgb24),
            ("gray.png", "gray", PixelFormat::Gray8),
            ("gray16.png", "gray16be", PixelFormat::Gray16),
            ("rgb48.png", "rgb48be", PixelFormat::Rgb48),
            ("palette.png", "pal8", PixelFormat::Rgb24),
            ("a.jpg", "yuvj420p", PixelFormat::Yuv420p),
            ("a.webp", "yuv420p", PixelFormat::Yuv420p),
            ("a.tiff", "rgb24", PixelFormat::Rgb24),
        ] {
            let how = format!("-f lavfi -i testsrc2=s=64x48:d=1 -frames:v 1 -update 1 -pix_fmt {format}");
            let path = folder.path().join(name);
            let made = ffmpeg.run(how.split_whitespace().chain([path.to_str().unwrap()]));
            if made.code != Some(0) {
                eprintln!("skipped: this FFmpeg does not write {name}");
                continue;
            }
            let frames = spread(&path, 8).unwrap();
            assert_eq!(frames.len(), 1, "{name}");
            assert_eq!(frames[0].0.view().unwrap().format(), expected, "{name}");
        }
    }

    /// RV-CLI-1108
    #[test]
    fn what_has_no_picture_is_named() {
        let Some(ffmpeg) = newest() else { return };
        let folder = tempfile::tempdir().unwrap();
        let sound = make(&ffmpeg, &folder, "sound.wav", "-f lavfi -i sine=d=0.2");
        let nothing = folder.path().join("nothing.png");
        std::fs::write(&nothing, b"no picture at all").unwrap();
        for (path, status, word) in [
            (sound, Status::UnsupportedFormat, "expected a video stream"),
            (nothing, Status::UnsupportedFormat, "nothing.png"),
            (folder.path().join("none.mp4"), Status::FileNotFound, "none.mp4"),
        ] {
            let error = spread(&path, 8).err().unwrap();
            assert_eq!(error.status(), status, "{error}");
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
