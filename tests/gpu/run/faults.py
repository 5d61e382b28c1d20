"""What goes wrong from outside, and what the filter says: one line, the documented exit status, no signal."""

import subprocess
import sys
from pathlib import Path

from ffmpeg import CUDA_INPUT, filter_errors, statistics
from report import expect

ENGINE, LARGE = "animevideov3-x2-dyn-fp16", "animevideov3-x2-1080p-fp16"
BATCHED = "animevideov3-x2-720p-batch4-fp16"
# Exit statuses of ffmpeg: 256 less the errno, or the first byte of FFmpeg's own code.
ACCES, INVAL, NODEV, NOSYS, NOMEM, INVALID_DATA, EXTERNAL = 243, 234, 237, 218, 244, 183, 187
TENSORRT_10 = "10."


def section(place):
    # RV-ENG-1202, RV-ENG-1310, RV-ENG-1313, RV-FILT-1304, RV-FILT-1308, RV-ENG-1203, RV-TRT-1103
    ffmpeg, report, bundle = place.ffmpeg, place.report, place.bundle
    clip = bundle.clip("180p")

    def attempt(filters, inputs=None, environment=None, limit=30, file=clip, output=("-f", "null", "-")):
        return ffmpeg.run([*(CUDA_INPUT if inputs is None else inputs), "-i", file, "-an", "-frames:v", "8",
                           "-vf", filters, *output], "error", limit, environment)

    def refused(outcome, statuses, words):
        """The bar for every fault: documented status, one line from the filter that names what it is about."""
        statuses = statuses if isinstance(statuses, tuple) else (statuses,)
        said = filter_errors(outcome)
        expect(outcome.status in statuses, f"exit status {outcome.status}, expected {statuses}: {outcome.why()}")
        expect(len(said) == 1, f"{len(said)} lines from the filter: {said or outcome.said()}")
        missing = [word for word in words if word not in said[0]]
        expect(not missing, f"the message lacks {missing}: {said[0]}")
        return f"{outcome.status}: {said[0]}"

    def fault(name, statuses, words, filters, **keywords):
        report.check(name, lambda: refused(attempt(filters, **keywords), statuses, words))

    def copy_of(name, content):
        """An engine with this content, in a file that only its owner may write."""
        path = place.work / f"{name}.engine"
        path.write_bytes(content)
        path.chmod(0o644)
        return path

    if bundle.engine("super-resolution-10-notportable").exists():
        fault("a plan of another TensorRT", NOSYS, ["8.6", TENSORRT_10],
              ffmpeg.rave("super-resolution-10-notportable"))
    fault("an older plan without its lean runtime", NOSYS, ["8.6", TENSORRT_10], ffmpeg.rave(ENGINE, lean=False))
    fault("the TensorRT library is missing (option)", NOSYS, ["/nowhere/libnvinfer.so.10"],
          ffmpeg.rave(ENGINE, "runtime_lib=/nowhere/libnvinfer.so.10"))
    fault("the TensorRT library is missing (environment)", NOSYS, ["/nowhere/libnvinfer.so.10"], ffmpeg.rave(ENGINE),
          environment={"RAVE_TENSORRT_LIB": "/nowhere/libnvinfer.so.10"})
    fault("the lean runtime is missing", NOSYS, ["/nowhere/libnvinfer_lean.so.8"],
          f"{ffmpeg.rave(ENGINE, lean=False)}:lean_runtime=/nowhere/libnvinfer_lean.so.8")
    fault("the lean runtime is another TensorRT's", NOSYS, [],
          f"{ffmpeg.rave(ENGINE, lean=False)}:lean_runtime={bundle.tensorrt}")
    fault("the library is no TensorRT", NOSYS, ["libcuda.so.1"], ffmpeg.rave(ENGINE, "runtime_lib=libcuda.so.1"))

    content = bundle.engine(ENGINE).read_bytes()
    for size in (0, 1, 24, 1024, len(content) // 2, len(content) - 1):
        path = copy_of(f"cut-{size}", content[:size])
        fault(f"a plan of which {size} of {len(content)} bytes are left", (INVALID_DATA, NOSYS), [str(path)],
              ffmpeg.rave(str(path)))

    def flipped():
        found = {}
        count = 4 if place.quick else 12
        for number in range(count):
            changed = bytearray(content)
            changed[(2 * number + 1) * len(content) // (2 * count)] ^= 0x10
            outcome = attempt(ffmpeg.rave(str(copy_of("flipped", changed))))
            found[outcome.status] = found.get(outcome.status, 0) + 1
            expect(outcome.status >= 0 and not outcome.timed_out, f"byte {number}: {outcome.why()}")
            expect(outcome.status in (0, INVALID_DATA, NOSYS, EXTERNAL, INVAL, NOMEM),
                   f"byte {number}: {outcome.why()}")
        report.store(flipped_bytes=found)
        return ", ".join(f"{times} gave {status}" for status, times in sorted(found.items()))

    report.check("plans with a flipped byte do not crash the process", flipped)

    def not_finite():
        """RV-ENG-1309: weights of 65504, which is all that fp16 holds, make every layer overflow. (NaN in their place does
        not show: the engine's activations make 0 of it.)"""
        changed = bytearray(content)
        first, end = len(content) // 20 // 2 * 2, len(content) * 13 // 20 // 2 * 2
        changed[first:end] = b"\xff\x7b" * ((end - first) // 2)
        filters = ffmpeg.rave(str(copy_of("overflow", changed)))
        said = refused(attempt(filters), EXTERNAL, ["INFERENCE_FAILED", "frame 0", "NaN"])
        hardened = ffmpeg.run([*CUDA_INPUT, "-i", clip, "-an", "-frames:v", "8", "-vf", f"{filters}:mode=hardened",
                               "-f", "null", "-"], "verbose", 30)
        expect(hardened.status == 0, hardened.why())
        warnings = [line for line in hardened.stderr.splitlines() if "NaN" in line and "[warning]" in line]
        counted = [line["non_finite"] for line in statistics(hardened)]
        expect(len(warnings) == 1 and counted and counted[-1] > 0,
               f"{len(warnings)} warnings, {counted} elements: {hardened.stderr[-800:]}")
        return f"{said}; hardened: {counted[-1]} elements, one warning"

    report.check("output that is not finite is an error, or in hardened mode a warning", not_finite)

    writable = copy_of("writable", content)
    writable.chmod(0o666)
    fault("a plan that everybody can write", ACCES, ["UNTRUSTED", str(writable)], ffmpeg.rave(str(writable)))

    model = bundle.folder / "models" / "animevideov3-x2.onnx"
    # An engine of it would be built, and the bundle's library only runs engines.
    fault("an ONNX model, CUDA frames, and nothing that builds engines", NOSYS, ["only runs engines"],
          ffmpeg.rave(str(model), lean=False))
    fault("an engine and frames in host memory", NODEV, [], ffmpeg.rave(ENGINE), inputs=[])
    if bundle.engine(BATCHED).exists():
        fault("a batch that the engine does not take", INVAL, ["batch 64", "1 to 4"], ffmpeg.rave(BATCHED, "batch=64"),
              file=bundle.clip("720p"))

    def another_context():
        graph = f"[0:v][1:v]concat=n=2:v=1[all];[all]{ffmpeg.rave(ENGINE)}[out]"
        words = ["-init_hw_device", "cuda=one:0", "-init_hw_device", "cuda=two:0"]
        for device in ("one", "two"):
            words += [*CUDA_INPUT, "-hwaccel_device", device, "-i", clip]
        outcome = ffmpeg.run([*words, "-an", "-filter_complex", graph, "-map", "[out]", "-f", "null", "-"], limit=30)
        return refused(outcome, INVAL, ["another CUDA context"])

    report.check("a frame from another CUDA context", another_context)

    def with_free_memory(left, filters, clip):
        """A run on a device with so many MiB free, and what was free."""
        holder = subprocess.Popen([sys.executable, str(Path(__file__).parent / "hold_memory.py"), str(left)],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            free = holder.stdout.readline().strip()
            expect(free, "the helper that takes the memory failed")
            outcome = attempt(filters, file=bundle.clip(clip))
        finally:
            holder.stdin.close()
            holder.wait(30)
        expect(outcome.status >= 0 and not outcome.timed_out, f"{free} MiB free: {outcome.why()}")
        return outcome, f"{free} MiB: {outcome.status} {filter_errors(outcome)}"

    def out_of_memory():
        tried = []
        # How much FFmpeg's own context and decoder need is not known: where those find room and the engine does not.
        for left in (1600, 1400, 1200, 1000, 800):
            outcome, told = with_free_memory(left, ffmpeg.rave(LARGE, "streams=4"), "1080p")
            tried.append(told)
            if filter_errors(outcome):
                report.store(out_of_memory=tried)
                return refused(outcome, NOMEM, ["OUT_OF_MEMORY", "asked for", "free"])
        expect(False, "it never ran out in the filter: " + "; ".join(tried))

    report.check("the device has no memory left", out_of_memory)

    def little_memory():
        """RV-ENG-1608: the least memory with which it works, and what is said with less of it, down to where FFmpeg's own
        parts have none."""
        least, most, tried = 200, 2000, []
        while most - least > 4:
            middle = (least + most) // 2
            outcome, told = with_free_memory(middle, ffmpeg.rave(ENGINE), "720p")
            tried.append(told)
            least, most = (least, middle) if outcome.status == 0 else (middle, most)
        kinds = {}
        for left in range(least, max(least - 240, 0), -10):
            outcome, told = with_free_memory(left, ffmpeg.rave(ENGINE), "720p")
            tried.append(told)
            report.store(little_memory=tried)
            expect(outcome.status != 0 or left == least, told)
            said = filter_errors(outcome)
            kinds["ours" if said else "FFmpeg's own"] = kinds.get("ours" if said else "FFmpeg's own", 0) + 1
            if said:
                refused(outcome, NOMEM, ["OUT_OF_MEMORY"])
        expect(kinds.get("ours"), "it never ran out in the filter: " + "; ".join(tried))
        return f"{most} MiB are enough; below it ends by an error: {kinds}"

    report.check("the device has a little memory left", little_memory)

    def works_again():
        outcome = attempt(ffmpeg.rave(ENGINE))
        expect(outcome.status == 0, outcome.why())

    report.check("after all that the engine runs", works_again)
