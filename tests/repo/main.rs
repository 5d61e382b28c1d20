//! What must hold of the repository itself.

mod layering;
mod links;
mod scripts;
