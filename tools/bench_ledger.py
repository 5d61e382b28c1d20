#!/usr/bin/env python3
"""The performance ledger: what a benchmark found, as versioned JSON, and whether another is as good.

    bench_ledger.py compare BEFORE AFTER [--tolerance 0.01]
    bench_ledger.py from-gpu REPORT OUT       # out of a report of tests/gpu/run.sh
    bench_ledger.py keep LEDGER BASELINE      # a copy that others are compared with

Called by scripts/bench.sh. Files of another version and with unknown or missing fields are refused.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import statistics
import sys
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SCHEMA = 2
# CPUs that others keep busy on a machine that does nothing else; a daemon of the system's takes less.
IDLE = 0.1


class LedgerError(Exception):
    """A file is no ledger, or of another version."""


@dataclass(frozen=True)
class Quantity:
    """A number that was measured several times."""

    median: float
    values: list[float]

    @staticmethod
    def of(values: list[float]) -> Quantity:
        return Quantity(statistics.median(values), values)

    def noise(self) -> float:
        """Half the distance of the extremes, as a part of the median."""
        return (max(self.values) - min(self.values)) / 2 / self.median


@dataclass(frozen=True)
class Quantiles:
    """Milliseconds of a frame, over all frames."""

    p50: float
    p95: float
    p99: float

    @staticmethod
    def of(values: list[float]) -> Quantiles:
        """By nearest rank: each is a value that was measured."""
        ordered = sorted(values)
        rank = lambda part: ordered[max(0, math.ceil(part * len(ordered)) - 1)]  # noqa: E731
        return Quantiles(rank(0.5), rank(0.95), rank(0.99))


@dataclass(frozen=True)
class Workload:
    """One thing that was measured. What cannot be measured where it ran is null."""

    name: str
    frames_per_second: Quantity
    # What it was measured beside, in turns, and its frames a second over theirs.
    reference: str | None
    ratio: Quantity | None
    stages_ms: dict[str, Quantiles]
    allocations_per_frame: float | None
    vram_bytes: int | None
    pool_hit_rate: float | None
    # Frames in flight at most.
    queue_depth: int | None
    output_sha256: str | None
    # Whether the output is the same on every machine and with every inference library.
    exact: bool


@dataclass(frozen=True)
class Meta:
    """What differs between two equal runs."""

    unix_time: int | None
    # CPUs that other processes, and other guests of the same host, kept busy meanwhile; null is unknown.
    others_cpus: float | None


@dataclass(frozen=True)
class Ledger:
    """A benchmark."""

    schema: int
    command: str
    meta: Meta
    machine: dict[str, str]
    versions: dict[str, str]
    workloads: list[Workload]

    def write(self, path: Path) -> None:
        partial = path.with_suffix(".part")
        partial.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n")
        partial.replace(path)


def _read(kind: typing.Any, value: typing.Any, where: str) -> typing.Any:
    """`value` as `kind`; strict: nothing is converted but whole numbers to fractions."""
    origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise LedgerError(f"{where} is no object")
        hints = typing.get_type_hints(kind)
        unknown, missing = sorted(value.keys() - hints.keys()), sorted(hints.keys() - value.keys())
        if unknown or missing:
            what = [f"unknown field {name!r}" for name in unknown] + [f"no field {name!r}" for name in missing]
            raise LedgerError(f"{where} has {', '.join(what)}")
        return kind(**{name: _read(hint, value[name], f"{where}.{name}") for name, hint in hints.items()})
    if origin is types.UnionType:
        inner = next(arm for arm in typing.get_args(kind) if arm is not types.NoneType)
        return None if value is None else _read(inner, value, where)
    if origin is list and isinstance(value, list):
        return [_read(typing.get_args(kind)[0], item, f"{where}[{index}]") for index, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {name: _read(typing.get_args(kind)[1], item, f"{where}.{name}") for name, item in value.items()}
    if kind is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if kind is not float and type(value) is kind:
        return value
    raise LedgerError(f"{where} is {value!r}, which is no {getattr(kind, '__name__', kind)}")


def _once(pairs: list[tuple[str, typing.Any]]) -> dict[str, typing.Any]:
    """An object whose fields are there once each."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError(f"an object names a field twice: {[name for name, _ in pairs]}")
    return made


def read(path: Path) -> Ledger:
    """The ledger in a file."""
    # RV-SCR-1010
    try:
        value = json.loads(path.read_text(), object_pairs_hook=_once)
    except (OSError, ValueError) as error:
        raise LedgerError(f"{path}: {error}") from error
    schema = value.get("schema") if isinstance(value, dict) else None
    if schema != SCHEMA:
        raise LedgerError(f"{path}: schema {schema!r}; {SCHEMA} is expected: measure again with this version")
    ledger = _read(Ledger, value, str(path))
    names = [workload.name for workload in ledger.workloads]
    if not names or len(set(names)) < len(names):
        raise LedgerError(f"{path}: {names}: some workloads are expected, each once")
    for workload in ledger.workloads:
        for quantity in filter(None, (workload.frames_per_second, workload.ratio)):
            if not quantity.values or min(quantity.values) <= 0 or quantity.median <= 0:
                raise LedgerError(f"{path}: {workload.name}: {quantity} was not measured")
    return ledger


@dataclass(frozen=True)
class Finding:
    """What became of one number."""

    workload: str
    what: str
    result: str  # "equal", "better", "worse", "noise" or "other machine"
    text: str

    def fails(self) -> bool:
        return self.result in ("worse", "noise")


def _speed(what: str, before: Quantity, after: Quantity, tolerance: float) -> tuple[str, str]:
    """How a speed changed; a change that is smaller than the noise of either run proves nothing."""
    change = after.median / before.median - 1
    noise = max(before.noise(), after.noise())
    text = f"{what} {before.median:.4g} to {after.median:.4g}, {change:+.2%}, noise {noise:.2%}"
    if noise > tolerance and abs(change) <= noise:
        return "noise", text
    if change < -tolerance:
        return "worse", text
    return ("better" if change > tolerance else "equal"), text


# RV-SCR-1011
def compare(before: Ledger, after: Ledger, tolerance: float) -> Iterator[Finding]:
    """Each number that both have; what `after` lacks is worse."""
    same_machine = before.machine == after.machine
    same_libraries = same_machine and all(
        before.versions.get(name) == after.versions.get(name)
        for name in before.versions.keys() | after.versions.keys()
        if name not in ("rave", "revision")
    )
    others = {workload.name: workload for workload in after.workloads}
    for old in before.workloads:
        new = others.get(old.name)
        if new is None:
            yield Finding(old.name, "workload", "worse", "was not measured any more")
            continue
        if same_machine:
            speed = _speed("frames/s", old.frames_per_second, new.frames_per_second, tolerance)
            yield Finding(old.name, "speed", *speed)
        elif old.ratio and new.ratio and old.reference == new.reference:
            result, text = _speed(f"ratio to {old.reference}", old.ratio, new.ratio, tolerance)
            # Another machine favours another program: it is told, and proves nothing.
            yield Finding(old.name, "speed", "other machine" if result != "equal" else result, text)
        yield from _resources(old, new, tolerance if same_machine else None)
        if old.output_sha256 is not None and (same_libraries or (old.exact and new.exact)):
            if new.output_sha256 == old.output_sha256:
                yield Finding(old.name, "output", "equal", f"SHA-256 {old.output_sha256[:16]}…")
            else:
                text = f"SHA-256 {old.output_sha256} to {new.output_sha256}"
                yield Finding(old.name, "output", "worse", text)


def _resources(old: Workload, new: Workload, tolerance: float | None) -> Iterator[Finding]:
    """Memory and its management. More of it is worse; `tolerance` is for memory of the same GPU."""
    names = ("allocations_per_frame", "pool_hit_rate", "vram_bytes", "queue_depth")
    for name in names:
        before, now = getattr(old, name), getattr(new, name)
        if before is None or (name == "vram_bytes" and tolerance is None):
            continue
        text = f"{before} to {now}"
        allowed = tolerance if name == "vram_bytes" else 0.0
        if now is None:
            yield Finding(old.name, name, "worse", f"{before}, and was not measured any more")
            continue
        # Of hits, more is better.
        growth = before - now if name == "pool_hit_rate" else now - before
        if growth > allowed * before:
            yield Finding(old.name, name, "worse", text)
        else:
            yield Finding(old.name, name, "better" if growth < 0 else "equal", text)


def from_gpu(report: dict, revision: str) -> Ledger:
    """A ledger out of a report of tests/gpu/run.sh: its bars, and the golden frames of the same engines."""
    sections, machine = report["sections"], report["machine"]
    bars, golden = sections["bars"]["bars"], sections["golden"]["golden"]
    frames = {entry["engine"]: entry for entry in golden}
    workloads = []
    for name, bar in bars.items():
        if "end_to_end_fps" not in bar:
            continue
        stats, engine = bar["filter"], bar["engine"]
        hashes = frames.get(engine, {}).get("md5")
        requests = stats["pool_hits"] + stats["pool_misses"]
        workloads.append(
            Workload(
                name=f"ffmpeg, {engine}, {name}",
                frames_per_second=_quantity(bar["end_to_end_fps"]),
                reference=f"bare TensorRT, {bar['best_way']}",
                ratio=_quantity(bar["against_best"]),
                stages_ms={},
                allocations_per_frame=None,
                vram_bytes=round(stats["pool_mib"] * 2**20),
                pool_hit_rate=stats["pool_hits"] / requests if requests else None,
                queue_depth=stats["streams"],
                output_sha256=_digest(hashes) if hashes else None,
                exact=False,
            )
        )
    if not workloads:
        raise LedgerError("the report has no bars")
    kept = ("cpu", "gpu", "compute_capability")
    key = golden[0]["key"]
    return Ledger(
        SCHEMA,
        "scripts/bench.sh gpu",
        Meta(None, None),
        {name: machine[name] for name in kept},
        {
            "cuda": machine["cuda"],
            "driver": machine["driver"],
            "tensorrt": key["tensorrt"],
            "lean_runtime": key["lean_runtime"],
            "revision": report.get("revision", revision),
        },
        workloads,
    )


def _quantity(value: dict) -> Quantity:
    return Quantity(float(value["median"]), [float(item) for item in value["values"]])


def _digest(hashes: list[str]) -> str:
    """One hash of the hashes of all frames."""
    import hashlib

    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


# RV-SCR-1013
def keep(path: Path, baseline: Path) -> None:
    """Make a ledger the one that later ones are compared with; refuses what would be a bad one."""
    ledger = read(path)
    others = ledger.meta.others_cpus
    if others is not None and others > IDLE:
        raise LedgerError(f"{path}: the machine was not idle (others kept {others:.2f} CPUs busy): measure again")
    if others is None and "gpu" not in ledger.machine:
        raise LedgerError(f"{path}: whether the machine was idle is not known: measure again")
    revision = ledger.versions.get("revision", "unknown")
    if revision == "unknown" or revision.endswith("-dirty"):
        raise LedgerError(f"{path}: of no commit (revision {revision}): commit what there is and measure again")
    ledger.write(baseline)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    comparing = commands.add_parser("compare", help="exit 1 where AFTER is worse, or too noisy to tell")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    comparing.add_argument("--tolerance", type=float, default=0.01, help="of speed and GPU memory; 0.01 is 1 %%")
    converting = commands.add_parser("from-gpu", help="a ledger out of a report of tests/gpu/run.sh")
    converting.add_argument("report", type=Path)
    converting.add_argument("out", type=Path)
    converting.add_argument("--revision", default="unknown", help="the commit, of a report that does not say")
    keeping = commands.add_parser("keep", help="a copy that others are compared with")
    keeping.add_argument("ledger", type=Path)
    keeping.add_argument("baseline", type=Path)
    options = parser.parse_args()
    try:
        if options.command == "keep":
            keep(options.ledger, options.baseline)
            return 0
        if options.command == "from-gpu":
            report = json.loads(options.report.read_text())
            from_gpu(report, options.revision).write(options.out)
            read(options.out)
            return 0
        before, after = read(options.before), read(options.after)
    except (LedgerError, KeyError, OSError, ValueError) as error:
        # A KeyError is a report that lacks something, and its text the name alone.
        text = f"there is no {error}" if isinstance(error, KeyError) else str(error)
        print(f"bench_ledger.py: {text}", file=sys.stderr)
        return 2
    findings = list(compare(before, after, options.tolerance))
    for finding in findings:
        print(f"{finding.result:14}{finding.workload}: {finding.what}: {finding.text}")
    if before.machine != after.machine:
        print(f"\nNot the same machine: {before.machine}, {after.machine}. Speeds are not compared.")
    failed = sum(finding.fails() for finding in findings)
    print(f"\n{len(findings)} numbers, {failed} worse or too noisy to tell")
    if any(finding.result == "noise" for finding in findings):
        print("Measure again with more --runs, with nothing else running.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
