//! The cache of built engines, from outside: through its interface, and in its directory.

mod common;
mod damage;
mod keys;
mod ledger;
mod processes;
mod room;
mod storage;
mod timings;
mod trust;
mod waiting;
