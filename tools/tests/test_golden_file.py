"""Which files of golden hashes are refused; scripts/test.sh runs it."""

import copy
import json
import sys
import tempfile
import unittest
from pathlib import Path

GPU = Path(__file__).parents[2] / "tests" / "gpu"
sys.path.insert(0, str(GPU / "run"))

import golden_file  # noqa: E402
from golden_file import GoldenError  # noqa: E402

COMMITTED = GPU / "golden.json"


class GoldenFile(unittest.TestCase):
    """Files that are read, and that are refused."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "golden.json"
        self.entries = golden_file.read(COMMITTED)

    def refused(self, word, change):
        entries = copy.deepcopy(self.entries)
        change(entries)
        self.path.write_text(json.dumps(entries))
        with self.assertRaisesRegex(GoldenError, word):
            golden_file.read(self.path)

    def test_the_committed_one_is_read_and_written_as_it_is(self):
        self.assertGreaterEqual(len(self.entries), 8, "engines")
        golden_file.write(self.path, list(reversed(self.entries)))
        self.assertEqual(self.path.read_bytes(), COMMITTED.read_bytes())

    def test_unknown_and_missing_fields_are_refused(self):
        # RV-TEST-1305
        self.refused("unknown field 'sha1'", lambda entries: entries[0].update(sha1=[]))
        self.refused("no field 'clip'", lambda entries: entries[1].pop("clip"))
        self.refused("key has unknown field 'host'", lambda entries: entries[0]["key"].update(host="a"))
        self.refused("key has no field 'driver'", lambda entries: entries[0]["key"].pop("driver"))

    def test_values_of_another_kind_are_refused(self):
        # RV-TEST-1305
        self.refused("expected list", lambda entries: entries[0].update(md5="all"))
        self.refused("expected str", lambda entries: entries[0]["key"].update(cuda=13.0))
        self.refused("no frame", lambda entries: entries[0].update(md5=[]))
        self.refused("32 hexadecimal digits", lambda entries: entries[0]["md5"].__setitem__(2, "0" * 31))

    def test_a_key_or_a_field_twice_and_what_is_no_json_are_refused(self):
        # RV-TEST-1305
        self.refused("the key of another entry", lambda entries: entries.append(entries[0]))
        for text, word in (('[{"engine": 1, "engine": 2}]', "twice"), ("[", "Expecting"), ("{}", "no list")):
            self.path.write_text(text)
            with self.assertRaisesRegex(GoldenError, word):
                golden_file.read(self.path)

    def test_what_would_be_refused_is_not_written(self):
        self.entries[0]["md5"] = []
        with self.assertRaises(GoldenError):
            golden_file.write(self.path, self.entries)
        self.assertFalse(self.path.exists())


if __name__ == "__main__":
    unittest.main()
