//! A locale in which what is written in the C locale reads otherwise: Turkish, where 1.5 is `1,5` and a small `I` is no `i`.
//!
//! FFmpeg and programs in C stay in the C locale unless they call `setlocale`, so the variables alone change nothing. A
//! library that is preloaded calls it for them, as a host with a user interface does.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::command::succeed;
use crate::compiler::{Compiler, source};

/// The locale, made for this test: a machine need not have it.
#[derive(Debug)]
pub struct Turkish {
    folder: TempDir,
}

impl Turkish {
    /// The locale in a folder of its own. Where the sources of locales (the package `locales`) are missing, that is a
    /// failure with `RAVE_REQUIRE_LOCALES=1`, otherwise it is said.
    ///
    /// # Panics
    /// When they are missing and required, or do not compile.
    #[must_use]
    pub fn made() -> Option<Self> {
        let needed = ["/usr/share/i18n/locales/tr_TR", "/usr/share/i18n/charmaps/UTF-8.gz"];
        if let Some(missing) = needed.into_iter().find(|file| !Path::new(file).is_file()) {
            let required = std::env::var_os("RAVE_REQUIRE_LOCALES").is_some_and(|value| value == "1");
            assert!(!required, "{missing} is missing: install the package locales");
            eprintln!("skipped: {missing} is missing (the package locales)");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let locale = folder.path().join("tr_TR.UTF-8");
        succeed(Command::new("localedef").args(["-i", "tr_TR", "-f", "UTF-8"]).arg(locale));
        let turkish = Turkish { folder };
        Compiler::new("gcc", "c11").library(&source("turkish.c"), &turkish.library());
        Some(turkish)
    }

    /// Has `command` run in the locale. It ends with exit code 97 before its first line when it does not.
    pub fn for_command(&self, command: &mut Command) {
        command.envs(self.variables());
    }

    /// The words that, before a command, have it run in the locale.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let variables = self.variables().into_iter();
        let words = variables.map(|(name, value)| format!("{name}={}", value.to_string_lossy()));
        std::iter::once("env".into()).chain(words).collect()
    }

    fn variables(&self) -> [(&'static str, OsString); 3] {
        [
            ("LC_ALL", "tr_TR.UTF-8".into()),
            ("LOCPATH", self.folder.path().into()),
            ("LD_PRELOAD", self.library().into()),
        ]
    }

    fn library(&self) -> PathBuf {
        self.folder.path().join("turkish.so")
    }
}
