"""Runs the sections of a GPU test from a bundle; run.sh beside this folder says how."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import accuracy
import bars
import counters
import engines
import evidence
import faults
import filters
import golden
import inside
import kernels
import media
import nvcaps
import nvenc
import torture
import videos
from bundle import Bundle
from ffmpeg import FFmpeg
from machine import Gpu, describe, find_gpu
from report import Report

SECTIONS = {module.__name__: module.section
            for module in (kernels, engines, golden, accuracy, filters, faults, torture, inside, nvenc, counters, bars,
                           evidence, nvcaps, media, videos)}


class Place:
    """What a section works with."""

    def __init__(self, bundle, gpu, report, work, quick):
        self.bundle = bundle
        self.ffmpeg = FFmpeg(bundle)
        self.gpu = gpu
        self.report = report
        self.work = work
        self.quick = quick


def arguments():
    parser = argparse.ArgumentParser(prog="run.sh", description="Tests and measures RAVE on a GPU.")
    parser.add_argument("bundle", type=Path, help="what scripts/gpu-bundle.sh packed")
    parser.add_argument("report", type=Path, nargs="?", default=Path("gpu-report.json"))
    parser.add_argument("--only", help=f"sections, with commas between them, of {','.join(SECTIONS)}")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions; numbers are rough")
    given = parser.parse_args()
    chosen = given.only.split(",") if given.only else list(SECTIONS)
    if unknown := [name for name in chosen if name not in SECTIONS]:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    if not given.bundle.is_dir():
        parser.error(f"{given.bundle} is not a folder")
    return given, chosen


def main():
    # RV-TEST-1302
    given, chosen = arguments()
    report = Report(given.report)
    gpu = find_gpu()
    report.data |= {"quick": given.quick, "machine": describe(gpu)}
    if not isinstance(gpu, Gpu):
        for name in chosen:
            report.begin(name)
            report.result("everything", "skip", f"no GPU: {gpu}")
            report.end()
        return report.finish()
    work = Path(tempfile.mkdtemp(prefix="rave-gpu."))
    try:
        print(f"{gpu.name}, compute capability {gpu.capability}, driver {gpu.driver}, CUDA {gpu.cuda}", flush=True)
        bundle = Bundle(given.bundle, work)
        report.data |= {"revision": bundle.revision(), "bundle": bundle.hashes()}
        place = Place(bundle, gpu, report, work, given.quick)
        for name in chosen:
            report.begin(name)
            report.guard(SECTIONS[name], place)
            report.end()
        return report.finish()
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
