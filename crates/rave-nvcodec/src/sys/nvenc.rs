//! libnvidia-encode.so.1, by nvEncodeAPI.h.

use std::ffi::{c_char, c_int, c_void};
use std::mem::offset_of;

/// `GUID`, passed by value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
#[allow(non_snake_case, missing_docs, reason = "the header's names")]
pub struct GUID {
    pub Data1: u32,
    pub Data2: u16,
    pub Data3: u16,
    pub Data4: [u8; 8],
}

const fn guid(first: u32, second: u16, third: u16, rest: u64) -> GUID {
    GUID { Data1: first, Data2: second, Data3: third, Data4: rest.to_be_bytes() }
}

/// H.264.
pub const NV_ENC_CODEC_H264_GUID: GUID = guid(0x6bc8_2762, 0x4e63, 0x4ca4, 0xaa85_1e50_f321_f6bf);
/// HEVC.
pub const NV_ENC_CODEC_HEVC_GUID: GUID = guid(0x790c_dc88, 0x4522, 0x4d7b, 0x9425_bda9_975f_7603);
/// AV1.
pub const NV_ENC_CODEC_AV1_GUID: GUID = guid(0x0a35_2289, 0x0aa7, 0x4759, 0x862d_5d15_cd16_d254);
/// H.264 Baseline.
pub const NV_ENC_H264_PROFILE_BASELINE_GUID: GUID = guid(0x0727_bcaa, 0x78c4, 0x4c83, 0x8c2f_ef3d_ff26_7c6a);
/// H.264 Main.
pub const NV_ENC_H264_PROFILE_MAIN_GUID: GUID = guid(0x60b5_c1d4, 0x67fe, 0x4790, 0x94d5_c472_6d7b_6e6d);
/// H.264 High.
pub const NV_ENC_H264_PROFILE_HIGH_GUID: GUID = guid(0xe7cb_c309, 0x4f7a, 0x4b89, 0xaf2a_d537_c92b_e310);
/// H.264 High 4:4:4 Predictive.
pub const NV_ENC_H264_PROFILE_HIGH_444_GUID: GUID = guid(0x7ac6_63cb, 0xa598, 0x4960, 0xb844_339b_261a_7d52);
/// H.264 Stereo High.
pub const NV_ENC_H264_PROFILE_STEREO_GUID: GUID = guid(0x4084_7bf5, 0x33f7, 0x4601, 0x9084_e8fe_3c1d_b8b7);
/// H.264 Progressive High.
pub const NV_ENC_H264_PROFILE_PROGRESSIVE_HIGH_GUID: GUID =
    guid(0xb405_afac, 0xf32b, 0x417b, 0x89c4_9abe_ed3e_5978);
/// H.264 Constrained High.
pub const NV_ENC_H264_PROFILE_CONSTRAINED_HIGH_GUID: GUID =
    guid(0xaec1_bd87, 0xe85b, 0x48f2, 0x84c3_98bc_a628_5072);
/// HEVC Main.
pub const NV_ENC_HEVC_PROFILE_MAIN_GUID: GUID = guid(0xb514_c39a, 0xb55b, 0x40fa, 0x878f_f125_3b4d_fdec);
/// HEVC Main 10.
pub const NV_ENC_HEVC_PROFILE_MAIN10_GUID: GUID = guid(0xfa4d_2b6c, 0x3a5b, 0x411a, 0x8018_0a3f_5e3c_9be5);
/// HEVC format range extensions.
pub const NV_ENC_HEVC_PROFILE_FREXT_GUID: GUID = guid(0x51ec_32b5, 0x1b4c, 0x453c, 0x9cbd_b616_bd62_1341);
/// AV1 Main.
pub const NV_ENC_AV1_PROFILE_MAIN_GUID: GUID = guid(0x5f2a_39f5, 0xf14e, 0x4f95, 0x9a9e_b76d_568f_cf97);

/// `NVENCSTATUS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct NVENCSTATUS(pub u32);

#[allow(missing_docs, reason = "the header's names, less their prefix")]
impl NVENCSTATUS {
    pub const SUCCESS: Self = Self(0);
    pub const NO_ENCODE_DEVICE: Self = Self(1);
    pub const UNSUPPORTED_DEVICE: Self = Self(2);
    pub const DEVICE_NOT_EXIST: Self = Self(5);
    pub const INVALID_PARAM: Self = Self(8);
    pub const OUT_OF_MEMORY: Self = Self(10);
    pub const UNSUPPORTED_PARAM: Self = Self(12);
    pub const INVALID_VERSION: Self = Self(15);
    pub const INCOMPATIBLE_CLIENT_KEY: Self = Self(21);
    pub const UNIMPLEMENTED: Self = Self(22);

    /// The header's name of each number.
    pub const NAMES: [&str; 27] = [
        "NV_ENC_SUCCESS",
        "NV_ENC_ERR_NO_ENCODE_DEVICE",
        "NV_ENC_ERR_UNSUPPORTED_DEVICE",
        "NV_ENC_ERR_INVALID_ENCODERDEVICE",
        "NV_ENC_ERR_INVALID_DEVICE",
        "NV_ENC_ERR_DEVICE_NOT_EXIST",
        "NV_ENC_ERR_INVALID_PTR",
        "NV_ENC_ERR_INVALID_EVENT",
        "NV_ENC_ERR_INVALID_PARAM",
        "NV_ENC_ERR_INVALID_CALL",
        "NV_ENC_ERR_OUT_OF_MEMORY",
        "NV_ENC_ERR_ENCODER_NOT_INITIALIZED",
        "NV_ENC_ERR_UNSUPPORTED_PARAM",
        "NV_ENC_ERR_LOCK_BUSY",
        "NV_ENC_ERR_NOT_ENOUGH_BUFFER",
        "NV_ENC_ERR_INVALID_VERSION",
        "NV_ENC_ERR_MAP_FAILED",
        "NV_ENC_ERR_NEED_MORE_INPUT",
        "NV_ENC_ERR_ENCODER_BUSY",
        "NV_ENC_ERR_EVENT_NOT_REGISTERD",
        "NV_ENC_ERR_GENERIC",
        "NV_ENC_ERR_INCOMPATIBLE_CLIENT_KEY",
        "NV_ENC_ERR_UNIMPLEMENTED",
        "NV_ENC_ERR_RESOURCE_REGISTER_FAILED",
        "NV_ENC_ERR_RESOURCE_NOT_REGISTERED",
        "NV_ENC_ERR_RESOURCE_NOT_MAPPED",
        "NV_ENC_ERR_NEED_MORE_OUTPUT",
    ];
}

/// `NV_ENC_CAPS`: what can be asked about a codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
#[allow(non_camel_case_types, reason = "the header's name")]
pub struct NV_ENC_CAPS(pub u32);

#[allow(missing_docs, reason = "the header's names, less their prefix")]
impl NV_ENC_CAPS {
    pub const NUM_MAX_BFRAMES: Self = Self(0);
    pub const WIDTH_MAX: Self = Self(16);
    pub const HEIGHT_MAX: Self = Self(17);
    pub const MB_NUM_MAX: Self = Self(31);
    pub const SUPPORT_YUV444_ENCODE: Self = Self(33);
    pub const SUPPORT_LOSSLESS_ENCODE: Self = Self(34);
    pub const SUPPORT_10BIT_ENCODE: Self = Self(39);
    pub const WIDTH_MIN: Self = Self(45);
    pub const HEIGHT_MIN: Self = Self(46);
    pub const NUM_ENCODER_ENGINES: Self = Self(49);
    /// By the header of 13.0, which brought it.
    pub const SUPPORT_YUV422_ENCODE: Self = Self(59);
}

/// The `version` member of a struct: `NVENCAPI_STRUCT_VERSION(revision)` of the interface `api`.
#[must_use]
pub const fn struct_version(api: u32, revision: u32) -> u32 {
    api | revision << 16 | 0x7 << 28
}

/// `NV_ENC_CAPS_PARAM`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(non_snake_case, missing_docs, reason = "the header's names")]
pub struct NV_ENC_CAPS_PARAM {
    pub version: u32,
    pub capsToQuery: NV_ENC_CAPS,
    pub reserved: [u32; 62],
}

impl NV_ENC_CAPS_PARAM {
    /// Its revision in the interfaces 12.0 to 13.0.
    pub const REVISION: u32 = 1;
}

/// `NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(non_snake_case, missing_docs, reason = "the header's names")]
pub struct NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS {
    pub version: u32,
    pub deviceType: u32,
    pub device: *mut c_void,
    pub reserved: *mut c_void,
    pub apiVersion: u32,
    pub reserved1: [u32; 253],
    pub reserved2: [*mut c_void; 64],
}

impl NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS {
    /// Its revision in the interfaces 12.0 to 13.0.
    pub const REVISION: u32 = 1;
    /// `NV_ENC_DEVICE_TYPE_CUDA`.
    pub const DEVICE_TYPE_CUDA: u32 = 1;
}

/// A function that RAVE does not call.
type Unused = *mut c_void;
/// `PNVENCGETENCODEGUIDCOUNT`.
pub type GetEncodeGUIDCount = unsafe extern "C" fn(*mut c_void, *mut u32) -> NVENCSTATUS;
/// `PNVENCGETENCODEGUIDS`.
pub type GetEncodeGUIDs = unsafe extern "C" fn(*mut c_void, *mut GUID, u32, *mut u32) -> NVENCSTATUS;
/// `PNVENCGETENCODEPROFILEGUIDCOUNT`.
pub type GetEncodeProfileGUIDCount = unsafe extern "C" fn(*mut c_void, GUID, *mut u32) -> NVENCSTATUS;
/// `PNVENCGETENCODEPROFILEGUIDS`.
pub type GetEncodeProfileGUIDs =
    unsafe extern "C" fn(*mut c_void, GUID, *mut GUID, u32, *mut u32) -> NVENCSTATUS;
/// `PNVENCGETENCODECAPS`.
pub type GetEncodeCaps =
    unsafe extern "C" fn(*mut c_void, GUID, *mut NV_ENC_CAPS_PARAM, *mut c_int) -> NVENCSTATUS;
/// `PNVENCDESTROYENCODER`.
pub type DestroyEncoder = unsafe extern "C" fn(*mut c_void) -> NVENCSTATUS;
/// `PNVENCOPENENCODESESSIONEX`.
pub type OpenEncodeSessionEx =
    unsafe extern "C" fn(*mut NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS, *mut *mut c_void) -> NVENCSTATUS;
/// `PNVENCGETLASTERROR`.
pub type GetLastErrorString = unsafe extern "C" fn(*mut c_void) -> *const c_char;

/// `NV_ENCODE_API_FUNCTION_LIST`, with a name for each function that RAVE calls. Later interfaces take new functions
/// out of the reserve at the end; the places of these have not changed.
#[repr(C)]
#[allow(non_snake_case, missing_docs, reason = "the header's names")]
pub struct NV_ENCODE_API_FUNCTION_LIST {
    pub version: u32,
    pub reserved: u32,
    pub nvEncOpenEncodeSession: Unused,
    pub nvEncGetEncodeGUIDCount: Option<GetEncodeGUIDCount>,
    pub nvEncGetEncodeProfileGUIDCount: Option<GetEncodeProfileGUIDCount>,
    pub nvEncGetEncodeProfileGUIDs: Option<GetEncodeProfileGUIDs>,
    pub nvEncGetEncodeGUIDs: Option<GetEncodeGUIDs>,
    pub inputFormats: [Unused; 2],
    pub nvEncGetEncodeCaps: Option<GetEncodeCaps>,
    pub presetsToUnmapInputResource: [Unused; 19],
    pub nvEncDestroyEncoder: Option<DestroyEncoder>,
    pub nvEncInvalidateRefFrames: Unused,
    pub nvEncOpenEncodeSessionEx: Option<OpenEncodeSessionEx>,
    pub registerResourceToRunMotionEstimationOnly: [Unused; 7],
    pub nvEncGetLastErrorString: Option<GetLastErrorString>,
    pub rest: [Unused; 280],
}

impl NV_ENCODE_API_FUNCTION_LIST {
    /// Its revision in the interfaces 12.0 to 13.0.
    pub const REVISION: u32 = 2;

    /// A list to be filled in, of the interface `api`.
    #[must_use]
    pub const fn empty(api: u32) -> Self {
        let unused: Unused = std::ptr::null_mut();
        NV_ENCODE_API_FUNCTION_LIST {
            version: struct_version(api, Self::REVISION),
            reserved: 0,
            nvEncOpenEncodeSession: unused,
            nvEncGetEncodeGUIDCount: None,
            nvEncGetEncodeProfileGUIDCount: None,
            nvEncGetEncodeProfileGUIDs: None,
            nvEncGetEncodeGUIDs: None,
            inputFormats: [unused; 2],
            nvEncGetEncodeCaps: None,
            presetsToUnmapInputResource: [unused; 19],
            nvEncDestroyEncoder: None,
            nvEncInvalidateRefFrames: unused,
            nvEncOpenEncodeSessionEx: None,
            registerResourceToRunMotionEstimationOnly: [unused; 7],
            nvEncGetLastErrorString: None,
            rest: [unused; 280],
        }
    }
}

const _: () = {
    use {NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS as Open, NV_ENCODE_API_FUNCTION_LIST as List};
    assert!(size_of::<GUID>() == 16 && size_of::<NV_ENC_CAPS_PARAM>() == 256);
    assert!(size_of::<Open>() == 1552);
    assert!(offset_of!(Open, device) == 8 && offset_of!(Open, apiVersion) == 24);
    assert!(offset_of!(Open, reserved2) == 1040);
    assert!(size_of::<List>() == 2552);
    assert!(offset_of!(List, nvEncGetEncodeGUIDCount) == 16);
    assert!(offset_of!(List, nvEncGetEncodeGUIDs) == 40);
    assert!(offset_of!(List, nvEncGetEncodeCaps) == 64);
    assert!(offset_of!(List, nvEncDestroyEncoder) == 224);
    assert!(offset_of!(List, nvEncOpenEncodeSessionEx) == 240);
    assert!(offset_of!(List, nvEncGetLastErrorString) == 304);
};

/// `NvEncodeAPIGetMaxSupportedVersion`: `major << 4 | minor` of the newest interface that the driver has.
pub type GetMaxSupportedVersion = unsafe extern "C" fn(*mut u32) -> NVENCSTATUS;
/// `NvEncodeAPICreateInstance`: fills in the list of the interface that its `version` asks for.
pub type CreateInstance = unsafe extern "C" fn(*mut NV_ENCODE_API_FUNCTION_LIST) -> NVENCSTATUS;
