//! Pointers and sized structures from the caller.

use std::mem::{MaybeUninit, size_of};

use rave_core::{Error, Result, Status};

use crate::structs::{
    RaveContextConfig, RaveFrame, RaveLedgerCounts, RaveModelConfig, RaveModelInfo, RaveSessionConfig,
    RaveStats,
};

/// No structure of ours will ever be larger; a larger `struct_size` is a mistake, not a newer header.
const MAX_STRUCT_SIZE: usize = 4096;

/// A place that the caller wants written.
pub(crate) struct Output<T>(*mut T);

impl<T> Output<T> {
    /// Writes the value.
    pub(crate) fn write(&self, value: T) {
        // SAFETY: `output` checked that the pointer is not NULL, and its caller vouched that it is writable.
        unsafe { self.0.write(value) }
    }
}

/// Checks a place to write to.
///
/// # Safety
/// `place` is NULL, or aligned and writable for as long as the result is used.
pub(crate) unsafe fn output<T>(place: *mut T, name: &str) -> Result<Output<T>> {
    if place.is_null() {
        return Err(null(name));
    }
    Ok(Output(place))
}

pub(crate) fn null(name: &str) -> Error {
    // RV-FFI-1001
    Error::new(Status::InvalidParameter, format!("{name} is NULL")).expected("a valid pointer")
}

/// A structure that begins with `uint32_t struct_size`.
///
/// # Safety
/// Implementors are `#[repr(C)]`, have no padding, begin with a `u32`, and are valid with every byte zero.
pub(crate) unsafe trait Sized32: Copy {
    /// Its name in the header.
    const NAME: &'static str;
    /// Its size in version 0.1 of the header, the smallest that is accepted.
    const FIRST_SIZE: usize;
}

macro_rules! sized {
    ($($name:ident $first_size:literal),*) => {$(
        // SAFETY: `#[repr(C)]` with a leading u32; the fields are integers, raw pointers and optional function
        // pointers, all valid as zero; `crate::layout` asserts that there is no padding.
        unsafe impl Sized32 for $name {
            const NAME: &'static str = stringify!($name);
            const FIRST_SIZE: usize = $first_size;
        }
    )*};
}

sized!(
    RaveContextConfig 72,
    RaveModelConfig 88,
    RaveSessionConfig 52,
    RaveFrame 112,
    RaveModelInfo 32,
    RaveStats 112,
    RaveLedgerCounts 96
);

/// Checks `struct_size` and returns how many bytes the caller's structure has.
///
/// # Safety
/// `place` is NULL, or points to a `u32` and, when that is a plausible size, to as many readable bytes.
unsafe fn checked_size<T: Sized32>(place: *const T, name: &str) -> Result<usize> {
    if place.is_null() {
        return Err(null(name));
    }
    // SAFETY: not NULL, so the caller vouches for a leading u32; it need not be aligned.
    let given = unsafe { place.cast::<u32>().read_unaligned() } as usize;
    // RV-FFI-1002
    if !(T::FIRST_SIZE..=MAX_STRUCT_SIZE).contains(&given) {
        return Err(mismatch::<T>(name, given));
    }
    for index in size_of::<T>()..given {
        // SAFETY: `index < given`, and the caller vouches for `given` bytes.
        if unsafe { place.cast::<u8>().add(index).read() } != 0 {
            return Err(mismatch::<T>(name, given)
                .help("a field that this version does not know is not zero; use a newer librave"));
        }
    }
    Ok(given)
}

fn mismatch<T: Sized32>(name: &str, given: usize) -> Error {
    Error::new(Status::AbiMismatch, format!("{name}: {}.struct_size is {given}", T::NAME))
        .expected(format!("{} (sizeof at compile time; use the INIT macro)", size_of::<T>()))
}

/// Reads a structure; what lies beyond the caller's `struct_size` is zero.
///
/// # Safety
/// As [`checked_size`].
pub(crate) unsafe fn read_struct<T: Sized32>(place: *const T, name: &str) -> Result<T> {
    // SAFETY: the same contract.
    let given = unsafe { checked_size(place, name) }?;
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: at most `given` bytes are read, which `checked_size` established, and at most `size_of::<T>()` written.
    unsafe {
        std::ptr::copy_nonoverlapping(
            place.cast::<u8>(),
            value.as_mut_ptr().cast::<u8>(),
            given.min(size_of::<T>()),
        );
    }
    // SAFETY: `Sized32` promises that zero bytes are valid; the others are the caller's own integers and pointers.
    Ok(unsafe { value.assume_init() })
}

/// Writes as much of `value` as the caller's structure holds, keeping its `struct_size`.
///
/// # Safety
/// As [`checked_size`], and the bytes are writable.
pub(crate) unsafe fn write_struct<T: Sized32>(place: *mut T, name: &str, value: &T) -> Result<()> {
    // SAFETY: the same contract.
    let given = unsafe { checked_size(place, name) }?.min(size_of::<T>());
    let skip = size_of::<u32>();
    // SAFETY: `given` bytes are writable by the contract, and `value` has as many; both begin with the u32 skipped.
    unsafe {
        std::ptr::copy_nonoverlapping(
            std::ptr::from_ref(value).cast::<u8>().add(skip),
            place.cast::<u8>().add(skip),
            given - skip,
        );
    }
    Ok(())
}
