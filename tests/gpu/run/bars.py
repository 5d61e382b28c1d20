"""Speed, each number beside what bounds it in the same run."""

import shutil
import statistics as numbers

import engines
from ffmpeg import CUDA_INPUT, statistics
from report import expect, spread

LARGE = {"720p": "animevideov3-x2-720p-fp16", "1080p": "animevideov3-x2-1080p-fp16"}
LIGHT = "sharpen-1x-dyn-fp16"
END_TO_END_BAR, LIGHT_BAR = 0.97, 0.90
CPU_MS_BAR, START_S_BAR = 0.15, 1.0
ROUNDS = 5
CLIP_FRAMES = 132
# Share of a run's frames before the steady state.
WARM = 0.25


def steady_rate(samples, frames):
    """Frames per second: the slope of a least-squares line through (seconds, frames) of the steady state."""
    steady = [(when, count) for when, count in samples if count >= WARM * frames]
    expect(len(steady) >= 5, f"only {len(steady)} progress reports in the steady state: the run was too short")
    middle_time = numbers.fmean(when for when, _ in steady)
    middle_count = numbers.fmean(count for _, count in steady)
    return (sum((when - middle_time) * (count - middle_count) for when, count in steady)
            / sum((when - middle_time) ** 2 for when, _ in steady))


def frames_per_second(place, clip, filters, loops, times=1):
    """The steady rate of decoding a clip, looped, through filters that give `times` as many frames; and the run.

    Read off the encoder's progress every 50 ms: start and end of the process do not count.
    """
    samples, total = [], CLIP_FRAMES * loops * times

    def on_line(when, line):
        if line.startswith("frame="):
            samples.append((when, int(line[6:])))

    outcome = place.ffmpeg.run(
        [*CUDA_INPUT, "-stream_loop", loops - 1, "-i", place.bundle.clip(clip), "-an", "-vf", filters,
         "-f", "null", "-stats_period", "0.05", "-progress", "pipe:1", "-"], "verbose", 60, on_line=on_line)
    expect(outcome.status == 0, outcome.why())
    expect(samples and samples[-1][1] == total, f"{samples[-1:]} frames of {total}")
    # The last report comes when the process ends, whenever the last frame came.
    return steady_rate(samples[:-1], total), outcome


class Bare:
    """trtcheck's bench of one engine: frames per second without FFmpeg."""

    def __init__(self, place, engine):
        self.place, self.path = place, place.bundle.engine(engine)

    def measure(self):
        """Frames per second of each way to run it."""
        found, outcome = engines.answer(self.place, "--bench", self.path, limit=60)
        expect(outcome.status == 0, outcome.why())
        return {way: 1000 / ms for way, ms in found[0]["ms_per_batch"].items()}


def section(place):
    # RV-TEST-1303
    report, ffmpeg = place.report, place.ffmpeg
    rounds = 2 if place.quick else ROUNDS
    loops = {"720p": 3 if place.quick else 6, "1080p": 2 if place.quick else 4}
    bars = report.section.setdefault("bars", {})

    def end_to_end(clip):
        """Interleaved: bare, whole, bare, whole."""
        bare, filters = Bare(place, LARGE[clip]), ffmpeg.rave(LARGE[clip], "streams=2")
        ways, whole, closing, command = {}, [], [], ""
        for _ in range(rounds):
            for way, rate in bare.measure().items():
                ways.setdefault(way, []).append(rate)
            rate, outcome = frames_per_second(place, clip, filters, loops[clip])
            whole.append(rate)
            closing += statistics(outcome)
            command = outcome.command
        medians = {way: numbers.median(rates) for way, rates in ways.items()}
        best = max(medians, key=medians.get)
        # Of each round's own bare rate, so that what drifts over minutes does not count.
        against_one = [rate / ways["one_context"][number] for number, rate in enumerate(whole)]
        against_best = [rate / ways[best][number] for number, rate in enumerate(whole)]
        bars[clip] = {
            "engine": LARGE[clip], "command": command, "rounds": rounds, "frames": CLIP_FRAMES * loops[clip],
            "end_to_end_fps": spread(whole), "bare_fps": {way: spread(rates) for way, rates in ways.items()},
            "against_one_context": spread(against_one), "best_way": best, "against_best": spread(against_best),
            "filter": closing[-1] if closing else None,
        }
        one, most = numbers.median(against_one), numbers.median(against_best)
        shown = (f"{numbers.median(whole):.1f} fps; {one:.3f} of one context ({medians['one_context']:.1f}), "
                 f"{most:.3f} of the best ({best}, {medians[best]:.1f})")
        expect(one >= END_TO_END_BAR, f"{shown}; at least {END_TO_END_BAR} of one context expected")
        expect(clip != "720p" or most >= END_TO_END_BAR, f"{shown}; at least {END_TO_END_BAR} of the best expected")
        return shown

    for clip in LARGE:
        report.check(f"a. {clip}: end to end with streams=2 against the bare engine", end_to_end, clip)

    def table():
        rates = {}
        for _ in range(1 if place.quick else 2):
            for streams in (1, 2, 3):
                for graph in ("off", "on"):
                    options = f"streams={streams}:graph={graph}"
                    rate, _ = frames_per_second(place, "720p", ffmpeg.rave(LARGE["720p"], options),
                                                min(loops["720p"], 4))
                    rates.setdefault(options, []).append(rate)
        bars["options_720p_fps"] = {options: spread(values) for options, values in rates.items()}
        return ", ".join(f"{options} {numbers.median(values):.1f}" for options, values in rates.items())

    report.check("a. 720p: frames per second by options", table)

    def light():
        made, floor, command = [], [], ""
        count = 4 if place.quick else 12
        for _ in range(rounds):
            floor.append(frames_per_second(place, "1080p", "null", count)[0])
            rate, outcome = frames_per_second(place, "1080p", ffmpeg.rave(LIGHT), count)
            made.append(rate)
            command = outcome.command
        ratios = [one / other for one, other in zip(made, floor)]
        bars["light"] = {"command": command, "rounds": rounds, "frames": CLIP_FRAMES * count, "fps": spread(made),
                         "null_fps": spread(floor), "ratio": spread(ratios)}
        shown = (f"{numbers.median(ratios):.3f}: {numbers.median(made):.0f} fps, "
                 f"-vf null {numbers.median(floor):.0f} fps")
        expect(numbers.median(ratios) >= LIGHT_BAR, f"{shown}; at least {LIGHT_BAR} expected")
        return shown

    report.check("b. sharpen-1x at 1080p against -vf null", light)

    def repeats():
        """Every frame three times, as a film in a faster stream has them; both ways take turns."""
        rates = {"none": [], "exact": []}
        for _ in range(rounds):
            for dedup, values in rates.items():
                filters = f"fps=75,{ffmpeg.rave(LARGE['720p'], f'dedup={dedup}')}"
                values.append(frames_per_second(place, "720p", filters, 2, times=3)[0])
        ratios = [exact / none for exact, none in zip(rates["exact"], rates["none"])]
        bars["repeats"] = {way: spread(values) for way, values in rates.items()} | {"ratio": spread(ratios)}
        shown = (f"{numbers.median(ratios):.2f}: {numbers.median(rates['exact']):.0f} fps with dedup=exact, "
                 f"{numbers.median(rates['none']):.0f} without")
        expect(numbers.median(ratios) > 1.5, f"{shown}; two of three frames are repeats")
        return shown

    report.check("dedup=exact where two of three frames are repeats", repeats)

    def no_repeats():
        """What looking for repeats costs where there are none."""
        rates = {"none": [], "exact": []}
        for _ in range(rounds):
            for dedup, values in rates.items():
                filters = ffmpeg.rave(LARGE["720p"], f"dedup={dedup}")
                values.append(frames_per_second(place, "720p", filters, 3)[0])
        ratios = [exact / none for exact, none in zip(rates["exact"], rates["none"])]
        bars["no_repeats"] = {way: spread(values) for way, values in rates.items()} | {"ratio": spread(ratios)}
        return f"{numbers.median(ratios):.3f} of the speed without"

    report.check("dedup=exact where no frame is a repeat", no_repeats)

    def static_or_dynamic():
        """What an engine for a range of sizes costs, which is what first use builds."""
        rates = {clip: {"static": [], "dynamic": []} for clip in LARGE}
        for clip, engine in LARGE.items():
            for _ in range(rounds):
                for kind, name in (("static", engine), ("dynamic", "animevideov3-x2-dyn-fp16")):
                    rates[clip][kind].append(frames_per_second(place, clip, ffmpeg.rave(name), min(loops[clip], 3))[0])
        bars["static_or_dynamic"] = {clip: {kind: spread(values) for kind, values in kinds.items()}
                                     for clip, kinds in rates.items()}
        return "; ".join(f"{clip}: dynamic {numbers.median(kinds['dynamic']):.1f} fps, "
                         f"static {numbers.median(kinds['static']):.1f}" for clip, kinds in rates.items())

    report.check("an engine for a range of sizes against one for one size", static_or_dynamic)

    def tiled():
        """A 1080p frame through an engine of 720p: four tiles of 1280x720, by ones and as a batch."""
        rates = {}
        for _ in range(rounds):
            for engine in (LARGE["720p"], "animevideov3-x2-720p-batch4-fp16"):
                rates.setdefault(engine, []).append(frames_per_second(place, "1080p", ffmpeg.rave(engine), 1)[0])
        bars["tiled_1080p_fps"] = {engine: spread(values) for engine, values in rates.items()}
        return ", ".join(f"{engine} {numbers.median(values):.1f} fps" for engine, values in rates.items())

    report.check("1080p in four tiles", tiled)

    def cpu_time():
        found = {}
        for clip, engine in (*LARGE.items(), ("1080p", LIGHT)):
            values = []
            for _ in range(1 if place.quick else 3):
                _, outcome = frames_per_second(place, clip, ffmpeg.rave(engine), 3 if engine != LIGHT else 8)
                values += [line["cpu_ms_per_frame"] for line in statistics(outcome)]
            expect(values, "the filter did not say its CPU time")
            found[engine] = spread(values)
        bars["cpu_ms_per_frame"] = found
        shown = ", ".join(f"{engine} {values['median']:.3f} ms" for engine, values in found.items())
        expect(all(values["median"] <= CPU_MS_BAR for values in found.values()),
               f"{shown}; at most {CPU_MS_BAR} ms expected")
        return shown

    report.check("d. CPU time of the library per frame", cpu_time)

    def start():
        # The driver's cache of compiled kernels: a folder of our own, empty at first.
        cache = place.work / "cuda-cache"
        shutil.rmtree(cache, ignore_errors=True)
        times, null = [], []
        for number in range(1 + rounds):
            for filters, kept in ((ffmpeg.rave(LARGE["720p"]), times), ("null", null)):
                outcome = ffmpeg.run([*CUDA_INPUT, "-i", place.bundle.clip("720p"), "-an", "-frames:v", "1", "-vf",
                                      filters, "-f", "null", "-"], environment={"CUDA_CACHE_PATH": str(cache)})
                expect(outcome.status == 0, outcome.why())
                kept.append(outcome.seconds)
        bars["start_s"] = {"command": outcome.command, "empty_cache": round(times[0], 3),
                           "whole_process": spread(times[1:]), "whole_process_null": spread(null[1:])}
        shown = (f"{numbers.median(times[1:]):.2f} s with the end of the process (first time {times[0]:.2f} s, "
                 f"-vf null {numbers.median(null[1:]):.2f} s)")
        expect(numbers.median(times[1:]) <= START_S_BAR, f"{shown}; at most {START_S_BAR:g} s expected")
        return shown

    report.check("d. from start to the first frame, with kernels compiled before", start)
