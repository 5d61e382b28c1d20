//! The values of arguments, from their text. Errors say what is expected.

use std::time::Duration;

use rave_core::{PixelFormat, Size};

/// `1280x720`.
pub(crate) fn size(text: &str) -> Result<Size, String> {
    let sides = text
        .split_once('x')
        .and_then(|(width, height)| Some(Size::new(width.parse().ok()?, height.parse().ok()?).checked("it")));
    sides.ok_or("a width and a height, such as 1280x720")?.map_err(|error| error.to_string())
}

/// `8.9`.
pub(crate) fn capability(text: &str) -> Result<(u32, u32), String> {
    text.split_once('.')
        .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)))
        .ok_or_else(|| "major and minor, such as 8.9 or 12.0".to_owned())
}

/// `1048576`, `512M`, `2G`: multiples of 1024.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.as_bytes().last() {
        Some(b'K' | b'k') => (&text[..text.len() - 1], 1 << 10),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 1 << 20),
        Some(b'G' | b'g') => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1),
    };
    let bytes: Option<u64> = number.parse().ok().and_then(|number: u64| number.checked_mul(unit));
    bytes.filter(|&bytes| bytes > 0).ok_or_else(|| "a number of bytes, such as 512M or 2G".to_owned())
}

/// `90`, `1:30`, `0:01:30.5`.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let help = || "a time, such as 90, 1:30 or 0:01:30.5".to_owned();
    let mut parts: Vec<&str> = text.split(':').collect();
    let seconds: f64 = parts
        .pop()
        .filter(|part| !part.starts_with(['-', '+']))
        .and_then(|part| part.parse().ok())
        .ok_or_else(help)?;
    let mut larger = 0u64;
    if parts.len() > 2 || (!parts.is_empty() && seconds >= 60.0) {
        return Err(help());
    }
    for part in parts {
        let number: u64 = part.parse().map_err(|_| help())?;
        larger = larger.checked_mul(60).and_then(|larger| larger.checked_add(number)).ok_or_else(help)?;
    }
    let whole = larger.checked_mul(60).ok_or_else(help)?;
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| help())?
        .checked_add(Duration::from_secs(whole))
        .ok_or_else(help)
}

/// `23.5`.
pub(crate) fn quality(text: &str) -> Result<f32, String> {
    text.parse()
        .ok()
        .filter(|quality| (0.0..=51.0).contains(quality))
        .ok_or_else(|| "a number from 0 to 51".into())
}

/// `yuv420p`.
pub(crate) fn pixel_format(text: &str) -> Result<PixelFormat, String> {
    PixelFormat::from_name(text).ok_or_else(|| {
        let names: Vec<_> = PixelFormat::ALL.iter().map(|format| format.name()).collect();
        format!("one of {}", names.join(", "))
    })
}

/// `preset=slow`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    pair.map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or_else(|| "NAME=VALUE".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_capabilities_and_amounts_are_read_and_others_explained() {
        assert_eq!(size("1280x720"), Ok(Size::new(1280, 720)));
        for wrong in ["1280", "1280x", "x720", "1280*720", "-1x2", "1280x720x3"] {
            assert!(size(wrong).unwrap_err().contains("such as 1280x720"), "{wrong}");
        }
        assert!(size("0x720").unwrap_err().contains("1 to 32768"));
        assert_eq!(capability("12.0"), Ok((12, 0)));
        assert!(capability("12").is_err());
        assert_eq!((bytes("7"), bytes("512M"), bytes("2g")), (Ok(7), Ok(512 << 20), Ok(2 << 30)));
        for wrong in ["", "M", "0", "1.5G", "-1", "99999999999G"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_are_read_and_others_explained() {
        for (text, milliseconds) in [
            ("0", 0),
            ("90", 90_000),
            ("1:30", 90_000),
            ("1:02:03.25", 3_723_250),
            ("0.04", 40),
            ("600.5", 600_500),
        ] {
            assert_eq!(time(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for wrong in ["", "-1", "1:60", "1:-2", "1:2:3:4", "x", "1:x", "inf", "nan", "99999999999999999999:0"]
        {
            assert!(time(wrong).unwrap_err().contains("such as"), "{wrong}");
        }
    }

    #[test]
    fn qualities_formats_and_pairs_are_read() {
        assert_eq!(quality("18.5"), Ok(18.5));
        assert!(quality("52").is_err() && quality("-1").is_err() && quality("nan").is_err());
        assert_eq!(pixel_format("yuv420p10le"), Ok(PixelFormat::Yuv420p10));
        assert!(pixel_format("yuv").unwrap_err().contains("yuv420p,"));
        assert_eq!(pair("tune=film"), Ok(("tune".into(), "film".into())));
        assert_eq!(pair("params=a=b"), Ok(("params".into(), "a=b".into())));
        assert!(pair("tune").is_err() && pair("=x").is_err());
    }
}
