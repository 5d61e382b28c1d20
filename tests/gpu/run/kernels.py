"""Pixel kernels: against the CPU reference, beside a copy, and under compute-sanitizer."""

import json
import shutil
from pathlib import Path

from process import run
from report import Skipped, expect

# Times the time that a copy of the same bytes takes.
BAR = 3.0
TOOLS = ("memcheck", "racecheck", "initcheck")


def sanitizer():
    """Path of compute-sanitizer, or None: CUDA's installers do not put it on the PATH."""
    return shutil.which("compute-sanitizer") or next(
        (str(path) for path in sorted(Path("/usr/local").glob("cuda*/bin/compute-sanitizer"))), None)


def section(place):
    # RV-CUDA-1002, RV-CUDA-1007, RV-CUDA-1008, RV-CUDA-1205, RV-TEST-1304
    program, report = place.bundle.program("checkkernel"), place.report

    def compare_and_measure():
        path = place.work / "checkkernel.json"
        command = [program, "--bench", "--json", path] + (["--quick"] if place.quick else [])
        outcome = run(command, 240)
        if path.exists():
            report.store(checkkernel=json.loads(path.read_text(encoding="utf-8")))
        expect(outcome.status == 0, outcome.why())
        checks = report.section["checkkernel"]["checks"]
        return f"{sum(check['cases'] for check in checks)} cases in {outcome.seconds:.0f} s"

    report.check("kernels give the reference's bits", compare_and_measure)

    def conformance():
        oracle = place.bundle.program("rave-conformance")
        if not oracle.exists():
            raise Skipped("no bin/rave-conformance in the bundle")
        # zimg, and what FFmpeg links, lie in the bundle.
        libraries = f"{place.bundle.folder / 'oracles'}:{place.bundle.lib}"
        outcome = run([oracle, "check", "pixels", "--gpu", "--no-skips",
                       "--fixtures", place.bundle.folder / "conformance", "--ffmpeg", place.bundle.program("ffmpeg")],
                      240, {"LD_LIBRARY_PATH": libraries})
        lines = outcome.text().splitlines()
        report.store(conformance=lines)
        expect(outcome.status == 0, f"{outcome.why()} {outcome.text()[-1200:]}")
        return lines[-1]

    # RV-CONF-1007
    report.check("kernels give what the standard, zimg and swscale say", conformance)

    def beside_a_copy():
        bench = report.section.get("checkkernel", {}).get("bench")
        if not bench:
            raise Skipped("nothing was measured")
        worst = max(bench, key=lambda row: row["ratio"])
        over = [f"{row['kernel']} {row['ratio']}" for row in bench if row["ratio"] > BAR]
        report.store(ratios={row["kernel"]: row["ratio"] for row in bench})
        expect(not over, f"{len(over)} of {len(bench)} are over {BAR}: {', '.join(over)}")
        return f"{len(bench)} kernels, worst {worst['ratio']} ({worst['kernel']})"

    report.check(f"a kernel takes at most {BAR:g} times a copy of its bytes", beside_a_copy)

    def lost_device():
        outcome = run([program, "--lose-device"], 60)
        expect(outcome.status == 0, outcome.why())

    report.check("a sticky error makes every later call report a lost device", lost_device)

    def sanitized(tool):
        path = sanitizer()
        if not path:
            raise Skipped("no compute-sanitizer on this machine")
        outcome = run([path, "--tool", tool, "--report-api-errors", "no", "--error-exitcode", "9",
                       program, "--quick"], 120)
        summary = [line for line in outcome.text().splitlines() if "SUMMARY" in line]
        expect(outcome.status == 0, f"{outcome.why()} {' '.join(summary)} {outcome.text()[-600:]}")
        return " ".join(summary).lstrip("= ")

    for tool in TOOLS:
        report.check(f"compute-sanitizer {tool}", sanitized, tool)
