"""Keeps the golden hashes of a report: adopt.py REPORT.json [GOLDEN.json]

Entries with the keys of the report's are replaced, others stay.
"""

import json
import sys
from pathlib import Path

import golden_file


def main(report, golden):
    made = json.loads(report.read_text(encoding="utf-8"))["sections"]["golden"]["golden"]
    kept = golden_file.read(golden)
    keys = [entry["key"] for entry in made]
    entries = [entry for entry in kept if entry["key"] not in keys] + made
    golden_file.write(golden, entries)
    print(f"{golden}: {len(entries)} entries, {len(made)} of them from {report}")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else Path(__file__).parent.parent / "golden.json")
