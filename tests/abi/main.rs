//! The C ABI, looked at from outside: its header, its symbols, and programs in C and C++ that use it well and badly.

mod consumers;
mod header_lock;
mod layout;
mod ledger;
mod misuse;
mod null;
mod panic;
mod symbols;
