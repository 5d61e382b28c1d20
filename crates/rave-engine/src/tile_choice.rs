//! Whether frames are cut into tiles, and how.

use rave_core::tiling::{DEFAULT_OVERLAP, TilePlan};
use rave_core::{Error, Result, Scale, Size, Status};

use crate::SessionOptions;

/// The tile that a model of one `fixed` size, or the options, ask for; `None` leaves it to the frame.
pub(crate) fn asked(options: &SessionOptions, fixed: Option<Size>) -> Result<Option<Size>> {
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
