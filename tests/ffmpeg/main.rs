//! The filter, through the real `ffmpeg` program: exit code, frame count, frame hashes and message, never the exit
//! code alone.

mod alternations;
mod bad_input;
mod behaviour;
mod environment;
mod first_use;
mod golden;
mod ledger;
mod patches;
mod raw;
mod real_clip;
mod repeats;
mod signals;
mod tiling;
