"""TensorRT engines by themselves: trtcheck."""

import json

from process import run
from report import expect

# Looked for in lib/; refusals under these libraries are checked where they are.
MORE_LIBRARIES = {"--lib11": "libnvinfer_lean.so.11", "--librtx": "libtensorrt_rtx.so.1"}


def command(place):
    """trtcheck with the bundle's libraries."""
    bundle = place.bundle
    words = [bundle.program("trtcheck"), "--lib", bundle.tensorrt, "--lean", bundle.lean]
    for option, library in MORE_LIBRARIES.items():
        if (bundle.lib / library).exists():
            words += [option, bundle.lib / library]
    return words


def answer(place, *words, limit=120):
    """The JSON that trtcheck prints."""
    outcome = run([*command(place), *words], limit, {"LD_LIBRARY_PATH": str(place.bundle.lib)})
    try:
        return json.loads(outcome.text()), outcome
    except ValueError:
        expect(False, outcome.why())


def section(place):
    # RV-TRT-1208, RV-TRT-1103, RV-TRT-1106, RV-TRT-1107
    report = place.report

    def trtcheck():
        words = ["--engines", place.bundle.folder / "engines"] + (["--no-speed"] if place.quick else [])
        found, outcome = answer(place, *words, limit=180)
        report.store(trtcheck=found)
        failed = [f"{name}: {entry['failed']}" for name, entry in found["engines"].items() if "failed" in entry]
        failed += [f"{entry['what']}: {entry['answer']}" for entry in found["refusals"] if not entry["passed"]]
        expect(not failed, "; ".join(failed))
        expect(outcome.status == 0, outcome.why())
        return f"{len(found['engines'])} engines run, {len(found['refusals'])} are refused"

    report.check("engines keep the model contract, give equal bytes, and replay from a graph", trtcheck)
