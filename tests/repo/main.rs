//! What must hold of the repository itself.

mod faults;
mod gates;
mod installed;
mod layering;
mod links;
mod scripts;
