//! One error type for the whole workspace: a stable [`Status`] for programs, a full sentence for people.

use std::fmt;

/// The class of an outcome. The numbers are the C ABI's status codes: they are never renumbered or reused.
///
/// 0 to 8 and 99 were fixed first; every later class takes the next free number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[non_exhaustive]
// RV-CORE-1301
pub enum Status {
    /// Success.
    Ok = 0,
    /// The device handle or index does not name a usable device.
    InvalidDevice = 1,
    /// An allocation failed, on the host or on the device.
    OutOfMemory = 2,
    /// The model's content cannot be used: not a model, damaged, or outside the model contract.
    ModelLoadFailed = 3,
    /// Inference ran and failed, or its output is not finite.
    InferenceFailed = 4,
    /// An argument is outside its documented range.
    InvalidParameter = 5,
    /// A pixel kernel could not be launched.
    KernelLaunchFailed = 6,
    /// A frame that must stay on the device would have to leave it.
    VramResidencyFailed = 7,
    /// There is no GPU, or no driver for it.
    DeviceNotFound = 8,
    /// The caller was compiled against another version of the header.
    AbiMismatch = 9,
    /// The pixel format, colour description or frame geometry is not supported here.
    UnsupportedFormat = 10,
    /// A library that is loaded at run time was not found or cannot be used.
    RuntimeLibraryMissing = 11,
    /// The engine was built for another GPU or another TensorRT.
    EngineMismatch = 12,
    /// The device reported an error after which the process cannot use it again.
    DeviceLost = 13,
    /// Another call on the same handle is still running.
    Busy = 14,
    /// A file was refused because of where it comes from, who may write it, or what it refers to.
    Untrusted = 15,
    /// A file does not exist.
    FileNotFound = 16,
    /// A file may not be read.
    PermissionDenied = 17,
    /// Reading or writing a file failed for another reason.
    Io = 18,
    /// The caller cancelled the operation.
    Cancelled = 19,
    /// RAVE panicked; the handle cannot be used again.
    Panic = 20,
    /// The handle is not one of ours, or was destroyed already.
    InvalidHandle = 21,
    /// The frame has no result and is to be left out; the session goes on with the next. In hardened mode only.
    FrameLost = 22,
    /// None of the above.
    Unknown = 99,
}

impl Status {
    /// Every status there is, in the order of their codes.
    pub const ALL: [Status; 24] = [
        Status::Ok,
        Status::InvalidDevice,
        Status::OutOfMemory,
        Status::ModelLoadFailed,
        Status::InferenceFailed,
        Status::InvalidParameter,
        Status::KernelLaunchFailed,
        Status::VramResidencyFailed,
        Status::DeviceNotFound,
        Status::AbiMismatch,
        Status::UnsupportedFormat,
        Status::RuntimeLibraryMissing,
        Status::EngineMismatch,
        Status::DeviceLost,
        Status::Busy,
        Status::Untrusted,
        Status::FileNotFound,
        Status::PermissionDenied,
        Status::Io,
        Status::Cancelled,
        Status::Panic,
        Status::InvalidHandle,
        Status::FrameLost,
        Status::Unknown,
    ];

    /// The code that crosses the C ABI.
    #[must_use]
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// The status of a code, or `None` for a number that this version does not know.
    #[must_use]
    pub fn from_code(code: i32) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.code() == code)
    }

    /// A short stable token, as it appears in square brackets at the head of a message.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Status::Ok => "OK",
            Status::InvalidDevice => "INVALID_DEVICE",
            Status::OutOfMemory => "OUT_OF_MEMORY",
            Status::ModelLoadFailed => "MODEL_LOAD_FAILED",
            Status::InferenceFailed => "INFERENCE_FAILED",
            Status::InvalidParameter => "INVALID_PARAMETER",
            Status::KernelLaunchFailed => "KERNEL_LAUNCH_FAILED",
            Status::VramResidencyFailed => "VRAM_RESIDENCY_FAILED",
            Status::DeviceNotFound => "DEVICE_NOT_FOUND",
            Status::AbiMismatch => "ABI_MISMATCH",
            Status::UnsupportedFormat => "UNSUPPORTED_FORMAT",
            Status::RuntimeLibraryMissing => "RUNTIME_LIBRARY_MISSING",
            Status::EngineMismatch => "ENGINE_MISMATCH",
            Status::DeviceLost => "DEVICE_LOST",
            Status::Busy => "BUSY",
            Status::Untrusted => "UNTRUSTED",
            Status::FileNotFound => "FILE_NOT_FOUND",
            Status::PermissionDenied => "PERMISSION_DENIED",
            Status::Io => "IO",
            Status::Cancelled => "CANCELLED",
            Status::Panic => "PANIC",
            Status::InvalidHandle => "INVALID_HANDLE",
            Status::FrameLost => "FRAME_LOST",
            Status::Unknown => "UNKNOWN",
        }
    }

    /// One sentence about the class, without the particulars of a failure.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Status::Ok => "success",
            Status::InvalidDevice => "the device is not usable",
            Status::OutOfMemory => "out of memory",
            Status::ModelLoadFailed => "the model cannot be used",
            Status::InferenceFailed => "inference failed",
            Status::InvalidParameter => "a parameter is invalid",
            Status::KernelLaunchFailed => "a pixel kernel could not be launched",
            Status::VramResidencyFailed => "a frame could not stay on the device",
            Status::DeviceNotFound => "no GPU, or no driver for it",
            Status::AbiMismatch => "the caller was compiled against another version of rave.h",
            Status::UnsupportedFormat => "the format or geometry is not supported",
            Status::RuntimeLibraryMissing => "a run-time library is missing or unusable",
            Status::EngineMismatch => "the engine was built for another GPU or TensorRT",
            Status::DeviceLost => "the device was lost; restart the process",
            Status::Busy => "another call on this handle is running",
            Status::Untrusted => "the file was refused as untrusted",
            Status::FileNotFound => "no such file",
            Status::PermissionDenied => "the file may not be read",
            Status::Io => "reading or writing a file failed",
            Status::Cancelled => "cancelled",
            Status::Panic => "internal error in RAVE; the handle cannot be used again",
            Status::InvalidHandle => "the handle is invalid or was destroyed",
            Status::FrameLost => "the frame has no result and is left out",
            Status::Unknown => "unknown error",
        }
    }
}

/// What went wrong: which object, what was expected, what was found and what to do about it.
///
/// ```
/// use rave_core::{Error, Status};
/// let error = Error::new(Status::ModelLoadFailed, "model x.onnx: tensor `input` has 4 channels")
///     .expected("3 (RGB) or 1 (luma)")
///     .help("export the model with RGB input");
/// assert_eq!(
///     error.to_string(),
///     "[MODEL_LOAD_FAILED] model x.onnx: tensor `input` has 4 channels; expected 3 (RGB) or 1 (luma); \
///      export the model with RGB input"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
// RV-RAVE-1002
pub struct Error {
    status: Status,
    found: String,
    expected: Option<String>,
    help: Option<String>,
}

/// The result of everything in RAVE that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of class `status`; `found` names the object and what was found there.
    #[must_use]
    pub fn new(status: Status, found: impl Into<String>) -> Self {
        Error { status, found: found.into(), expected: None, help: None }
    }

    /// Says what was expected in its place.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Puts the name of the enclosing object in front, as `context: found`.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.found = format!("{context}: {}", self.found);
        self
    }

    /// The class of the failure.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// What the error says without the token of its class: for what is told and is no failure.
    ///
    /// ```
    /// use rave_core::{Error, Status};
    /// let error = Error::new(Status::InvalidDevice, "the GPU encodes nothing").help("use libx264");
    /// assert_eq!(error.message(), "the GPU encodes nothing; use libx264");
    /// ```
    #[must_use]
    pub fn message(&self) -> String {
        let expected = self.expected.as_ref().map_or_else(String::new, |text| format!("; expected {text}"));
        let help = self.help.as_ref().map_or_else(String::new, |text| format!("; {text}"));
        format!("{}{expected}{help}", self.found)
    }

    /// The failure of a file operation on `path`, classed by its `std::io::ErrorKind`.
    #[must_use]
    // RV-CORE-1302
    pub fn io(path: &std::path::Path, error: &std::io::Error) -> Self {
        let status = match error.kind() {
            std::io::ErrorKind::NotFound => Status::FileNotFound,
            std::io::ErrorKind::PermissionDenied => Status::PermissionDenied,
            std::io::ErrorKind::OutOfMemory => Status::OutOfMemory,
            _ => Status::Io,
        };
        Error::new(status, format!("file {}: {error}", path.display()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.status.token(), self.message())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-CORE-1301
    #[test]
    fn the_first_codes_and_99_are_fixed() {
        let fixed = [
            (Status::Ok, 0),
            (Status::InvalidDevice, 1),
            (Status::OutOfMemory, 2),
            (Status::ModelLoadFailed, 3),
            (Status::InferenceFailed, 4),
            (Status::InvalidParameter, 5),
            (Status::KernelLaunchFailed, 6),
            (Status::VramResidencyFailed, 7),
            (Status::DeviceNotFound, 8),
            (Status::Unknown, 99),
        ];
        for (status, code) in fixed {
            assert_eq!(status.code(), code, "{status:?}");
        }
    }

    /// RV-CORE-1301
    #[test]
    fn codes_are_unique_ascending_and_round_trip() {
        assert!(Status::ALL.windows(2).all(|pair| pair[0].code() < pair[1].code()));
        for status in Status::ALL {
            assert_eq!(Status::from_code(status.code()), Some(status));
        }
        assert_eq!(Status::from_code(-1), None);
        assert_eq!(Status::from_code(98), None);
    }

    /// RV-CORE-1302
    #[test]
    fn io_errors_are_classed_by_kind_and_name_the_path() {
        let error =
            Error::io(std::path::Path::new("/no/such"), &std::io::Error::from(std::io::ErrorKind::NotFound));
        assert_eq!(error.status(), Status::FileNotFound);
        assert!(error.to_string().contains("/no/such"), "{error}");
    }
}
