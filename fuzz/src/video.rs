//! Frames that `rave replay` reads: y4m, or raw.

// The command is a program, and no library: its file is taken in here.
#[path = "../../crates/rave-cli/src/frame_source.rs"]
#[allow(dead_code, reason = "files are opened elsewhere")]
mod frame_source;

use std::io::Cursor;

use rave_core::{PixelFormat, Size, Status};

use crate::refused;

pub(crate) fn run(bytes: &[u8]) {
    const SIZE: Size = Size::new(4, 2);
    for format in [PixelFormat::Gray8, PixelFormat::Yuv420p, PixelFormat::Yuv444p10] {
        let classes = [Status::UnsupportedFormat, Status::InvalidParameter, Status::Io];
        let mut source = match frame_source::read("x.y4m".into(), Cursor::new(bytes.to_vec())) {
            Err(error) => return refused(&error, &classes, "y4m"),
            Ok(source) => source,
        };
        let (mut pixels, mut frames) = (Vec::new(), 0);
        loop {
            match source.next(format, SIZE, &mut pixels) {
                Ok(true) => frames += 1,
                Ok(false) => break,
                Err(error) => break refused(&error, &classes, "x.y4m"),
            }
            assert_eq!(pixels.len(), frame_source::frame_bytes(format, SIZE));
            assert!(frames * pixels.len() <= bytes.len(), "no frame comes from nowhere");
        }
    }
}
