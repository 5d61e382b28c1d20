//! Holds RAVE against oracles that are not RAVE.
//!
//! The files of tests/conformance say what is checked, against which oracle, and how far apart the two may be and why.
//! [`check`] runs them and gives a [`Report`], which becomes JSON and one page of HTML. [`durability`] keeps these files, and
//! all that tests compare with, from rotting.

mod check;
mod color;
mod compare;
mod content;
pub mod durability;
mod family;
mod fixture;
mod gpu;
mod image;
mod kernels;
mod oracle;
mod picture;
mod random;
mod report;
mod subject;
mod tally;

pub use check::{Options, check};
pub use fixture::root;
pub use kernels::Plant;
pub use report::Report;

use rave_core::{Error, Result, Status};

/// The file of the committed result, beside those of the families.
const BASELINE: &str = "baseline";

/// The names of the files of tests/conformance, without `.json`.
pub fn files() -> impl Iterator<Item = &'static str> {
    family::FAMILIES.iter().map(|family| family.name).chain([BASELINE])
}

/// Whether `text` can be that of the file called `name`, one of [`files`].
///
/// # Errors
/// [`Status::InvalidParameter`] for a text of another version, with an unknown field or name, or that is no JSON.
pub fn readable(name: &str, text: &str) -> Result<()> {
    let path = format!("{name}.json");
    if name == BASELINE {
        return report::readable_baseline(text, path.as_ref());
    }
    let family = family::FAMILIES.iter().find(|family| family.name == name);
    let family = family.ok_or_else(|| {
        Error::new(Status::InvalidParameter, format!("{path}: no file of tests/conformance"))
            .expected(files().collect::<Vec<_>>().join(", "))
    })?;
    (family.readable)(text, path.as_ref())
}
