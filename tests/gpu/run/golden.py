"""D1: an engine's pictures are the same in every run, process and option set, and those that were kept."""

import re
from concurrent.futures import ThreadPoolExecutor

import golden_file
from bundle import library_version, sha256
from ffmpeg import CUDA_INPUT, filter_errors, hashes
from report import Skipped, expect

OPTIONS = ("streams=1:graph=off", "streams=2:graph=on", "streams=3:graph=auto")
RUNS = 3
# Processes at a time: the GPU is shared by them, the hashing is not.
PROCESSES = 4


def clip_of(engine):
    """The clip that an engine takes as it is, or the real one."""
    found = re.search(r"(1080p|540p)", engine)
    return found[1] if found else "720p"


def key(place, engine, clip):
    """All that the hashes depend on."""
    return {
        "engine_sha256": sha256(place.bundle.engine(engine)),
        "clip_sha256": sha256(place.bundle.clip(clip)),
        "gpu": place.gpu.name,
        "compute_capability": place.gpu.capability,
        "tensorrt": library_version(place.bundle.tensorrt),
        "lean_runtime": library_version(place.bundle.lean),
        "cuda": place.gpu.cuda,
        "driver": place.gpu.driver,
    }


def section(place):
    # RV-ENG-1306, RV-ENG-1307, RV-FILT-1002
    report, kept, made = place.report, golden_file.read(place.bundle.folder / "golden.json"), []

    def one_engine(engine):
        clip = clip_of(engine)
        batch = ":batch=4" if "batch4" in engine else ""
        jobs = [(options + batch, number) for number in range(1 if place.quick else RUNS) for options in OPTIONS]

        def job(work):
            filters = f"{place.ffmpeg.rave(engine, work[0])},hwdownload,format=nv12"
            return hashes(place.ffmpeg.on_gpu(clip, filters, limit=90))

        with ThreadPoolExecutor(PROCESSES) as pool:
            lists = list(pool.map(job, jobs))
        first = lists[0]
        for work, found in zip(jobs, lists):
            expect(len(found) == len(first), f"{work[0]}: {len(found)} frames, {jobs[0][0]} gave {len(first)}")
            differing = [number for number in range(len(first)) if found[number] != first[number]]
            expect(not differing, f"run {work[1] + 1} with {work[0]}: frames {differing[:8]} differ from "
                                  f"those of {jobs[0][0]} ({len(differing)} in all)")
        expect(len(set(first)) > len(first) // 2, "most frames are alike: nothing was shown")
        entry = {"engine": engine, "clip": clip, "key": key(place, engine, clip), "md5": first}
        made.append(entry)
        golden = next((other for other in kept if other["key"] == entry["key"]), None)
        what = f"{len(first)} frames, {len(jobs)} processes"
        if golden is None:
            return f"{what}; no golden for this key"
        differing = [number for number, pair in enumerate(zip(golden["md5"], first)) if pair[0] != pair[1]]
        expect(len(golden["md5"]) == len(first) and not differing,
               f"frames {differing[:8]} ({len(differing)} of {len(first)}) are not the golden ones")
        return f"{what}; golden"

    def refused(engine):
        outcome = place.ffmpeg.run([*CUDA_INPUT, "-i", place.bundle.clip("720p"), "-an", "-frames:v", "1",
                                    "-vf", place.ffmpeg.rave(engine), "-f", "null", "-"])
        expect(outcome.status == 218, f"exit status {outcome.status} instead of 218: {outcome.said()}")
        said = " ".join(filter_errors(outcome))
        for version in ("8.6", library_version(place.bundle.tensorrt).rsplit(".", 1)[0]):
            expect(version in said, f"the message does not name version {version}: {said}")
        return said

    names = place.bundle.engines()
    if not names:
        raise Skipped("no engines in the bundle")
    for engine in names:
        if engine.endswith("notportable") or engine.endswith(".rtx"):
            report.check(f"{engine} is refused", refused, engine)
        else:
            report.check(f"{engine}: equal over runs and options", one_engine, engine)
    report.store(golden=made)
