//! What must hold of the repository itself.

mod installed;
mod layering;
mod links;
mod scripts;
