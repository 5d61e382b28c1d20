//! Names of numbered images, as FFmpeg's image sequences have them.

use std::fs;
use std::path::{Path, PathBuf};

/// A name with the place of a number in it, such as `frame-%04d.png`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Numbered {
    before: String,
    /// The fewest digits; the rest is filled with zeros.
    digits: usize,
    after: String,
}

impl Numbered {
    /// The pattern that a file's name is; `None` for a name without the place of a number. `%%` stands for `%`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let whole = |text: &str| text.replace("%%", "%");
        let mut place = 0;
        loop {
            place += name[place..].find('%')?;
            let rest = &name[place + 1..];
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            if rest[digits..].starts_with('d') {
                let after = whole(&rest[digits + 1..]);
                let digits = rest[..digits].parse().unwrap_or(0);
                return Some(Numbered { before: whole(&name[..place]), digits, after });
            }
            // Whatever follows it, the second of two does not begin a place.
            place += if rest.starts_with('%') { 2 } else { 1 };
        }
    }

    /// The pattern in the last part of `path`.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        Numbered::parse(&path.file_name()?.to_string_lossy())
    }

    /// The name of image `number`.
    pub(crate) fn name(&self, number: u64) -> String {
        format!("{}{number:0width$}{}", self.before, self.after, width = self.digits)
    }

    /// The number of the image `name`, if it is one of these.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        let digits = name.strip_prefix(&self.before)?.strip_suffix(&self.after)?;
        let number = digits.parse().ok()?;
        (self.name(number) == name).then_some(number)
    }

    /// The images that are in `folder`, by their numbers.
    pub(crate) fn images(&self, folder: &Path) -> std::io::Result<Vec<(u64, PathBuf)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if let Some(number) = self.number(&entry.file_name().to_string_lossy()) {
                found.push((number, entry.path()));
            }
        }
        found.sort_unstable();
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_the_place_of_a_number_and_names_its_images() {
        let four = Numbered::parse("frame-%04d.png").unwrap();
        assert_eq!(
            (four.name(7), four.name(12_345)),
            ("frame-0007.png".to_owned(), "frame-12345.png".to_owned())
        );
        assert_eq!(Numbered::parse("%d.png").unwrap().name(10), "10.png");
        assert_eq!(Numbered::parse("50%%-%d.png").unwrap().name(3), "50%-3.png");
        for none in ["100%.png", "a%s.png", "out.mp4", "%%d.png", "%"] {
            assert_eq!(Numbered::parse(none), None, "{none}");
        }
        for (name, number) in [
            ("frame-0007.png", Some(7)),
            ("frame-12345.png", Some(12_345)),
            ("frame-007.png", None),
            ("frame-07a7.png", None),
            ("frame-0007.png.tmp", None),
            ("frame-.png", None),
        ] {
            assert_eq!(four.number(name), number, "{name}");
        }
    }
}
