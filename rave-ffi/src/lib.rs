//! The C ABI of RAVE: what `include/rave.h` declares, and nothing else.
//!
//! - [`structs`], [`constants`] and [`pixel_formats`] are the header's types and numbers, `layout` pins them;
//! - `boundary` is where every call enters and leaves: panics and errors become statuses there (`panics` keeps what
//!   a panic said);
//! - `handles` makes handles safe to misuse; `pointers`, `strings` and `frames` check what the caller passes;
//! - `errors`, `context`, `model` and `session` are the functions, one file per group.

// The header documents what callers must see to, in one place for all functions; cbindgen copies doc comments there,
// where a Rust `# Safety` section would be noise.
#![allow(
    clippy::missing_safety_doc,
    reason = "the contract of pointers is stated once, at the head of rave.h"
)]

mod boundary;
mod caller_cancel;
mod caller_ledger;
mod caller_log;
pub mod constants;
mod context;
mod errors;
mod frames;
mod handles;
mod layout;
mod model;
mod model_options;
#[cfg(feature = "panic-probe")]
mod panic_probe;
mod panics;
pub mod pixel_formats;
mod pointers;
mod session;
mod strings;
pub mod structs;

pub use caller_ledger::{rave_context_ledger_counts, rave_context_ledger_line};
pub use context::{rave_context_create, rave_context_destroy, rave_encoder_check};
pub use errors::{rave_error_message, rave_last_error, rave_version};
pub use model::{rave_model_description, rave_model_destroy, rave_model_info, rave_model_load};
pub use session::{
    rave_session_capacity, rave_session_create, rave_session_destroy, rave_session_drain,
    rave_session_finish, rave_session_is_repeat, rave_session_output_size, rave_session_process,
    rave_session_stats, rave_session_submit,
};
