//! From an ONNX model to an engine: the request, what is checked before, and the build.
//!
//! ```text
//! EngineRequest ── prepare ──▶ PreparedBuild ── build ──▶ BuiltPlan ── run once ──▶ Verdict ──▶ kept
//!                  the model's own look,   ▲    here, or                            │
//!                  a library with a        │    in a child                          │ overflows
//!                  builder, sizes that     ╰────────────── set_precision ◀──────────╯
//!                  fit the model
//! ```

mod cancel;
mod choice;
mod first_use;
mod kept;
mod key;
mod prepared;
mod progress_log;
mod request;
mod room;
mod sizes;

pub use cancel::Cancel;
pub use choice::{BuildChoice, BuilderProgram, CacheChoice};
pub(crate) use first_use::{Target, engine_for};
pub(crate) use key::installed_driver;
pub use prepared::{BuildPlace, PreparedBuild};
pub use request::{EngineRequest, EngineSizes};
pub use room::check_room;
pub(crate) use sizes::automatic;
