#!/usr/bin/env python3
"""Measure the filter rave against bare ONNX Runtime, and RAVE's pixel kernels against FFmpeg's swscale.

Called by scripts/bench.sh, which builds what is measured. What is compared is run in turns, several times, and the
medians are taken, so that a change of the machine's speed meets both alike.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

WIDTH, HEIGHT = 320, 180
# What the benchmark of rave-core's kernels works on.
KERNEL_WIDTH, KERNEL_HEIGHT = 1920, 1080
STATISTICS = re.compile(
    r"(\d+) frames, (\d+) tiles? each, ms per frame: ([\d.]+) unpack, ([\d.]+) inference, ([\d.]+) pack"
)


class BenchError(Exception):
    """A measurement could not be made."""


@dataclass(frozen=True)
class Ffmpeg:
    """A build of FFmpeg with the filter, and the ONNX Runtime that it is to use."""

    program: Path
    runtime: Path

    def run(self, *arguments: str) -> tuple[float, str]:
        """Run it; the seconds it took, and its log."""
        command = [str(self.program), "-hide_banner", "-nostdin", "-nostats", "-loglevel", "verbose", "-y", *arguments]
        environment = {**os.environ, "RAVE_ONNXRUNTIME_LIB": str(self.runtime)}
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment, check=False)
        seconds = time.perf_counter() - start
        if done.returncode:
            raise BenchError(f"{' '.join(command)}\nexited with {done.returncode}:\n{done.stderr[-3000:]}")
        return seconds, done.stderr


def in_turns(runs: int, *measures: Callable[[], float]) -> list[list[float]]:
    """Every measure, one after the other, `runs` times; the values of each."""
    values: list[list[float]] = [[] for _ in measures]
    for _ in range(runs):
        for measure, collected in zip(measures, values):
            collected.append(measure())
    return values


def bare_session(model: str, threads: int, frames: int) -> float:
    """Frames per second of session.run alone, after one frame that does not count."""
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    frame = np.random.RandomState(1).random_sample((1, 3, HEIGHT, WIDTH)).astype(np.float32)
    name = session.get_inputs()[0].name
    session.run(None, {name: frame})
    start = time.perf_counter()
    for _ in range(frames):
        session.run(None, {name: frame})
    return frames / (time.perf_counter() - start)


def measure_filter(ffmpeg: Ffmpeg, clip: Path, model: Path, threads: int, frames: int, runs: int) -> dict:
    """The filter, with decoding before it, against session.run in a process of its own."""
    splits: list[tuple[float, ...]] = []

    with tempfile.TemporaryDirectory() as folder:
        small = f"{folder}/small.mp4"
        ffmpeg.run(
            *("-i", str(clip), "-frames:v", str(frames + 1), "-an", "-vf", f"scale={WIDTH}:{HEIGHT}"),
            *("-c:v", "libx264", "-crf", "16", small),
        )

        def seconds(count: int) -> float:
            taken, log = ffmpeg.run(
                *("-threads", str(threads), "-i", small, "-frames:v", str(count)),
                *("-vf", f"rave={model}:threads={threads}", "-f", "null", "-"),
            )
            found = STATISTICS.search(log)
            if not found or int(found[1]) < count:
                raise BenchError(f"the filter did not say that it processed {count} frames:\n{log[-3000:]}")
            if count > 1:
                splits.append(tuple(float(value) for value in found.groups()[2:]))
            return taken

        def filtered() -> float:
            # One frame takes all that happens once: starting, loading the model, preparing it.
            return frames / (seconds(frames + 1) - seconds(1))

        def bare() -> float:
            command = [sys.executable, __file__, "--bare", str(model), str(threads), str(frames)]
            return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

        bare_values, filter_values = in_turns(runs, bare, filtered)
    unpack, inference, pack = (statistics.median(values) for values in zip(*splits))
    return {
        "threads": threads,
        "size": f"{WIDTH}x{HEIGHT}",
        "filter_frames_per_second": filter_values,
        "bare_frames_per_second": bare_values,
        "filter_median": statistics.median(filter_values),
        "bare_median": statistics.median(bare_values),
        "ratio": statistics.median(filter_values) / statistics.median(bare_values),
        "ms_per_frame": {"unpack": unpack, "inference": inference, "pack": pack},
    }


def criterion_ns_per_pixel(folder: Path) -> dict[tuple[str, str], float]:
    """What `cargo bench -p rave-core --bench pixels` found, by group and function."""
    found = {}
    for description in folder.glob("**/new/benchmark.json"):
        names = json.loads(description.read_text())
        estimates = json.loads((description.parent / "estimates.json").read_text())
        pixels = KERNEL_WIDTH * KERNEL_HEIGHT
        if names["throughput"] != {"Elements": pixels}:
            raise BenchError(f"{names['full_id']}: {names['throughput']}, {pixels} pixels were expected")
        found[names["group_id"], names["function_id"]] = estimates["median"]["point_estimate"] / pixels
    return found


def swscale_ns_per_pixel(ffmpeg: Ffmpeg, source: str, target: str, threads: int, frames: int, runs: int) -> float:
    """Time of the filter scale between two formats; what a run without it takes is not counted."""
    # One picture, repeated by reference: the source costs next to nothing.
    picture = (
        f"testsrc2=size={KERNEL_WIDTH}x{KERNEL_HEIGHT}:rate=25,format={source},trim=end_frame=1,"
        f"loop=loop={frames - 1}:size=1,trim=end_frame={frames}"
    )

    def seconds(filters: str) -> float:
        return ffmpeg.run(
            *("-f", "lavfi", "-i", picture, "-filter_threads", str(threads), "-vf", filters, "-f", "null", "-")
        )[0]

    convert = f"scale=flags=bilinear,format={target}"
    without, with_it = in_turns(runs, lambda: seconds("null"), lambda: seconds(convert))
    gain = statistics.median(with_it) - statistics.median(without)
    return 1e9 * gain / (frames * KERNEL_WIDTH * KERNEL_HEIGHT)


def measure_kernels(ffmpeg: Ffmpeg, criterion: Path, threads: int, runs: int) -> list[dict]:
    """The conversions between yuv420p and planar fp32 RGB, on one thread and on all."""
    ours = criterion_ns_per_pixel(criterion)
    rows = []
    for group, count in (("1 thread", 1), ("all threads", threads)):
        for function, source, target in (
            ("yuv420p to fp32", "yuv420p", "gbrpf32le"),
            ("fp32 to yuv420p", "gbrpf32le", "yuv420p"),
        ):
            if (group, function) not in ours:
                raise BenchError(f"the benchmark of rave-core has no {group}/{function}: it has {sorted(ours)}")
            theirs = swscale_ns_per_pixel(ffmpeg, source, target, count, 60, runs)
            rows.append(
                {
                    "conversion": function,
                    "threads": count,
                    "rave_ns_per_pixel": ours[group, function],
                    "swscale_ns_per_pixel": theirs,
                    "speedup": theirs / ours[group, function],
                }
            )
    return rows


def machine() -> dict:
    """The CPU's name and how many of its threads this process may use."""
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "cpu": found[1] if found else os.uname().machine,
        "threads": len(os.sched_getaffinity(0)),
        "load_before": os.getloadavg()[0],
    }


def table(report: dict) -> str:
    """The report for people."""
    host, model = report["machine"], report["filter"]
    split = model["ms_per_frame"]
    lines = [
        f"{host['cpu']}, {host['threads']} threads; RAVE {report['versions']['rave']} ({report['revision']}), "
        f"ONNX Runtime {report['versions']['onnxruntime']}, {report['versions']['ffmpeg']}",
        "",
        f"{report['model']} at {model['size']}, {model['threads']} threads    frames/s",
        f"  filter, with decoding              {model['filter_median']:10.2f}",
        f"  bare session.run                   {model['bare_median']:10.2f}",
        f"  ratio                              {model['ratio']:10.3f}    (0.95 or more is wanted)",
        f"  ms per frame: {split['unpack']:.2f} unpack, {split['inference']:.2f} inference, {split['pack']:.2f} pack",
        "",
        f"{KERNEL_WIDTH}x{KERNEL_HEIGHT}, ns/pixel                     RAVE    swscale   speed-up",
    ]
    for row in report["kernels"]:
        what = f"{row['conversion']}, {row['threads']} threads"
        lines.append(
            f"  {what:32}{row['rave_ns_per_pixel']:10.3f} {row['swscale_ns_per_pixel']:10.3f} {row['speedup']:9.1f}x"
        )
    if host["load_before"] > 0.5:
        lines += ["", f"The machine was not idle (load {host['load_before']:.1f}): measure again."]
    return "\n".join(lines)


def main() -> int:
    """The command line."""
    if sys.argv[1:2] == ["--bare"]:
        model, threads, frames = sys.argv[2:]
        print(bare_session(model, int(threads), int(frames)))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("ffmpeg", "clip", "model", "runtime", "criterion", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("version", "revision"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--frames", type=int, default=20, help="frames of the clip in each run")
    parser.add_argument("--runs", type=int, default=5, help="how often everything is measured")
    options = parser.parse_args()
    if min(options.threads, options.frames, options.runs) < 1:
        parser.error("--threads, --frames and --runs take 1 or more")

    import onnxruntime

    ffmpeg = Ffmpeg(options.ffmpeg, options.runtime.resolve())
    try:
        report = {
            "machine": machine(),
            "revision": options.revision,
            "versions": {
                "rave": options.version,
                "onnxruntime": onnxruntime.__version__,
                "ffmpeg": subprocess.run([options.ffmpeg, "-version"], capture_output=True, text=True, check=True)
                .stdout.split(" Copyright")[0],
            },
            "model": options.model.stem,
            "filter": measure_filter(
                ffmpeg, options.clip, options.model, options.threads, options.frames, options.runs
            ),
            "kernels": measure_kernels(ffmpeg, options.criterion, options.threads, options.runs),
        }
    except BenchError as error:
        print(f"bench_cpu.py: {error}", file=sys.stderr)
        return 1
    partial = options.out.with_suffix(".part")
    partial.write_text(json.dumps(report, indent=2) + "\n")
    partial.replace(options.out)
    print(table(report))
    print(f"\n{options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
