#!/usr/bin/env python3
"""Measure the filter rave against bare ONNX Runtime, the command rave against the filter, sessions frame by frame, and
pixel kernels against FFmpeg's swscale.

Called by scripts/bench.sh, which builds what is measured, and writes a ledger (bench_ledger.py). What is compared is run
in turns, several times, and the medians are taken, so that a change of the machine's speed meets both alike.
"""

from __future__ import annotations

import argparse
import hashlib
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

import bench_ledger
from bench_ledger import Ledger, Meta, Quantiles, Quantity, Workload

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


class OthersLoad:
    """What the machine does since now but for this process and the children that it waited for."""

    def __init__(self) -> None:
        self._begin = self._seconds()

    @staticmethod
    def _seconds() -> tuple[float, float]:
        """CPU seconds of others, and the clock's."""
        with Path("/proc/stat").open() as file:
            # proc_stat(5): user nice system idle iowait irq softirq steal; guests are within user.
            user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
        busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
        ours = os.times()
        return busy - sum(ours[:4]), ours.elapsed

    def cpus(self) -> float:
        """How many CPUs that kept busy, on average."""
        (before, begin), (after, end) = self._begin, self._seconds()
        return max(0.0, after - before) / (end - begin)


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


def measure_filter(ffmpeg: Ffmpeg, clip: Path, model: Path, threads: int, frames: int, runs: int) -> Workload:
    """The filter, with decoding before it, against session.run in a process of its own."""
    hashes: set[str] = set()

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
            return taken

        def filtered() -> float:
            # One frame takes all that happens once: starting, loading the model, preparing it.
            return frames / (seconds(frames + 1) - seconds(1))

        def bare() -> float:
            command = [sys.executable, __file__, "--bare", str(model), str(threads), str(frames)]
            return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

        bare_values, filter_values = in_turns(runs, bare, filtered)
        digest = f"{folder}/sha256"
        for _ in range(2):
            ffmpeg.run("-i", small, "-vf", f"rave={model}:threads={threads}", "-f", "hash", "-hash", "sha256", digest)
            hashes.add(Path(digest).read_text().strip().removeprefix("SHA256="))
    if len(hashes) > 1:
        raise BenchError(f"the filter gave other frames when it ran again: {sorted(hashes)}")
    return Workload(
        name=f"ffmpeg with decoding, {model.stem}, {WIDTH}x{HEIGHT}, {threads} threads",
        frames_per_second=Quantity.of(filter_values),
        reference="bare session.run",
        ratio=Quantity.of([ours / theirs for ours, theirs in zip(filter_values, bare_values)]),
        stages_ms={},
        allocations_per_frame=None,
        vram_bytes=None,
        pool_hit_rate=None,
        queue_depth=None,
        output_sha256=hashes.pop(),
        exact=False,
    )


# How both programs are told to write: a coded video, and what leaves the encoder nothing to do.
CODINGS = {
    "libx264": (
        ("--codec", "libx264", "--preset", "veryfast", "--quality", "18"),
        ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18"),
        "mkv",
    ),
    "rawvideo": (("--format", "rawvideo", "--codec", "rawvideo"), ("-f", "rawvideo", "-c:v", "rawvideo"), "raw"),
}


def measure_command(
    ffmpeg: Ffmpeg, rave: Path, clip: Path, model: Path, coding: str, threads: int, frames: int, runs: int
) -> Workload:
    """`rave upscale`, from file to file, against ffmpeg with the filter, the same encoder and the same options."""
    ours, theirs, ending = CODINGS[coding]
    environment = {**os.environ, "RAVE_ONNXRUNTIME_LIB": str(ffmpeg.runtime)}

    with tempfile.TemporaryDirectory() as folder:
        for count in (1, frames + 1):
            ffmpeg.run(
                *("-i", str(clip), "-frames:v", str(count), "-an", "-vf", f"scale={WIDTH}:{HEIGHT}"),
                *("-c:v", "libx264", "-crf", "16", f"{folder}/{count}.mp4"),
            )

        def command(count: int) -> float:
            words = [str(rave), "upscale", f"{folder}/{count}.mp4", "-m", str(model), "-o", f"{folder}/rave.{ending}"]
            words += ["--overwrite", "--device", "cpu", "--threads", str(threads), *ours]
            start = time.perf_counter()
            done = subprocess.run(words, capture_output=True, text=True, errors="replace", env=environment, check=False)
            taken = time.perf_counter() - start
            if done.returncode:
                raise BenchError(f"{' '.join(words)}\nexited with {done.returncode}:\n{done.stderr[-3000:]}")
            return taken

        def filtered(count: int) -> float:
            return ffmpeg.run(
                *("-i", f"{folder}/{count}.mp4", "-vf", f"rave={model}:threads={threads}", *theirs),
                f"{folder}/ffmpeg.{ending}",
            )[0]

        def speed(seconds: Callable[[int], float]) -> Callable[[], float]:
            # One frame takes all that happens once: starting, loading the model, opening the encoder.
            return lambda: frames / (seconds(frames + 1) - seconds(1))

        filter_values, command_values = in_turns(runs, speed(filtered), speed(command))
        digest = None
        if coding == "rawvideo":
            hashes = [hashlib.sha256(Path(f"{folder}/{name}.raw").read_bytes()).hexdigest() for name in ("rave", "ffmpeg")]
            if hashes[0] != hashes[1]:
                raise BenchError(f"rave upscale gives other pictures than the filter with {model.stem}")
            digest = hashes[0]
    return Workload(
        name=f"rave upscale to {coding}, {model.stem}, {WIDTH}x{HEIGHT}, {threads} threads",
        frames_per_second=Quantity.of(command_values),
        reference="ffmpeg, the filter",
        ratio=Quantity.of([ours / theirs for ours, theirs in zip(command_values, filter_values)]),
        stages_ms={},
        allocations_per_frame=None,
        vram_bytes=None,
        pool_hit_rate=None,
        queue_depth=None,
        output_sha256=digest,
        exact=False,
    )


def measure_session(
    measure: Path, model: Path, runtime: Path, size: tuple[int, int], threads: int, frames: int, runs: int, exact: bool
) -> Workload:
    """A session of rave-engine from inside the process: each frame, each stage of it, and what it allocates."""
    speeds, stages, allocations, hashes = [], {}, 0, set()
    for _ in range(runs):
        words = [str(word) for word in (measure, model, runtime, *size, frames, threads)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchError(f"{' '.join(words)}\nexited with {done.returncode}:\n{done.stderr[-3000:]}")
        found = json.loads(done.stdout)
        speeds.append(1e3 * frames / sum(found["stages_ms"]["frame"]))
        for stage, values in found["stages_ms"].items():
            stages.setdefault(stage, []).extend(values)
        allocations += found["allocations"]
        hashes.add(found["output_sha256"])
    if len(hashes) > 1:
        raise BenchError(f"{model.stem} gave other frames when it ran again: {sorted(hashes)}")
    return Workload(
        name=f"session, {model.stem}, yuv420p {size[0]}x{size[1]}, {threads} threads",
        frames_per_second=Quantity.of(speeds),
        reference=None,
        ratio=None,
        stages_ms={stage: Quantiles.of(values) for stage, values in stages.items()},
        allocations_per_frame=allocations / (runs * frames),
        vram_bytes=None,
        pool_hit_rate=None,
        queue_depth=None,
        output_sha256=hashes.pop(),
        exact=exact,
    )


def measure_pipeline(
    ffmpeg: Ffmpeg, measure: Path, clip: Path, model: Path, threads: int, frames: int, runs: int
) -> Workload:
    """A whole video from file to file: every stage, the queues between them, and what a frame allocates."""
    found, hashes = [], set()
    with tempfile.TemporaryDirectory() as folder:
        small, out = f"{folder}/small.mp4", Path(folder) / "out.y4m"
        ffmpeg.run(
            *("-i", str(clip), "-frames:v", str(frames), "-an", "-vf", f"scale={WIDTH}:{HEIGHT}"),
            *("-c:v", "libx264", "-crf", "16", small),
        )
        for _ in range(runs):
            words = [str(word) for word in (measure, model, ffmpeg.runtime, small, out, threads)]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.returncode:
                raise BenchError(f"{' '.join(words)}\nexited with {done.returncode}:\n{done.stderr[-3000:]}")
            found.append(json.loads(done.stdout))
            hashes.add(hashlib.sha256(out.read_bytes()).hexdigest())
    if len(hashes) > 1:
        raise BenchError(f"the pipeline gave other frames when it ran again: {sorted(hashes)}")
    if any(one["frames"] != frames for one in found):
        raise BenchError(f"{[one['frames'] for one in found]} frames were made, {frames} each were expected")

    def middle(stage: str, part: str) -> float:
        return statistics.median(one["stages_ms"][stage][part] for one in found)

    allocations = [one["allocations_per_frame"] for one in found]
    return Workload(
        name=f"video, {model.stem}, {WIDTH}x{HEIGHT}, {threads} threads",
        frames_per_second=Quantity.of([one["frames_per_second"] for one in found]),
        reference=None,
        ratio=None,
        stages_ms={
            stage: Quantiles(*(middle(stage, part) for part in ("p50", "p95", "p99"))) for stage in found[0]["stages_ms"]
        },
        # The least: what FFmpeg's threads take now and then is not of a frame.
        allocations_per_frame=None if None in allocations else min(allocations),
        vram_bytes=None,
        pool_hit_rate=None,
        queue_depth=max(one["queue_depth"] for one in found),
        output_sha256=hashes.pop(),
        exact=False,
    )


def criterion_ns_per_pixel(folder: Path) -> dict[tuple[str, str], list[float]]:
    """What `cargo bench -p rave-core --bench pixels` found, by group and function: the median and its 95 % interval."""
    found = {}
    for description in folder.glob("**/new/benchmark.json"):
        names = json.loads(description.read_text())
        estimates = json.loads((description.parent / "estimates.json").read_text())
        pixels = KERNEL_WIDTH * KERNEL_HEIGHT
        if names["throughput"] != {"Elements": pixels}:
            raise BenchError(f"{names['full_id']}: {names['throughput']}, {pixels} pixels were expected")
        median = estimates["median"]
        interval = median["confidence_interval"]
        values = (interval["lower_bound"], median["point_estimate"], interval["upper_bound"])
        found[names["group_id"], names["function_id"]] = [value / pixels for value in values]
    return found


def swscale_ns_per_pixel(ffmpeg: Ffmpeg, source: str, target: str, threads: int, frames: int, runs: int) -> list[float]:
    """Times of the filter scale between two formats; what a run without it takes is not counted."""
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
    nothing = statistics.median(without)
    return [1e9 * (taken - nothing) / (frames * KERNEL_WIDTH * KERNEL_HEIGHT) for taken in with_it]


def measure_kernels(ffmpeg: Ffmpeg, benchmark: Path, threads: int, runs: int) -> list[Workload]:
    """The conversions between yuv420p and planar fp32 RGB, on one thread and on all."""
    with tempfile.TemporaryDirectory() as criterion:
        # Only what swscale is compared with.
        words = ["--bench", "--warm-up-time", "1", "--measurement-time", "3", "/(yuv420p to fp32|fp32 to yuv420p)$"]
        done = subprocess.run([benchmark, *words], env={**os.environ, "CRITERION_HOME": criterion}, capture_output=True,
                              text=True, check=False)
        if done.returncode:
            raise BenchError(f"{benchmark} exited with {done.returncode}:\n{done.stderr[-3000:]}")
        ours = criterion_ns_per_pixel(Path(criterion))
    pixels = KERNEL_WIDTH * KERNEL_HEIGHT
    workloads = []
    for group, count in (("1 thread", 1), ("all threads", threads)):
        for function, source, target in (
            ("yuv420p to fp32", "yuv420p", "gbrpf32le"),
            ("fp32 to yuv420p", "gbrpf32le", "yuv420p"),
        ):
            if (group, function) not in ours:
                raise BenchError(f"the benchmark of rave-core has no {group}/{function}: it has {sorted(ours)}")
            times = ours[group, function]
            theirs = swscale_ns_per_pixel(ffmpeg, source, target, count, 60, runs)
            median = statistics.median(times)
            workloads.append(
                Workload(
                    name=f"kernel, {function}, {KERNEL_WIDTH}x{KERNEL_HEIGHT}, {count} threads",
                    frames_per_second=Quantity.of([1e9 / (time * pixels) for time in times]),
                    reference="swscale",
                    ratio=Quantity.of([time / median for time in theirs]),
                    stages_ms={},
                    allocations_per_frame=None,
                    vram_bytes=None,
                    pool_hit_rate=None,
                    queue_depth=None,
                    output_sha256=None,
                    exact=True,
                )
            )
    return workloads


def machine() -> dict[str, str]:
    """The CPU's name and how many of its threads this process may use."""
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {"cpu": found[1] if found else os.uname().machine, "threads": str(len(os.sched_getaffinity(0)))}


def table(ledger: Ledger) -> str:
    """The ledger for people."""
    versions = ledger.versions
    lines = [
        f"{ledger.machine['cpu']}, {ledger.machine['threads']} threads; RAVE {versions['rave']} ({versions['revision']}), "
        f"ONNX Runtime {versions['onnxruntime']}, {versions['ffmpeg']}",
    ]
    for workload in ledger.workloads:
        speed = workload.frames_per_second
        lines += ["", workload.name, f"  frames/s        {speed.median:10.2f}   noise {speed.noise():.1%}"]
        if workload.ratio:
            lines.append(f"  to {workload.reference:17}{workload.ratio.median:6.3f}   noise {workload.ratio.noise():.1%}")
        for stage, of in workload.stages_ms.items():
            lines.append(f"  {stage:12} ms {of.p50:10.2f} p50 {of.p95:10.2f} p95 {of.p99:10.2f} p99")
        if workload.allocations_per_frame is not None:
            lines.append(f"  allocations     {workload.allocations_per_frame:10.2f} a frame")
    if ledger.meta.others_cpus > bench_ledger.IDLE:
        lines += ["", f"The machine was not idle (others kept {ledger.meta.others_cpus:.2f} CPUs busy): measure again."]
    return "\n".join(lines)


def main() -> int:
    """The command line."""
    if sys.argv[1:2] == ["--bare"]:
        model, threads, frames = sys.argv[2:]
        print(bare_session(model, int(threads), int(frames)))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("ffmpeg", "rave", "clip", "model", "exact-model", "runtime", "measure", "measure-pipeline", "kernels",
                 "out"):
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
    threads, frames, runs = options.threads, options.frames, options.runs
    version = subprocess.run([options.ffmpeg, "-version"], capture_output=True, text=True, check=True).stdout
    load = OthersLoad()

    def session(model: Path, size: tuple[int, int], count: int, exact: bool) -> Workload:
        return measure_session(options.measure, model, ffmpeg.runtime, size, threads, count, runs, exact)

    def command(model: Path, coding: str, count: int) -> Workload:
        return measure_command(ffmpeg, options.rave, options.clip, model, coding, threads, count, runs)

    try:
        workloads = [
            measure_filter(ffmpeg, options.clip, options.model, threads, frames, runs),
            command(options.model, "libx264", frames),
            # With a model that takes next to no time, what is measured is everything around it.
            command(options.exact_model, "libx264", 10 * frames),
            command(options.exact_model, "rawvideo", 10 * frames),
            session(options.model, (WIDTH, HEIGHT), frames, exact=False),
            session(options.exact_model, (KERNEL_WIDTH, KERNEL_HEIGHT), frames, exact=True),
            measure_pipeline(ffmpeg, options.measure_pipeline, options.clip, options.model, threads, frames, runs),
            *measure_kernels(ffmpeg, options.kernels, threads, runs),
        ]
    except BenchError as error:
        print(f"bench_cpu.py: {error}", file=sys.stderr)
        return 1
    ledger = Ledger(
        schema=bench_ledger.SCHEMA,
        command=f"scripts/bench.sh cpu --runs {runs} --frames {frames} --threads {threads}",
        meta=Meta(unix_time=int(time.time()), others_cpus=load.cpus()),
        machine=machine(),
        versions={
            "rave": options.version,
            "revision": options.revision,
            "onnxruntime": onnxruntime.__version__,
            "ffmpeg": version.split(" Copyright")[0],
        },
        workloads=workloads,
    )
    ledger.write(options.out)
    print(table(bench_ledger.read(options.out)))
    print(f"\n{options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
