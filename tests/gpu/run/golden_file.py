"""The golden hashes that are kept (golden.json): a list of engines' frames, each with all that its hashes depend on.

A file with an unknown or missing field, a value of another kind or two entries of one key is refused.
"""

import json
import re

# What an entry holds, and what its key does; all of the key's are text.
ENTRY = {"engine": str, "clip": str, "key": dict, "md5": list}
KEY = ("engine_sha256", "clip_sha256", "gpu", "compute_capability", "tensorrt", "lean_runtime", "cuda", "driver")
MD5 = re.compile(r"[0-9a-f]{32}")


class GoldenError(Exception):
    """A file is not one of golden hashes."""


def read(path):
    """The entries; none where there is no file."""
    # RV-TEST-1305
    if not path.exists():
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except (ValueError, UnicodeDecodeError) as error:
        raise GoldenError(f"{path}: {error}") from None
    if not isinstance(entries, list):
        raise GoldenError(f"{path} is no list")
    for number, entry in enumerate(entries):
        _check(entry, f"{path}[{number}]")
    keys = [json.dumps(entry["key"], sort_keys=True) for entry in entries]
    for number, key in enumerate(keys):
        if key in keys[:number]:
            raise GoldenError(f"{path}[{number}] has the key of another entry")
    return entries


def write(path, entries):
    """Keeps entries, in an order that does not depend on when they were made."""
    for number, entry in enumerate(entries):
        _check(entry, f"entry {number}")
    entries = sorted(entries, key=lambda entry: (entry["engine"], json.dumps(entry["key"], sort_keys=True)))
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(entries, indent=0) + "\n", encoding="utf-8")
    partial.replace(path)


def _once(pairs):
    """An object whose fields are there once each."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError(f"an object names a field twice: {[name for name, _ in pairs]}")
    return made


def _check(entry, where):
    if not isinstance(entry, dict):
        raise GoldenError(f"{where} is no object")
    _fields(entry, ENTRY, where)
    for name, kind in ENTRY.items():
        if not isinstance(entry[name], kind):
            raise GoldenError(f"{where}.{name} is {type(entry[name]).__name__}, expected {kind.__name__}")
    _fields(entry["key"], KEY, f"{where}.key")
    for name, value in entry["key"].items():
        if not isinstance(value, str):
            raise GoldenError(f"{where}.key.{name} is {type(value).__name__}, expected str")
    if not entry["md5"]:
        raise GoldenError(f"{where}.md5 has no frame")
    for frame, md5 in enumerate(entry["md5"]):
        if not isinstance(md5, str) or not MD5.fullmatch(md5):
            raise GoldenError(f"{where}.md5[{frame}] is {md5!r}, expected 32 hexadecimal digits")


def _fields(found, expected, where):
    unknown, missing = sorted(set(found) - set(expected)), sorted(set(expected) - set(found))
    if unknown or missing:
        raise GoldenError(f"{where} has " + ", ".join([f"unknown field {name!r}" for name in unknown] +
                                                      [f"no field {name!r}" for name in missing]))
