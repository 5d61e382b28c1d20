//! Memory whose size follows from a frame: where there is none, that is an error and not the end of the process.

use crate::{Error, Result, Status};

/// An empty vector with room for `length` elements, which `what` names.
// RV-FFI-1013
pub(crate) fn room<T>(length: usize, what: &str) -> Result<Vec<T>> {
    let mut values = Vec::new();
    values.try_reserve_exact(length).map_err(|_| missing(length, what))?;
    Ok(values)
}

/// Brings `values` to `length` elements, which `what` names; where it has them, nothing is allocated.
// RV-FFI-1013
pub(crate) fn grow<T: Clone + Default>(values: &mut Vec<T>, length: usize, what: &str) -> Result<()> {
    values.try_reserve_exact(length.saturating_sub(values.len())).map_err(|_| missing(length, what))?;
    values.resize(length, T::default());
    Ok(())
}

fn missing(length: usize, what: &str) -> Error {
    Error::new(Status::OutOfMemory, format!("{length} {what} could not be allocated"))
}
