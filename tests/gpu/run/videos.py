"""Whole videos by `rave upscale`, beside the filter in ffmpeg in the same run."""

import statistics as numbers

from ffmpeg import CUDA_INPUT, frames_of, same_hashes
from process import run
from report import Skipped, expect, spread

ENGINE = "animevideov3-x2-720p-fp16"
BAR = 0.98
CLIP_FRAMES = 132
# What both encode with: the same words to the same encoder.
X264 = {"preset": "ultrafast", "crf": "23"}


def section(place):
    # RV-PIPE-2304
    bundle, ffmpeg, report, work = place.bundle, place.ffmpeg, place.report, place.work
    program = bundle.program("rave")
    loops, rounds = (3, 2) if place.quick else (8, 5)
    measured = report.section.setdefault("videos", {})

    def upscale(clip, output, *options):
        """The command; its output is `output`, or `-` for a pipe that nobody keeps."""
        if not program.exists():
            raise Skipped("no rave in the bundle")
        words = [program, "upscale", clip, "-m", bundle.engine(ENGINE), "-o", output, "--lean-runtime", bundle.lean,
                 "--runtime-lib", bundle.tensorrt, *options]
        return done(words)

    def done(words):
        """Runs a command whose output may go to a pipe; a shell lets that go where nothing is kept."""
        outcome = run(["sh", "-c", 'exec "$@" >/dev/null', "sh", *words], 120, ffmpeg.environment)
        expect(outcome.status == 0, outcome.why())
        return outcome

    def whole(clip, filters, *rest):
        """The filter's command."""
        return done([bundle.program("ffmpeg"), "-nostdin", "-v", "error", "-y", *CUDA_INPUT, "-i", clip, "-vf", filters, *rest])

    def long():
        """The clip several times over."""
        path = work / f"long-{loops}.mp4"
        if not path.exists():
            outcome = ffmpeg.run(["-stream_loop", loops - 1, "-i", bundle.clip("720p"), "-c", "copy", path])
            expect(outcome.status == 0, outcome.why())
        return path

    to_host = f"{ffmpeg.rave(ENGINE)},hwdownload,format=nv12"

    def equal():
        """Pictures and times."""
        path = work / "upscaled.nut"
        # Two segments and a part of one.
        upscale(bundle.clip("720p"), path, "--codec", "rawvideo", "--segment", "50", "--overwrite")
        ours = ffmpeg.frames(["-i", path, "-map", "0:v"])
        theirs = frames_of(ffmpeg.run([*CUDA_INPUT, "-i", bundle.clip("720p"), "-an", "-vf", to_host, "-f", "framemd5",
                                       "-"]).text())
        path.unlink()
        expect(len(theirs) == CLIP_FRAMES, f"{len(theirs)} frames of the filter")
        same_hashes(ours, theirs, "rave upscale and the filter")
        return f"{len(ours)} frames"

    report.check("the pictures are the filter's", equal)

    def against(name, ours, theirs):
        """Both by turns: whole processes, start and end included."""
        seconds = {"rave": [], "ffmpeg": []}
        for _ in range(rounds):
            seconds["ffmpeg"].append(theirs().seconds)
            outcome = ours()
            seconds["rave"].append(outcome.seconds)
        ratios = [other / one for one, other in zip(seconds["rave"], seconds["ffmpeg"])]
        frames = CLIP_FRAMES * loops
        measured[name] = {"frames": frames, "command": outcome.command, "ratio": spread(ratios),
                          **{f"{who}_seconds": spread(values) for who, values in seconds.items()}}
        shown = (f"{numbers.median(ratios):.3f}: {frames / numbers.median(seconds['rave']):.1f} frames/s, "
                 f"ffmpeg {frames / numbers.median(seconds['ffmpeg']):.1f}")
        expect(numbers.median(ratios) >= BAR, f"{shown}; at least {BAR} expected")
        return shown

    def raw():
        clip = long()
        return against("raw_to_a_pipe",
                       lambda: upscale(clip, "-", "--no-copy", "--codec", "rawvideo", "--format", "rawvideo"),
                       lambda: whole(clip, to_host, "-an", "-f", "rawvideo", "-"))

    report.check("the speed of raw video to a pipe, against the filter's", raw)

    def encoded():
        clip = long()
        return against("x264",
                       lambda: upscale(clip, work / "ours.mp4", "--overwrite", "--codec", "libx264", "--preset", X264["preset"],
                                       "--quality", X264["crf"]),
                       lambda: whole(clip, to_host, "-c:v", "libx264", "-preset", X264["preset"], "-crf", X264["crf"],
                                     "-c:a", "copy", work / "theirs.mp4"))

    report.check("the speed with x264 and sound, against the filter's", encoded)

    def stages():
        """Where the time of a run goes, as `rave bench` has it."""
        words = [program, "bench", bundle.clip("720p"), "-m", bundle.engine(ENGINE), "--lean-runtime", bundle.lean,
                 "--runtime-lib", bundle.tensorrt]
        outcome = run(words, 120, ffmpeg.environment)
        expect(outcome.status == 0, outcome.why())
        measured["bench"] = outcome.text().splitlines()
        return measured["bench"][-1]

    report.check("rave bench names the bottleneck", stages)
