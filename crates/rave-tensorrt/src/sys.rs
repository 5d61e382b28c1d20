//! The types of shim/rave_trt.h, declared by hand.
//!
//! The header is ours and short, so there is nothing for bindgen to find out, and building RAVE needs no libclang.
//! Each declaration below also yields its C spelling; tests/abi.rs has a C compiler compare them with the header,
//! member by member and type by type.

use std::ffi::{c_char, c_void};

/// The number of dimensions that a shape can have.
pub const MAX_DIMS: usize = 8;

/// The GPU of this machine, where TensorRT-RTX takes compute capabilities.
pub const THIS_GPU: i32 = 1;

/// The C spelling of a type.
pub trait CType {
    /// As it stands in rave_trt.h.
    const C: &'static str;
}

macro_rules! c_types {
    ($($rust:ty = $c:literal;)*) => { $(impl CType for $rust { const C: &'static str = $c; })* };
}

/// A struct of rave_trt.h, with the C spelling of its members.
// RV-TRT-1006
macro_rules! c_struct {
    ($(#[$meta:meta])* $c:literal $name:ident { $($(#[$doc:meta])* $field:ident: $ty:ty,)* }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Clone, Copy)]
        pub struct $name { $($(#[$doc])* pub $field: $ty,)* }

        impl CType for $name { const C: &'static str = $c; }

        impl $name {
            /// Name, C type and offset of each member.
            #[must_use]
            pub fn members() -> Vec<(&'static str, String, usize)> {
                vec![$((stringify!($field), <$ty as CType>::C.to_string(), std::mem::offset_of!($name, $field)),)*]
            }
        }
    };
}

/// The table of functions, with the C spelling of its members.
// RV-TRT-1006
macro_rules! c_table {
    ($($(#[$doc:meta])* $field:ident($($arg:ident: $ty:ty),*) -> $ret:ty;)*) => {
        /// The functions over one major version of TensorRT (`RaveTrtApi`).
        #[repr(C)]
        #[derive(Clone, Copy)]
        pub struct Api {
            /// The headers that the table was compiled against, see rave_trt.h.
            pub headers: i32,
            $($(#[$doc])* pub $field: unsafe extern "C" fn($($arg: $ty),*) -> $ret,)*
        }

        impl CType for Api { const C: &'static str = "RaveTrtApi"; }

        impl Api {
            /// Name, C type and offset of each member; `(*)` stands where C wants the name of a function pointer.
            #[must_use]
            pub fn members() -> Vec<(&'static str, String, usize)> {
                vec![
                    ("headers", <i32 as CType>::C.to_string(), std::mem::offset_of!(Api, headers)),
                    $((
                        stringify!($field),
                        format!(
                            "{} (*)({})",
                            <$ret as CType>::C,
                            [$(<$ty as CType>::C),*].join(", "),
                        ),
                        std::mem::offset_of!(Api, $field),
                    ),)*
                ]
            }
        }
    };
}

macro_rules! opaque {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[repr(C)]
        pub struct $name { _private: [u8; 0] }
    )* };
}

opaque! {
    /// The logger and error recorder of one runtime or build.
    Bridge;
    /// `nvinfer1::IRuntime`.
    Runtime;
    /// `nvinfer1::ICudaEngine`.
    Engine;
    /// `nvinfer1::IExecutionContext`.
    Context;
    /// `nvinfer1::IBuilder`.
    Builder;
    /// `nvinfer1::INetworkDefinition`.
    Network;
    /// `nvonnxparser::IParser`.
    Parser;
    /// `nvinfer1::IBuilderConfig`.
    Config;
    /// `nvinfer1::ITimingCache`.
    Timings;
    /// `nvinfer1::IHostMemory`.
    Memory;
}

c_types! {
    () = "void";
    i32 = "int32_t";
    i64 = "int64_t";
    usize = "size_t";
    [i64; MAX_DIMS] = "int64_t[RAVE_TRT_MAX_DIMS]";
    *mut c_void = "void *";
    *const c_void = "const void *";
    *const c_char = "const char *";
    *mut Bridge = "RaveTrtBridge *";
    *mut Runtime = "RaveTrtRuntime *";
    *mut Engine = "RaveTrtEngine *";
    *const Engine = "const RaveTrtEngine *";
    *mut Context = "RaveTrtContext *";
    *const Context = "const RaveTrtContext *";
    *mut Dims = "RaveTrtDims *";
    *const Dims = "const RaveTrtDims *";
    *mut Tensor = "RaveTrtTensor *";
    *mut Builder = "RaveTrtBuilder *";
    *mut Network = "RaveTrtNetwork *";
    *const Network = "const RaveTrtNetwork *";
    *mut Parser = "RaveTrtParser *";
    *const Parser = "const RaveTrtParser *";
    *mut ParserError = "RaveTrtParserError *";
    *mut Config = "RaveTrtConfig *";
    *const BuildOptions = "const RaveTrtBuildOptions *";
    *const i32 = "const int32_t *";
    *mut Timings = "RaveTrtTimings *";
    *const Timings = "const RaveTrtTimings *";
    *const Monitor = "const RaveTrtMonitor *";
    *mut Memory = "RaveTrtMemory *";
    *const Memory = "const RaveTrtMemory *";
    unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char, i32) =
        "void (*)(void *, const char *, const char *, int32_t)";
    unsafe extern "C" fn(*mut c_void, *const c_char, i32) -> i32 = "int32_t (*)(void *, const char *, int32_t)";
    unsafe extern "C" fn(*mut c_void, *const c_char) = "void (*)(void *, const char *)";
    unsafe extern "C" fn(*mut c_void, i32, *const c_char) = "void (*)(void *, int32_t, const char *)";
}

c_struct! {
    /// A shape. -1 is a dimension that the caller chooses; rank -1 is "no such tensor".
    #[derive(Debug, Default, PartialEq, Eq)]
    "RaveTrtDims" Dims {
        /// Number of dimensions.
        rank: i32,
        /// Their extents.
        extent: [i64; MAX_DIMS],
    }
}

c_struct! {
    /// What an engine says of one tensor.
    #[derive(Debug, Default)]
    "RaveTrtTensor" Tensor {
        /// 1 input, 0 output.
        is_input: i32,
        /// `nvinfer1::DataType`.
        data_type: i32,
        /// `nvinfer1::TensorFormat` in profile 0; 0 is LINEAR.
        format: i32,
        /// 1 in device memory, 0 in host memory.
        on_device: i32,
        /// At build time.
        shape: Dims,
    }
}

c_struct! {
    /// Where messages and errors go.
    "RaveTrtSink" Sink {
        /// Handed back to both functions.
        user: *mut c_void,
        /// A message with its `nvinfer1::ILogger::Severity`.
        log: unsafe extern "C" fn(*mut c_void, i32, *const c_char),
        /// An error with its `nvinfer1::ErrorCode`.
        error: unsafe extern "C" fn(*mut c_void, i32, *const c_char),
    }
}

c_struct! {
    /// Where a build says how far it is.
    "RaveTrtMonitor" Monitor {
        /// Handed back to the functions.
        user: *mut c_void,
        /// A phase with the one that it is part of (NULL: none) and its number of steps.
        phase_start: unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char, i32),
        /// A step of a phase has ended; 0 asks to give up the build.
        step_complete: unsafe extern "C" fn(*mut c_void, *const c_char, i32) -> i32,
        /// A phase has ended, perhaps before its last step.
        phase_finish: unsafe extern "C" fn(*mut c_void, *const c_char),
    }
}

c_struct! {
    /// What the ONNX parser says of one error. The strings are the parser's, or NULL.
    "RaveTrtParserError" ParserError {
        /// `nvonnxparser::ErrorCode`.
        code: i32,
        /// Index in the graph, -1 for none.
        node: i32,
        /// The node's name.
        name: *const c_char,
        /// The node's operator.
        op: *const c_char,
        /// Description.
        text: *const c_char,
    }
}

c_struct! {
    /// How an engine is built.
    #[derive(Debug, Default)]
    "RaveTrtBuildOptions" BuildOptions {
        /// 1 lets fp32 layers of a weakly typed network run in fp16.
        fp16: i32,
        /// The same with bf16.
        bf16: i32,
        /// 1 lets fp32 layers use TF32.
        tf32: i32,
        /// 1 for a plan that later versions can run.
        version_compatible: i32,
        /// 0 to 5.
        level: i32,
        /// Bytes, 0 for TensorRT's own limit.
        workspace: i64,
    }
}

c_table! {
    /// NULL when out of memory. Never destroyed.
    bridge_create(sink: Sink) -> *mut Bridge;
    /// `create` is the library's createInferRuntime_INTERNAL. NULL on failure.
    runtime_create(create: *mut c_void, version: i32, bridge: *mut Bridge) -> *mut Runtime;
    /// The runtime inside a lean library. NULL on failure.
    runtime_load(runtime: *mut Runtime, path: *const c_char) -> *mut Runtime;
    /// After the last engine made by it.
    runtime_destroy(runtime: *mut Runtime) -> ();
    /// Routes errors to the bridge.
    runtime_set_recorder(runtime: *mut Runtime, bridge: *mut Bridge) -> ();
    /// A folder that only this user may write.
    runtime_set_temporary_directory(runtime: *mut Runtime, path: *const c_char) -> ();
    /// Lets engines bring their own machine code.
    runtime_allow_host_code(runtime: *mut Runtime) -> ();
    /// NULL on failure.
    engine_deserialize(runtime: *mut Runtime, plan: *const c_void, size: usize) -> *mut Engine;
    /// After the last context made by it.
    engine_destroy(engine: *mut Engine) -> ();
    /// Number of inputs and outputs.
    engine_tensors(engine: *const Engine) -> i32;
    /// Owned by the engine; NULL when out of range.
    engine_tensor_name(engine: *const Engine, index: i32) -> *const c_char;
    /// Fills `out`.
    engine_tensor(engine: *const Engine, name: *const c_char, out: *mut Tensor) -> ();
    /// Number of optimisation profiles.
    engine_profiles(engine: *const Engine) -> i32;
    /// `which`: 0 smallest, 1 best, 2 largest.
    engine_profile_shape(engine: *const Engine, name: *const c_char, profile: i32, which: i32, out: *mut Dims) -> ();
    /// Streams that a context uses besides the caller's.
    engine_aux_streams(engine: *const Engine) -> i32;
    /// Bytes of scratch memory that one context needs.
    engine_scratch_size(engine: *const Engine, profile: i32) -> i64;
    /// Without scratch memory; NULL on failure.
    context_create(engine: *mut Engine) -> *mut Context;
    /// After its last work has ended.
    context_destroy(context: *mut Context) -> ();
    /// Device memory, 256-byte aligned, that no other context uses at the same time.
    context_set_scratch(context: *mut Context, memory: *mut c_void, size: i64) -> ();
    /// The optimisation profile in use, -1 for none yet.
    context_profile(context: *const Context) -> i32;
    /// 1 on success, here and below.
    context_set_profile(context: *mut Context, profile: i32, stream: *mut c_void) -> i32;
    /// Fixes the dynamic dimensions of one input.
    context_set_input_shape(context: *mut Context, name: *const c_char, shape: *const Dims) -> i32;
    /// With the input shapes set so far.
    context_tensor_shape(context: *const Context, name: *const c_char, out: *mut Dims) -> ();
    /// Device memory of one tensor.
    context_set_tensor_address(context: *mut Context, name: *const c_char, address: *mut c_void) -> i32;
    /// Puts one inference into a stream.
    context_enqueue(context: *mut Context, stream: *mut c_void) -> i32;
    /// `create` is the library's createInferBuilder_INTERNAL. NULL on failure.
    builder_create(create: *mut c_void, version: i32, bridge: *mut Bridge) -> *mut Builder;
    /// After everything made by it.
    builder_destroy(builder: *mut Builder) -> ();
    /// An empty network; `typed` keeps the model's types. NULL on failure.
    network_create(builder: *mut Builder, typed: i32) -> *mut Network;
    /// After its parser.
    network_destroy(network: *mut Network) -> ();
    /// Number of layers.
    network_layers(network: *const Network) -> i32;
    /// Number of inputs.
    network_inputs(network: *const Network) -> i32;
    /// Number of outputs.
    network_outputs(network: *const Network) -> i32;
    /// Fills `out`; the name is the network's, NULL when out of range.
    network_tensor(network: *const Network, input: i32, index: i32, out: *mut Tensor) -> *const c_char;
    /// Bit n is set when a layer computes a tensor of `nvinfer1::DataType` n.
    network_types(network: *const Network) -> i64;
    /// Row-major input and output, of which there must be one each; fixes the input's shape unless NULL.
    network_fix(network: *mut Network, shape: *const Dims) -> ();
    /// `create` is the parser library's createNvOnnxParser_INTERNAL. NULL on failure.
    parser_create(create: *mut c_void, version: i32, network: *mut Network, bridge: *mut Bridge) -> *mut Parser;
    /// After the build.
    parser_destroy(parser: *mut Parser) -> ();
    /// 1 on success, also for an empty model.
    parser_parse(parser: *mut Parser, model: *const c_void, size: usize) -> i32;
    /// Number of errors.
    parser_errors(parser: *const Parser) -> i32;
    /// Fills `out`.
    parser_error(parser: *const Parser, index: i32, out: *mut ParserError) -> ();
    /// NULL on failure.
    config_create(builder: *mut Builder, options: *const BuildOptions) -> *mut Config;
    /// Before the builder.
    config_destroy(config: *mut Config) -> ();
    /// `shapes`: the smallest, best and largest of one input. 1 on success.
    config_add_profile(config: *mut Config, builder: *mut Builder, input: *const c_char, shapes: *const Dims) -> i32;
    /// RTX only: how many of the GPUs, as major * 10 + minor or [`THIS_GPU`], were taken.
    config_set_capabilities(config: *mut Config, capabilities: *const i32, count: i32) -> i32;
    /// 10 and 11 only: timings of an earlier build, or none yet. NULL on failure.
    timings_create(config: *mut Config, data: *const c_void, size: usize) -> *mut Timings;
    /// After the builder.
    timings_destroy(timings: *mut Timings) -> ();
    /// With what a build added. NULL on failure.
    timings_serialize(timings: *const Timings) -> *mut Memory;
    /// The plan; NULL on failure and when it was given up.
    build(builder: *mut Builder, network: *mut Network, config: *mut Config, monitor: *const Monitor) -> *mut Memory;
    /// Its first byte.
    memory_data(memory: *const Memory) -> *const c_void;
    /// Its size in bytes.
    memory_size(memory: *const Memory) -> usize;
    /// Any time.
    memory_destroy(memory: *mut Memory) -> ();
}

// SAFETY (of the imports): each is defined in shim/rave_trt.cpp, compiled by build.rs exactly when its cfg is set,
// takes nothing and returns a pointer to a constant.
unsafe extern "C" {
    #[cfg(tensorrt_10)]
    safe fn rave_trt_api_10() -> *const Api;
    #[cfg(tensorrt_11)]
    safe fn rave_trt_api_11() -> *const Api;
    #[cfg(tensorrt_rtx)]
    safe fn rave_trt_api_rtx() -> *const Api;
}

/// The table for libraries of major version `major` (1 is TensorRT-RTX), if this build has it.
#[must_use]
#[allow(unreachable_code, unused_variables, reason = "a build without any headers has no table")]
pub fn api(major: u32) -> Option<&'static Api> {
    let table: *const Api = match major {
        #[cfg(tensorrt_10)]
        10 => rave_trt_api_10(),
        #[cfg(tensorrt_11)]
        11 => rave_trt_api_11(),
        #[cfg(tensorrt_rtx)]
        1 => rave_trt_api_rtx(),
        _ => return None,
    };
    // SAFETY: the shim returns the address of a constant of this type, which lives as long as the program;
    // tests/abi.rs checks that the two declarations agree.
    Some(unsafe { &*table })
}
