"""Tests of the golden models: python -m unittest discover -s tests/golden/models"""

from __future__ import annotations

import unittest

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

import make_models
from make_models import FOLDER

RANDOM = np.random.RandomState(13)


def run(name: str, x: np.ndarray) -> np.ndarray:
    """The output of ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    path = str(FOLDER / f"{name}.onnx")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(["output"], {"input": x})[0]


def conv(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, stride: int, pads: list[int]) -> np.ndarray:
    top, left, bottom, right = pads
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    kernel = weight.shape[2:]
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(2, 3))[:, :, ::stride, ::stride]
    y = np.einsum("nchwij,ocij->nohw", windows, weight)
    return y if bias is None else y + bias.reshape(1, -1, 1, 1)


def evaluate(name: str, x: np.ndarray) -> np.ndarray:
    """The output in float64, where all sums of these models are exact as well."""
    graph = onnx.load(FOLDER / f"{name}.onnx").graph
    values = {tensor.name: numpy_helper.to_array(tensor).astype(np.float64) for tensor in graph.initializer}
    values["input"] = x.astype(np.float64)
    for node in graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        inputs = [values[name] for name in node.input]
        if node.op_type == "Conv":
            bias = inputs[2] if len(inputs) > 2 else None
            stride = attributes.get("strides", [1, 1])[0]
            y = conv(inputs[0], inputs[1], bias, stride, attributes["pads"])
        elif node.op_type == "DepthToSpace":
            block, (n, c, h, w) = attributes["blocksize"], inputs[0].shape
            y = inputs[0].reshape(n, c // block**2, block, block, h, w)
            y = y.transpose(0, 1, 4, 2, 5, 3).reshape(n, c // block**2, h * block, w * block)
        elif node.op_type == "AveragePool":
            n, c, h, w = inputs[0].shape
            y = inputs[0][:, :, : h // 2 * 2, : w // 2 * 2].reshape(n, c, h // 2, 2, w // 2, 2).mean(axis=(3, 5))
        elif node.op_type == "Concat":
            y = np.concatenate(inputs, axis=attributes["axis"])
        else:
            raise AssertionError(f"{node.op_type} is not evaluated here")
        values[node.output[0]] = y
    return values["output"]


def whole(channels: int, height: int, width: int) -> np.ndarray:
    """Whole values of 0 to 255, both ends among them."""
    x = RANDOM.randint(0, 256, (1, channels, height, width)).astype(np.float32)
    x.flat[:2] = 0, 255
    return x


def any_value(channels: int, height: int, width: int) -> np.ndarray:
    """Values of any magnitude, with all the bits of their mantissa in use."""
    shape = (1, channels, height, width)
    return (RANDOM.standard_normal(shape) * 10.0 ** RANDOM.randint(-20, 20, shape)).astype(np.float32)


class Files(unittest.TestCase):
    # RV-TEST-1101
    def test_the_committed_files_are_what_the_generator_makes(self) -> None:
        made = make_models.files()
        for name, content in made.items():
            self.assertTrue((FOLDER / name).read_bytes() == content, f"{name} differs: run make_models.py")
        self.assertEqual({f"{p.stem}.onnx" for p in FOLDER.glob("*.onnx")}, {n for n in made if n.endswith(".onnx")})

    def test_they_are_small_enough_to_commit(self) -> None:
        for path in FOLDER.glob("*.onnx"):
            self.assertLess(path.stat().st_size, 20_000, path.name)


class Exactness(unittest.TestCase):
    def assert_exact(self, name: str, x: np.ndarray) -> None:
        y = run(name, x)
        self.assertEqual(y.dtype, np.float32)
        np.testing.assert_array_equal(y.astype(np.float64), evaluate(name, x), name)

    # RV-TEST-1102
    def test_models_of_whole_sums_are_exact_for_whole_values(self) -> None:
        for name in ("dyadic-2x", "half-1x2"):
            for height, width in ((1, 1), (2, 2), (7, 5), (38, 50)):
                if name != "half-1x2" or height > 1:
                    self.assert_exact(name, whole(3, height, width))
        self.assert_exact("fixed-64-2x", whole(3, 64, 64))
        for height, width in ((8, 8), (40, 24)):
            self.assert_exact("needs-8-2x", whole(3, height, width))

    def test_extreme_values_do_not_leave_the_exact_range(self) -> None:
        for value in (0, 255):
            for name in ("dyadic-2x", "half-1x2", "needs-8-2x"):
                self.assert_exact(name, np.full((1, 3, 16, 16), value, np.float32))

    # RV-TEST-1102
    def test_models_that_copy_are_exact_for_any_value(self) -> None:
        for height, width in ((1, 1), (7, 5), (38, 50)):
            x, y = any_value(3, height, width), any_value(1, height, width)
            tripled = x.repeat(3, 2).repeat(3, 3)
            np.testing.assert_array_equal(run("identity-1x", x), x)
            np.testing.assert_array_equal(run("replicate-2x", x), x.repeat(2, 2).repeat(2, 3))
            np.testing.assert_array_equal(run("replicate-2x-luma", y), y.repeat(2, 2).repeat(2, 3))
            np.testing.assert_array_equal(run("dyadic-3x2", x), tripled[:, :, ::2, ::2])

    def test_the_half_precision_identity_is_exact(self) -> None:
        x = RANDOM.uniform(-100, 100, (1, 3, 7, 5)).astype(np.float16)
        np.testing.assert_array_equal(run("identity-1x-fp16", x), x)

    def test_the_dyadic_model_does_more_than_copy(self) -> None:
        x = whole(3, 20, 20)
        self.assertGreater(np.abs(run("dyadic-2x", x) - x.repeat(2, 2).repeat(2, 3)).mean(), 10)


class Failures(unittest.TestCase):
    """The models that are to fail do what the README says of them."""

    # RV-TEST-1103
    def test_other_sizes_than_multiples_of_8_fail(self) -> None:
        for height, width in ((8, 12), (20, 8), (9, 8), (8, 15), (4, 8), (1, 1)):
            with self.assertRaises(Exception, msg=f"{height}x{width}"):
                run("needs-8-2x", whole(3, height, width))

    # RV-TEST-1103
    def test_nan_gives_nan(self) -> None:
        self.assertTrue(np.isnan(run("nan", whole(3, 4, 4))).all())

    # RV-TEST-1103
    def test_nan_of_zero_gives_nan_where_the_input_is_0(self) -> None:
        x = whole(3, 4, 4)
        x[0, :, 1, 2] = 0
        y = run("nan-of-zero", x)
        self.assertTrue(np.isnan(y[x == 0]).all())
        np.testing.assert_array_equal(y[x != 0], x[x != 0])

    # RV-TEST-1103
    def test_valid_conv_takes_a_pixel_off_every_side(self) -> None:
        x = whole(3, 9, 7)
        np.testing.assert_array_equal(run("valid-conv", x), x[:, :, 1:-1, 1:-1])

    # RV-TEST-1103
    def test_what_no_runtime_may_load(self) -> None:
        for name in ("external-data", "huge-dims"):
            with self.assertRaises(Exception, msg=name):
                run(name, whole(3, 8, 8))


class Large(unittest.TestCase):
    # RV-TEST-1108
    def test_the_luma_network_has_the_nodes_of_super_resolution_10(self) -> None:
        model = make_models.luma_3x_224()
        self.assertEqual((model.ir_version, model.opset_import[0].version), (4, 10))
        graph = model.graph
        convolution = ["Conv", "Relu"]
        shuffle = ["Constant", "Reshape", "Transpose", "Constant", "Reshape"]
        self.assertEqual([node.op_type for node in graph.node], [*convolution * 3, "Conv", *shuffle])
        self.assertEqual({node.name for node in graph.node}, {""})
        for node in graph.node[:7:2]:
            written = [a.name for a in node.attribute]
            self.assertEqual(sorted(written), ["dilations", "group", "kernel_shape", "pads", "strides"])
        shapes = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
        weights = [[64, 1, 5, 5], [64, 64, 3, 3], [32, 64, 3, 3], [9, 32, 3, 3]]
        self.assertEqual([shapes[f"conv{i}.weight"] for i in (1, 2, 3, 4)], weights)
        self.assertEqual([shapes[f"conv{i}.bias"] for i in (1, 2, 3, 4)], [[64], [64], [32], [9]])
        self.assertEqual([value.name for value in graph.input], ["input", *shapes])

        def extents(value: onnx.ValueInfoProto) -> list[int | str]:
            return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]

        self.assertEqual(extents(graph.input[0]), ["batch_size", 1, 224, 224])
        self.assertEqual(extents(graph.output[0]), ["batch_size", 1, 672, 672])

    def test_the_luma_network_looks_like_its_input(self) -> None:
        model = make_models.luma_3x_224()
        self.assertEqual(make_models.serialized(model), make_models.serialized(make_models.luma_3x_224()))
        session = onnxruntime.InferenceSession(make_models.serialized(model), providers=["CPUExecutionProvider"])
        ramp = np.linspace(0.2, 0.8, 224, dtype=np.float32)
        x = np.stack([np.broadcast_to(ramp, (224, 224)), np.full((224, 224), 0.5, np.float32)])[:, None]
        y = session.run(None, {"input": np.ascontiguousarray(x)})[0]
        self.assertEqual(y.shape, (2, 1, 672, 672))
        error = np.abs(y - x.repeat(3, 2).repeat(3, 3))
        self.assertLess(error.mean(), 0.1)
        self.assertGreater(error.mean(), 0.001)


if __name__ == "__main__":
    unittest.main()
