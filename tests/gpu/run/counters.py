"""What a running filter asks of the driver: counted by libcuda-counter.so over 1000 frames in the steady state."""

import json
import re
import threading
import time

from ffmpeg import CUDA_INPUT
from machine import smi
from report import Skipped, expect

ENGINE = "animevideov3-x2-720p-fp16"
CLIP_FRAMES, WINDOW = 132, 1000
LAUNCHES = re.compile(r"cu(GraphLaunch|LaunchKernel|LaunchKernelEx|LaunchCooperativeKernel)$")
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
    # RV-ENG-1301, RV-ENG-1303, RV-ENG-1304, RV-CUDA-1101, RV-FILT-1306
    ffmpeg, report = place.ffmpeg, place.report
    library = place.bundle.instruments / "libcuda-counter.so"
    if not library.exists():
        raise Skipped(f"no {library.name} in the bundle")

    def looped(rounds, filters):
        """Arguments for so many rounds of the clip."""
        return [*CUDA_INPUT, "-stream_loop", rounds - 1, "-i", place.bundle.clip("720p"), "-an", "-vf", filters,
                "-f", "null", "-"]

    def counted(options, rounds, mark=None):
        """The counter's report on so many rounds of the clip, and the run.

        Always to the end: how many frames beyond a limit were on their way is another number in every run.
        """
        path = place.work / "counter.json"
        path.unlink(missing_ok=True)
        environment = {"LD_PRELOAD": str(library), "CUDA_COUNTER_REPORT": str(path)}
        if mark:
            environment["CUDA_COUNTER_MARK"] = mark
        outcome = ffmpeg.run(looped(rounds, ffmpeg.rave(ENGINE, options)), "verbose", 90, environment)
        expect(outcome.status == 0, outcome.why())
        expect(path.exists(), f"the counter wrote nothing: {outcome.command}")
        return json.loads(path.read_text(encoding="utf-8")), outcome

    def mark_of(options):
        """A call that each frame makes a fixed number of times, as a mark around the window."""
        short, long = (counted(options, rounds)[0]["total"] for rounds in (1, 2))
        grown = {call: long[call]["calls"] - short.get(call, {"calls": 0})["calls"] for call in long}
        candidates = [call for call, calls in grown.items()
                      if LAUNCHES.match(call) and calls and calls % CLIP_FRAMES == 0]
        expect(candidates, f"no launch is made a fixed number of times per frame: {grown}")
        # A graph is one launch per frame; kernels beside it, if any, are more.
        chosen = "cuGraphLaunch" if "cuGraphLaunch" in candidates else max(candidates, key=grown.get)
        # From where the first round of the clip ended: what happens before the steady state is behind it.
        each, first = grown[chosen] // CLIP_FRAMES, short[chosen]["calls"]
        return f"{chosen}:{first}:{first + each * WINDOW}", each

    def steady(graph):
        options = f"streams=2:graph={graph}"
        mark, each = mark_of(options)
        with MemoryInUse() as memory:
            begun = time.monotonic()
            found, outcome = counted(options, 10, mark)
            ended = time.monotonic()
        expect(found["window"] is not None, f"the run ended before the second mark {mark}")
        steady_from, steady_to = (begun + share * (ended - begun) for share in (0.4, 0.9))
        used = [mib for when, mib in memory.samples if steady_from < when < steady_to]
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
