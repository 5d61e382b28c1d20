"""The product's command, into the stand-in for NVENC: the frame that the filter writes is the one that is encoded."""

import json
import re

from ffmpeg import CUDA_INPUT, frames_of, same_hashes
from report import Skipped, expect

ENGINE = "animevideov3-x2-720p-fp16"
SMALL = "animevideov3-x2-dyn-fp16"
MOST_REGISTRATIONS = 64
WRITES = re.compile(r"frame (\d+): reads (0x[0-9a-f]+), writes (0x[0-9a-f]+)")


def section(place):
    # RV-FILT-1301, RV-FILT-1306, RV-ENG-1302
    ffmpeg, report = place.ffmpeg, place.report
    standin = place.bundle.instruments / "libnvidia-encode.so.1"
    if not standin.exists():
        raise Skipped(f"no {standin.name} in the bundle")

    def encode(codec, clip, filters, *rest, level="error", inputs=(), limit=90):
        """Frames that the stand-in got, its log, and the run."""
        log = place.work / "nvenc.jsonl"
        log.unlink(missing_ok=True)
        environment = {"LD_LIBRARY_PATH": f"{place.bundle.instruments}:{place.bundle.lib}",
                       "NVENC_STANDIN_LOG": str(log)}
        outcome = ffmpeg.run([*CUDA_INPUT, *inputs, "-i", place.bundle.clip(clip), "-an", "-vf", filters,
                              "-c:v", codec, *rest, "-f", "framehash", "-"], level, limit, environment)
        expect("stand-in" in outcome.stderr, f"the stand-in was not used: {outcome.why()}")
        expect(outcome.status == 0, outcome.why())
        events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        return frames_of(outcome.text()), events, outcome

    def downloaded(clip, filters, form):
        """The same frames by way of the host."""
        outcome = ffmpeg.run([*CUDA_INPUT, "-i", place.bundle.clip(clip), "-an", "-vf",
                              f"{filters},hwdownload,format={form}", "-f", "framehash", "-"], limit=90)
        expect(outcome.status == 0, outcome.why())
        return frames_of(outcome.text())

    def equal(codec, clip, filters, form):
        frames, _, outcome = encode(codec, clip, filters)
        same_hashes(frames, downloaded(clip, filters, form), f"{codec} and hwdownload")
        return f"{len(frames)} frames: {outcome.command}"

    report.check("h264_nvenc gets the pictures that hwdownload gives", equal, "h264_nvenc", "720p",
                 ffmpeg.rave(ENGINE), "nv12")
    report.check("hevc_nvenc gets them in 10 bits", equal, "hevc_nvenc", "720p",
                 ffmpeg.rave(SMALL, "format=p010le"), "p010le")

    def identity():
        frames, log, outcome = encode("h264_nvenc", "720p", ffmpeg.rave(ENGINE), level="debug")
        written = [found[2] for found in WRITES.findall(outcome.stderr)]
        if not written:
            raise Skipped("this filter does not log where it writes")
        encoded = [entry["ptr"] for entry in log if entry["event"] == "encode"]
        expect(len(written) == len(encoded) == len(frames),
               f"{len(written)} frames written, {len(encoded)} encoded, {len(frames)} packets")
        for number, (wrote, read) in enumerate(zip(written, encoded)):
            expect(int(wrote, 16) == int(read, 16), f"frame {number} was written to {wrote} and encoded from {read}")
        return f"{len(encoded)} frames at {len(set(encoded))} addresses"

    report.check("the encoder reads where the filter writes", identity)

    def registrations():
        loops = 7 if not place.quick else 1
        frames, log, _ = encode("h264_nvenc", "180p", ffmpeg.rave(SMALL), inputs=["-stream_loop", loops])
        expect(place.quick or len(frames) >= 1000, f"only {len(frames)} frames")
        registered = sum(entry["event"] == "register" for entry in log)
        most = max(entry.get("registered_most", 0) for entry in log)
        left = sum(entry.get("registered_left", 0) for entry in log)
        host = sum(entry["event"] == "encode" and int(entry["ptr"], 16) == 0 for entry in log)
        report.store(registrations={"frames": len(frames), "calls": registered, "most": most, "left": left})
        expect(registered <= MOST_REGISTRATIONS, f"{registered} registrations over {len(frames)} frames")
        expect(left == 0, f"{left} were never unregistered")
        expect(host == 0, f"{host} frames came from host memory")
        return f"{registered} over {len(frames)} frames"

    report.check(f"buffers are used again: at most {MOST_REGISTRATIONS} registrations", registrations)
