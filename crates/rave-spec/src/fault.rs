//! What is wrong, and what to do about it.

use std::fmt;

/// One thing that is wrong with a specification, or with what it is traced to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file, relative to the repository's root.
    pub file: String,
    /// The line, counted from 1; 0 when the whole file is meant.
    pub line: usize,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub help: String,
}

impl Fault {
    pub(crate) fn new(file: &str, line: usize, found: impl Into<String>, help: impl Into<String>) -> Self {
        Fault { file: file.into(), line, found: found.into(), help: help.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { file, line, found, help } = self;
        match line {
            0 => write!(f, "{file}: {found}; {help}"),
            line => write!(f, "{file}:{line}: {found}; {help}"),
        }
    }
}
