//! Finding the TensorRT library of this machine and the table of functions that fits it.

use std::env;
use std::ffi::{OsStr, OsString, c_void};
use std::fmt;
use std::path::{Path, PathBuf};

use rave_core::{Error, Result, Status};

use crate::plan::product;
use crate::sys;

/// The variable that names the library when no option does.
const VARIABLE: &str = "RAVE_TENSORRT_LIB";

/// What is tried when neither option nor variable names a library. The newest first; the full library before the lean
/// one, which runs only version-compatible engines.
const NAMES: [&str; 5] = [
    "libnvinfer.so.11",
    "libnvinfer.so.10",
    "libnvinfer_lean.so.11",
    "libnvinfer_lean.so.10",
    "libtensorrt_rtx.so.1",
];

/// The release of TensorRT-RTX whose virtual tables changed places: headers from one side do not fit libraries of the
/// other (compared for 1.3 to 1.7: what RAVE calls has kept its place since).
const RTX_TABLES_CHANGED: (u32, u32) = (1, 6);

/// A version of TensorRT or TensorRT-RTX.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Major.
    pub major: u32,
    /// Minor.
    pub minor: u32,
    /// Patch.
    pub patch: u32,
}

impl Version {
    /// What `getInferLibVersion` returns: `major * 10000 + minor * 100 + patch`, before TensorRT 10
    /// `major * 1000 + minor * 100 + patch`. TensorRT-RTX counts from 1 in the first way.
    fn from_number(number: i32) -> Option<Version> {
        let number = u32::try_from(number).ok()?;
        let unit = if number < 10_000 { 1000 } else { 10_000 };
        (number >= 1000).then_some(Version {
            major: number / unit,
            minor: number % unit / 100,
            patch: number % 100,
        })
    }

    /// Major and minor.
    #[must_use]
    pub fn release(self) -> (u32, u32) {
        (self.major, self.minor)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Which of NVIDIA's libraries it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flavour {
    /// TensorRT with its builder (libnvinfer).
    Full,
    /// TensorRT that can only run version-compatible engines (libnvinfer_lean).
    Lean,
    /// TensorRT for RTX.
    Rtx,
}

impl fmt::Display for Flavour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Flavour::Full => "TensorRT",
            Flavour::Lean => "TensorRT lean runtime",
            Flavour::Rtx => "TensorRT-RTX",
        })
    }
}

/// Where to look for the library.
#[derive(Clone, Debug, Default)]
pub struct SearchOptions {
    /// The library: a path, or a name for the dynamic linker to find. Nothing else is tried then.
    pub runtime_lib: Option<PathBuf>,
}

/// A loaded TensorRT library. It stays loaded until the process ends: TensorRT does not survive being unloaded.
#[derive(Clone)]
pub struct Library {
    name: PathBuf,
    version: Version,
    flavour: Flavour,
    pub(crate) number: i32,
    pub(crate) api: &'static sys::Api,
    pub(crate) create: Create,
    /// Lean libraries have none.
    pub(crate) create_builder: Option<Create>,
}

/// `createInferRuntime_INTERNAL(ILogger *, int32_t version)` or `createInferBuilder_INTERNAL`, which has the same type;
/// called by the shim only.
pub(crate) type Create = unsafe extern "C" fn(*mut c_void, i32) -> *mut c_void;

impl Library {
    /// Opens the library that the options name, else the one that `RAVE_TENSORRT_LIB` names, else the first of
    /// libnvinfer.so.11 and .10, libnvinfer_lean.so.11 and .10, libtensorrt_rtx.so.1 that can be used.
    ///
    /// Needs no GPU and no driver.
    ///
    /// # Errors
    /// [`Status::RuntimeLibraryMissing`], with every library that was tried and why it could not be used.
    // RV-TRT-1002
    pub fn open(options: &SearchOptions) -> Result<Library> {
        let mut tried = Vec::new();
        for (name, found) in Library::survey(options) {
            match found {
                Ok(library) => return Ok(library),
                Err(why) => tried.push(format!("{}: {why}", name.display())),
            }
        }
        Err(Error::new(
            Status::RuntimeLibraryMissing,
            format!("no TensorRT library can be used (tried {})", tried.join("; ")),
        )
        .help(format!(
            "install TensorRT 10 or 11, or name its library with the option runtime_lib or the variable {VARIABLE}"
        )))
    }

    /// Every library that [`Library::open`] would try, in its order, opened or with the reason why it cannot be. One is
    /// opened when the iterator comes to it, and stays loaded.
    pub fn survey(options: &SearchOptions) -> impl Iterator<Item = (PathBuf, Result<Library, String>)> {
        candidates(options, env::var_os(VARIABLE)).into_iter().map(|name| {
            let found = Library::open_one(&name);
            (name, found)
        })
    }

    fn open_one(name: &Path) -> Result<Library, String> {
        let library = load(name)?;
        let version = version_of(library)?;
        // SAFETY: the type is the function's in NvInferRuntime.h, with the logger's type left out; only the shim,
        // which has the real type, calls it.
        let create = *unsafe { library.get::<Create>("createInferRuntime_INTERNAL") }.map_err(why)?;
        // SAFETY: as above, of the function in NvInfer.h.
        let create_builder = unsafe { library.get::<Create>("createInferBuilder_INTERNAL") }.ok().map(|f| *f);
        let flavour = match (version.major, create_builder) {
            (1, _) => Flavour::Rtx,
            (_, Some(_)) => Flavour::Full,
            (_, None) => Flavour::Lean,
        };
        let rtx = flavour == Flavour::Rtx;
        // RV-TRT-1003
        let api = sys::api(version.major).ok_or_else(|| {
            format!(
                "it is {flavour} {version}, and this build of RAVE has no {} {} support",
                product(rtx),
                version.major
            )
        })?;
        let headers = header_version(api);
        if rtx && (headers.release() < RTX_TABLES_CHANGED) != (version.release() < RTX_TABLES_CHANGED) {
            let (major, minor) = RTX_TABLES_CHANGED;
            return Err(format!(
                "it is {flavour} {version}, and this build of RAVE was compiled for {headers}; their interfaces differ \
                 since {major}.{minor}"
            ));
        }
        // SAFETY: as in version_of.
        let number =
            unsafe { library.get::<VersionFn>("getInferLibVersion") }.map_or(0, |get| unsafe { get() });
        Ok(Library { name: name.to_owned(), version, flavour, number, api, create, create_builder })
    }

    /// A library whose functions are given.
    #[cfg(test)]
    pub(crate) fn stand_in(
        name: PathBuf,
        version: Version,
        flavour: Flavour,
        api: &'static sys::Api,
    ) -> Library {
        unsafe extern "C" fn create(_: *mut c_void, _: i32) -> *mut c_void {
            std::ptr::null_mut()
        }
        let create_builder = (flavour != Flavour::Lean).then_some(create as Create);
        Library { name, version, flavour, number: 0, api, create, create_builder }
    }

    /// The same library as if it lay elsewhere.
    #[cfg(test)]
    pub(crate) fn at(mut self, name: &str) -> Library {
        self.name = name.into();
        self
    }

    /// The path or name that it was opened by.
    #[must_use]
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// The file that it is mapped from, where the system tells.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        mapped_file(&std::fs::read_to_string("/proc/self/maps").ok()?, self.create as usize)
    }

    /// The library's own version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Which of NVIDIA's libraries it is.
    #[must_use]
    pub fn flavour(&self) -> Flavour {
        self.flavour
    }

    /// The version of the headers that RAVE was compiled with for this major.
    #[must_use]
    pub fn headers(&self) -> Version {
        header_version(self.api)
    }
}

impl fmt::Display for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.flavour, self.version, self.name.display())
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Library({self})")
    }
}

/// The version of another TensorRT library, such as the lean runtime of an older one. It stays loaded.
pub(crate) fn probe_version(path: &Path) -> Result<Version, String> {
    version_of(load(path)?)
}

// RV-TRT-1001
fn candidates(options: &SearchOptions, variable: Option<OsString>) -> Vec<PathBuf> {
    match (&options.runtime_lib, variable) {
        (Some(path), _) => vec![path.clone()],
        (None, Some(path)) if !path.is_empty() => vec![path.into()],
        _ => NAMES.iter().map(PathBuf::from).collect(),
    }
}

/// Loads a library for good: unloading one of NVIDIA's takes away code that its threads and exit handlers still need.
pub(crate) fn load(name: &Path) -> Result<&'static libloading::Library, String> {
    // The dynamic linker opens whatever a path leads to, and would wait for ever for a FIFO's other end.
    if name.as_os_str() != name.file_name().unwrap_or(OsStr::new("")) {
        let metadata = std::fs::metadata(name).map_err(|error| error.to_string())?;
        // RV-TRT-1005
        if !metadata.is_file() {
            return Err("it is not a regular file".into());
        }
    }
    // SAFETY: the initialisers of NVIDIA's libraries have no requirements. That the name leads to such a library is
    // the word of whoever set the option, the variable or the system's library path.
    let library = unsafe { libloading::Library::new(name) }.map_err(why)?;
    Ok(Box::leak(Box::new(library)))
}

/// The dynamic linker's own words, which libloading keeps one level below its error.
pub(crate) fn why(error: libloading::Error) -> String {
    match std::error::Error::source(&error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}

/// The file behind an address, by the lines of proc_pid_maps(5): `begin-end perms offset dev inode path`.
fn mapped_file(maps: &str, address: usize) -> Option<PathBuf> {
    let number = |text| usize::from_str_radix(text, 16).ok();
    let line = maps.lines().find(|line| {
        let range = line.split(' ').next().and_then(|range| range.split_once('-'));
        range.is_some_and(|(begin, end)| {
            number(begin).zip(number(end)).is_some_and(|(begin, end)| (begin..end).contains(&address))
        })
    })?;
    line.find('/').map(|at| PathBuf::from(&line[at..]))
}

type VersionFn = unsafe extern "C" fn() -> i32;

fn version_of(library: &libloading::Library) -> Result<Version, String> {
    // SAFETY: the type is the function's in NvInferRuntimeBase.h, the same in every version.
    let get = unsafe { library.get::<VersionFn>("getInferLibVersion") }.map_err(why)?;
    // SAFETY: it takes nothing and returns a constant.
    let number = unsafe { get() };
    Version::from_number(number).ok_or_else(|| format!("its version number is {number}"))
}

fn header_version(api: &sys::Api) -> Version {
    let number = api.headers as u32 & 0x00ff_ffff;
    Version { major: number / 10_000, minor: number % 10_000 / 100, patch: number % 100 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RV-TRT-1001
    #[test]
    fn the_option_goes_before_the_variable_and_the_variable_before_the_known_names() {
        let option = SearchOptions { runtime_lib: Some("a.so".into()) };
        assert_eq!(candidates(&option, Some("b.so".into())), [PathBuf::from("a.so")]);
        let none = SearchOptions::default();
        assert_eq!(candidates(&none, Some("b.so".into())), [PathBuf::from("b.so")]);
        assert_eq!(candidates(&none, Some("".into())).len(), NAMES.len());
        assert_eq!(candidates(&none, None)[0], PathBuf::from("libnvinfer.so.11"));
    }

    #[test]
    fn the_file_behind_an_address_is_the_one_whose_range_holds_it() {
        let maps = "1000-2000 r--p 00000000 fe:00 12 /usr/lib/a b.so\n2000-3000 r-xp 00000000 00:00 0\n";
        assert_eq!(mapped_file(maps, 0x1fff), Some("/usr/lib/a b.so".into()));
        assert_eq!((mapped_file(maps, 0x2000), mapped_file(maps, 0xfff)), (None, None));
    }

    #[test]
    fn version_numbers_are_read_in_both_ways_of_counting() {
        let read = |number| Version::from_number(number).map(|version| version.to_string());
        assert_eq!(read(8600).as_deref(), Some("8.6.0"));
        assert_eq!(read(101_601).as_deref(), Some("10.16.1"));
        assert_eq!(read(110_400).as_deref(), Some("11.4.0"));
        assert_eq!(read(10_701).as_deref(), Some("1.7.1"));
        assert_eq!(read(0), None);
        assert_eq!(read(-1), None);
    }
}
