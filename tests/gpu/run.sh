#!/usr/bin/env bash
# Tests and measures RAVE on a machine with an NVIDIA GPU: nothing is needed there but the driver, Python 3 and xz.
#
#   tests/gpu/run.sh BUNDLE [REPORT.json] [--only SECTION,...] [--quick]
#
# BUNDLE is what scripts/gpu-bundle.sh packed; it holds a copy of this script. README.md beside it says what the sections
# do and how to read the report. Exits 1 when a check failed. Without a GPU everything is skipped and it exits 0; with
# RAVE_REQUIRE_GPU=1 what is skipped has failed.
set -euo pipefail
exec python3 -B "$(dirname "$0")/run" "$@"
