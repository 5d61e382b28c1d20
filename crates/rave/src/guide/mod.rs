//! A page for each use, with examples that run as they are shown.
//!
//! | page | what it is about |
//! |---|---|
//! | [`upscale_a_video`] | a video into a file: quality, parts, tiles, errors |
//! | [`progress`] | how far a run is, how to stop it, where the time goes |
//! | [`own_stage`] | a stage of your own, in Rust or CUDA C++ |
//! | [`folders`] | many files through one engine |
//! | [`images`] | one image, numbered images |
//! | [`resume`] | going on after a stop |
//! | [`frames_of_your_own`] | frames in memory, pictures from and to a program |
//! | [`gpu`] | where the model runs, and by what |
//!
//! The examples work on `in.mp4`, 12 pictures of 64x36, and on `model.onnx`, which doubles width and height.

// RV-RAVE-1005

pub mod folders;
pub mod frames_of_your_own;
pub mod gpu;
pub mod images;
pub mod own_stage;
pub mod progress;
pub mod resume;
pub mod upscale_a_video;
