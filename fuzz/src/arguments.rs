//! The words of the command line: sizes, times, amounts and their like.

// The command is a program, and no library: its file is taken in here.
#[path = "../../crates/rave-cli/src/values.rs"]
mod values;

use std::fmt::Debug;

pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    fn explained<T: Debug>(value: Result<T, String>) -> Option<T> {
        value.map_err(|error| assert!(!error.is_empty())).ok()
    }
    if let Some(size) = explained(values::size(text)) {
        assert!(size.checked("it").is_ok(), "{size}");
        assert_eq!(values::size(&size.to_string()), Ok(size));
    }
    if let Some((major, minor)) = explained(values::capability(text)) {
        assert_eq!(values::capability(&format!("{major}.{minor}")), Ok((major, minor)));
    }
    if let Some(bytes) = explained(values::bytes(text)) {
        assert!(bytes > 0);
        assert_eq!(values::bytes(&bytes.to_string()), Ok(bytes));
    }
    if let Some(quality) = explained(values::quality(text)) {
        assert!((0.0..=51.0).contains(&quality), "{quality}");
    }
    if let Some(format) = explained(values::pixel_format(text)) {
        assert_eq!(format.name(), text);
    }
    if let Some((name, value)) = explained(values::pair(text)) {
        assert!(!name.is_empty() && format!("{name}={value}") == text);
    }
    _ = explained(values::time(text));
}
