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
PYTHON_TOOLS=(numpy==2.3.5 onnx==1.19.1 "onnxruntime==$ONNXRUNTIME_RELEASE")
