//! The C ABI, looked at from outside: its header, its symbols, and programs in C and C++ that use it well and badly.

mod calls;
mod consumers;
mod header_lock;
mod layout;
mod ledger;
mod misuse;
mod null;
mod panic;
mod sequences;
mod symbols;
