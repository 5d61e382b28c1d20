//! NVRTC: CUDA C++ that becomes PTX while the program runs. Source: nvrtc.h of CUDA 12 and 13.
//!
//! The library is opened at run time, as everything of NVIDIA's: `RAVE_NVRTC_LIB`, then that of the driver's CUDA, then others.

use std::ffi::{CString, OsString, c_char, c_int, c_void};
use std::ptr;

use libloading::Library;
use rave_core::{Error, Result, Status};

/// `nvrtcProgram`.
type Program = *mut c_void;
/// `nvrtcResult`.
type Code = c_int;

const SUCCESS: Code = 0;
/// `NVRTC_ERROR_COMPILATION`.
const COMPILATION: Code = 6;

/// The majors of CUDA whose library is looked for, the newest first.
const MAJORS: [i32; 2] = [13, 12];

/// NVRTC, opened.
#[derive(Debug)]
pub(crate) struct Nvrtc {
    create: unsafe extern "C" fn(
        *mut Program,
        *const c_char,
        *const c_char,
        c_int,
        *const *const c_char,
        *const *const c_char,
    ) -> Code,
    compile: unsafe extern "C" fn(Program, c_int, *const *const c_char) -> Code,
    ptx_size: unsafe extern "C" fn(Program, *mut usize) -> Code,
    ptx: unsafe extern "C" fn(Program, *mut c_char) -> Code,
    log_size: unsafe extern "C" fn(Program, *mut usize) -> Code,
    log: unsafe extern "C" fn(Program, *mut c_char) -> Code,
    destroy: unsafe extern "C" fn(*mut Program) -> Code,
    name: String,
    /// The functions are its own.
    _library: Library,
}

impl Nvrtc {
    /// Opens the library that goes with a driver for CUDA `driver_cuda` (1000 major + 10 minor).
    ///
    /// # Errors
    /// [`Status::RuntimeLibraryMissing`], with what was tried.
    // RV-CUDA-1501
    pub(crate) fn open(driver_cuda: i32) -> Result<Self> {
        let own = driver_cuda / 1000;
        // PTX of a newer CUDA than the driver's cannot be loaded.
        let found =
            MAJORS.into_iter().filter(|&major| major <= own).map(|major| format!("libnvrtc.so.{major}"));
        match std::env::var_os("RAVE_NVRTC_LIB") {
            Some(named) => Nvrtc::first_of([named]),
            None => Nvrtc::first_of(found.map(OsString::from)),
        }
    }

    fn first_of(names: impl IntoIterator<Item = OsString>) -> Result<Self> {
        let mut tried = Vec::new();
        for name in names {
            // SAFETY: NVIDIA's library, whose initialisers have no preconditions; one that the user names is trusted as
            // the program itself is.
            match unsafe { Library::new(&name) } {
                Ok(library) => return Nvrtc::of(library, name.to_string_lossy().into_owned()),
                Err(error) => tried.push(format!("{}: {error}", name.to_string_lossy())),
            }
        }
        Err(Error::new(
            Status::RuntimeLibraryMissing,
            format!("NVRTC cannot be opened ({})", tried.join("; ")),
        )
        .expected("the CUDA toolkit's run-time compiler")
        .help("install it (pip install nvidia-cuda-nvrtc-cu12), or name it in RAVE_NVRTC_LIB"))
    }

    fn of(library: Library, name: String) -> Result<Self> {
        let missing =
            |error: libloading::Error| Error::new(Status::RuntimeLibraryMissing, format!("{name}: {error}"));
        // SAFETY: the types are those of nvrtc.h, which have not changed since CUDA 8; the functions stay with the library.
        unsafe {
            Ok(Nvrtc {
                create: *library.get(c"nvrtcCreateProgram").map_err(missing)?,
                compile: *library.get(c"nvrtcCompileProgram").map_err(missing)?,
                ptx_size: *library.get(c"nvrtcGetPTXSize").map_err(missing)?,
                ptx: *library.get(c"nvrtcGetPTX").map_err(missing)?,
                log_size: *library.get(c"nvrtcGetProgramLogSize").map_err(missing)?,
                log: *library.get(c"nvrtcGetProgramLog").map_err(missing)?,
                destroy: *library.get(c"nvrtcDestroyProgram").map_err(missing)?,
                name: name.clone(),
                _library: library,
            })
        }
    }

    /// Compiles `source` for GPUs of a compute capability; the PTX ends with a NUL byte.
    ///
    /// # Errors
    /// [`Status::KernelLaunchFailed`] with the compiler's messages; [`Status::InvalidParameter`] for a NUL byte in it.
    // RV-CUDA-1501
    pub(crate) fn compile(&self, name: &str, source: &str, (major, minor): (i32, i32)) -> Result<Vec<u8>> {
        let text = |text: &str| {
            CString::new(text)
                .map_err(|_| Error::new(Status::InvalidParameter, format!("kernel `{name}` has a NUL byte")))
        };
        let (file, source) = (text(&format!("{name}.cu"))?, text(source)?);
        let architecture = text(&format!("--gpu-architecture=compute_{major}{minor}"))?;
        let mut program = ptr::null_mut();
        // SAFETY: the place is valid, both texts end with NUL, and there are no headers.
        let code = unsafe {
            (self.create)(&mut program, source.as_ptr(), file.as_ptr(), 0, ptr::null(), ptr::null())
        };
        if code != SUCCESS {
            return Err(self.error(name, "nvrtcCreateProgram", code));
        }
        let compiled = self.compile_program(name, program, &architecture);
        // SAFETY: the program is ours and is not used after this.
        unsafe { (self.destroy)(&mut program) };
        compiled
    }

    fn compile_program(&self, name: &str, program: Program, architecture: &CString) -> Result<Vec<u8>> {
        let options = [architecture.as_ptr()];
        // SAFETY: the program is live; one option is passed, as the count says.
        let code = unsafe { (self.compile)(program, 1, options.as_ptr()) };
        if code != SUCCESS {
            let log = self.text(program, self.log_size, self.log).unwrap_or_default();
            let log = String::from_utf8_lossy(&log).trim_matches(['\0', '\n']).to_owned();
            let error = self.error(name, "nvrtcCompileProgram", code);
            return Err(if code == COMPILATION { error.context(log) } else { error });
        }
        self.text(program, self.ptx_size, self.ptx).map_err(|code| self.error(name, "nvrtcGetPTX", code))
    }

    fn text(
        &self,
        program: Program,
        size: unsafe extern "C" fn(Program, *mut usize) -> Code,
        get: unsafe extern "C" fn(Program, *mut c_char) -> Code,
    ) -> Result<Vec<u8>, Code> {
        let mut bytes = 0;
        // SAFETY: the program is live, the place valid.
        match unsafe { size(program, &mut bytes) } {
            SUCCESS => {}
            code => return Err(code),
        }
        let mut text = vec![0u8; bytes];
        // SAFETY: the buffer has as many bytes as the library has just asked for, its NUL included.
        match unsafe { get(program, text.as_mut_ptr().cast()) } {
            SUCCESS => Ok(text),
            code => Err(code),
        }
    }

    fn error(&self, kernel: &str, call: &str, code: Code) -> Error {
        Error::new(
            Status::KernelLaunchFailed,
            format!("kernel `{kernel}`: {call} of {} failed with {code}", self.name),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NVRTC needs no GPU. A visible skip where it is not installed.
    fn nvrtc() -> Option<Nvrtc> {
        Nvrtc::open(13_000).inspect_err(|error| eprintln!("skipped: {error}")).ok()
    }

    /// RV-CUDA-1501
    #[test]
    fn a_kernel_becomes_ptx_and_a_mistake_in_it_is_told_by_its_line() {
        let Some(nvrtc) = nvrtc() else { return };
        let source = "extern \"C\" __global__ void twice(float *x) { x[threadIdx.x] *= 2.0f; }";
        let ptx = nvrtc.compile("twice", source, (9, 0)).unwrap();
        let text = String::from_utf8(ptx).unwrap();
        assert!(
            text.contains(".visible .entry twice(") && text.contains("sm_90") && text.ends_with('\0'),
            "{text}"
        );
        let error = nvrtc.compile("bad", "__global__ void bad() {\n  oops;\n}", (9, 0)).unwrap_err();
        assert_eq!(error.status(), Status::KernelLaunchFailed);
        assert!(error.to_string().contains("bad.cu(2)") && error.to_string().contains("oops"), "{error}");
    }

    /// RV-CUDA-1501
    #[test]
    fn without_the_library_the_error_says_what_was_tried() {
        let error = Nvrtc::first_of(["libnvrtc-of-nobody.so".into()]).unwrap_err();
        assert_eq!(error.status(), Status::RuntimeLibraryMissing);
        for words in ["libnvrtc-of-nobody.so: ", "RAVE_NVRTC_LIB"] {
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
