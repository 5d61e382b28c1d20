//! Whether frames are cut into tiles, and how.

use rave_core::tiling::{DEFAULT_OVERLAP, TilePlan};
use rave_core::{Error, Result, Scale, Size, Status};

use crate::SessionOptions;

/// The tile that a model of one `fixed` size, or the options, ask for; `None` leaves it to the frame.
pub(crate) fn asked(options: &SessionOptions, fixed: Option<Size>) -> Result<Option<Size>> {
    // RV-ENG-1107
    match (fixed, options.tile) {
        (Some(fixed), Some(tile)) if tile != fixed => {
            Err(Error::new(Status::InvalidParameter, format!("tile {tile}"))
                .expected(format!("{fixed}, the only size that the model takes"))
                .help("leave tile at auto"))
        }
        (None, Some(tile)) if tile.width < 16 || tile.height < 16 => {
            Err(Error::new(Status::InvalidParameter, format!("tile {tile}")).expected("16x16 or more"))
        }
        (fixed, asked) => Ok(fixed.or(asked)),
    }
}

/// Cuts the options' frames into tiles of `tile`.
pub(crate) fn plan(options: &SessionOptions, tile: Size, scale: Scale) -> Result<TilePlan> {
    let widest = tile.width.min(tile.height) / 2;
    let overlap = options.overlap.unwrap_or(DEFAULT_OVERLAP.min(widest / 2));
    TilePlan::new(options.size, tile, overlap, scale)
}

#[cfg(test)]
mod tests {
    use rave_core::PixelFormat;

    use super::*;

    const FRAME: Size = Size::new(1280, 720);

    fn options(tile: Option<Size>) -> SessionOptions {
        SessionOptions { tile, ..SessionOptions::new(PixelFormat::Nv12, FRAME) }
    }

    #[test]
    fn tiles_are_what_the_model_must_have_or_else_what_is_asked_for() {
        let (fixed, small) = (Size::new(512, 256), Size::new(16, 16));
        for (taken, asked_for, tile) in [
            (None, None, None),
            (None, Some(small), Some(small)),
            (Some(fixed), None, Some(fixed)),
            (Some(fixed), Some(fixed), Some(fixed)),
        ] {
            assert_eq!(asked(&options(asked_for), taken).unwrap(), tile);
        }
    }

    /// RV-ENG-1107
    #[test]
    fn tiles_that_are_too_small_or_that_the_model_does_not_take_are_refused() {
        for (tile, taken, expected) in [
            (Size::new(15, 64), None, "16x16 or more"),
            (Size::new(64, 15), None, "16x16 or more"),
            (Size::new(64, 64), Some(Size::new(128, 128)), "128x128, the only size that the model takes"),
        ] {
            let error = asked(&options(Some(tile)), taken).unwrap_err();
            assert_eq!(error.status(), Status::InvalidParameter);
            let text = error.to_string();
            assert!(text.contains(&format!("tile {tile}")) && text.contains(expected), "{text}");
        }
    }

    #[test]
    fn neighbours_share_32_pixels_or_a_quarter_of_a_small_tile_or_what_is_asked_for() {
        let scale = Scale::new(2, 1).unwrap();
        let count = |tile, overlap| {
            plan(&SessionOptions { overlap, ..options(None) }, Size::new(tile, tile), scale).unwrap().count()
        };
        // A side of n pixels takes 1 + ceil((n - tile) / (tile - overlap)) tiles.
        assert_eq!(count(256, None), 6 * 4, "overlap 32");
        assert_eq!(count(256, Some(128)), 9 * 5);
        assert_eq!(count(64, None), 27 * 15, "overlap 16");
    }
}
