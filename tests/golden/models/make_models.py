#!/usr/bin/env python3
"""Make the golden models beside this file, and the README.md that describes them.

Usage: make_models.py            writes every *.onnx and README.md beside this file
       make_models.py --large DIR  writes luma-3x-224.onnx, which is too large to commit, into DIR

The same bytes come out everywhere: weights are written out or drawn from numpy's RandomState, whose streams are frozen.
Needs numpy and onnx (scripts/fetch.sh tools).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

FOLDER = Path(__file__).resolve().parent
OPSET = 13
IR_VERSION = 8
FREE = ("height", "width")

Size = tuple[int | str, int | str]


class Network:
    """A graph from "input" to "output", put together node by node."""

    def __init__(self, dtype: type = np.float32) -> None:
        self.dtype = dtype
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: object) -> str:
        """A node; returns its output's name."""
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def conv(self, source: str, output: str, weight: np.ndarray, bias: np.ndarray | None = None, **attributes: object) -> str:
        """A convolution; without `pads` it keeps the size of its input where the stride is 1."""
        names = [source]
        for name, array in (("weight", weight), ("bias", bias)):
            if array is not None:
                self.constants.append(numpy_helper.from_array(array.astype(self.dtype), f"{output}.{name}"))
                names.append(f"{output}.{name}")
        kernel = list(weight.shape[2:])
        attributes.setdefault("pads", [(size - 1) // 2 for size in kernel] * 2)
        return self.node("Conv", names, output, kernel_shape=kernel, **attributes)

    def replicate(self, source: str, output: str, channels: int, factor: int) -> str:
        """Each pixel becomes factor x factor equal ones."""
        weight = np.repeat(np.eye(channels), factor**2, axis=0).reshape(-1, channels, 1, 1)
        wide = self.conv(source, f"{output}.wide", weight)
        return self.node("DepthToSpace", [wide], output, blocksize=factor, mode="CRD")

    def model(
        self, channels: int = 3, size: Size = FREE, batch: int | str = 1, opset: int = OPSET, ir_version: int = IR_VERSION
    ) -> onnx.ModelProto:
        """The model, with `channels` in and out."""
        element = helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype))
        out = ("output_height", "output_width")
        graph = helper.make_graph(
            self.nodes,
            "golden",
            [helper.make_tensor_value_info("input", element, [batch, channels, *size])],
            [helper.make_tensor_value_info("output", element, [batch, channels, *out])],
            self.constants,
        )
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="rave", ir_version=ir_version
        )


def identity(channels: int = 3, dtype: type = np.float32) -> onnx.ModelProto:
    """A 1x1 convolution that gives every channel back."""
    network = Network(dtype)
    network.conv("input", "output", np.eye(channels).reshape(channels, channels, 1, 1))
    return network.model(channels)


def replicate(channels: int) -> onnx.ModelProto:
    """Every pixel four times."""
    network = Network()
    network.replicate("input", "output", channels, 2)
    return network.model(channels)


def dyadic(size: Size = FREE) -> onnx.ModelProto:
    """A 3x3 convolution and a pixel shuffle. Weights and biases are whole eighths; the weights of a pixel sum to 1."""
    random = np.random.RandomState(8)
    eighths = random.randint(-1, 2, (12, 3, 3, 3))
    for output in range(12):
        center = (output, output // 4, 1, 1)
        eighths[center] += 8 - eighths[output].sum()
    # Sums of integers below 2^24 are exact in fp32 in any order; here in units of an eighth, inputs up to 255.
    bias = random.randint(-4, 5, 12)
    assert 255 * np.abs(eighths).sum(axis=(1, 2, 3)).max() + np.abs(bias).max() < 1 << 24
    network = Network()
    wide = network.conv("input", "wide", eighths / 8, bias / 8)
    network.node("DepthToSpace", [wide], "output", blocksize=2, mode="CRD")
    return network.model(size=size)


def three_halves() -> onnx.ModelProto:
    """Every pixel nine times, of which every second column of every second row is kept."""
    network = Network()
    tripled = network.replicate("input", "tripled", 3, 3)
    network.conv(tripled, "output", np.eye(3).reshape(3, 3, 1, 1), strides=[2, 2])
    return network.model()


def needs_8() -> onnx.ModelProto:
    """A U-Net: halved three times by 2x2 means, doubled again, mixed half and half with what was there before."""
    network = Network()
    mean = np.einsum("oc,ij->ocij", np.eye(3), np.full((2, 2), 0.25))
    levels = ["input"]
    for level in (1, 2, 3):
        levels.append(network.conv(levels[-1], f"down{level}", mean, strides=[2, 2], pads=[0, 0, 0, 0]))
    current = levels.pop()
    for level in (2, 1, 0):
        doubled = network.replicate(current, f"up{level}", 3, 2)
        # Concat takes equal sizes only, which Add would stretch where one is 1.
        joined = network.node("Concat", [levels.pop(), doubled], f"joined{level}", axis=1)
        half = np.concatenate([np.eye(3), np.eye(3)], axis=1).reshape(3, 6, 1, 1) / 2
        current = network.conv(joined, f"mixed{level}", half)
    network.replicate(current, "output", 3, 2)
    return network.model()


def half() -> onnx.ModelProto:
    """The mean of 2x2 pixels."""
    network = Network()
    network.node("AveragePool", ["input"], "output", kernel_shape=[2, 2], strides=[2, 2])
    return network.model()


def two_inputs() -> onnx.ModelProto:
    network = Network()
    network.node("Add", ["input", "other"], "output")
    model = network.model()
    model.graph.input.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, [1, 3, *FREE]))
    return model


def no_nodes() -> onnx.ModelProto:
    model = Network().model()
    model.graph.output[0].name = "input"
    return model


def valid_conv() -> onnx.ModelProto:
    network = Network()
    weight = np.zeros((3, 3, 3, 3))
    weight[range(3), range(3), 1, 1] = 1
    network.conv("input", "output", weight, pads=[0, 0, 0, 0])
    return network.model()


def nan() -> onnx.ModelProto:
    network = Network()
    zero = network.node("Sub", ["input", "input"], "zero")
    network.node("Div", [zero, zero], "output")
    return network.model()


def nan_of_zero() -> onnx.ModelProto:
    network = Network()
    zero = network.node("Sub", ["input", "input"], "zero")
    hole = network.node("Div", [zero, "input"], "hole")
    network.node("Add", ["input", hole], "output")
    return network.model()


def external_data() -> onnx.ModelProto:
    model = identity()
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../../../etc/passwd")
    return model


def huge_dims() -> onnx.ModelProto:
    model = identity()
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend([1 << 20, 1 << 20, 1, 1])
    return model


def huge_constant() -> onnx.ModelProto:
    network = Network()
    network.constants.append(numpy_helper.from_array(np.array([1 << 40], np.int64), "shape"))
    zeros = network.node("ConstantOfShape", ["shape"], "zeros")
    total = network.node("ReduceSum", [zeros], "total", keepdims=0)
    network.node("Add", ["input", total], "output")
    return network.model()


def int_input() -> onnx.ModelProto:
    network = Network(np.int32)
    network.node("Identity", ["input"], "output")
    return network.model()


# Name, what it is, why its output is the same in every runtime, what makes it.
GOOD: list[tuple[str, str, str, Callable[[], onnx.ModelProto]]] = [
    ("identity-1x", "1x1 convolution, gives RGB back", "one term is not zero: exact for any value", identity),
    ("identity-1x-fp16", "the same in half precision", "the same", lambda: identity(dtype=np.float16)),
    ("replicate-2x", "every pixel four times, RGB", "one term is not zero: exact for any value", lambda: replicate(3)),
    ("replicate-2x-luma", "every pixel four times, luma", "the same", lambda: replicate(1)),
    (
        "dyadic-2x",
        "3x3 convolution and pixel shuffle, weights of whole eighths",
        "for whole inputs of 0 to 255 (`values=byte`) all sums are whole eighths below 2^21: exact in any order",
        dyadic,
    ),
    ("fixed-64-2x", "dyadic-2x for 64x64 pixels only, to be tiled", "as dyadic-2x", lambda: dyadic((64, 64))),
    (
        "dyadic-3x2",
        "scale 3/2: every pixel nine times, every second column and row kept",
        "one term is not zero: exact for any value",
        three_halves,
    ),
    (
        "needs-8-2x",
        "U-Net of three levels: sizes that are no multiples of 8 fail in it",
        "for whole inputs of 0 to 255 all sums are whole 512ths below 2^8: exact in any order",
        needs_8,
    ),
    ("half-1x2", "scale 1/2: the mean of 2x2 pixels", "for whole inputs of 0 to 255 the sum is exact", half),
]
# Name, what is wrong with it, what makes it.
BAD: list[tuple[str, str, Callable[[], onnx.ModelProto]]] = [
    ("four-channels", "takes and gives four channels", lambda: identity(4)),
    ("two-inputs", "has two image inputs", two_inputs),
    ("no-nodes", "its input is its output", no_nodes),
    ("valid-conv", "has no padding: the output lacks a pixel on every side, so there is no scale", valid_conv),
    ("nan", "gives NaN for every input", nan),
    ("nan-of-zero", "gives NaN where the input is 0, and else the input", nan_of_zero),
    ("external-data", "keeps its weights in the file ../../../etc/passwd", external_data),
    ("huge-dims", "has weights of 2^40 elements and 36 bytes", huge_dims),
    ("huge-constant", "makes a tensor of 2^40 elements when it runs", huge_constant),
    ("int-input", "takes and gives int32", int_input),
]


def readme() -> str:
    """The text of README.md."""
    lines = [
        "# Golden models",
        "",
        "Made by `make_models.py`, byte for byte; `test_models.py` checks that and what the tables say. All have one",
        'input, "input", and one output, "output", NCHW, fp32 and of free size where nothing else is said; opset'
        f" {OPSET}, IR version {IR_VERSION}.",
        "",
        "| model | what it is | why its output is the same everywhere |",
        "|---|---|---|",
        *(f"| `{name}` | {what} | {why} |" for name, what, why, _ in GOOD),
        "",
        "To be refused, or to fail when they run:",
        "",
        "| model | what is wrong |",
        "|---|---|",
        *(f"| `{name}` | {what} |" for name, what, _ in BAD),
        "",
        "`make_models.py --large DIR` makes `luma-3x-224.onnx`: a sub-pixel network for luma, threefold, for 224x224",
        "pixels only, of free batch size, node by node the model zoo's super-resolution-10 (opset 10, IR version 4), with",
        "weights from a seeded generator. Its arithmetic is not exact.",
    ]
    return "\n".join(lines) + "\n"


def luma_3x_224() -> onnx.ModelProto:
    """The ONNX model zoo's super-resolution-10 node by node, as PyTorch 1.1 exported it, with weights of our own.

    Convolutions of 5x5x64, 3x3x64, 3x3x32 and 3x3x9 with ReLU between them, and a pixel shuffle of Reshape, Transpose
    and Reshape; opset 10, IR version 4, shapes in Constant nodes, weights listed among the inputs, nodes without names.

    The first channel carries the picture through, the others disturb it by a few percent, so that the output looks
    like the input while every weight matters.
    """
    random = np.random.RandomState(224)
    network = Network()
    current, channels = "input", 1
    for index, (outputs, kernel) in enumerate([(64, 5), (64, 3), (32, 3), (9, 3)], start=1):
        weight = random.standard_normal((outputs, channels, kernel, kernel)) * np.sqrt(2 / (channels * kernel**2))
        carriers = slice(None) if outputs == 9 else 0
        weight[carriers] *= 0.02
        weight[carriers, 0, kernel // 2, kernel // 2] += 1
        bias = random.standard_normal(outputs) * 0.01
        once = {"dilations": [1, 1], "group": 1, "strides": [1, 1]}
        current = network.conv(current, f"conv{index}", weight, bias, **once)
        channels = outputs
        if index < 4:
            current = network.node("Relu", [current], f"relu{index}")

    def constant(name: str, shape: list[int]) -> str:
        return network.node("Constant", [], name, value=numpy_helper.from_array(np.array(shape, np.int64)))

    split = network.node("Reshape", [current, constant("split", [-1, 1, 3, 3, 224, 224])], "blocks")
    woven = network.node("Transpose", [split], "woven", perm=[0, 1, 4, 2, 5, 3])
    network.node("Reshape", [woven, constant("join", [-1, 1, 672, 672])], "output")
    model = network.model(1, (224, 224), "batch_size", opset=10, ir_version=4)
    for tensor in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    for dimension, value in zip(model.graph.output[0].type.tensor_type.shape.dim[2:], (672, 672)):
        dimension.dim_value = value
    return model


def serialized(model: onnx.ModelProto) -> bytes:
    """The bytes of the file."""
    return model.SerializeToString(deterministic=True)


def files() -> dict[str, bytes]:
    """Every file that is made, by its name."""
    made: dict[str, bytes] = {}
    for name, _, _, make in GOOD:
        model = make()
        onnx.checker.check_model(model, full_check=True)
        made[f"{name}.onnx"] = serialized(model)
    for name, _, make in BAD:
        made[f"{name}.onnx"] = serialized(make())
    made["README.md"] = readme().encode()
    return made


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", type=Path, metavar="DIR")
    large = parser.parse_args().large
    if large is not None:
        model = luma_3x_224()
        onnx.checker.check_model(model, full_check=True)
        partial = large / "luma-3x-224.onnx.part"
        partial.write_bytes(serialized(model))
        partial.rename(large / "luma-3x-224.onnx")
        return
    for name, content in files().items():
        (FOLDER / name).write_bytes(content)


if __name__ == "__main__":
    main()
