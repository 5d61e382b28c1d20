"""The n-th CUDA call fails: what the filter makes of it."""

import json
import re
import signal
from concurrent.futures import ThreadPoolExecutor

from ffmpeg import CUDA_INPUT, filter_errors, frames_of, hashes
from process import run
from report import Skipped, expect

ENGINE, FRAMES = "animevideov3-x2-dyn-fp16", 8
# Errors of cuda.h: memory that is not there, and one that says nothing.
OUT_OF_MEMORY, UNKNOWN = 2, 999
# Exit statuses of ffmpeg that README.md's table has for what the GPU and its libraries do; 0 is a run that went on, and 69
# FFmpeg's own for a decoder whose frames nobody took, which can come before the filter's.
DOCUMENTED = {0, 69, 171, 183, 187, 218, 234, 237, 244}
# So many calls from the first on fail in turn, and then some from all over.
ALL = 200
PROCESSES, SECONDS, LIMIT = 8, 90, 30
# Where TensorRT itself crashes, by caller of what crashed: libnvinfer_lean.so.10 of TensorRT 10.16.1 follows the null that the
# lean runtime of 8.6.0 gives it in place of a context (IExecutionContext) when any call fails that makes one.
FOLLOWS_NULL = "libnvinfer_lean.so.10(+0x57a543)"


def stack(outcome):
    """Where a crash was, as the counter has said it, the innermost first: libraries and offsets."""
    return [line.rsplit("/", 1)[-1].split("[")[0] for line in outcome.stderr.splitlines()
            if line.endswith("]") and "(+0x" in line]


def crashed_in_tensorrt(outcome):
    """Whether a call of TensorRT's own failed, and TensorRT crashed over it in the one known way."""
    calls = stack(outcome)
    inner = next((place for place, name in enumerate(calls) if name.startswith("libnvinfer")), None)
    return (outcome.status == -signal.SIGSEGV and inner is not None and FOLLOWS_NULL in calls[inner:inner + 2]
            and all(name.startswith(("libcuda-counter.so", "libc.so")) for name in calls[:inner])
            and re.search(r"cuda-counter: a crash, after \w+ failed, by libnvinfer", outcome.stderr) is not None)


def section(place):
    # RV-ENG-1607
    bundle, report = place.bundle, place.report
    counter = bundle.instruments / "libcuda-counter.so"
    environment = {**place.ffmpeg.environment, "LD_PRELOAD": str(counter)}
    filters = f"{place.ffmpeg.rave(ENGINE)},hwdownload,format=nv12"
    command = [bundle.program("ffmpeg"), "-hide_banner", "-nostdin", "-nostats", "-v", "level+error", *CUDA_INPUT, "-i",
               bundle.clip("180p"), "-an", "-frames:v", str(FRAMES), "-vf", filters, "-f", "framemd5", "-"]

    def attempt(name, plan=None):
        """A run whose calls fail by the plan, and the counter's report of it."""
        path = place.work / f"torture-{name}.json"
        more = {"CUDA_COUNTER_FAIL": plan} if plan else {}
        outcome = run(command, LIMIT, {**environment, **more, "CUDA_COUNTER_REPORT": str(path)})
        if not path.exists():
            return outcome, {}
        try:
            return outcome, json.loads(path.read_text(encoding="utf-8"))
        finally:
            path.unlink()

    def whole(name):
        """A run in which nothing fails: its outcome, pictures and number of calls."""
        outcome, counted = attempt(name)
        expect(outcome.status == 0, outcome.why())
        pictures = hashes(frames_of(outcome.text()))
        expect(len(pictures) == FRAMES, f"{len(pictures)} frames of {FRAMES}")
        calls = sum(call["calls"] for call in counted["total"].values() if call["kind"] != "query")
        return outcome, pictures, calls

    def judged(number, error, how, pictures):
        """What is wrong with a round, if anything, and in a few words how it ended."""
        plan = f"any:{number}:{error}" + (":once" if how == "once" else "")
        outcome, counted = attempt(f"{number}-{error}-{how}", plan)
        failed = counted.get("failed") or {}
        said = filter_errors(outcome)
        made = hashes(frames_of(outcome.text()))
        # FFmpeg's own calls fail, too: it says so in lines of its own.
        others = outcome.stderr.count("[error]") + outcome.stderr.count("[fatal]") > len(said)
        where = f"{plan} ({failed.get('call', 'not reached')}, by {failed.get('library', 'nobody')})"
        wrong = None
        if outcome.timed_out:
            wrong = "it hangs"
        elif crashed_in_tensorrt(outcome):
            return None, "TensorRT's own crash"
        elif outcome.status < 0:
            said_so = [line for line in outcome.stderr.splitlines() if line.startswith("cuda-counter: ")]
            wrong = f"signal {-outcome.status}: {' '.join(said_so)} {' < '.join(stack(outcome))}"
        elif len(said) > 1:
            wrong = f"{len(said)} lines from the filter: {said}"
        elif said and outcome.status == 0:
            wrong = f"success, after: {said[0]}"
        elif said and outcome.status not in DOCUMENTED:
            wrong = "no documented exit status"
        elif said and not re.match(r"\[[A-Z_]+\] ", said[0]):
            wrong = f"no class: {said[0]}"
        elif made != pictures[:len(made)] and not others:
            wrong = "other pictures, and not a word"
        elif not said and not others and made != pictures:
            wrong = f"{len(made)} of {FRAMES} frames, and not a word"
        end = "ours" if said else "FFmpeg's own" if others else "went on"
        return wrong and f"{where}: {wrong}: {outcome.why()}", f"{failed.get('call', 'not reached')}: {end}"

    def torture():
        """RV-ENG-1607: every call up to the 200th, and then some, once and from then on."""
        if not counter.exists():
            raise Skipped(f"no {counter.name} in the bundle")
        outcome, pictures, calls = whole("first")
        expect(calls > FRAMES, f"{calls} calls were counted")
        rounds = [(number, (OUT_OF_MEMORY, UNKNOWN)[number % 2], how)
                  for number in range(1, min(calls, ALL) + 1) for how in ("once", "lasting")]
        # Side by side each takes about four times as long.
        left = int(SECONDS / outcome.seconds * PROCESSES / 4) - len(rounds)
        if place.quick:
            rounds, left = rounds[::8], 0
        if calls > ALL and left > 0:
            step = max(1, 2 * (calls - ALL) // left)
            rounds += [(number, (OUT_OF_MEMORY, UNKNOWN)[number // step % 2], how)
                       for number in range(ALL + step, calls + 1, step) for how in ("once", "lasting")]
        with ThreadPoolExecutor(PROCESSES) as pool:
            found = list(pool.map(lambda one: judged(*one, pictures), rounds))
        ends = {}
        for _, end in found:
            ends[end] = ends.get(end, 0) + 1
        wrong = [what for what, _ in found if what]
        report.store(calls=calls, rounds=dict(sorted(ends.items())), wrong=wrong)
        expect(not wrong, f"{len(wrong)} of {len(rounds)} rounds: " + "; ".join(wrong[:4]))
        _, again, _ = whole("again")
        expect(again == pictures, "afterwards the pictures are others")
        crashes = ends.get("TensorRT's own crash", 0)
        return f"{len(rounds)} rounds of {calls} calls; in {crashes} TensorRT itself crashed"

    report.check("whatever CUDA call fails, it is one error or the right pictures", torture)
