#!/usr/bin/env python3
"""Convert an ncnn super-resolution network (.param and .bin) to ONNX.

Usage: ncnn2onnx.py [--fp16] [--size HxW] MODEL.param MODEL.bin OUT.onnx

Knows the layers that the Real-ESRGAN families are made of. The result has one input, "input", and one output,
"output": NCHW, RGB, values in [0, 1]; height and width are free unless --size fixes them. Anything that is not
understood completely (a layer, a parameter of a layer, a byte of the weights) is an error, so that a network that
converts computes what ncnn computes, with one stated exception: ncnn halves a picture by bicubic interpolation, the
result by the mean of 2x2 pixels, which every ONNX runtime has at full speed.

Needs numpy and onnx.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PARAM_MAGIC = "7767517"
# How ncnn marks the storage of a weight array, in the four bytes before it.
WEIGHTS_FP32 = 0
WEIGHTS_FP16 = 0x01306B47
# A key of -23300 - k holds an array, which belongs to parameter k.
ARRAY_KEY = -23300

OPSET = 13
IR_VERSION = 8

Value = int | float | list[float]


class ConvertError(Exception):
    """The network cannot be converted; the message names the layer or the file, and what was expected of it."""


@dataclass(frozen=True)
class Layer:
    """One line of a .param file."""

    kind: str
    name: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    params: Mapping[int, Value]

    def error(self, message: str) -> ConvertError:
        """An error that names this layer."""
        return ConvertError(f"layer {self.name} ({self.kind}): {message}")

    def integer(self, key: int, default: int | None = None) -> int:
        """Parameter `key`, an integer; required unless it has a default."""
        value = self.params.get(key, default)
        if value is None:
            raise self.error(f"parameter {key} is missing")
        if not isinstance(value, int):
            raise self.error(f"parameter {key} is {value}, an integer is expected")
        return value

    def number(self, key: int, default: float) -> float:
        """Parameter `key`, a number."""
        value = self.params.get(key, default)
        if isinstance(value, list):
            raise self.error(f"parameter {key} is an array, a number is expected")
        return float(value)

    def array(self, key: int, default: list[float]) -> list[float]:
        """Parameter `key`, an array of numbers."""
        value = self.params.get(key, default)
        if not isinstance(value, list):
            raise self.error(f"parameter {key} is {value}, an array is expected")
        return value

    def expect_arity(self, inputs: int | None, outputs: int | None) -> None:
        """Check how many tensors go in and come out; None is any number but zero."""
        for what, names, wanted in (("inputs", self.inputs, inputs), ("outputs", self.outputs, outputs)):
            if len(names) != wanted if wanted is not None else not names:
                raise self.error(f"it has {len(names)} {what}, {'some' if wanted is None else wanted} are expected")

    def expect_params(self, known: set[int]) -> None:
        """Check that nothing is asked of the layer that would be ignored."""
        unknown = sorted(set(self.params) - known)
        if unknown:
            settings = ", ".join(f"{key}={self.params[key]}" for key in unknown)
            raise self.error(f"parameters that are not known here: {settings}")


def parse_param(text: str) -> list[Layer]:
    """The layers of a .param file, in order."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if not lines or lines[0] != [PARAM_MAGIC]:
        found = " ".join(lines[0])[:40] if lines else "nothing"
        raise ConvertError(f"this is no ncnn .param file: it begins with {found!r}, {PARAM_MAGIC!r} is expected")
    if len(lines) < 2 or len(lines[1]) != 2 or not all(word.isdecimal() for word in lines[1]):
        raise ConvertError("the second line must have the numbers of layers and of tensors")
    layers = [_parse_layer(words) for words in lines[2:]]
    if len(layers) != int(lines[1][0]):
        raise ConvertError(f"there are {len(layers)} layers where {lines[1][0]} are announced: the file is not whole")
    return layers


def _parse_layer(words: list[str]) -> Layer:
    """KIND NAME INPUTS OUTPUTS input... output... key=value..."""
    line = " ".join(words)
    if len(words) < 4 or not words[2].isdecimal() or not words[3].isdecimal():
        raise ConvertError(f"{line!r} is no layer: a kind, a name and two counts are expected")
    inputs, outputs = int(words[2]), int(words[3])
    tensors, settings = words[4 : 4 + inputs + outputs], words[4 + inputs + outputs :]
    if len(tensors) != inputs + outputs or any("=" in word for word in tensors):
        raise ConvertError(f"{line!r} announces {inputs} inputs and {outputs} outputs and names fewer")
    params: dict[int, Value] = {}
    for word in settings:
        try:
            key, value = _parse_setting(word)
        except ValueError as error:
            raise ConvertError(f"{line!r}: {word!r} is no key=value ({error})") from None
        if key in params:
            raise ConvertError(f"{line!r} gives parameter {key} twice")
        params[key] = value
    return Layer(words[0], words[1], tensors[:inputs], tensors[inputs:], params)


def _parse_setting(word: str) -> tuple[int, Value]:
    left, equals, right = word.partition("=")
    if not equals:
        raise ValueError("there is no =")
    key = int(left)
    if key <= ARRAY_KEY:
        count, *elements = right.split(",")
        if int(count) != len(elements):
            raise ValueError(f"{len(elements)} elements where {count} are announced")
        return ARRAY_KEY - key, [float(element) for element in elements]
    try:
        return key, int(right)
    except ValueError:
        return key, float(right)


class Weights:
    """The content of a .bin file, read from its beginning to its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def _bytes(self, count: int, layer: Layer) -> bytes:
        start, self._position = self._position, self._position + count
        if self._position > len(self._data):
            missing = self._position - len(self._data)
            raise layer.error(f"the weights end {missing} bytes too early: the .bin file is cut or not this network's")
        return self._data[start : self._position]

    def fp32(self, count: int, layer: Layer) -> np.ndarray:
        """An array that is always stored as fp32: a bias, or the slopes of a PReLU."""
        return np.frombuffer(self._bytes(4 * count, layer), "<f4")

    def tagged(self, count: int, layer: Layer) -> np.ndarray:
        """An array that says how it is stored, as fp32."""
        tag = int.from_bytes(self._bytes(4, layer), "little")
        if tag == WEIGHTS_FP32:
            return self.fp32(count, layer)
        if tag == WEIGHTS_FP16:
            padded = (2 * count + 3) // 4 * 4
            return np.frombuffer(self._bytes(padded, layer), "<f2")[:count].astype(np.float32)
        raise layer.error(f"its weights are stored in a way that is not known here (tag {tag:#010x}); fp32 and fp16 are")

    def finish(self) -> None:
        """Check that nothing is left."""
        left = len(self._data) - self._position
        if left:
            raise ConvertError(f"{left} of {len(self._data)} bytes of the .bin file belong to no layer: it is not this network's")


@dataclass
class Graph:
    """The ONNX graph while it is made."""

    weights: Weights
    dtype: type[np.floating]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initializers: list[onnx.TensorProto] = field(default_factory=list)
    # What each tensor of the network is called in the graph, and its channels: onnx's own check does not compare these.
    tensors: dict[str, str] = field(default_factory=dict)
    channels: dict[str, int] = field(default_factory=dict)
    inputs: int = 0

    def constant(self, name: str, array: np.ndarray, dtype: type[np.floating] | None = None) -> str:
        """A constant of the graph's element type, or of `dtype`."""
        with np.errstate(over="ignore"):
            values = np.ascontiguousarray(array).astype(dtype or self.dtype)
        if not np.isfinite(values).all():
            raise ConvertError(f"{name} has values that are not finite as {values.dtype}")
        self.initializers.append(numpy_helper.from_array(values, name))
        return name

    def node(self, operator: str, inputs: Sequence[str], output: str, **attributes: object) -> str:
        """A node with one output, whose name it returns."""
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def emit(
        self, layer: Layer, operator: str, inputs: Sequence[str], channels: int, **attributes: object
    ) -> None:
        """The node that makes a layer's one output. Its name has a prefix, apart from "input" and "output"."""
        (output,) = layer.outputs
        if output in self.tensors:
            raise layer.error(f"its output {output} was made by a layer before it")
        self.channels[output] = channels
        self.tensors[output] = self.node(operator, inputs, f"t.{output}", **attributes)

    def sources(self, layer: Layer) -> list[str]:
        """The graph's names of a layer's inputs."""
        for name in layer.inputs:
            if name not in self.tensors:
                raise layer.error(f"its input {name} is made by no layer before it")
        return [self.tensors[name] for name in layer.inputs]

    def source_channels(self, layer: Layer) -> int:
        """The channels that all inputs of a layer have."""
        channels = [self.channels[name] for name in layer.inputs]
        if len(set(channels)) != 1:
            raise layer.error(f"its inputs have {channels} channels, equal numbers are expected")
        return channels[0]


def _input(graph: Graph, layer: Layer) -> None:
    layer.expect_arity(0, 1)
    # 0, 1, 2: a size, which is only a hint.
    layer.expect_params({0, 1, 2})
    graph.inputs += 1
    if graph.inputs > 1:
        raise layer.error("the network has a second input, one is expected")
    graph.tensors[layer.outputs[0]] = "input"
    graph.channels[layer.outputs[0]] = 3


def _split(graph: Graph, layer: Layer) -> None:
    layer.expect_arity(1, None)
    layer.expect_params(set())
    (source,) = graph.sources(layer)
    for name in layer.outputs:
        graph.tensors[name] = source
        graph.channels[name] = graph.source_channels(layer)


def _convolution(graph: Graph, layer: Layer) -> None:
    layer.expect_arity(1, 1)
    layer.expect_params({0, 1, 11, 2, 12, 3, 13, 4, 14, 15, 16, 5, 6, 9, 10})
    channels, bias, count = layer.integer(0), layer.integer(5, 0), layer.integer(6)

    def pair(horizontal: int, vertical: int, default: int | None) -> list[int]:
        # ncnn gives x first and takes it for y too; ONNX gives y first.
        x = layer.integer(horizontal, default)
        return [layer.integer(vertical, x), x]

    kernel = pair(1, 11, None)
    left = layer.integer(4, 0)
    top = layer.integer(14, left)
    pads = [top, left, layer.integer(16, top), layer.integer(15, left)]
    if min(channels, *kernel) < 1 or min(pads) < 0:
        raise layer.error("a size is not positive, or a padding is negative")
    area = channels * kernel[0] * kernel[1]
    if count < 1 or count % area:
        raise layer.error(f"{count} weights do not make whole kernels of {area} elements")
    sources = graph.sources(layer)
    if count // area != graph.source_channels(layer):
        raise layer.error(f"its kernels have {count // area} channels, its input {graph.source_channels(layer)}")
    weights = graph.weights.tagged(count, layer).reshape(channels, count // area, *kernel)
    inputs = [*sources, graph.constant(f"{layer.name}.weight", weights)]
    if bias:
        inputs.append(graph.constant(f"{layer.name}.bias", graph.weights.fp32(channels, layer)))

    activation = layer.integer(9, 0)
    attributes = {
        "kernel_shape": kernel,
        "dilations": pair(2, 12, 1),
        "strides": pair(3, 13, 1),
        "pads": pads,
    }
    if activation == 0:
        graph.emit(layer, "Conv", inputs, channels, **attributes)
        return
    linear = graph.node("Conv", inputs, f"{layer.name}.linear", **attributes)
    if activation == 1:
        graph.emit(layer, "Relu", [linear], channels)
    elif activation == 2:
        slope = layer.array(10, [])
        if len(slope) != 1:
            raise layer.error(f"a leaky ReLU has one slope, not {len(slope)}")
        graph.emit(layer, "LeakyRelu", [linear], channels, alpha=slope[0])
    else:
        raise layer.error(f"activation {activation} is not known here; 1 (ReLU) and 2 (leaky ReLU) are")


def _prelu(graph: Graph, layer: Layer) -> None:
    layer.expect_arity(1, 1)
    layer.expect_params({0})
    sources, count, channels = graph.sources(layer), layer.integer(0), graph.source_channels(layer)
    if count not in (1, channels):
        raise layer.error(f"it has {count} slopes for {channels} channels")
    slope = graph.constant(f"{layer.name}.slope", graph.weights.fp32(count, layer).reshape(-1, 1, 1))
    graph.emit(layer, "PRelu", [*sources, slope], channels)


def _pixel_shuffle(graph: Graph, layer: Layer) -> None:
    layer.expect_arity(1, 1)
    layer.expect_params({0, 1})
    sources, block, channels = graph.sources(layer), layer.integer(0), graph.source_channels(layer)
    if block < 1 or channels % block**2:
        raise layer.error(f"{channels} channels do not make whole blocks of {block} x {block}")
    mode = "DCR" if layer.integer(1, 0) else "CRD"
    graph.emit(layer, "DepthToSpace", sources, channels // block**2, blocksize=block, mode=mode)


def _concat(graph: Graph, layer: Layer) -> None:
    layer.expect_arity(None, 1)
    layer.expect_params({0})
    if layer.integer(0, 0) != 0:
        raise layer.error(f"it joins along axis {layer.integer(0)}; only 0, the channels, is known here")
    sources = graph.sources(layer)
    graph.emit(layer, "Concat", sources, sum(graph.channels[name] for name in layer.inputs), axis=1)


def _eltwise(graph: Graph, layer: Layer) -> None:
    layer.expect_arity(2, 1)
    layer.expect_params({0, 1})
    if layer.integer(0, 0) != 1:
        raise layer.error(f"operation {layer.integer(0, 0)} is not known here; 1 (sum) is")
    factors = layer.array(1, [1.0, 1.0])
    if len(factors) != 2:
        raise layer.error(f"it has {len(factors)} factors for 2 inputs")
    terms = graph.sources(layer)
    for index, factor in enumerate(factors):
        if factor != 1.0:
            name = f"{layer.name}.term{index}"
            constant = graph.constant(f"{name}.factor", np.array(factor))
            terms[index] = graph.node("Mul", [terms[index], constant], name)
    graph.emit(layer, "Add", terms, graph.source_channels(layer))


def _binary_op(graph: Graph, layer: Layer) -> None:
    layer.expect_arity(2, 1)
    layer.expect_params({0, 1})
    if layer.integer(0, 0) != 0 or layer.integer(1, 0) != 0:
        raise layer.error("only the addition of two tensors is known here")
    sources = graph.sources(layer)
    graph.emit(layer, "Add", sources, graph.source_channels(layer))


def _interp(graph: Graph, layer: Layer) -> None:
    layer.expect_arity(1, 1)
    layer.expect_params({0, 1, 2})
    kind, vertical, horizontal = layer.integer(0), layer.number(1, 1.0), layer.number(2, 1.0)
    sources, channels = graph.sources(layer), graph.source_channels(layer)
    if kind == 1 and vertical >= 1 and vertical == int(vertical) and horizontal == vertical:
        # fp32 whatever the graph's type: so Resize has it.
        scales = graph.constant(f"{layer.name}.scales", np.array([1, 1, vertical, horizontal]), np.float32)
        graph.emit(
            layer,
            "Resize",
            [*sources, "", scales],
            channels,
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
    elif kind in (2, 3) and vertical == horizontal == 0.5:
        graph.emit(layer, "AveragePool", sources, channels, kernel_shape=[2, 2], strides=[2, 2])
    else:
        raise layer.error(
            f"resizing of kind {kind} by {vertical} x {horizontal} is not known here; "
            "nearest (1) by a whole number and halving (2, 3) are"
        )


LAYERS: dict[str, Callable[[Graph, Layer], None]] = {
    "Input": _input,
    "Split": _split,
    "Convolution": _convolution,
    "PReLU": _prelu,
    "PixelShuffle": _pixel_shuffle,
    "Concat": _concat,
    "Eltwise": _eltwise,
    "BinaryOp": _binary_op,
    "Interp": _interp,
}


def convert(param: str, weights: bytes, *, fp16: bool = False, size: tuple[int, int] | None = None) -> onnx.ModelProto:
    """Convert the text of a .param file and the content of a .bin file.

    `fp16` makes weights and tensors half precision. `size` fixes height and width. The model has passed onnx's checker.
    Raises ConvertError.
    """
    layers = parse_param(param)
    graph = Graph(Weights(weights), np.float16 if fp16 else np.float32)
    for layer in layers:
        if layer.kind not in LAYERS:
            raise layer.error(f"layers of this kind are not known here; {', '.join(sorted(LAYERS))} are")
        LAYERS[layer.kind](graph, layer)
    graph.weights.finish()
    if not graph.inputs or not graph.nodes:
        raise ConvertError("the network has no input, or nothing is done to it")
    consumed = {name for layer in layers for name in layer.inputs}
    results = [name for layer in layers for name in layer.outputs if name not in consumed]
    if len(results) != 1:
        raise ConvertError(f"the network has {len(results)} outputs ({', '.join(results)}), one is expected")
    if graph.channels[results[0]] != 3:
        raise ConvertError(f"the output {results[0]} has {graph.channels[results[0]]} channels, 3 (RGB) are expected")
    graph.node("Identity", [graph.tensors[results[0]]], "output")

    element = TensorProto.FLOAT16 if fp16 else TensorProto.FLOAT
    batch, height, width = (1, *size) if size else ("batch", "height", "width")
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "super-resolution",
            [helper.make_tensor_value_info("input", element, [batch, 3, height, width])],
            [helper.make_tensor_value_info("output", element, [batch, 3, "output_height", "output_width"])],
            graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="ncnn2onnx",
        ir_version=IR_VERSION,
    )
    try:
        model = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ConvertError(f"the layers do not fit each other: {error}") from error
    return model


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file that is there whole or not at all."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _size(text: str) -> tuple[int, int]:
    height, separator, width = text.partition("x")
    if not separator or not height.isdecimal() or not width.isdecimal() or not int(height) or not int(width):
        raise argparse.ArgumentTypeError(f"{text!r} is no HEIGHTxWIDTH")
    return int(height), int(width)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("param", type=Path, metavar="MODEL.param")
    parser.add_argument("bin", type=Path, metavar="MODEL.bin")
    parser.add_argument("out", type=Path, metavar="OUT.onnx")
    parser.add_argument("--fp16", action="store_true", help="half precision weights and tensors")
    parser.add_argument("--size", type=_size, metavar="HxW", help="fix the input's height and width")
    options = parser.parse_args(arguments)
    try:
        text = options.param.read_text(encoding="utf-8")
        model = convert(text, options.bin.read_bytes(), fp16=options.fp16, size=options.size)
        write_atomically(options.out, model.SerializeToString(deterministic=True))
    except UnicodeDecodeError:
        print(f"ncnn2onnx.py: {options.param} is no ncnn .param file: it is not text", file=sys.stderr)
        return 1
    except ConvertError as error:
        print(f"ncnn2onnx.py: {options.param}: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"ncnn2onnx.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
