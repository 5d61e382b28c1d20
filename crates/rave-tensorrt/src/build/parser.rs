//! The library of the ONNX parser, and what the parser says against a model.

use std::env;
use std::ffi::{CStr, OsString, c_char};
use std::path::{Path, PathBuf};

use rave_core::{Error, Result, Status};

use super::onnx::Opsets;
use crate::library::{Create, load, why};
use crate::{Flavour, Library, sys};

/// The variable that names the parser's library when no option does.
const VARIABLE: &str = "RAVE_ONNXPARSER_LIB";

/// A loaded parser library. It stays loaded until the process ends, as TensorRT's own does.
#[derive(Clone)]
pub(super) struct ParserLibrary {
    pub(super) name: PathBuf,
    /// Its `createNvOnnxParser_INTERNAL(INetworkDefinition *, ILogger *, int)`, called by the shim only, which has the
    /// real type.
    pub(super) create: *const std::ffi::c_void,
    pub(super) version: i32,
}

// SAFETY: create is the address of a function of a library that is never unloaded.
unsafe impl Send for ParserLibrary {}
// SAFETY: as above.
unsafe impl Sync for ParserLibrary {}

impl ParserLibrary {
    // RV-TRT-1312
    pub(super) fn open(library: &Library, option: Option<&Path>) -> Result<ParserLibrary> {
        let mut tried = Vec::new();
        for name in candidates(library, option, env::var_os(VARIABLE)) {
            match ParserLibrary::open_one(&name) {
                Ok(parser) => return Ok(parser),
                Err(why) => tried.push(format!("{}: {why}", name.display())),
            }
        }
        Err(Error::new(
            Status::RuntimeLibraryMissing,
            format!("no ONNX parser for {library} can be used (tried {})", tried.join("; ")),
        )
        .help(format!(
            "install {} of the same version, or name it with the option parser_lib or the variable {VARIABLE}",
            file_name(library)
        )))
    }

    fn open_one(name: &Path) -> Result<ParserLibrary, String> {
        let library = load(name)?;
        // SAFETY: the type is that of NvOnnxParser.h in every version.
        let version =
            unsafe { library.get::<unsafe extern "C" fn() -> i32>("getNvOnnxParserVersion") }.map_err(why)?;
        // SAFETY: only the symbol's address is taken.
        let create = unsafe { library.get::<Create>("createNvOnnxParser_INTERNAL") }.map_err(why)?;
        // SAFETY: it takes nothing and returns a constant.
        let version = unsafe { version() };
        Ok(ParserLibrary { name: name.to_owned(), create: *create as *const _, version })
    }
}

/// The file's name as NVIDIA ships it.
fn file_name(library: &Library) -> String {
    match library.flavour() {
        Flavour::Rtx => "libtensorrt_onnxparser_rtx.so.1".to_owned(),
        Flavour::Full | Flavour::Lean => format!("libnvonnxparser.so.{}", library.version().major),
    }
}

/// What to try: the option or the variable alone, else the file beside the library and the dynamic linker's.
fn candidates(library: &Library, option: Option<&Path>, variable: Option<OsString>) -> Vec<PathBuf> {
    match (option, variable) {
        (Some(path), _) => return vec![path.to_owned()],
        (None, Some(path)) if !path.is_empty() => return vec![path.into()],
        _ => {}
    }
    let file = PathBuf::from(file_name(library));
    let beside = library.name().parent().filter(|folder| !folder.as_os_str().is_empty());
    beside.map(|folder| folder.join(&file)).into_iter().chain([file.clone()]).collect()
}

/// `nvonnxparser::ErrorCode`: the ones that say that a node cannot be had, rather than that the file is bad.
fn is_unsupported(code: i32) -> bool {
    const UNSUPPORTED_GRAPH: i32 = 7;
    const UNSUPPORTED_NODE_SHAPE: i32 = 13;
    (UNSUPPORTED_GRAPH..=UNSUPPORTED_NODE_SHAPE).contains(&code)
}

/// `nvonnxparser::ErrorCode::kMEM_ALLOC_FAILED`.
const ALLOCATION_FAILED: i32 = 2;

/// One error of the parser, in words of its own.
#[derive(Clone, Debug)]
pub(super) struct Complaint {
    code: i32,
    node: i32,
    name: String,
    op: String,
    text: String,
}

impl Complaint {
    /// # Safety
    /// The strings of `raw` are NUL-terminated and alive, or null.
    pub(super) unsafe fn read(raw: &sys::ParserError) -> Complaint {
        let text = |text: *const c_char| {
            if text.is_null() {
                return String::new();
            }
            // SAFETY: by this function's own precondition.
            let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        Complaint {
            code: raw.code,
            node: raw.node,
            name: text(raw.name),
            op: text(raw.op),
            text: text(raw.text),
        }
    }

    /// A parser that has no importer for an operator looks for a plugin of its name at last.
    fn is_unknown_operator(&self) -> bool {
        self.text.contains("Plugin not found")
    }

    fn describe(&self, opsets: &Opsets) -> String {
        let Complaint { node, name, op, text, .. } = self;
        let named = if name.is_empty() { format!("number {node}") } else { format!("`{name}`") };
        match (op.is_empty(), self.is_unknown_operator()) {
            (true, _) => text.clone(),
            (false, true) => format!("operator {op} ({}) of node {named} is unknown", opsets.of_node(*node)),
            (false, false) => format!("operator {op} ({}) of node {named}: {text}", opsets.of_node(*node)),
        }
    }
}

/// The error of a model that the parser refuses: all that it says, node by node.
// RV-CLI-1105, RV-TRT-1308
pub(super) fn refusal(complaints: &[Complaint], opsets: &Opsets, said: &str) -> Error {
    let error = |status, text: String| Error::new(status, format!("the ONNX parser refuses it: {text}"));
    if complaints.is_empty() {
        return error(Status::ModelLoadFailed, said.to_owned());
    }
    let text = complaints.iter().map(|complaint| complaint.describe(opsets)).collect::<Vec<_>>().join("; ");
    if complaints.iter().any(|complaint| complaint.code == ALLOCATION_FAILED) {
        return error(Status::OutOfMemory, text);
    }
    let unsupported =
        complaints.iter().any(|complaint| is_unsupported(complaint.code) || complaint.is_unknown_operator());
    let error = error(Status::ModelLoadFailed, text);
    if unsupported {
        error.help("export the model with operators that TensorRT has, or run it on the CPU")
    } else {
        error.help("check the model, for example with onnx.checker, and export it again")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand_in;

    #[test]
    fn the_option_goes_before_the_variable_and_the_variable_before_what_lies_beside_the_library() {
        let library = stand_in::library();
        let option = Some(Path::new("a.so"));
        assert_eq!(candidates(&library, option, Some("b.so".into())), [PathBuf::from("a.so")]);
        assert_eq!(candidates(&library, None, Some("b.so".into())), [PathBuf::from("b.so")]);
        assert_eq!(candidates(&library, None, Some("".into())), [PathBuf::from("libnvonnxparser.so.10")]);
        let beside = library.at("/opt/tensorrt/lib/libnvinfer.so.10");
        let (first, second) = ("/opt/tensorrt/lib/libnvonnxparser.so.10", "libnvonnxparser.so.10");
        assert_eq!(candidates(&beside, None, None), [PathBuf::from(first), PathBuf::from(second)]);
    }
}
