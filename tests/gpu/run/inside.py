"""Sessions from inside a process: what frames allocate, what is left, what a lost device leads to."""

import json

from process import run
from report import Skipped, expect

ENGINE, SIZE = "animevideov3-x2-720p-fp16", ("1280", "720")


def section(place):
    # RV-ENG-1304, RV-ENG-1305, RV-ENG-1309, RV-ENG-1312, RV-ENG-1603, RV-FFI-1010
    bundle, report = place.bundle, place.report
    environment = {"LD_LIBRARY_PATH": str(bundle.lib), "RAVE_TENSORRT_LIB": str(bundle.tensorrt)}
    words = [bundle.engine(ENGINE), bundle.lean, *SIZE]

    def lines_of(outcome):
        """What the program checked, a line for each."""
        found = [line for line in outcome.text().splitlines() if line.startswith(("ok: ", "FAILED: ", "skipped: "))]
        expect(found, outcome.why())
        return found

    def program(name, *more):
        outcome = run([bundle.program(name), *words, *more], 180, environment)
        lines = lines_of(outcome)
        report.store(**{name: lines})
        failed = [line for line in lines if line.startswith("FAILED")]
        expect(not failed and outcome.status == 0, "; ".join(failed) or outcome.why())
        return f"{len(lines)} checks"

    # RV-ENG-1304, RV-ENG-1305, RV-ENG-1309, RV-ENG-1312, RV-ENG-1603
    report.check("the Rust library: allocations, memory, output that is not finite, closeness to the model, a lost device",
                 program, "gpucheck", bundle.folder / "models" / "animevideov3-x2.onnx")
    # RV-ENG-1304, RV-ENG-1305, RV-ENG-1310, RV-FFI-1010
    report.check("the C interface: allocations, order, refusals, the CUDA context's release", program, "capi")

    def sticky():
        """RV-ENG-1312: the 20th launch reports an illegal address, through ffmpeg."""
        counter = bundle.instruments / "libcuda-counter.so"
        if not counter.exists():
            raise Skipped(f"no {counter.name} in the bundle")
        path = place.work / "sticky.json"
        outcome = place.ffmpeg.run(
            ["-hwaccel", "cuda", "-hwaccel_output_format", "cuda", "-i", bundle.clip("720p"), "-an",
             "-vf", place.ffmpeg.rave(ENGINE, "graph=on"), "-f", "null", "-"], limit=40,
            environment={"LD_PRELOAD": str(counter), "CUDA_COUNTER_FAIL": "cuGraphLaunch:20:700",
                         "CUDA_COUNTER_REPORT": str(path)})
        expect(outcome.status == 187, outcome.why())
        expect("DEVICE_LOST" in outcome.stderr and "700" in outcome.stderr, outcome.why())
        launches = json.loads(path.read_text(encoding="utf-8"))["total"]["cuGraphLaunch"]["calls"]
        expect(launches == 20, f"{launches} graph launches; none may follow the 20th")
        return f"{outcome.status} in {outcome.seconds:.1f} s, no launch after it"

    report.check("an illegal address in the middle of a stream ends it", sticky)
