//! C and C++ programs that use librave, compiled with every warning an error.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{stdout_of, succeed};
use crate::librave::Librave;

/// Which library a program is linked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linkage {
    /// librave.a, by `pkg-config rave`.
    Static,
    /// librave.so, by `pkg-config rave-shared`.
    Shared,
}

/// How programs are compiled.
#[derive(Clone, Debug)]
pub struct Compiler {
    program: &'static str,
    flags: Vec<String>,
}

/// The flags of AddressSanitizer and UndefinedBehaviorSanitizer.
const SANITIZE: [&str; 3] =
    ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];

impl Compiler {
    /// `program` (gcc, g++, clang ...) at a language standard such as `c99`.
    #[must_use]
    pub fn new(program: &'static str, standard: &str) -> Self {
        let flags = [&format!("-std={standard}"), "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g", "-O1"];
        let include = crate::root().join("include").display().to_string();
        Compiler {
            program,
            flags: flags.map(String::from).into_iter().chain(["-I".into(), include]).collect(),
        }
    }

    /// Adds AddressSanitizer and UndefinedBehaviorSanitizer.
    #[must_use]
    pub fn sanitized(mut self) -> Self {
        self.flags.extend(SANITIZE.map(String::from));
        self
    }

    /// Has programs give their functions to the libraries that they open.
    #[must_use]
    pub fn exporting(mut self) -> Self {
        self.flags.push("-rdynamic".into());
        self
    }

    /// Compiles `source` into the shared library `target`.
    ///
    /// # Panics
    /// When it does not compile.
    pub fn library(&self, source: &Path, target: &Path) {
        let mut command = Command::new(self.program);
        succeed(command.args(&self.flags).args(["-shared", "-fPIC"]).arg(source).arg("-o").arg(target));
    }

    /// Checks that `source` compiles, without linking it.
    ///
    /// # Panics
    /// When it does not.
    pub fn check(&self, source: &Path) {
        succeed(Command::new(self.program).args(&self.flags).arg("-fsyntax-only").arg(source));
    }

    /// Compiles `source`, which calls no function of librave, into the program `target`.
    ///
    /// # Panics
    /// When it does not compile.
    #[must_use]
    pub fn build(&self, source: &Path, target: &Path) -> Program {
        succeed(Command::new(self.program).args(&self.flags).arg(source).arg("-o").arg(target));
        Program::at(target.to_path_buf())
    }

    /// Compiles `source` and links it into the program `target`.
    ///
    /// # Panics
    /// When it does not compile or link.
    #[must_use]
    pub fn link(&self, source: &Path, librave: &Librave, linkage: Linkage, target: &Path) -> Program {
        let (package, rpath) = match linkage {
            Linkage::Static => ("rave", None),
            Linkage::Shared => ("rave-shared", Some(format!("-Wl,-rpath,{}", librave.folder().display()))),
        };
        let mut command = Command::new(self.program);
        command.args(&self.flags).arg(source).arg("-o").arg(target);
        command.args(pkg_config(librave, package)).args(rpath).arg("-pthread");
        succeed(&mut command);
        Program::at(target.to_path_buf())
    }

    /// Compiles `source` and links it with `librave`'s archive by its path, for libraries without pkg-config files.
    ///
    /// # Panics
    /// When it does not compile or link.
    #[must_use]
    pub fn link_archive(&self, source: &Path, librave: &Librave, target: &Path) -> Program {
        let mut command = Command::new(self.program);
        command.args(&self.flags).arg(source).arg("-o").arg(target);
        command.arg(librave.archive()).args(["-lpthread", "-lm", "-ldl"]);
        succeed(&mut command);
        Program::at(target.to_path_buf())
    }

    /// Compiles `source` for ThreadSanitizer and links it with the archive of [`Librave::instrumented_for_threads`] and the
    /// runtime beside it.
    ///
    /// # Panics
    /// When it does not compile or link.
    #[must_use]
    pub fn link_for_threads(&self, source: &Path, librave: &Librave, target: &Path) -> Program {
        let object = target.with_extension("o");
        let mut command = Command::new(self.program);
        succeed(
            command.args(&self.flags).args(["-fsanitize=thread", "-c"]).arg(source).arg("-o").arg(&object),
        );
        // All of the runtime, whose functions stand before those of the C library, also for the libraries that call them.
        let mut command = Command::new(self.program);
        command.arg(object).args(["-rdynamic", "-Wl,--whole-archive"]).arg(librave.thread_runtime());
        command.arg("-Wl,--no-whole-archive").arg(librave.archive()).args(["-lpthread", "-lm", "-ldl"]);
        succeed(command.arg("-o").arg(target));
        Program::at(target.to_path_buf())
    }
}

/// The flags that pkg-config gives for a package of `librave`.
///
/// # Panics
/// When pkg-config does not know it.
#[must_use]
pub fn pkg_config(librave: &Librave, package: &str) -> Vec<String> {
    let flags = stdout_of(
        Command::new("pkg-config")
            .args(["--cflags", "--libs", package])
            .env("PKG_CONFIG_PATH", librave.folder().join("pkgconfig")),
    );
    flags.split_whitespace().map(String::from).collect()
}

/// A compiled program.
#[derive(Clone, Debug)]
pub struct Program(Vec<PathBuf>);

impl Program {
    /// The program at `path`.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Program(vec![path])
    }

    /// `program`, run by another one such as valgrind.
    #[must_use]
    pub fn wrapped(program: &Program, by: &[&str]) -> Self {
        Program(by.iter().map(PathBuf::from).chain(program.0.clone()).collect())
    }

    /// A command that runs it, with sanitizers told to be thorough and an environment that picks no inference library.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.0[0]);
        command
            .args(&self.0[1..])
            .env_remove("RAVE_ONNXRUNTIME_LIB")
            .env("ASAN_OPTIONS", "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1")
            .env("UBSAN_OPTIONS", "print_stacktrace=1")
            .env("TSAN_OPTIONS", "halt_on_error=1:second_deadlock_stack=1");
        command
    }
}

/// A source of `tests/c`.
#[must_use]
pub fn source(name: &str) -> PathBuf {
    crate::root().join("tests/c").join(name)
}
