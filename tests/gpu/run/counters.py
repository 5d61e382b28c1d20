"""What a running filter asks of the driver: counted by libcuda-counter.so over 1000 frames in the steady state."""

import json
import re
import threading
import time

from ffmpeg import CUDA_INPUT
from machine import smi
from report import Skipped, expect

ENGINE = "animevideov3-x2-720p-fp16"
CLIP_FRAMES, FIRST, LAST = 132, 100, 1100
LAUNCHES = re.compile(r"cu(LaunchKernel|LaunchKernelEx|LaunchCooperativeKernel)$")
# How much the GPU's memory in use may move within the steady state.
FLAT_MIB = 2


class MemoryInUse:
    """Polls the memory in use while something runs."""

    def __init__(self):
        self.samples = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._poll)

    def _poll(self):
        while not self._over.wait(0.3):
            value = smi("memory.used")
            if value and value.isdigit():
                self.samples.append((time.monotonic(), int(value)))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


def section(place):
    ffmpeg, report = place.ffmpeg, place.report
    library = place.bundle.instruments / "libcuda-counter.so"
    if not library.exists():
        raise Skipped(f"no {library.name} in the bundle")

    def counted(options, frames, mark=None):
        """The counter's report on a run, and the run."""
        path = place.work / "counter.json"
        path.unlink(missing_ok=True)
        environment = {"LD_PRELOAD": str(library), "CUDA_COUNTER_REPORT": str(path)}
        if mark:
            environment["CUDA_COUNTER_MARK"] = mark
        outcome = ffmpeg.run([*CUDA_INPUT, "-stream_loop", frames // CLIP_FRAMES, "-i", place.bundle.clip("720p"), "-an",
                              "-frames:v", frames, "-vf", ffmpeg.rave(ENGINE, options), "-f", "null", "-"],
                             "verbose", 90, environment)
        expect(outcome.status == 0, outcome.why())
        expect(path.exists(), f"the counter wrote nothing: {outcome.command}")
        return json.loads(path.read_text(encoding="utf-8")), outcome

    def mark_of(options):
        """A call that each frame makes a fixed number of times, as a mark around 1000 frames."""
        short, long = (counted(options, frames)[0]["total"] for frames in (100, 140))
        grown = {call: long[call]["calls"] - short.get(call, {"calls": 0})["calls"] for call in long}
        if grown.get("cuGraphLaunch", 0) >= 40:
            chosen = "cuGraphLaunch"
        else:
            candidates = [call for call, calls in grown.items() if LAUNCHES.match(call) and calls and calls % 40 == 0]
            expect(candidates, f"no launch is made a fixed number of times per frame: {grown}")
            chosen = max(candidates, key=grown.get)
        each, early = grown[chosen] // 40, short[chosen]["calls"]
        # Launches before the steady state (warming up, before a graph is there) shift the marks: they are at frames
        # 100 and 1100 by the count that 100 frames made.
        return f"{chosen}:{early}:{early + each * (LAST - FIRST)}", each

    def steady(graph):
        options = f"streams=2:graph={graph}"
        mark, each = mark_of(options)
        with MemoryInUse() as memory:
            begun = time.monotonic()
            found, outcome = counted(options, LAST + 150, mark)
            ended = time.monotonic()
        expect(found["window"] is not None, f"the run ended before the second mark {mark}")
        used = [mib for when, mib in memory.samples if begun + 0.4 * (ended - begun) < when < ended - 0.1 * (ended - begun)]
        report.store(**{f"graph_{graph}": {"command": outcome.command, "mark": mark, "launches_per_frame": each,
                                           "counter": found, "memory_mib": [mib for _, mib in memory.samples]}})
        return found, used

    def state(graph):
        results = {}

        def window():
            results["found"], results["used"] = steady(graph)
            missed = results["found"]["looked_up_but_not_counted"]
            expect(not missed, f"calls that are not counted were looked up: {', '.join(missed)}")
            calls = {name: entry["calls"] for name, entry in results["found"]["window"].items()}
            return ", ".join(f"{name} {count}" for name, count in sorted(calls.items()))

        report.check(f"graph={graph}: 1000 frames are counted", window)
        if "found" not in results:
            return
        found = results["found"]

        def none(kind, what, library=None, directions=None):
            sites = [site for site in found["callers"] if site["kind"] == kind
                     and (library is None or site["library"] == library)
                     and (directions is None or site["direction"] in directions)]
            expect(not sites and not found["callers_dropped"],
                   f"{what}: " + "; ".join(f"{site['calls']} x {site['call']} {site['bytes']} bytes from "
                                           f"{site['library']}+{site['offset']}" for site in sites))

        report.check(f"graph={graph}: no copy of 4096 bytes or more between host and device", none, "copy",
                     "copies", None, ("HtoD", "DtoH", "none"))
        report.check(f"graph={graph}: no allocation on the device", none, "allocation", "allocations")
        report.check(f"graph={graph}: nothing is freed on the device", none, "free", "frees")
        # librave is part of the ffmpeg binary.
        report.check(f"graph={graph}: ffmpeg and librave never wait for the GPU", none, "synchronisation",
                     "synchronisations", "ffmpeg")

        def flat():
            used = results["used"]
            if len(used) < 3:
                raise Skipped(f"nvidia-smi gave {len(used)} samples in the steady state")
            expect(max(used) - min(used) <= FLAT_MIB, f"memory in use goes from {min(used)} to {max(used)} MiB")
            return f"{max(used)} MiB in {len(used)} samples"

        report.check(f"graph={graph}: memory in use is flat", flat)

    for graph in ("on",) if place.quick else ("on", "off"):
        state(graph)

    def heap():
        program = place.bundle.program("ffmpeg-counting")
        if not program.exists():
            raise Skipped("no bin/ffmpeg-counting in the bundle: an ffmpeg whose librave counts its allocations and says "
                          "at the end `heap allocations: N`")
        totals = []
        for frames in (200, 1200):
            outcome = place.ffmpeg.run([*CUDA_INPUT, "-stream_loop", frames // CLIP_FRAMES, "-i",
                                        place.bundle.clip("720p"), "-an", "-frames:v", frames, "-vf",
                                        ffmpeg.rave(ENGINE), "-f", "null", "-"], "verbose", 60,
                                       program="ffmpeg-counting")
            expect(outcome.status == 0, outcome.why())
            said = re.findall(r"heap allocations: (\d+)", outcome.stderr)
            expect(said, "it did not say its heap allocations")
            totals.append(int(said[-1]))
        expect(totals[0] == totals[1], f"{totals[1] - totals[0]} heap allocations over 1000 frames")
        return f"{totals[0]} in all, none of them in 1000 frames"

    report.check("no heap allocation per frame in librave", heap)
