"""FFmpeg with the filter: commands, and what is read out of its answers."""

import re

from process import run
from report import expect

CUDA_INPUT = ["-hwaccel", "cuda", "-hwaccel_output_format", "cuda"]

# Of the filter's own lines; FFmpeg adds one about the pad when the filter refuses its input.
FILTER_ERROR = re.compile(r"^\[(?:Parsed_)?rave[^\]]*\] \[error\] (?!Failed to configure output pad)(.*)", re.M)

STATISTICS = re.compile(r"(\d+) frames, (\d+) tiles? each, (\d+) at a time, (\d+) as a graph, at most ([\d.]+) ms of CPU per "
                        r"frame; (\d+) elements not finite; pool: ([\d.]+) MiB, (\d+) hits, (\d+) misses")


class FFmpeg:
    """The bundle's ffmpeg."""

    def __init__(self, bundle):
        self.bundle = bundle
        self.environment = {
            "LD_LIBRARY_PATH": str(bundle.lib),
            "RAVE_TENSORRT_LIB": str(bundle.tensorrt),
            "AV_LOG_FORCE_NOCOLOR": "1",
        }

    def rave(self, engine, options="", lean=True):
        """The filter with an engine, named without suffix or by a path."""
        path = engine if "/" in str(engine) else self.bundle.engine(engine)
        words = [f"rave={path}"]
        if lean:
            words.append(f"lean_runtime={self.bundle.lean}")
        if options:
            words.append(options)
        return ":".join(words)

    def run(self, arguments, level="error", limit=60, environment=None, on_line=None, program="ffmpeg"):
        """Runs ffmpeg, or another build of it, with these words."""
        command = [self.bundle.program(program), "-hide_banner", "-nostdin", "-nostats",
                   "-v", f"level+{level}", "-y", *arguments]
        return run(command, limit, {**self.environment, **(environment or {})}, on_line)

    def frames(self, arguments, **keywords):
        """The frames that these arguments give; `-f framemd5 -` is put behind them."""
        outcome = self.run([*arguments, "-f", "framemd5", "-"], **keywords)
        expect(outcome.status == 0, outcome.why())
        return frames_of(outcome.text())

    def on_gpu(self, clip, filters, *rest, inputs=(), **keywords):
        """Frames of a clip, decoded on the GPU, through a chain of filters that ends in host memory."""
        path = self.bundle.clip(clip) if "/" not in str(clip) else clip
        return self.frames([*CUDA_INPUT, *inputs, "-i", path, "-an", "-vf", filters, *rest], **keywords)


class Frame:
    """One line of framemd5 or framehash."""

    def __init__(self, words):
        self.dts, self.pts, self.duration, self.size = (int(word) for word in words[1:5])
        self.hash = words[5].strip()

    def time(self):
        """When it is shown, and for how long."""
        return self.pts, self.duration


def frames_of(text):
    """The frames in an output of framemd5 or framehash."""
    return [Frame(line.split(",")) for line in text.splitlines() if line and not line.startswith("#")]


def hashes(frames):
    """Only the hashes."""
    return [frame.hash for frame in frames]


def same_hashes(one, other, what):
    """Raises Failed unless two lists of frames hold the same pictures."""
    expect(len(one) == len(other), f"{what}: {len(one)} frames and {len(other)}")
    differing = [number for number, pair in enumerate(zip(one, other)) if pair[0].hash != pair[1].hash]
    expect(not differing, f"{what}: {len(differing)} of {len(one)} frames differ, the first is frame "
                          f"{differing[0] if differing else ''}")


def filter_errors(outcome):
    """What the filter itself said at level error."""
    return FILTER_ERROR.findall(outcome.stderr)


def statistics(outcome):
    """The filter's closing lines at level verbose, as dictionaries."""
    names = ("frames", "tiles", "streams", "graph_frames", "cpu_ms_per_frame", "non_finite", "pool_mib", "pool_hits",
             "pool_misses")
    return [dict(zip(names, (float(word) if "." in word else int(word) for word in found)))
            for found in STATISTICS.findall(outcome.stderr)]
