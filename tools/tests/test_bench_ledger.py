"""Tests of tools/bench_ledger.py: python -m unittest discover -s tools/tests"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import bench_ledger
from bench_ledger import Ledger, LedgerError, Meta, Quantiles, Quantity, Workload, compare

ROOT = Path(__file__).resolve().parents[2]


def workload(**changes: object) -> Workload:
    """A session that makes a hundred frames a second."""
    made = Workload(
        name="session",
        frames_per_second=Quantity.of([99.9, 100.0, 100.1]),
        reference="bare session.run",
        ratio=Quantity.of([1.0, 1.001, 0.999]),
        stages_ms={"inference": Quantiles.of([9.0, 10.0, 11.0])},
        allocations_per_frame=0.0,
        vram_bytes=1000,
        pool_hit_rate=0.95,
        queue_depth=2,
        output_sha256="aa",
        exact=False,
    )
    return dataclasses.replace(made, **changes)


def ledger(*workloads: Workload, **changes: object) -> Ledger:
    made = Ledger(
        schema=bench_ledger.SCHEMA,
        command="scripts/bench.sh cpu",
        meta=Meta(unix_time=1, others_cpus=0.01),
        machine={"cpu": "x", "threads": "2"},
        versions={"rave": "1", "revision": "a", "onnxruntime": "1.23"},
        workloads=list(workloads) or [workload()],
    )
    return dataclasses.replace(made, **changes)


def results(before: Ledger, after: Ledger) -> dict[str, str]:
    """What became of each number."""
    return {finding.what: finding.result for finding in compare(before, after, 0.01)}


class Comparing(unittest.TestCase):
    """What became better or worse."""

    def fails(self, what: str, **changes: object) -> None:
        found = results(ledger(), ledger(workload(**changes)))
        self.assertEqual(found[what], "worse", found)

    def test_a_ledger_is_as_good_as_itself(self) -> None:
        # RV-SCR-1011
        self.assertEqual(set(results(ledger(), ledger()).values()), {"equal"})

    def test_two_percent_slower_is_worse_half_a_percent_is_not(self) -> None:
        # RV-SCR-1011
        self.fails("speed", frames_per_second=Quantity.of([97.9, 98.0, 98.1]))
        within = ledger(workload(frames_per_second=Quantity.of([99.4, 99.5, 99.6])))
        self.assertEqual(results(ledger(), within)["speed"], "equal")
        faster = ledger(workload(frames_per_second=Quantity.of([101.9, 102.0, 102.1])))
        self.assertEqual(results(ledger(), faster)["speed"], "better")

    def test_a_change_that_is_smaller_than_the_noise_proves_nothing(self) -> None:
        # RV-SCR-1011
        noisy = ledger(workload(frames_per_second=Quantity.of([90.0, 98.0, 106.0])))
        finding = next(finding for finding in compare(ledger(), noisy, 0.01) if finding.what == "speed")
        self.assertEqual(finding.result, "noise")
        self.assertTrue(finding.fails())

    def test_memory_allocations_queues_and_hits_may_not_grow_worse(self) -> None:
        # RV-SCR-1011
        self.fails("vram_bytes", vram_bytes=1011)
        self.assertEqual(results(ledger(), ledger(workload(vram_bytes=1009)))["vram_bytes"], "equal")
        self.fails("allocations_per_frame", allocations_per_frame=0.01)
        self.fails("allocations_per_frame", allocations_per_frame=None)
        self.fails("queue_depth", queue_depth=3)
        self.fails("pool_hit_rate", pool_hit_rate=0.94)

    def test_another_hash_is_worse(self) -> None:
        # RV-SCR-1011
        self.fails("output", output_sha256="bb")
        self.fails("output", output_sha256=None)

    def test_what_is_not_measured_any_more_is_worse(self) -> None:
        # RV-SCR-1011
        found = results(ledger(workload(), workload(name="other")), ledger())
        self.assertEqual(found["workload"], "worse")

    def test_on_another_machine_only_exact_output_counts(self) -> None:
        # RV-SCR-1011
        slower = {"frames_per_second": Quantity.of([50.0]), "output_sha256": "bb", "vram_bytes": 2000}
        other = ledger(workload(**slower), machine={"cpu": "y", "threads": "2"})
        self.assertNotIn("worse", results(ledger(), other).values())
        exact = ledger(workload(exact=True))
        other = ledger(workload(exact=True, **slower), machine={"cpu": "y", "threads": "2"})
        self.assertEqual(results(exact, other)["output"], "worse")

    def test_another_inference_library_may_give_other_frames(self) -> None:
        # RV-SCR-1011
        versions = {"rave": "1", "revision": "a", "onnxruntime": "1.24"}
        newer = ledger(workload(output_sha256="bb"), versions=versions)
        self.assertNotIn("output", results(ledger(), newer))
        revision = {"rave": "2", "revision": "b", "onnxruntime": "1.23"}
        changed = ledger(workload(output_sha256="bb"), versions=revision)
        self.assertEqual(results(ledger(), changed)["output"], "worse")


class Reading(unittest.TestCase):
    """What is refused."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "ledger.json"

    def refused(self, says: str, change) -> None:
        value = json.loads(json.dumps(dataclasses.asdict(ledger())))
        change(value)
        self.path.write_text(json.dumps(value))
        with self.assertRaisesRegex(LedgerError, says):
            bench_ledger.read(self.path)

    def test_what_was_written_is_read(self) -> None:
        # RV-SCR-1010
        ledger().write(self.path)
        self.assertEqual(bench_ledger.read(self.path), ledger())

    def test_another_version_is_refused(self) -> None:
        # RV-SCR-1010
        self.refused("schema 1; 2 is expected", lambda value: value.update(schema=1))
        self.refused("schema None", lambda value: value.pop("schema"))

    def test_an_unknown_and_a_missing_field_are_refused_by_name(self) -> None:
        # RV-SCR-1010
        self.refused("unknown field 'fps'", lambda value: value["workloads"][0].update(fps=1))
        self.refused("workloads.0. has no field 'exact'", lambda value: value["workloads"][0].pop("exact"))
        self.refused("unknown field 'host'", lambda value: value["meta"].update(host="x"))

    def test_a_value_of_another_kind_is_refused(self) -> None:
        # RV-SCR-1010
        speed = lambda value: value["workloads"][0]["frames_per_second"]  # noqa: E731
        self.refused("median is '1'", lambda value: speed(value).update(median="1"))
        self.refused("median is True", lambda value: speed(value).update(median=True))
        self.refused("median is nan", lambda value: speed(value).update(median=float("nan")))
        self.refused("was not measured", lambda value: speed(value).update(values=[]))
        self.refused("was not measured", lambda value: speed(value).update(median=0))
        self.refused("each once", lambda value: value["workloads"].append(copy.deepcopy(value["workloads"][0])))
        self.refused("each once", lambda value: value.update(workloads=[]))

    def test_what_is_no_json_and_no_file_are_refused(self) -> None:
        # RV-SCR-1010
        for text in ("", "[]", "{"):
            self.path.write_text(text)
            with self.assertRaises(LedgerError):
                bench_ledger.read(self.path)
        with self.assertRaisesRegex(LedgerError, "none.json"):
            bench_ledger.read(self.path.with_name("none.json"))


class Command(unittest.TestCase):
    """The command line."""

    def run_with(self, *words: str) -> tuple[int, str]:
        said = io.StringIO()
        with (
            mock.patch.object(sys, "argv", ["bench_ledger.py", *words]),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
        ):
            return bench_ledger.main(), said.getvalue()

    def test_the_exit_status_says_worse_and_refused_apart(self) -> None:
        # RV-SCR-1010, RV-SCR-1011
        with tempfile.TemporaryDirectory() as folder:
            good, bad, none = (str(Path(folder) / name) for name in ("good.json", "bad.json", "none.json"))
            ledger().write(Path(good))
            ledger(workload(output_sha256="bb")).write(Path(bad))
            self.assertEqual(self.run_with("compare", good, good)[0], 0)
            code, said = self.run_with("compare", good, bad)
            self.assertEqual(code, 1)
            self.assertIn("worse         session: output: SHA-256 aa to bb", said)
            self.assertEqual(self.run_with("compare", good, none)[0], 2)

    def test_a_report_of_a_gpu_becomes_a_ledger(self) -> None:
        # RV-SCR-1010
        report = ROOT / "tests/gpu/reports/2026-11-21-h200-speed.json"
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "gpu.json"
            self.assertEqual(self.run_with("from-gpu", str(report), str(out)), (0, ""))
            made = bench_ledger.read(out)
        self.assertEqual(made.machine["gpu"], "NVIDIA H200")
        first = made.workloads[0]
        bar = json.loads(report.read_text())["sections"]["bars"]["bars"]["720p"]
        self.assertEqual(first.frames_per_second.values, bar["end_to_end_fps"]["values"])
        self.assertEqual(first.vram_bytes, round(bar["filter"]["pool_mib"] * 2**20))
        self.assertEqual(len(first.output_sha256), 64)

    def test_quantiles_are_values_that_were_measured(self) -> None:
        values = [float(value) for value in range(1, 101)]
        self.assertEqual(Quantiles.of(values), Quantiles(50.0, 95.0, 99.0))
        self.assertEqual(Quantiles.of([3.0]), Quantiles(3.0, 3.0, 3.0))


class Baselines(unittest.TestCase):
    """tests/performance: what later runs are compared with."""

    def test_those_that_are_committed_hold_what_was_measured(self) -> None:
        # RV-SCR-1013
        committed = sorted((ROOT / "tests" / "performance").glob("*.json"))
        self.assertTrue(committed)
        for path in committed:
            with self.subTest(path.name):
                found = bench_ledger.read(path)
                self.assertTrue(found.machine and found.versions)
                self.assertRegex(found.versions["revision"], "^[0-9a-f]{7,}$")
                self.assertTrue(any(one.output_sha256 for one in found.workloads), "no output was hashed")
                if found.command.startswith("scripts/bench.sh cpu"):
                    self.assertTrue(any(one.stages_ms for one in found.workloads), "no stage was measured")
                    self.assertTrue(any(one.queue_depth is not None for one in found.workloads), "no queue was looked at")
                    allocations = [one.allocations_per_frame for one in found.workloads]
                    self.assertTrue(any(number is not None for number in allocations), "no allocation was counted")
                else:
                    for one in found.workloads:
                        self.assertIsNotNone(one.vram_bytes, one.name)
                        self.assertIsNotNone(one.pool_hit_rate, one.name)
                        self.assertIsNotNone(one.queue_depth, one.name)

    def test_a_busy_machine_and_a_tree_with_changes_are_refused(self) -> None:
        # RV-SCR-1013
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "a.json", Path(folder) / "b.json"
            ledger().write(source)
            bench_ledger.keep(source, target)
            self.assertEqual(bench_ledger.read(target), ledger())
            target.unlink()
            for changes, word in (
                ({"meta": Meta(unix_time=1, others_cpus=0.15)}, "not idle"),
                ({"meta": Meta(unix_time=1, others_cpus=None)}, "not known"),
                ({"versions": {"revision": "a-dirty"}}, "of no commit"),
                ({"versions": {"revision": "unknown"}}, "of no commit"),
            ):
                ledger(**changes).write(source)
                with self.assertRaisesRegex(LedgerError, word):
                    bench_ledger.keep(source, target)
                self.assertFalse(target.exists())


if __name__ == "__main__":
    unittest.main()
