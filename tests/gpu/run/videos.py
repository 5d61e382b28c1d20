"""Whole videos by `rave upscale`, beside the filter in ffmpeg in the same run."""

import json
import statistics as numbers
import sys
from pathlib import Path

from bars import Bare
from ffmpeg import CUDA_INPUT, frames_of, same_hashes
from process import run
from report import Skipped, expect, spread

ENGINE = "animevideov3-x2-720p-fp16"
SMALL = "animevideov3-x2-dyn-fp16"
BAR = 0.98
CLIP_FRAMES, CLIP_SECONDS = 132, 132 / 25
# What both encode with: the same words to the same encoder.
X264 = {"preset": "ultrafast", "crf": "23"}


def nvrtc():
    """NVRTC of the CUDA toolkit or of a Python package on this machine; the bundle has none."""
    folders = [*Path("/usr/local").glob("cuda*/**/lib*"), *map(Path, sys.path)]
    found = [file for folder in folders for file in [*folder.glob("libnvrtc.so.1[23]"),
                                                     *folder.glob("nvidia/*/lib/libnvrtc.so.1[23]")]]
    return max(found, key=lambda file: file.name, default=None)


def section(place):
    # RV-PIPE-2304
    bundle, ffmpeg, report, work = place.bundle, place.ffmpeg, place.report, place.work
    program = bundle.program("rave")
    loops, rounds = (3, 2) if place.quick else (8, 5)
    measured = report.section.setdefault("videos", {})

    def upscale(clip, output, *options, environment=None):
        """The command; its output is `output`, or `-` for a pipe that nobody keeps."""
        if not program.exists():
            raise Skipped("no rave in the bundle")
        words = [program, "upscale", clip, "-m", bundle.engine(ENGINE), "-o", output, "--lean-runtime", bundle.lean,
                 "--runtime-lib", bundle.tensorrt, *options]
        return done(words, environment)

    def done(words, environment=None):
        """Runs a command whose output may go to a pipe; a shell lets that go where nothing is kept."""
        outcome = run(["sh", "-c", 'exec "$@" >/dev/null', "sh", *words], 120, {**ffmpeg.environment, **(environment or {})})
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

    def to_the_encoder():
        """RV-PIPE-2305: from NVDEC to NVENC, in segments that are joined. The stand-in's packets are the pictures."""
        standin = bundle.instruments / "libnvidia-encode.so.1"
        if not standin.exists():
            raise Skipped(f"no {standin.name} in the bundle")
        path, log = work / "upscaled.mkv", work / "upscale-nvenc.jsonl"
        log.unlink(missing_ok=True)
        outcome = upscale(bundle.clip("720p"), path, "--segment", "50", "--overwrite", environment={
            "LD_LIBRARY_PATH": f"{bundle.instruments}:{bundle.lib}", "NVENC_STANDIN_LOG": str(log)})
        expect("stand-in" in outcome.stderr, f"the stand-in was not used: {outcome.why()}")
        events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        encoded = [event for event in events if event["event"] == "encode"]
        host = sum(int(event["ptr"], 16) == 0 for event in encoded)
        left = sum(event.get("registered_left", 0) for event in events)
        expect(host == 0, f"{host} of {len(encoded)} pictures came from host memory")
        expect(left == 0, f"{left} were never unregistered")
        ours = ffmpeg.frames(["-fflags", "+noparse", "-i", path, "-map", "0:v", "-c", "copy"])
        theirs = frames_of(ffmpeg.run([*CUDA_INPUT, "-i", bundle.clip("720p"), "-an", "-vf", to_host, "-f", "framemd5",
                                       "-"]).text())
        path.unlink()
        expect(len(ours) == CLIP_FRAMES, f"{len(ours)} packets")
        same_hashes(ours, theirs, "rave upscale's packets and the filter")
        registered = sum(event["event"] == "register" for event in events)
        return f"{len(ours)} frames, {registered} registrations by {sum(event['event'] == 'open' for event in events)} encoders"

    report.check("NVENC (a stand-in) gets the pictures where the model leaves them", to_the_encoder)

    def stage():
        """RV-CUDA-1501, RV-CUDA-1502: CUDA C++ of the user's own, compiled here."""
        compiler = nvrtc()
        if not compiler:
            raise Skipped("no NVRTC on this machine")
        paths = {name: work / f"{name}.nut" for name in ("none", "negative")}
        for name, path in paths.items():
            words = [bundle.program("stagecheck"), bundle.clip("180p"), bundle.engine(SMALL), bundle.lean, path, name]
            outcome = run(words, 120, {**ffmpeg.environment, "RAVE_NVRTC_LIB": str(compiler)})
            expect(outcome.status == 0, outcome.why())
        plain, negative = (ffmpeg.run(["-i", path, "-f", "rawvideo", "-"]).stdout for path in paths.values())
        for path in paths.values():
            path.unlink()
        expect(len(plain) == CLIP_FRAMES * 640 * 360 * 3 // 2, f"{len(plain)} bytes of video")
        expect(plain != negative, "the kernel changed nothing")
        expect(plain.translate(bytes(range(255, -1, -1))) == negative, "the kernel's video is not the negative of the other")
        return f"by {compiler.name}: {outcome.text().strip()}"

    report.check("a kernel of the user's own changes every sample", stage)

    def refused():
        """RV-PIPE-2303: what no frame on a GPU holds is refused, with what to do, and nothing of it is left."""
        for form in ("gray", "gbrp10le"):
            clip, path = work / f"{form}.mkv", work / f"{form}-out.mkv"
            made = ffmpeg.run(["-i", bundle.clip("180p"), "-an", "-frames:v", "2", "-pix_fmt", form, "-c:v", "ffv1", clip])
            expect(made.status == 0, made.why())
            outcome = run([program, "upscale", clip, "-m", bundle.engine(SMALL), "-o", path, "--lean-runtime", bundle.lean,
                           "--runtime-lib", bundle.tensorrt], 60, ffmpeg.environment)
            expect(outcome.status == 234 and f"{form} pictures on a GPU" in outcome.stderr, outcome.why())
            expect(not list(work.glob(f"{form}-out*")), f"{form}: something is left")

    report.check("pictures that no frame on a GPU holds are refused", refused)

    def against(name, ours, theirs):
        """All by turns: whole processes, start and end included, and the bare engine."""
        seconds, bare, bares = {"rave": [], "ffmpeg": []}, Bare(place, ENGINE), []
        for _ in range(rounds):
            bares.append(bare.measure()["one_context"])
            seconds["ffmpeg"].append(theirs().seconds)
            outcome = ours()
            seconds["rave"].append(outcome.seconds)
        ratios = [other / one for one, other in zip(seconds["rave"], seconds["ffmpeg"])]
        frames = CLIP_FRAMES * loops
        of_bare = [frames / one / fps for one, fps in zip(seconds["rave"], bares)]
        measured[name] = {"frames": frames, "command": outcome.command, "ratio": spread(ratios),
                          "bare_fps": spread(bares), "against_bare": spread(of_bare),
                          **{f"{who}_seconds": spread(values) for who, values in seconds.items()}}
        shown = (f"{numbers.median(ratios):.3f}: {frames / numbers.median(seconds['rave']):.1f} frames/s, "
                 f"ffmpeg {frames / numbers.median(seconds['ffmpeg']):.1f}; {numbers.median(of_bare):.3f} of the bare engine")
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

    def preview():
        """RV-CLI-1205: the right half of the picture is the frame that the filter makes."""
        picture, frame = work / "preview.png", 48
        seconds = frame / CLIP_FRAMES * CLIP_SECONDS
        words = [program, "preview", bundle.clip("720p"), "-m", bundle.engine(ENGINE), "-o", picture, "--overwrite",
                 "--at", f"{seconds:.3f}", "--lean-runtime", bundle.lean, "--runtime-lib", bundle.tensorrt]
        outcome = run(words, 60, ffmpeg.environment)
        expect(outcome.status == 0, outcome.why())
        # As many columns to the right as the filter's picture has.
        ours = ffmpeg.frames(["-i", picture, "-vf", "crop=2560:1440:2564:0", "-pix_fmt", "rgb24"])
        filters = f"{ffmpeg.rave(ENGINE, 'format=rgb0')},hwdownload,format=rgb0"
        theirs = ffmpeg.frames([*CUDA_INPUT, "-i", bundle.clip("720p"), "-an", "-frames:v", str(frame + 1), "-vf", filters,
                                "-pix_fmt", "rgb24"])
        expect(len(ours) == 1 and len(theirs) == frame + 1, f"{len(ours)} and {len(theirs)} frames")
        expect(ours[0].hash == theirs[frame].hash, f"{outcome.text().strip()}: not the filter's frame {frame}")
        return outcome.text().strip()

    report.check("rave preview shows what the filter makes", preview)

    def info():
        """RV-CLI-1207: what only TensorRT tells of an engine."""
        told = {}
        for name in (ENGINE, SMALL):
            outcome = run([program, "info", bundle.engine(name), "--lean-runtime", bundle.lean, "--runtime-lib",
                           bundle.tensorrt], 60, ffmpeg.environment)
            expect(outcome.status == 0, outcome.why())
            told[name] = {line[:14].strip(): line[14:] for line in outcome.text().splitlines()[1:]}
        for name, what, words in ((ENGINE, "takes", "1x3x720x1280 fp16"), (ENGINE, "gives", "fp16"),
                                  (ENGINE, "contract", "2x; built by"), (SMALL, "takes", "1x3x?x?"),
                                  (SMALL, "profile 0", " to 1x3x"), (SMALL, "contract", "2x; built by")):
            expect(words in told[name].get(what, ""), f"no `{words}` of {what} in {told[name]}")
        return f"{ENGINE} takes {told[ENGINE]['takes']}; profile 0 of {SMALL} is {told[SMALL]['profile 0']}"

    report.check("rave info tells what is in an engine", info)

    def stages():
        """Where the time of a run goes, as `rave bench` has it."""
        words = [program, "bench", bundle.clip("720p"), "-m", bundle.engine(ENGINE), "--lean-runtime", bundle.lean,
                 "--runtime-lib", bundle.tensorrt]
        outcome = run(words, 120, ffmpeg.environment)
        expect(outcome.status == 0, outcome.why())
        measured["bench"] = outcome.text().splitlines()
        return measured["bench"][-1]

    report.check("rave bench names the bottleneck", stages)
