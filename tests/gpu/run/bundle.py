"""What scripts/gpu-bundle.sh packed, unpacked."""

import hashlib
import json
import lzma
import os
import re
import shutil
from pathlib import Path


def sha256(path):
    """The hash of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Bundle:
    """Paths in a bundle. Packed files are unpacked beside themselves once, or into `work` if that cannot be written."""

    def __init__(self, folder, work):
        self.packed = Path(folder).resolve()
        self.work = Path(work)
        self.folder = self.packed if os.access(self.packed, os.W_OK) else self.work / "bundle"
        if self.folder != self.packed:
            shutil.copytree(self.packed, self.folder)
        for packed in sorted(self.folder.rglob("*.xz")):
            self._unpack(packed)

    @staticmethod
    def _unpack(packed):
        file = packed.with_suffix("")
        if file.exists() and file.stat().st_mtime >= packed.stat().st_mtime:
            return
        part = file.with_name(file.name + ".part")
        with lzma.open(packed) as source, open(part, "wb") as target:
            shutil.copyfileobj(source, target, 1 << 22)
        part.chmod(0o755 if packed.parent.name == "bin" else 0o644)
        part.replace(file)

    def program(self, name):
        """Path of a program; it may be missing."""
        return self.folder / "bin" / name

    @property
    def lib(self):
        """The folder of TensorRT's libraries and of those that ffmpeg links."""
        return self.folder / "lib"

    @property
    def instruments(self):
        """The folder of the NVENC stand-in and of the counter of CUDA calls."""
        return self.folder / "instruments"

    @property
    def tensorrt(self):
        """The library that runs engines."""
        return self.lib / "libnvinfer_lean.so.10"

    @property
    def lean(self):
        """The lean runtime of the TensorRT that built them."""
        return self.lib / "libnvinfer_lean.so.8"

    def engine(self, name):
        """Path of an engine, named without its suffix."""
        return self.folder / "engines" / f"{name}.engine"

    def engines(self):
        """Names of all engines, those to be refused among them."""
        return sorted(path.stem for path in (self.folder / "engines").glob("*.engine"))

    def clip(self, name):
        """Path of a clip: 180p, 540p, 720p, 1080p."""
        return self.folder / "clips" / f"{name}.mp4"

    def json(self, name, default):
        """A JSON file of the bundle."""
        path = self.folder / name
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else default

    def revision(self):
        """The commit that the programs are of; with `-dirty` where the tree had changes."""
        path = self.folder / "revision"
        return path.read_text(encoding="utf-8").strip() if path.exists() else "unknown"

    def hashes(self):
        """SHA-256 of everything that results depend on."""
        files = [path for folder in ("bin", "lib", "instruments", "engines", "models", "clips")
                 for path in sorted((self.folder / folder).glob("*"))
                 if path.is_file() and path.suffix not in (".xz", ".of", ".part")]
        return {str(path.relative_to(self.folder)): sha256(path) for path in files}


def library_version(path):
    """The version that a TensorRT library says it is, from its own function."""
    import ctypes  # only here: a library that is loaded stays so
    library = ctypes.CDLL(str(path))
    number = library.getInferLibVersion()
    # 10000 * major + 100 * minor + patch from TensorRT 10 on; 1000 and 100 before.
    major = 10000 if number >= 100000 else 1000
    return f"{number // major}.{number % major // 100}.{number % 100}"


def clean_name(text):
    """A file name made of any text."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text)
