//! The part of NVIDIA's codec interfaces that is called, declared by hand.
//!
//! By the headers of nv-codec-headers 12.1.14 (nvEncodeAPI.h of Video Codec SDK 12.1, dynlink_cuviddec.h). They are few
//! and their layout is fixed by version numbers that travel with every struct, so building RAVE needs no header of
//! NVIDIA's. tests/headers.rs compares all of it with the real headers where they are.

// RV-NVC-1003
pub mod nvcuvid;
pub mod nvenc;
