//! The C declarations, and how their enumerations are read.
//!
//! bindgen makes Rust enumerations of C's. A number that the headers do not declare, which a library of another minor
//! version may give, must not become one: fields are read and written as numbers instead.

pub(crate) use ffmpeg_sys_next::*;

/// The number in a field of a C enumeration type. The place must be readable.
macro_rules! enum_code {
    ($place:expr) => {
        (&raw const $place).cast::<i32>().read()
    };
}

/// Writes a number that libav* gave, or that its headers define, into a field of a C enumeration type.
macro_rules! set_enum_code {
    ($place:expr, $code:expr) => {
        (&raw mut $place).cast::<i32>().write($code)
    };
}

pub(crate) use {enum_code, set_enum_code};

/// A timestamp of libav*'s, where one number means that there is none.
pub(crate) fn timestamp(value: i64) -> Option<i64> {
    (value != AV_NOPTS_VALUE).then_some(value)
}

/// The number for a timestamp.
pub(crate) fn timestamp_code(value: Option<i64>) -> i64 {
    value.unwrap_or(AV_NOPTS_VALUE)
}
