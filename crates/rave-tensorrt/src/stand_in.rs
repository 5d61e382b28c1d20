//! A stand-in for the shim's table, so that what RAVE makes of TensorRT's answers is tested without a GPU.
//!
//! One state per thread, and a test is a thread: it is told what the engine looks like and which calls fail how, and it
//! keeps the order of the calls that change something.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_void};
use std::path::PathBuf;

use rave_core::Log;

use crate::runtime::RuntimeOptions;
use crate::sys::{
    Api, Bridge, BuildOptions, Builder, Config, Context, Dims, Engine, Memory, Monitor, Network, Parser,
    ParserError, Runtime, Sink, Tensor, Timings,
};
use crate::{Driver, Flavour, Library, Shape, Version};

/// How a call fails: the error code and text that TensorRT reports first, if it says anything.
#[derive(Clone)]
pub(crate) struct Failure(pub(crate) Option<(i32, &'static str)>);

/// One tensor of the engine.
#[derive(Clone)]
pub(crate) struct FakeTensor {
    pub(crate) name: CString,
    pub(crate) tensor: Tensor,
    /// Smallest, best and largest shape of an input.
    pub(crate) range: [Shape; 3],
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) calls: Vec<&'static str>,
    pub(crate) failures: HashMap<&'static str, Failure>,
    pub(crate) tensors: Vec<FakeTensor>,
    /// What the output's height and width are, from the input's.
    pub(crate) scale: Option<fn(i64) -> i64>,
    /// The profile that a new context has; -1 is none.
    pub(crate) context_profile: i32,
    pub(crate) scratch: i64,
    /// The types that the layers of a network compute in, as bits.
    pub(crate) types: i64,
    /// What a build makes, and the timings that it leaves.
    pub(crate) plan: Vec<u8>,
    pub(crate) timings: Vec<u8>,
    /// How a build was asked for: whether typed, with which options, from which timings, in which shapes.
    pub(crate) typed: i32,
    pub(crate) options: BuildOptions,
    pub(crate) given_timings: Vec<Vec<u8>>,
    pub(crate) profile: Vec<Shape>,
    input_shape: Dims,
    sink: Option<Sink>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// Looks at the state, or changes it.
pub(crate) fn with<T>(look: impl FnOnce(&mut State) -> T) -> T {
    STATE.with(|state| look(&mut state.borrow_mut()))
}

pub(crate) fn shape(extents: &[i64]) -> Shape {
    Shape::new(extents).unwrap()
}

pub(crate) fn tensor(name: &str, input: bool, built: &[i64], range: [&[i64]; 3]) -> FakeTensor {
    FakeTensor {
        name: CString::new(name).unwrap(),
        tensor: Tensor {
            is_input: input.into(),
            data_type: 1,
            format: 0,
            on_device: 1,
            shape: shape(built).0,
        },
        range: range.map(shape),
    }
}

/// Sets a 2x model of fixed size.
pub(crate) fn fixed_model() {
    let (small, large): (&[i64], &[i64]) = (&[1, 3, 8, 16], &[1, 3, 16, 32]);
    with(|state| {
        state.tensors =
            vec![tensor("input", true, small, [small; 3]), tensor("output", false, large, [large; 3])];
    });
}

/// Sets a 2x model of any size between 8x8 and 64x64.
pub(crate) fn dynamic_model() {
    let any: &[i64] = &[1, 3, -1, -1];
    with(|state| {
        state.tensors = vec![
            tensor("input", true, any, [&[1, 3, 8, 8], &[1, 3, 16, 32], &[1, 3, 64, 64]]),
            tensor("output", false, any, [any; 3]),
        ];
        state.scale = Some(|side| 2 * side);
    });
}

/// A runtime over the stand-in.
pub(crate) fn runtime(driver: Option<&'static Driver>) -> crate::Runtime {
    crate::Runtime::create(&library(), &RuntimeOptions::default(), Log::default(), driver).unwrap()
}

/// The stand-in as TensorRT 10.16.1.
pub(crate) fn library() -> Library {
    library_of(Version { major: 10, minor: 16, patch: 1 })
}

/// The stand-in as a full TensorRT of that version.
pub(crate) fn library_of(version: Version) -> Library {
    Library::stand_in(PathBuf::from("stand-in"), version, Flavour::Full, &API)
}

/// Notes a call; answers whether it works, after reporting its failure where it has one.
fn works(call: &'static str) -> bool {
    let (failure, sink) = with(|state| {
        state.calls.push(call);
        (state.failures.get(call).cloned(), state.sink)
    });
    let Some(Failure(report)) = failure else {
        return true;
    };
    if let (Some((code, text)), Some(sink)) = (report, sink) {
        let text = CString::new(text).unwrap();
        // SAFETY: the sink is the one of the runtime's Faults, which are never freed; text is NUL-terminated.
        unsafe { (sink.error)(sink.user, code, text.as_ptr()) };
    }
    false
}

/// A pointer that says which object it is and is never followed.
fn object<T>(number: usize, works: bool) -> *mut T {
    if works { std::ptr::without_provenance_mut(number) } else { std::ptr::null_mut() }
}

fn find(name: *const c_char) -> FakeTensor {
    // SAFETY: RAVE passes the NUL-terminated names that it got from here.
    let name = unsafe { CStr::from_ptr(name) };
    with(|state| state.tensors.iter().find(|tensor| tensor.name.as_c_str() == name).cloned()).unwrap()
}

unsafe extern "C" fn bridge_create(sink: Sink) -> *mut Bridge {
    with(|state| state.sink = Some(sink));
    object(0x1000, works("bridge_create"))
}
unsafe extern "C" fn runtime_create(_: *mut c_void, _: i32, _: *mut Bridge) -> *mut Runtime {
    object(0x2000, works("runtime_create"))
}
unsafe extern "C" fn runtime_load(_: *mut Runtime, _: *const c_char) -> *mut Runtime {
    object(0x2100, works("runtime_load"))
}
unsafe extern "C" fn runtime_destroy(runtime: *mut Runtime) {
    works(if runtime.addr() == 0x2100 { "lean_destroy" } else { "runtime_destroy" });
}
unsafe extern "C" fn runtime_set_recorder(_: *mut Runtime, _: *mut Bridge) {}
unsafe extern "C" fn runtime_set_temporary_directory(_: *mut Runtime, _: *const c_char) {}
unsafe extern "C" fn runtime_allow_host_code(_: *mut Runtime) {
    works("runtime_allow_host_code");
}
unsafe extern "C" fn engine_deserialize(runtime: *mut Runtime, _: *const c_void, _: usize) -> *mut Engine {
    object(0x3000, works(if runtime.addr() == 0x2100 { "lean_deserialize" } else { "engine_deserialize" }))
}
unsafe extern "C" fn engine_destroy(_: *mut Engine) {
    works("engine_destroy");
}
unsafe extern "C" fn engine_tensors(_: *const Engine) -> i32 {
    with(|state| state.tensors.len() as i32)
}
unsafe extern "C" fn engine_tensor_name(_: *const Engine, index: i32) -> *const c_char {
    with(|state| state.tensors[index as usize].name.as_ptr())
}
unsafe extern "C" fn engine_tensor(_: *const Engine, name: *const c_char, out: *mut Tensor) {
    // SAFETY: RAVE passes a pointer to a live Tensor.
    unsafe { *out = find(name).tensor };
}
unsafe extern "C" fn engine_profiles(_: *const Engine) -> i32 {
    1
}
unsafe extern "C" fn engine_profile_shape(
    _: *const Engine,
    name: *const c_char,
    _: i32,
    which: i32,
    out: *mut Dims,
) {
    // SAFETY: RAVE passes a pointer to live Dims.
    unsafe { *out = find(name).range[which as usize].0 };
}
unsafe extern "C" fn engine_aux_streams(_: *const Engine) -> i32 {
    0
}
unsafe extern "C" fn engine_scratch_size(_: *const Engine, _: i32) -> i64 {
    with(|state| state.scratch)
}
unsafe extern "C" fn context_create(_: *mut Engine) -> *mut Context {
    object(0x4000, works("context_create"))
}
unsafe extern "C" fn context_destroy(_: *mut Context) {
    works("context_destroy");
}
unsafe extern "C" fn context_set_scratch(_: *mut Context, _: *mut c_void, _: i64) {
    works("context_set_scratch");
}
unsafe extern "C" fn context_profile(_: *const Context) -> i32 {
    with(|state| state.context_profile)
}
unsafe extern "C" fn context_set_profile(_: *mut Context, _: i32, _: *mut c_void) -> i32 {
    works("context_set_profile").into()
}
unsafe extern "C" fn context_set_input_shape(
    _: *mut Context,
    name: *const c_char,
    shape: *const Dims,
) -> i32 {
    let [min, _, max] = find(name).range;
    // SAFETY: RAVE passes a pointer to live Dims.
    let dims = unsafe { *shape };
    with(|state| state.input_shape = dims);
    let fits = |(extent, (low, high)): (&i64, (&i64, &i64))| low <= extent && extent <= high;
    let extents = dims.extent[..dims.rank as usize].iter();
    extents.zip(min.extents().iter().zip(max.extents())).all(fits).into()
}
unsafe extern "C" fn context_tensor_shape(_: *const Context, name: *const c_char, out: *mut Dims) {
    let tensor = find(name).tensor;
    let mut dims = tensor.shape;
    with(|state| {
        if let Some(scale) = state.scale {
            dims = state.input_shape;
            if tensor.is_input == 0 {
                dims.extent[2..4].iter_mut().for_each(|side| *side = scale(*side));
            }
        }
    });
    // SAFETY: RAVE passes a pointer to live Dims.
    unsafe { *out = dims };
}
unsafe extern "C" fn context_set_tensor_address(_: *mut Context, _: *const c_char, _: *mut c_void) -> i32 {
    works("context_set_tensor_address").into()
}
unsafe extern "C" fn context_enqueue(_: *mut Context, _: *mut c_void) -> i32 {
    works("context_enqueue").into()
}

unsafe extern "C" fn builder_create(_: *mut c_void, _: i32, _: *mut Bridge) -> *mut Builder {
    object(0x5000, works("builder_create"))
}
unsafe extern "C" fn builder_destroy(_: *mut Builder) {
    works("builder_destroy");
}
unsafe extern "C" fn network_create(_: *mut Builder, typed: i32) -> *mut Network {
    with(|state| {
        state.typed = typed;
        state.input_shape = Dims::default();
    });
    object(0x5100, works("network_create"))
}
unsafe extern "C" fn network_destroy(_: *mut Network) {
    works("network_destroy");
}
unsafe extern "C" fn network_layers(_: *const Network) -> i32 {
    7
}
unsafe extern "C" fn network_inputs(_: *const Network) -> i32 {
    with(|state| state.tensors.iter().filter(|tensor| tensor.tensor.is_input == 1).count() as i32)
}
unsafe extern "C" fn network_outputs(_: *const Network) -> i32 {
    with(|state| state.tensors.iter().filter(|tensor| tensor.tensor.is_input == 0).count() as i32)
}
unsafe extern "C" fn network_tensor(
    _: *const Network,
    input: i32,
    _: i32,
    out: *mut Tensor,
) -> *const c_char {
    with(|state| {
        let tensor = state.tensors.iter().find(|tensor| tensor.tensor.is_input == input).unwrap();
        let mut info = tensor.tensor;
        if let (Some(scale), 0, true) = (state.scale, input, state.input_shape.rank > 0) {
            info.shape = state.input_shape;
            info.shape.extent[2..4].iter_mut().for_each(|side| *side = scale(*side));
        }
        // SAFETY: RAVE passes a pointer to a live Tensor.
        unsafe { *out = info };
        tensor.name.as_ptr()
    })
}
unsafe extern "C" fn network_types(_: *const Network) -> i64 {
    with(|state| state.types)
}
unsafe extern "C" fn network_fix(_: *mut Network, shape: *const Dims) {
    // SAFETY: RAVE passes null or a pointer to live Dims.
    let shape = unsafe { shape.as_ref() }.copied();
    with(|state| state.input_shape = shape.unwrap_or_default());
}
unsafe extern "C" fn parser_create(_: *mut c_void, _: i32, _: *mut Network, _: *mut Bridge) -> *mut Parser {
    object(0x5200, works("parser_create"))
}
unsafe extern "C" fn parser_destroy(_: *mut Parser) {
    works("parser_destroy");
}
unsafe extern "C" fn parser_parse(_: *mut Parser, _: *const c_void, _: usize) -> i32 {
    works("parser_parse").into()
}
unsafe extern "C" fn parser_errors(_: *const Parser) -> i32 {
    0
}
unsafe extern "C" fn parser_error(_: *const Parser, _: i32, _: *mut ParserError) {}
unsafe extern "C" fn config_create(_: *mut Builder, options: *const BuildOptions) -> *mut Config {
    // SAFETY: RAVE passes a pointer to live options.
    with(|state| state.options = unsafe { *options });
    object(0x5300, works("config_create"))
}
unsafe extern "C" fn config_destroy(_: *mut Config) {
    works("config_destroy");
}
unsafe extern "C" fn config_add_profile(
    _: *mut Config,
    _: *mut Builder,
    _: *const c_char,
    shapes: *const Dims,
) -> i32 {
    // SAFETY: RAVE passes three live Dims.
    let shapes = unsafe { std::slice::from_raw_parts(shapes, 3) };
    with(|state| state.profile = shapes.iter().map(|&dims| Shape(dims)).collect());
    works("config_add_profile").into()
}
unsafe extern "C" fn config_set_capabilities(_: *mut Config, _: *const i32, count: i32) -> i32 {
    count
}
unsafe extern "C" fn timings_create(_: *mut Config, data: *const c_void, size: usize) -> *mut Timings {
    // SAFETY: RAVE passes a live slice.
    let data = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), size) };
    with(|state| state.given_timings.push(data.to_vec()));
    // A failure is that of timings that do not fit; a fresh store is always made.
    object(0x5400, size == 0 || works("timings_create"))
}
unsafe extern "C" fn timings_destroy(_: *mut Timings) {
    works("timings_destroy");
}
unsafe extern "C" fn timings_serialize(_: *const Timings) -> *mut Memory {
    object(0x6100, works("timings_serialize"))
}
unsafe extern "C" fn build(
    _: *mut Builder,
    _: *mut Network,
    _: *mut Config,
    monitor: *const Monitor,
) -> *mut Memory {
    // SAFETY: RAVE passes a live monitor; the strings are NUL-terminated.
    let goes_on = unsafe {
        let Monitor { user, phase_start, step_complete, phase_finish } = *monitor;
        phase_start(user, c"Building".as_ptr(), std::ptr::null(), 4);
        let goes_on = step_complete(user, c"Building".as_ptr(), 0);
        phase_finish(user, c"Building".as_ptr());
        goes_on == 1
    };
    object(0x6000, works("build") && goes_on)
}
fn memory(memory: *const Memory, state: &State) -> &[u8] {
    if memory.addr() == 0x6000 { &state.plan } else { &state.timings }
}
unsafe extern "C" fn memory_data(object: *const Memory) -> *const c_void {
    with(|state| memory(object, state).as_ptr().cast())
}
unsafe extern "C" fn memory_size(object: *const Memory) -> usize {
    with(|state| memory(object, state).len())
}
unsafe extern "C" fn memory_destroy(_: *mut Memory) {}

static API: Api = Api {
    headers: 101_600,
    bridge_create,
    runtime_create,
    runtime_load,
    runtime_destroy,
    runtime_set_recorder,
    runtime_set_temporary_directory,
    runtime_allow_host_code,
    engine_deserialize,
    engine_destroy,
    engine_tensors,
    engine_tensor_name,
    engine_tensor,
    engine_profiles,
    engine_profile_shape,
    engine_aux_streams,
    engine_scratch_size,
    context_create,
    context_destroy,
    context_set_scratch,
    context_profile,
    context_set_profile,
    context_set_input_shape,
    context_tensor_shape,
    context_set_tensor_address,
    context_enqueue,
    builder_create,
    builder_destroy,
    network_create,
    network_destroy,
    network_layers,
    network_inputs,
    network_outputs,
    network_tensor,
    network_types,
    network_fix,
    parser_create,
    parser_destroy,
    parser_parse,
    parser_errors,
    parser_error,
    config_create,
    config_destroy,
    config_add_profile,
    config_set_capabilities,
    timings_create,
    timings_destroy,
    timings_serialize,
    build,
    memory_data,
    memory_size,
    memory_destroy,
};
