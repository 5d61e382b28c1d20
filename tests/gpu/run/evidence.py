"""The ledger of a run on the GPU: its hashes, and running it again."""

import json
import statistics as numbers

from bars import frames_per_second
from ffmpeg import CUDA_INPUT
from process import run
from report import Skipped, expect, spread

ENGINE, CLIP = "animevideov3-x2-dyn-fp16", "180p"
SPEED_ENGINE = "animevideov3-x2-720p-fp16"


def section(place):
    # RV-ENG-1606, RV-CLI-1502
    bundle, ffmpeg, report, work = place.bundle, place.ffmpeg, place.report, place.work
    program, ledger, raw = bundle.program("rave"), work / "run.jsonl", work / "decoded.nv12"

    def sha256(filters, *rest):
        """SHA-256 of the frames of a chain that ends in host memory."""
        outcome = ffmpeg.run([*CUDA_INPUT, "-i", bundle.clip(CLIP), "-an", "-vf", filters, *rest,
                              "-f", "framehash", "-hash", "sha256", "-"])
        expect(outcome.status == 0, outcome.why())
        return [line.split(",")[5].strip() for line in outcome.text().splitlines() if line and not line.startswith("#")]

    def told(*options):
        """The frames that the ledger of a run has, and the hashes of what came out."""
        ledger.unlink(missing_ok=True)
        words = ":".join([f"ledger={ledger}", *options])
        made = sha256(f"{ffmpeg.rave(ENGINE, words)},hwdownload,format=nv12")
        events = [json.loads(line)["record"]["event"] for line in ledger.read_text(encoding="utf-8").splitlines()]
        return [event["frame"] for event in events if "frame" in event], made

    def fingerprints():
        decoded = sha256("hwdownload,format=nv12")
        for options in ((), ("streams=3",), ("graph=off",)):
            frames, made = told(*options)
            expect([frame["output"] for frame in frames] == made, f"{options}: outputs differ from framehash's")
            expect([frame["input"] for frame in frames] == decoded, f"{options}: inputs differ from framehash's")
        frames, made = told("ledger_every=10")
        expect([frame["output"] for frame in frames] == made[::10], "ledger_every=10: not every tenth frame")
        return f"{len(made)} frames"

    report.check("the ledger has the hashes of frames on the GPU", fingerprints)

    def rave(*words):
        if not program.exists():
            raise Skipped("no rave in the bundle")
        return run([program, *words], 120, ffmpeg.environment)

    def replay():
        told()
        outcome = ffmpeg.run([*CUDA_INPUT, "-i", bundle.clip(CLIP), "-an", "-vf", "hwdownload,format=nv12", "-f", "rawvideo",
                              raw])
        expect(outcome.status == 0, outcome.why())
        again = ["replay", ledger, "--input", raw, "--runtime-lib", bundle.tensorrt, "--lean-runtime", bundle.lean]
        outcome = rave("ledger", "verify", ledger)
        expect(outcome.status == 0, outcome.why())
        outcome = rave(*again)
        expect(outcome.status == 0, outcome.why())
        said = outcome.text().strip().splitlines()[0]
        # One bit of frame 7.
        pixels = bytearray(raw.read_bytes())
        pixels[len(pixels) // 132 * 7 + 100] ^= 1
        raw.write_bytes(pixels)
        outcome = rave(*again)
        expect(outcome.status != 0 and "frame 7: the input" in outcome.stderr, outcome.why())
        return said.replace(f"{ledger}: ", "")

    report.check("a run is verified and run again on the GPU, and another input is named", replay)

    def cost():
        """What evidence of every frame, and of every 25th, takes."""
        rates = {"none": [], "25": [], "1": []}
        for _ in range(2 if place.quick else 3):
            for every, values in rates.items():
                options = "" if every == "none" else f"ledger={ledger}:ledger_every={every}"
                ledger.unlink(missing_ok=True)
                values.append(frames_per_second(place, "720p", ffmpeg.rave(SPEED_ENGINE, options), 3)[0])
        report.store(fps={every: spread(values) for every, values in rates.items()})
        none = numbers.median(rates["none"])
        return ", ".join(f"every {every}: {numbers.median(rates[every]) / none:.3f} of the speed without"
                         for every in ("25", "1"))

    report.check("what evidence costs at 720p", cost)
