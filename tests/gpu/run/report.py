"""What was checked and measured, printed line by line and kept for the report."""

import json
import os
import statistics
import sys
import time

PASS, FAIL, SKIP = "pass", "fail", "skip"


class Skipped(Exception):
    """What a check needs is not on this machine."""


class Failed(Exception):
    """What was expected did not happen."""


def expect(holds, message):
    """Raises Failed, with what was found, unless it holds."""
    if not holds:
        raise Failed(message)


def spread(values):
    """Median of measured values, their extremes, and half the distance of these over the median."""
    values = sorted(values)
    median = statistics.median(values)
    return {
        "median": round(median, 6),
        "min": round(values[0], 6),
        "max": round(values[-1], 6),
        "half_range": round((values[-1] - values[0]) / 2 / median, 4) if median else None,
        "values": [round(value, 6) for value in values],
    }


class Report:
    """One report: sections, each with checks, and whatever else a section stores."""

    def __init__(self, path):
        self.path = path
        self.data = {"tool": "tests/gpu/run.sh", "sections": {}}
        self.section = None
        self.start = time.monotonic()
        self.strict = os.environ.get("RAVE_REQUIRE_GPU") == "1"
        self.counts = {PASS: 0, FAIL: 0, SKIP: 0}

    def begin(self, name):
        """Starts a section; what is stored goes there."""
        self.section = self.data["sections"].setdefault(name, {"checks": []})
        self._begun = time.monotonic()
        print(f"\n==> [{self._begun - self.start:3.0f}s] {name}", flush=True)

    def end(self):
        """Ends the section, and writes the report as it is by now."""
        self.section["seconds"] = round(time.monotonic() - self._begun, 1)
        self.write()

    def store(self, **values):
        """Keeps numbers and other findings beside the section's checks."""
        self.section.update(values)

    def result(self, name, outcome, reason="", **facts):
        """Notes one check that is over."""
        if outcome == SKIP and self.strict:
            outcome, reason = FAIL, f"skipped, and RAVE_REQUIRE_GPU is set: {reason}"
        self.counts[outcome] += 1
        entry = {"name": name, "result": outcome}
        if reason:
            entry["reason"] = reason
        self.section["checks"].append(entry | facts)
        shown = outcome.upper() if outcome == FAIL else outcome
        print(f"  {shown}  {name}{': ' if reason else ''}{reason}", flush=True)
        # Whoever stops the run has what there is by now.
        self.write()

    def check(self, name, test, *arguments, **keywords):
        """Runs a test. It raises Failed or Skipped, or gives a dictionary of facts or a line of text, or nothing."""
        try:
            found = test(*arguments, **keywords)
        except Skipped as why:
            return self.result(name, SKIP, str(why))
        except Failed as why:
            return self.result(name, FAIL, str(why))
        except Exception as error:  # what a tool answered unexpectedly must not end the other checks
            return self.result(name, FAIL, f"{type(error).__name__}: {error}")
        if isinstance(found, str):
            return self.result(name, PASS, found)
        return self.result(name, PASS, **(found or {}))

    def guard(self, section, place):
        """Runs a section. When it cannot go on, that is one more check; the other sections still run."""
        try:
            section(place)
        except Skipped as why:
            self.result("section", SKIP, str(why))
        except Failed as why:
            self.result("section", FAIL, str(why))
        except Exception as error:
            self.result("section", FAIL, f"{type(error).__name__}: {error}")

    def write(self):
        """Writes the report: the whole file, or none of it."""
        self.data["result"] = FAIL if self.counts[FAIL] else PASS if self.counts[PASS] else SKIP
        self.data["counts"] = self.counts
        self.data["seconds"] = round(time.monotonic() - self.start, 1)
        part = f"{self.path}.part"
        with open(part, "w", encoding="utf-8") as file:
            json.dump(self.data, file, indent=1)
            file.write("\n")
        os.replace(part, self.path)

    def finish(self):
        """Writes the report, prints a summary, and gives the exit status."""
        self.write()
        print(f"\n{self.counts[PASS]} passed, {self.counts[FAIL]} failed, {self.counts[SKIP]} skipped "
              f"in {self.data['seconds']:.0f} s; report: {self.path}")
        for name, section in self.data["sections"].items():
            for entry in section["checks"]:
                if entry["result"] == FAIL:
                    print(f"  FAIL  {name}: {entry['name']}: {entry.get('reason', '')}")
        sys.stdout.flush()
        return 1 if self.counts[FAIL] else 0
