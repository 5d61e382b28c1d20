"""Sessions from inside a process: what frames allocate, what is left, what a lost device leads to."""

import json

from ffmpeg import CUDA_INPUT, filter_errors
from process import run
from report import Skipped, expect

ENGINE, SIZE = "animevideov3-x2-720p-fp16", ("1280", "720")
# Those of cuda.h after which the process must be started again, as rave_core::device_lost has them.
STICKY = (226, 700, 702, 710, 714, 715, 716, 717, 718, 719, 721, 810, 911)


def section(place):
    # RV-ENG-1304, RV-ENG-1305, RV-ENG-1312, RV-FFI-1010
    bundle, report = place.bundle, place.report
    environment = {"LD_LIBRARY_PATH": str(bundle.lib), "RAVE_TENSORRT_LIB": str(bundle.tensorrt)}
    words = [bundle.engine(ENGINE), bundle.lean, *SIZE]

    def lines_of(outcome):
        """What the program checked, a line for each."""
        found = [line for line in outcome.text().splitlines() if line.startswith(("ok: ", "FAILED: ", "skipped: "))]
        expect(found, outcome.why())
        return found

    def program(name):
        outcome = run([bundle.program(name), *words], 120, environment)
        lines = lines_of(outcome)
        report.store(**{name: lines})
        failed = [line for line in lines if line.startswith("FAILED")]
        expect(not failed and outcome.status == 0, "; ".join(failed) or outcome.why())
        return f"{len(lines)} checks"

    # RV-ENG-1304, RV-ENG-1305, RV-ENG-1312
    report.check("the Rust library: allocations, memory, a lost device", program, "gpucheck")
    # RV-ENG-1304, RV-ENG-1305, RV-ENG-1310, RV-FFI-1010
    report.check("the C interface: allocations, order, refusals, the CUDA context's release", program, "capi")

    def broken(plan, limit):
        """What a run says when the driver's answers go by this plan, and the calls that were counted."""
        counter = bundle.instruments / "libcuda-counter.so"
        if not counter.exists():
            raise Skipped(f"no {counter.name} in the bundle")
        path = place.work / "broken.json"
        path.unlink(missing_ok=True)
        outcome = place.ffmpeg.run(
            [*CUDA_INPUT, "-i", bundle.clip("720p"), "-an", "-vf", place.ffmpeg.rave(ENGINE, "graph=on"),
             "-f", "null", "-"], limit=limit,
            environment={"LD_PRELOAD": str(counter), "CUDA_COUNTER_FAIL": plan, "CUDA_COUNTER_REPORT": str(path)})
        expect(outcome.status == 187, outcome.why())
        expect("DEVICE_LOST" in outcome.stderr, outcome.why())
        return outcome, json.loads(path.read_text(encoding="utf-8"))["total"]

    def sticky():
        """RV-ENG-1312: the 20th launch reports an error after which the process cannot use the device."""
        slowest = 0
        for code in STICKY:
            outcome, calls = broken(f"cuGraphLaunch:20:{code}", 40)
            expect(str(code) in outcome.stderr, outcome.why())
            launches = calls["cuGraphLaunch"]["calls"]
            expect(launches == 20, f"{code}: {launches} graph launches; none may follow the 20th")
            slowest = max(slowest, outcome.seconds)
        return f"{len(STICKY)} errors, each the end within {slowest:.1f} s, no launch after it"

    report.check("an error that loses the device, in the middle of a stream, ends it", sticky)

    def hang():
        """RV-ENG-1312: from the 100th question on no work is ever done; the watchdog takes 30 s."""
        outcome, _ = broken("cuEventQuery:100:600", 120)
        expect(30 <= outcome.seconds < 70, f"it took {outcome.seconds:.0f} s: {outcome.why()}")
        return f"{outcome.status} after {outcome.seconds:.0f} s: {filter_errors(outcome)[:1]}"

    report.check("a GPU that never answers is given up", hang)
