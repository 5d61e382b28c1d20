//! What src/sys declares by hand is what NVIDIA's headers say: a C program against the real ones is asked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::mem::offset_of;
use std::path::PathBuf;
use std::process::Command;

use rave_nvcodec::sys::nvcuvid::*;
use rave_nvcodec::sys::nvenc::*;

/// The folder to include from; a skip that is visible, or a failure under `RAVE_REQUIRE_NVCODEC_HEADERS=1`, without it.
fn headers() -> Option<PathBuf> {
    let build = std::env::var_os("RAVE_BUILD_DIR")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../build")), PathBuf::from);
    let folder = build.join("deps/nv-codec-headers/include");
    if folder.join("ffnvcodec/nvEncodeAPI.h").exists() {
        return Some(folder);
    }
    let missing = format!("{} has no ffnvcodec; scripts/build-ffmpeg.sh fetches it", folder.display());
    assert!(std::env::var_os("RAVE_REQUIRE_NVCODEC_HEADERS").is_none(), "{missing}");
    eprintln!("skipped: {missing}");
    None
}

/// Integer constant expressions of the header, and what they are here.
type Numbers = BTreeMap<String, u64>;

macro_rules! layout {
    ($numbers:ident, $($name:ident { $($field:ident),* })*) => { $(
        $numbers.insert(format!("sizeof({})", stringify!($name)), size_of::<$name>() as u64);
        $($numbers.insert(
            format!("offsetof({}, {})", stringify!($name), stringify!($field)),
            offset_of!($name, $field) as u64,
        );)*
    )* };
}

macro_rules! constants {
    ($numbers:ident, $prefix:literal $type:ident $($name:ident)*) => {
        $($numbers.insert(concat!($prefix, stringify!($name)).into(), $type::$name.0.into());)*
    };
}

fn numbers() -> Numbers {
    let mut numbers = Numbers::new();
    layout! { numbers,
        CUVIDDECODECAPS {
            eCodecType, eChromaFormat, nBitDepthMinus8, reserved1, bIsSupported, nNumNVDECs, nOutputFormatMask,
            nMaxWidth, nMaxHeight, nMaxMBCount, nMinWidth, nMinHeight, bIsHistogramSupported, nCounterBitDepth,
            nMaxHistogramBins, reserved3
        }
        GUID { Data1, Data2, Data3, Data4 }
        NV_ENC_CAPS_PARAM { version, capsToQuery, reserved }
        NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS {
            version, deviceType, device, reserved, apiVersion, reserved1, reserved2
        }
        NV_ENCODE_API_FUNCTION_LIST {
            version, reserved, nvEncOpenEncodeSession, nvEncGetEncodeGUIDCount, nvEncGetEncodeProfileGUIDCount,
            nvEncGetEncodeProfileGUIDs, nvEncGetEncodeGUIDs, nvEncGetEncodeCaps, nvEncDestroyEncoder,
            nvEncInvalidateRefFrames, nvEncOpenEncodeSessionEx, nvEncGetLastErrorString
        }
    }
    constants! { numbers, "cudaVideoCodec_" cudaVideoCodec MPEG1 MPEG2 MPEG4 VC1 H264 JPEG HEVC VP8 VP9 AV1 }
    constants! { numbers, "NV_ENC_ERR_" NVENCSTATUS
        NO_ENCODE_DEVICE UNSUPPORTED_DEVICE DEVICE_NOT_EXIST INVALID_PARAM OUT_OF_MEMORY UNSUPPORTED_PARAM
        INVALID_VERSION INCOMPATIBLE_CLIENT_KEY UNIMPLEMENTED
    }
    constants! { numbers, "NV_ENC_CAPS_" NV_ENC_CAPS
        NUM_MAX_BFRAMES WIDTH_MAX HEIGHT_MAX MB_NUM_MAX SUPPORT_YUV444_ENCODE SUPPORT_LOSSLESS_ENCODE
        SUPPORT_10BIT_ENCODE WIDTH_MIN HEIGHT_MIN NUM_ENCODER_ENGINES
    }
    for (number, name) in NVENCSTATUS::NAMES.iter().enumerate() {
        numbers.insert((*name).into(), number as u64);
    }
    let others: [(&str, u32); 9] = [
        ("cudaVideoChromaFormat_Monochrome", cudaVideoChromaFormat::MONOCHROME.0),
        ("cudaVideoChromaFormat_420", cudaVideoChromaFormat::YUV420.0),
        ("cudaVideoChromaFormat_422", cudaVideoChromaFormat::YUV422.0),
        ("cudaVideoChromaFormat_444", cudaVideoChromaFormat::YUV444.0),
        ("NV_ENC_DEVICE_TYPE_CUDA", NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS::DEVICE_TYPE_CUDA),
        ("NVENCAPI_VERSION", 12 | 1 << 24),
        ("NV_ENC_CAPS_PARAM_VER", struct_version(12 | 1 << 24, NV_ENC_CAPS_PARAM::REVISION)),
        (
            "NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS_VER",
            struct_version(12 | 1 << 24, NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS::REVISION),
        ),
        (
            "NV_ENCODE_API_FUNCTION_LIST_VER",
            struct_version(12 | 1 << 24, NV_ENCODE_API_FUNCTION_LIST::REVISION),
        ),
    ];
    numbers.extend(others.map(|(name, number)| (name.into(), number.into())));
    numbers
}

/// The identifiers, under the header's names.
fn guids() -> BTreeMap<&'static str, GUID> {
    macro_rules! named {
        ($($name:ident)*) => { BTreeMap::from([$((stringify!($name), $name),)*]) };
    }
    named! {
        NV_ENC_CODEC_H264_GUID NV_ENC_CODEC_HEVC_GUID NV_ENC_CODEC_AV1_GUID
        NV_ENC_H264_PROFILE_BASELINE_GUID NV_ENC_H264_PROFILE_MAIN_GUID NV_ENC_H264_PROFILE_HIGH_GUID
        NV_ENC_H264_PROFILE_HIGH_444_GUID NV_ENC_H264_PROFILE_STEREO_GUID
        NV_ENC_H264_PROFILE_PROGRESSIVE_HIGH_GUID NV_ENC_H264_PROFILE_CONSTRAINED_HIGH_GUID
        NV_ENC_HEVC_PROFILE_MAIN_GUID NV_ENC_HEVC_PROFILE_MAIN10_GUID NV_ENC_HEVC_PROFILE_FREXT_GUID
        NV_ENC_AV1_PROFILE_MAIN_GUID
    }
}

/// The functions that are called, with the types that src/sys gives them.
const FUNCTIONS: [(&str, &str); 10] = [
    ("NV_ENCODE_API_FUNCTION_LIST, nvEncGetEncodeGUIDCount", "NVENCSTATUS (*)(void *, uint32_t *)"),
    (
        "NV_ENCODE_API_FUNCTION_LIST, nvEncGetEncodeGUIDs",
        "NVENCSTATUS (*)(void *, GUID *, uint32_t, uint32_t *)",
    ),
    (
        "NV_ENCODE_API_FUNCTION_LIST, nvEncGetEncodeProfileGUIDCount",
        "NVENCSTATUS (*)(void *, GUID, uint32_t *)",
    ),
    (
        "NV_ENCODE_API_FUNCTION_LIST, nvEncGetEncodeProfileGUIDs",
        "NVENCSTATUS (*)(void *, GUID, GUID *, uint32_t, uint32_t *)",
    ),
    (
        "NV_ENCODE_API_FUNCTION_LIST, nvEncGetEncodeCaps",
        "NVENCSTATUS (*)(void *, GUID, NV_ENC_CAPS_PARAM *, int *)",
    ),
    ("NV_ENCODE_API_FUNCTION_LIST, nvEncDestroyEncoder", "NVENCSTATUS (*)(void *)"),
    (
        "NV_ENCODE_API_FUNCTION_LIST, nvEncOpenEncodeSessionEx",
        "NVENCSTATUS (*)(NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS *, void **)",
    ),
    ("NV_ENCODE_API_FUNCTION_LIST, nvEncGetLastErrorString", "const char *(*)(void *)"),
    ("struct exported, maximum", "NVENCSTATUS (*)(uint32_t *)"),
    ("struct exported, create", "NVENCSTATUS (*)(NV_ENCODE_API_FUNCTION_LIST *)"),
];

/// What stands above `main`.
const PREAMBLE: &str = r#"
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <ffnvcodec/dynlink_cuda.h>
#include <ffnvcodec/dynlink_nvcuvid.h>
#include <ffnvcodec/nvEncodeAPI.h>

struct exported {
    __typeof__(&NvEncodeAPIGetMaxSupportedVersion) maximum;
    __typeof__(&NvEncodeAPICreateInstance) create;
    tcuvidGetDecoderCaps *caps;
};

static void number(const char *name, unsigned long long value)
{
    printf("%s=%llu\n", name, value);
}

static void guid(const char *name, GUID value)
{
    unsigned char bytes[sizeof(value)];
    memcpy(bytes, &value, sizeof(value));
    printf("%s=", name);
    for (size_t i = 0; i < sizeof(bytes); i++)
        printf("%02x", bytes[i]);
    printf("\n");
}
"#;

/// Runs a C program against the headers; what it prints.
fn run(headers: &std::path::Path, body: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let (source, program) = (folder.path().join("headers.c"), folder.path().join("headers"));
    let code = format!(
        "{PREAMBLE}\nint main(void)\n{{\n    (void)number;\n    (void)guid;\n{body}    return 0;\n}}\n"
    );
    std::fs::write(&source, code).unwrap();
    let built = Command::new("cc")
        .args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-o"])
        .args([&program, &source])
        .arg("-isystem")
        .arg(headers)
        .output()
        .expect("a C compiler");
    if !built.status.success() {
        return Err(String::from_utf8_lossy(&built.stderr).into_owned());
    }
    let ran = Command::new(&program).output().unwrap();
    assert!(ran.status.success());
    Ok(String::from_utf8(ran.stdout).unwrap())
}

/// What the headers say of each of `names`, in the order of the program.
fn answers(
    headers: &std::path::Path,
    call: &str,
    names: impl Iterator<Item = String>,
) -> BTreeMap<String, String> {
    let body = names.fold(String::new(), |mut body, name| {
        let _ = writeln!(body, "{call}(\"{name}\", {name});");
        body
    });
    let output = run(headers, &body).unwrap();
    output.lines().map(|line| line.rsplit_once('=').unwrap()).map(|(n, v)| (n.into(), v.into())).collect()
}

/// RV-NVC-1003
#[test]
fn sizes_offsets_and_numbers_are_the_headers() {
    let Some(headers) = headers() else { return };
    let ours = numbers();
    let theirs = answers(&headers, "number", ours.keys().cloned());
    assert_eq!(theirs.len(), ours.len());
    for (name, number) in ours {
        assert_eq!(theirs[&name], number.to_string(), "{name}");
    }
}

/// RV-NVC-1003
#[test]
fn guids_are_the_headers_byte_for_byte() {
    let Some(headers) = headers() else { return };
    let ours = guids();
    let theirs = answers(&headers, "guid", ours.keys().map(ToString::to_string));
    assert_eq!(theirs.len(), ours.len());
    for (name, guid) in ours {
        let bytes = [
            guid.Data1.to_ne_bytes().as_slice(),
            &guid.Data2.to_ne_bytes(),
            &guid.Data3.to_ne_bytes(),
            &guid.Data4,
        ]
        .concat();
        let hexadecimal: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(theirs[name], hexadecimal, "{name}");
    }
}

/// RV-NVC-1003
#[test]
fn functions_have_the_headers_types_and_the_comparison_notices_another() {
    let Some(headers) = headers() else { return };
    let same = |place: &str, c_type: &str| {
        let (of, member) = place.split_once(", ").unwrap();
        format!(
            "_Static_assert(__builtin_types_compatible_p(__typeof__((({of} *)0)->{member}), {c_type}), \"{member}\");\n"
        )
    };
    let mut body: String = FUNCTIONS.iter().map(|(place, c_type)| same(place, c_type)).collect();
    body += &same("struct exported, caps", "CUresult (*)(CUVIDDECODECAPS *)");
    run(&headers, &body).unwrap();
    let other = same(FUNCTIONS[4].0, "NVENCSTATUS (*)(void *, GUID *, NV_ENC_CAPS_PARAM *, int *)");
    assert!(run(&headers, &other).unwrap_err().contains("nvEncGetEncodeCaps"));
}
