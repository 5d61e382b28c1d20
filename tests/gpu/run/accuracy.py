"""Pictures made on the GPU against those of the same model on the CPU.

references/index.json of the bundle is a list of objects with
  name     file of the reference: raw pictures, a window of each of `frames` frames
  engine   the engine of the same model
  clip     the clip, of which `input` (filters, or nothing for frames decoded on the GPU) makes the model's input
  format   of the pixels, on both sides
  window   width, height, x and y in the output

And engines against their models by `rave check`, before any rounding to pixels: on eight frames of a clip, and on the
picture that every new engine is run on.
"""

import math
import re

from ffmpeg import CUDA_INPUT
from process import run
from report import Skipped, expect, spread

BAR_DB = 50.0


def samples(pixels, form):
    """Numbers, and the largest that there can be."""
    if form == "p010le":  # 10 bits at the upper end of 16
        return [number >> 6 for number in memoryview(pixels).cast("H")], 1023
    if form == "rgb0":  # the fourth byte is no colour
        return [number for place, number in enumerate(pixels) if place % 4 != 3], 255
    return pixels, 255


def compare(ours, reference, form):
    """PSNR in dB over all samples (infinite when they are equal), and the largest difference."""
    (ours, peak), (reference, _) = samples(ours, form), samples(reference, form)
    expect(len(ours) == len(reference) > 0, f"{len(ours)} samples, the reference has {len(reference)}")
    squares = largest = differing = 0
    for one, other in zip(ours, reference):
        if one != other:
            error = abs(one - other)
            squares += error * error
            largest = max(largest, error)
            differing += 1
    psnr = 10 * math.log10(peak * peak * len(ours) / squares) if squares else math.inf
    return psnr, largest, differing / len(ours)


def told(text):
    """The numbers that `rave check` prints: PSNR over all frames and of the worst one, and the largest error of 255."""
    average = re.search(r"PSNR (inf|[0-9.]+) dB", text)
    error = re.search(r"largest error [0-9.]+ \(([0-9.]+) of 255\)", text)
    expect(average and error, f"rave check says: {text}")
    worst = re.search(r"(inf|[0-9.]+) dB at worst", text) or average
    frames = re.search(r"of ([0-9]+) frames", text)
    return {"frames": int(frames[1]) if frames else 1, "psnr_db": float(average[1]), "worst_db": float(worst[1]),
            "max_error_of_255": float(error[1])}


def rave_check(place, engine, model, *frame):
    """`rave check` of an engine with its model."""
    bundle = place.bundle
    if not bundle.program("rave").exists():
        raise Skipped("no bin/rave in the bundle")
    outcome = run([bundle.program("rave"), "check", bundle.engine(engine), bundle.folder / "models" / f"{model}.onnx", *frame,
                   "--runtime-lib", bundle.tensorrt, "--lean-runtime", bundle.lean], 300,
                  {"LD_LIBRARY_PATH": str(bundle.lib)})
    expect(outcome.status == 0, outcome.why())
    expect("not finite" not in outcome.text(), outcome.text())
    return told(outcome.text())


def section(place):
    # RV-ENG-1307, RV-ENG-1308
    report, bundle = place.report, place.bundle
    index = bundle.json("references/index.json", [])
    if not index:
        raise Skipped("no references in the bundle")
    found = []

    def one(entry):
        width, height, x, y = entry["window"]
        chain = [place.ffmpeg.rave(entry["engine"])]
        inputs = ["-i", bundle.clip(entry["clip"])]
        if entry["input"]:
            chain[:0] = [entry["input"], "hwupload"]
            inputs = ["-init_hw_device", "cuda=gpu", "-filter_hw_device", "gpu", *inputs]
        else:
            inputs = [*CUDA_INPUT, *inputs]
        chain += ["hwdownload", f"format={entry['format']}", f"crop={width}:{height}:{x}:{y}:exact=1"]
        outcome = place.ffmpeg.run([*inputs, "-an", "-frames:v", entry["frames"], "-vf", ",".join(chain),
                                    "-f", "rawvideo", "-"])
        expect(outcome.status == 0, outcome.why())
        reference = (bundle.folder / "references" / entry["name"]).read_bytes()
        psnr, largest, share = compare(outcome.stdout, reference, entry["format"])
        facts = {"psnr_db": None if math.isinf(psnr) else round(psnr, 2), "max_error": largest,
                 "differing": round(share, 6), "command": outcome.command}
        found.append({"engine": entry["engine"], "reference": entry["name"]} | facts)
        shown = "equal" if math.isinf(psnr) else f"{psnr:.2f} dB, max error {largest}, {100 * share:.3f} % differ"
        expect(psnr >= BAR_DB, f"{shown}; at least {BAR_DB:g} dB expected: {outcome.command}")
        return shown

    # RV-ENG-1703, RV-ENG-1707
    def checked(engine, model, *frame):
        facts = rave_check(place, engine, model, *frame)
        finite = {name: None if math.isinf(value) else value for name, value in facts.items()}
        report.store(**{f"rave_check_{'clip' if frame else 'self_test'}": finite})
        expect(facts["frames"] == (8 if frame else 1), f"{facts['frames']} frames")
        expect(facts["worst_db"] >= BAR_DB, f"{facts}; at least {BAR_DB:g} dB expected")
        return ", ".join(f"{name} {value}" for name, value in facts.items())

    pair = ("animevideov3-x2-dyn-fp16", "animevideov3-x2")
    report.check("rave check of eight frames of a clip", checked, *pair, bundle.clip("180p"))
    report.check("rave check of the picture that new engines are run on", checked, *pair)

    for entry in index:
        report.check(f"{entry['engine']}, {entry['clip']} {entry['format']}", one, entry)
    report.store(comparisons=found)
    finite = [entry["psnr_db"] for entry in found if entry["psnr_db"] is not None]
    if finite:
        report.store(psnr_db=spread(finite))
