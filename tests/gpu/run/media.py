"""What rave-ffmpeg does with a GPU: decodes onto it, copies from and to it, encodes from it."""

import json

from process import run
from report import Skipped, expect


def section(place):
    program = place.bundle.program("mediacheck")
    environment = {"LD_LIBRARY_PATH": str(place.bundle.lib)}

    # RV-FF-1202, RV-FF-1203, RV-FF-1402, RV-FF-1403
    def mediacheck(clip):
        if not program.exists():
            raise Skipped("no mediacheck in the bundle")
        outcome = run([program, place.bundle.clip(clip)], 120, environment)
        lines = [json.loads(line) for line in outcome.text().splitlines() if line.startswith("{")]
        expect(lines, outcome.why())
        place.report.store(**{f"mediacheck_{clip}": lines})
        failed = [json.dumps(line) for line in lines if not line["ok"]]
        expect(not failed and outcome.status == 0, "; ".join(failed) or outcome.why())
        nvdec = next(line for line in lines if line["check"] == "nvdec")
        return f"{nvdec['frames']} frames at {nvdec['addresses']} addresses, {', '.join(nvdec['sizes'])}"

    # 1080 lines are coded as 1088.
    for clip in ("180p", "720p", "1080p"):
        place.report.check(f"NVDEC's frames of {clip} are software's, and frames come back as they were", mediacheck, clip)
