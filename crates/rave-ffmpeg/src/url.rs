//! How FFmpeg names what the user means by a path.

/// `-` as the pipe `number`; a path with a colon so that it is not read as a protocol; everything else as it is.
// RV-FF-1003
pub(crate) fn url_of(path: &str, pipe: u32) -> String {
    if path == "-" {
        return format!("pipe:{pipe}");
    }
    let scheme = path.split_once(':').map(|(scheme, rest)| (scheme, rest.starts_with("//")));
    match scheme {
        Some((_, true)) | Some(("pipe" | "fd" | "file", _)) | None => path.to_owned(),
        Some(_) => format!("file:{path}"),
    }
}

/// Whether it is a pipe, which cannot seek.
pub(crate) fn is_pipe(path: &str) -> bool {
    path == "-" || path.starts_with("pipe:") || path.starts_with("fd:")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-FF-1003
    #[test]
    fn a_colon_in_a_path_is_no_protocol() {
        assert_eq!(url_of("-", 1), "pipe:1");
        assert_eq!(url_of("a b.mp4", 0), "a b.mp4");
        assert_eq!(url_of("clip 12:30.mp4", 0), "file:clip 12:30.mp4");
        assert_eq!(url_of("pipe:3", 0), "pipe:3");
        assert_eq!(url_of("file:x:y", 0), "file:x:y");
        assert_eq!(url_of("https://host/x", 0), "https://host/x");
        assert!(is_pipe("-") && is_pipe("pipe:1") && !is_pipe("pipe.mp4"));
    }
}
