#!/usr/bin/env python3
"""Writes inputs and outputs that trtcheck compares engines with, computed by ONNX Runtime on the CPU.

Usage: references.py MODELS OUT [ENGINE]...   (all engines by default; the large ones make 160 MB)
MODELS holds the ONNX models that the test engines were built from. For each engine below, OUT gets
ENGINE.input.npy and ENGINE.output.npy, both fp32. Needs numpy and onnxruntime.
"""

import pathlib
import sys

import numpy as np
import onnxruntime as ort

# engine, model, input shape
CASES = [
    ("sharpen-1x-dyn-fp16", "sharpen-1x-fp16.onnx", (1, 3, 180, 320)),
    ("super-resolution-10-luma-224-fp32", "super-resolution-10.onnx", (1, 1, 224, 224)),
    ("animevideov3-x2-dyn-fp16", "animevideov3-x2.onnx", (1, 3, 180, 320)),
    ("animevideov3-x2-dyn-fp32io", "animevideov3-x2.onnx", (1, 3, 180, 320)),
    ("animevideov3-x2-720p-batch4-fp16", "animevideov3-x2.onnx", (1, 3, 720, 1280)),
    ("animevideov3-x4-540p-fp16", "animevideov3-x4.onnx", (1, 3, 540, 960)),
]


def picture(shape):
    """Slopes, waves of growing frequency, edges and a little noise, in [0, 1]."""
    _, channels, height, width = shape
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width]).reshape(2, 1, 1)
    planes = []
    for channel in range(channels):
        waves = 0.5 + 0.5 * np.sin(2 * np.pi * (3 + 2 * channel) * x * (1 + 3 * x) + channel)
        edges = ((np.floor(8 * x) + np.floor(6 * y) + channel) % 2) * 0.8 + 0.1
        planes.append(0.4 * waves + 0.4 * edges + 0.15 * y)
    noise = np.random.default_rng(20260101).uniform(0, 0.05, (channels, height, width))
    # fp16 values, so that every engine gets exactly this input.
    return (np.stack(planes) + noise).clip(0, 1).astype(np.float16)[None]


def main(models, out, wanted):
    out.mkdir(parents=True, exist_ok=True)
    for engine, model, shape in CASES:
        if wanted and engine not in wanted:
            continue
        session = ort.InferenceSession(str(models / model), providers=["CPUExecutionProvider"])
        (entry,) = session.get_inputs()
        image = picture(shape)
        kind = np.float16 if "float16" in entry.type else np.float32
        (result,) = session.run(None, {entry.name: image.astype(kind)})
        np.save(out / f"{engine}.input.npy", image.astype(np.float32))
        np.save(out / f"{engine}.output.npy", result.astype(np.float32))
        print(engine, image.shape, "->", result.shape, float(result.min()), float(result.max()))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:])
