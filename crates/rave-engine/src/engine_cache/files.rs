//! The names of the cache's files, and nothing else's: what is named otherwise is never touched.

use super::label::Kind;
use super::lock;

/// The bytes of a hash, in hexadecimal digits.
const STEM: usize = 64;

/// What a file of the cache is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// An entry.
    Entry(Kind),
    /// An engine that was found damaged, put aside.
    Quarantined,
    /// An entry that is being written.
    Temporary,
    /// What the writer of an entry locks.
    Lock,
}

/// The name of an entry's file.
pub(super) fn entry(stem: &str, kind: Kind) -> String {
    format!("{stem}.{}", kind.extension())
}

/// The name of what is to become an entry. One is enough: it belongs to the holder of the entry's lock.
pub(super) fn temporary(stem: &str) -> String {
    format!("{stem}.tmp")
}

/// The name of an engine that was put aside.
pub(super) fn quarantined(stem: &str) -> String {
    format!("{stem}.{}.bad", Kind::Engine.extension())
}

/// The stem and role of the file `name`, if it is the cache's.
pub(super) fn parse(name: &str) -> Option<(&str, Role)> {
    let (stem, extension) = name.split_once('.')?;
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if stem.len() != STEM || !stem.bytes().all(hexadecimal) {
        return None;
    }
    let role = match extension {
        "engine" => Role::Entry(Kind::Engine),
        "timings" => Role::Entry(Kind::Timings),
        "engine.bad" => Role::Quarantined,
        "tmp" => Role::Temporary,
        lock::EXTENSION => Role::Lock,
        _ => return None,
    };
    Some((stem, role))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-ENG-1406
    #[test]
    fn names_tell_their_roles_and_others_are_not_ours() {
        let stem = "0123456789abcdef".repeat(4);
        for (name, role) in [
            (entry(&stem, Kind::Engine), Role::Entry(Kind::Engine)),
            (entry(&stem, Kind::Timings), Role::Entry(Kind::Timings)),
            (quarantined(&stem), Role::Quarantined),
            (temporary(&stem), Role::Temporary),
            (format!("{stem}.lock"), Role::Lock),
        ] {
            assert_eq!(parse(&name), Some((&stem[..], role)), "{name}");
        }
        let upper = stem.to_uppercase();
        for name in
            [&stem, "notes.tmp", &format!("{upper}.tmp"), &format!("{stem}0.tmp"), &format!("{stem}.tmp2")]
        {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
