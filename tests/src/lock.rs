//! include/rave.lock: which versions of the header there are, and which functions the library exports.
//!
//! One fact a line: `version NUMBER released|unreleased SHA256` for every version, oldest first, then `function NAME`
//! for every function, sorted. A line of a released version never changes.

use std::path::PathBuf;

/// A version of the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number, as `0.1.0`.
    pub number: String,
    /// Whether it has gone out: then its hash is fixed.
    pub released: bool,
    /// The SHA-256 of rave.h, in hexadecimal.
    pub sha256: String,
}

/// The lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// Every version, oldest first.
    pub versions: Vec<Version>,
    /// Every function, sorted.
    pub functions: Vec<String>,
}

const HEAD: &str =
    "# The lock of rave.h, written by scripts/bless.sh header. CHANGES.md says what the versions changed.\n";

/// Where the lock is.
#[must_use]
pub fn path() -> PathBuf {
    crate::root().join("include/rave.lock")
}

impl Lock {
    /// Reads a lock's text.
    ///
    /// # Errors
    /// The first line that is none of a lock, or not in its place.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lock = Lock::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["version", number, state @ ("released" | "unreleased"), sha256]
                    if triple(number).is_some() && is_sha256(sha256) =>
                {
                    lock.versions.push(Version {
                        number: number.into(),
                        released: state == "released",
                        sha256: sha256.into(),
                    });
                }
                ["function", name] => lock.functions.push(name.into()),
                _ => return Err(format!("rave.lock: `{line}` is no line of a lock")),
            }
        }
        if !lock.versions.is_sorted_by(|a, b| triple(&a.number) < triple(&b.number)) {
            return Err("rave.lock: the versions do not ascend".into());
        }
        if !lock.functions.is_sorted_by(|a, b| a < b) {
            return Err("rave.lock: the functions are not sorted".into());
        }
        if lock.versions.iter().rev().skip(1).any(|version| !version.released) {
            return Err("rave.lock: a version before the last is not released".into());
        }
        Ok(lock)
    }

    /// The lock as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let versions = self.versions.iter().map(|version| {
            let state = if version.released { "released" } else { "unreleased" };
            format!("version {} {state} {}\n", version.number, version.sha256)
        });
        let functions = self.functions.iter().map(|name| format!("function {name}\n"));
        std::iter::once(HEAD.to_string()).chain(versions).chain(functions).collect()
    }

    /// The lock after the header became one with `sha256` and `functions` at version `number`.
    ///
    /// # Errors
    /// When that would change a version that is released, or go back behind one.
    pub fn bless(&self, number: &str, sha256: &str, functions: &[String]) -> Result<Self, String> {
        let mut next = self.clone();
        next.functions = functions.to_vec();
        next.functions.sort();
        let fresh = Version { number: number.into(), released: false, sha256: sha256.into() };
        match next.versions.last_mut() {
            Some(last) if last.number == number && last.released && last.sha256 != sha256 => {
                return Err(format!(
                    "rave.h changed, and version {number} of it is released: raise the version of the workspace and of \
                     rave-ffi/cbindgen.toml, and say in include/CHANGES.md what changed"
                ));
            }
            Some(last) if last.number == number => last.sha256 = sha256.into(),
            Some(last) if triple(&last.number) > triple(number) => {
                return Err(format!("version {number} is older than the lock's {}", last.number));
            }
            Some(last) if !last.released => *last = fresh,
            _ => next.versions.push(fresh),
        }
        Ok(next)
    }

    /// What of the working tree contradicts the lock, or the lock CHANGES.md: nothing, when all is well.
    #[must_use]
    pub fn contradictions(
        &self,
        number: &str,
        sha256: &str,
        functions: &[String],
        changes: &str,
    ) -> Vec<String> {
        let mut found = Vec::new();
        match self.bless(number, sha256, functions) {
            Err(reason) => found.push(reason),
            Ok(blessed) if blessed != *self => found.push(
                "include/rave.lock does not belong to include/rave.h: run scripts/bless.sh header and commit both"
                    .into(),
            ),
            Ok(_) => {}
        }
        // Newest first, as people read it.
        let listed: Vec<(String, bool)> =
            self.versions.iter().rev().map(|version| (version.number.clone(), version.released)).collect();
        let sections = sections(changes);
        let headings: Vec<(String, bool)> =
            sections.iter().map(|section| (section.number.clone(), section.released)).collect();
        if headings != listed {
            found.push(format!(
                "include/CHANGES.md has the headings {headings:?} and rave.lock the versions {listed:?} (number, \
                 released): write `## {number} (unreleased)` until it is released, then `## {number}`"
            ));
        }
        for section in sections.iter().filter(|section| section.lines == 0) {
            found.push(format!("include/CHANGES.md says nothing about {}", section.number));
        }
        found
    }
}

struct Section {
    number: String,
    released: bool,
    lines: usize,
}

fn sections(changes: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in changes.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            let number = heading.strip_suffix(" (unreleased)");
            sections.push(Section {
                number: number.unwrap_or(heading).into(),
                released: number.is_none(),
                lines: 0,
            });
        } else if let Some(section) = sections.last_mut() {
            section.lines += usize::from(!line.trim().is_empty());
        }
    }
    sections
}

fn triple(number: &str) -> Option<[u32; 3]> {
    let parts: Vec<u32> = number.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
    parts.try_into().ok()
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn lock(state: &str) -> Lock {
        Lock::parse(&format!("{HEAD}version 0.1.0 {state} {A}\nfunction f\nfunction g\n")).unwrap()
    }

    fn functions(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_string()).collect()
    }

    /// RV-FFI-1201
    #[test]
    fn an_unreleased_version_may_change_and_a_released_one_may_not() {
        let fg = functions(&["f", "g"]);
        assert_eq!(lock("unreleased").bless("0.1.0", B, &fg).unwrap().versions[0].sha256, B);
        assert!(lock("released").bless("0.1.0", B, &fg).unwrap_err().contains("is released"));
        assert!(lock("released").bless("0.1.0", A, &fg).is_ok());
    }

    #[test]
    fn a_new_version_is_added_behind_the_released_ones() {
        let next = lock("released").bless("0.2.0", B, &functions(&["h", "f"])).unwrap();
        let numbers: Vec<_> = next.versions.iter().map(|version| version.number.as_str()).collect();
        assert_eq!(numbers, ["0.1.0", "0.2.0"]);
        assert_eq!(next.functions, ["f", "h"]);
        assert_eq!(Lock::parse(&next.to_text()), Ok(next.clone()));
        assert!(next.bless("0.1.5", A, &[]).unwrap_err().contains("older"));
    }

    /// RV-FFI-1201
    #[test]
    fn changes_must_name_every_version_and_say_something() {
        let fg = functions(&["f", "g"]);
        let said = |changes: &str| lock("unreleased").contradictions("0.1.0", A, &fg, changes);
        assert!(said("# Changes\n\n## 0.1.0 (unreleased)\n\nThe first.\n").is_empty());
        assert!(said("## 0.1.0\n\nThe first.\n")[0].contains("headings"), "not released yet");
        assert!(said("## 0.1.0 (unreleased)\n\n")[0].contains("nothing"));
        let changed = lock("unreleased").contradictions("0.1.0", B, &fg, "## 0.1.0 (unreleased)\nx\n");
        assert!(changed[0].contains("bless.sh"), "{changed:?}");
        let grown =
            lock("unreleased").contradictions("0.1.0", A, &functions(&["f"]), "## 0.1.0 (unreleased)\nx\n");
        assert!(grown[0].contains("bless.sh"), "{grown:?}");
    }

    #[test]
    fn what_is_no_lock_is_refused() {
        for text in ["version 0.1 released x", "function b\nfunction a", "hello"] {
            assert!(Lock::parse(text).is_err(), "{text}");
        }
        let open_before_last = format!("version 0.1.0 unreleased {A}\nversion 0.2.0 unreleased {B}\n");
        assert!(Lock::parse(&open_before_last).is_err());
    }
}
