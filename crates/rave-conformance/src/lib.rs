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
pub use kernels::Plant;
pub use report::Report;
