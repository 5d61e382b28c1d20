"""Tests of tools/ncnn2onnx.py: python -m unittest discover -s tools/tests"""

from __future__ import annotations

import contextlib
import io
import struct
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnxruntime

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import ncnn2onnx
from ncnn2onnx import ConvertError, convert

RANDOM = np.random.RandomState(20260101)


def param(*layers: str) -> str:
    """A .param file of these layers."""
    return "\n".join(["7767517", f"{len(layers)} 9", *layers]) + "\n"


def tagged(array: np.ndarray, tag: int = ncnn2onnx.WEIGHTS_FP32) -> bytes:
    return struct.pack("<I", tag) + array.astype("<f4").tobytes()


def run(model, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"input": x})[0]


def convolve(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """A 3x3 convolution with a border of zeros, in float64, written out."""
    height, width = x.shape[2:]
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (1, 1), (1, 1)))
    y = np.zeros((x.shape[0], weight.shape[0], height, width)) + bias.reshape(1, -1, 1, 1)
    for i in range(3):
        for j in range(3):
            y += np.einsum("nchw,oc->nohw", padded[:, :, i : i + height, j : j + width], weight[:, :, i, j])
    return y


def shuffle(x: np.ndarray, block: int) -> np.ndarray:
    batch, channels, height, width = x.shape
    x = x.reshape(batch, channels // block**2, block, block, height, width)
    return x.transpose(0, 1, 4, 2, 5, 3).reshape(batch, channels // block**2, height * block, width * block)


INPUT = "Input in 0 1 a"
CONVOLUTION = "Convolution conv 1 1 a b 0=12 1=3 4=1 5=1 6=324"
SHUFFLE = "PixelShuffle shuffle 1 1 b c 0=2"
WEIGHT = RANDOM.uniform(-1, 1, (12, 3, 3, 3)).astype(np.float32)
BIAS = RANDOM.uniform(-1, 1, 12).astype(np.float32)
SMALL = param(INPUT, CONVOLUTION, SHUFFLE)
SMALL_WEIGHTS = tagged(WEIGHT) + BIAS.tobytes()


class Equivalence(unittest.TestCase):
    """What a converted network computes is what the layers mean, written out in numpy."""

    def assert_close(self, actual: np.ndarray, expected: np.ndarray, tolerance: float = 1e-5) -> None:
        self.assertEqual(actual.shape, expected.shape)
        self.assertLess(np.abs(actual - expected).max(), tolerance)

    def test_a_network_of_the_animevideo_kind(self) -> None:
        """Every layer of Real-ESRGAN's animevideov3-x2, small."""
        text = param(
            INPUT,
            "Split split 1 2 a a0 a1",
            "Convolution first 1 1 a0 b 0=4 1=3 4=1 5=1 6=108",
            "PReLU prelu 1 1 b c 0=4",
            "Convolution second 1 1 c d 0=48 1=3 4=1 5=1 6=1728",
            "PixelShuffle shuffle 1 1 d e 0=4",
            "Interp nearest 1 1 a1 f 0=1 1=4.000000e+00 2=4.000000e+00",
            "BinaryOp add 2 1 e f g",
            "Interp half 1 1 g output 0=3 1=5.000000e-01 2=5.000000e-01",
        )
        first, first_bias = RANDOM.uniform(-1, 1, (4, 3, 3, 3)), RANDOM.uniform(-1, 1, 4)
        slopes = np.array([0.1, 0.2, -0.3, 1.5])
        second, second_bias = RANDOM.uniform(-1, 1, (48, 4, 3, 3)), RANDOM.uniform(-1, 1, 48)
        data = b"".join([
            tagged(first), first_bias.astype("<f4").tobytes(), slopes.astype("<f4").tobytes(),
            tagged(second), second_bias.astype("<f4").tobytes(),
        ])
        x = RANDOM.uniform(0, 1, (1, 3, 5, 7)).astype(np.float32)
        y = convolve(x, first, first_bias)
        y = np.where(y < 0, y * slopes.reshape(1, -1, 1, 1), y)
        y = shuffle(convolve(y, second, second_bias), 4) + x.repeat(4, 2).repeat(4, 3)
        y = y.reshape(1, 3, 10, 2, 14, 2).mean(axis=(3, 5))
        self.assert_close(run(convert(text, data), x), y)

    def test_a_network_of_the_rrdb_kind(self) -> None:
        """The layers that the x4plus models have besides: a fused leaky ReLU, Concat and a weighted sum."""
        text = param(
            INPUT,
            "Split split 1 3 a a0 a1 a2",
            "Convolution conv 1 1 a0 b 0=3 1=3 4=1 5=1 6=81 9=2 -23310=1,2.000000e-01",
            "Concat join 2 1 b a1 c",
            "Convolution after 1 1 c d 0=3 1=1 5=0 6=18",
            "Eltwise sum 2 1 d a2 e 0=1 -23301=2,2.000000e-01,1.000000e+00",
        )
        weight, bias, after = RANDOM.uniform(-1, 1, (3, 3, 3, 3)), RANDOM.uniform(-1, 1, 3), RANDOM.uniform(-1, 1, (3, 6))
        data = tagged(weight) + bias.astype("<f4").tobytes() + tagged(after)
        x = RANDOM.uniform(0, 1, (1, 3, 4, 6)).astype(np.float32)
        y = convolve(x, weight, bias)
        y = np.concatenate([np.where(y < 0, 0.2 * y, y), x], axis=1)
        y = 0.2 * np.einsum("nchw,oc->nohw", y, after) + x
        self.assert_close(run(convert(text, data), x), y)

    def test_fp16_weights_are_read_with_their_padding(self) -> None:
        """Three halves take eight bytes: the next array begins at a multiple of four."""
        halves = np.array([0.5, -2.0, 0.25], "<f2")
        data = struct.pack("<I", ncnn2onnx.WEIGHTS_FP16) + halves.tobytes() + b"\0\0" + struct.pack("<f", 0.125)
        x = RANDOM.uniform(0, 1, (1, 3, 2, 2)).astype(np.float32)
        y = (x * halves.astype(np.float32).reshape(1, 3, 1, 1)).sum(axis=1, keepdims=True) + 0.125
        text = param(INPUT, "Convolution conv 1 1 a b 0=1 1=1 5=1 6=3", "Split s 1 3 b b0 b1 b2", "Concat c 3 1 b0 b1 b2 o")
        self.assert_close(run(convert(text, data), x), y.repeat(3, 1))

    def test_fp16_makes_half_tensors(self) -> None:
        x = RANDOM.uniform(0, 1, (1, 3, 6, 4)).astype(np.float32)
        y = run(convert(SMALL, SMALL_WEIGHTS, fp16=True), x.astype(np.float16))
        self.assertEqual(y.dtype, np.float16)
        self.assert_close(y, shuffle(convolve(x, WEIGHT, BIAS), 2), 2e-2)

    def test_size_fixes_height_and_width(self) -> None:
        model = convert(SMALL, SMALL_WEIGHTS, size=(6, 4))
        shapes = [
            [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
            for value in (model.graph.input[0], model.graph.output[0])
        ]
        self.assertEqual(shapes[0], [1, 3, 6, 4])
        self.assertEqual(run(model, np.zeros((1, 3, 6, 4), np.float32)).shape, (1, 3, 12, 8))

    def test_a_rectangular_kernel_has_its_height_and_width_the_right_way_round(self) -> None:
        text = param(INPUT, "Convolution conv 1 1 a b 0=3 1=3 11=1 4=1 14=0 5=0 6=27")
        weight = np.zeros((3, 3, 1, 3))
        weight[range(3), range(3), 0, 0] = 1  # the pixel to the left
        x = RANDOM.uniform(0, 1, (1, 3, 4, 5)).astype(np.float32)
        self.assert_close(run(convert(text, tagged(weight)), x), np.pad(x, ((0, 0),) * 3 + ((1, 0),))[..., :-1])


class Refusals(unittest.TestCase):
    """What is not understood is an error that names it."""

    def assert_refused(self, text: str, data: bytes, pattern: str) -> None:
        with self.assertRaisesRegex(ConvertError, pattern):
            convert(text, data)

    def test_the_small_network_itself_is_taken(self) -> None:
        convert(SMALL, SMALL_WEIGHTS)

    def test_another_magic(self) -> None:
        self.assert_refused(SMALL.replace("7767517", "7767518"), b"", "begins with '7767518', '7767517' is expected")
        self.assert_refused("", b"", "begins with 'nothing'")

    def test_an_unknown_layer(self) -> None:
        self.assert_refused(param(INPUT, "Softmax s 1 1 a b"), b"", r"layer s \(Softmax\): .* not known here; .*Convolution")

    def test_an_unknown_parameter(self) -> None:
        self.assert_refused(SMALL.replace("5=1", "5=1 8=2"), SMALL_WEIGHTS, r"layer conv \(Convolution\): .*: 8=2")

    def test_a_missing_parameter(self) -> None:
        self.assert_refused(SMALL.replace("0=12 ", ""), SMALL_WEIGHTS, "layer conv .*parameter 0 is missing")

    def test_an_unknown_activation(self) -> None:
        self.assert_refused(SMALL.replace("5=1", "5=1 9=5"), SMALL_WEIGHTS, "activation 5 is not known")

    def test_weights_that_are_too_short(self) -> None:
        for cut in (1, 4, len(BIAS.tobytes()), len(SMALL_WEIGHTS) - 2, len(SMALL_WEIGHTS)):
            self.assert_refused(SMALL, SMALL_WEIGHTS[:-cut], "layer conv .*bytes too early")

    def test_weights_that_are_left_over(self) -> None:
        self.assert_refused(SMALL, SMALL_WEIGHTS + b"\0\0\0\0", "4 of 1352 bytes .* belong to no layer")

    def test_weights_stored_as_int8(self) -> None:
        self.assert_refused(SMALL, tagged(WEIGHT, 0x000D4B38) + BIAS.tobytes(), "tag 0x000d4b38")

    def test_weights_that_make_no_whole_kernels(self) -> None:
        self.assert_refused(SMALL.replace("6=324", "6=325"), SMALL_WEIGHTS, "325 weights do not make whole kernels of 108")

    def test_weights_too_large_for_half_precision(self) -> None:
        large = tagged(np.full_like(WEIGHT, 1e6)) + BIAS.tobytes()
        convert(SMALL, large)
        with self.assertRaisesRegex(ConvertError, "conv.weight has values that are not finite as float16"):
            convert(SMALL, large, fp16=True)

    def test_a_file_that_is_cut_off(self) -> None:
        self.assert_refused("\n".join(SMALL.splitlines()[:-1]), SMALL_WEIGHTS, "there are 2 layers where 3 are announced")

    def test_a_line_that_is_no_layer(self) -> None:
        for line in ("Convolution conv", "Convolution conv 1 x a b", "Convolution conv 2 1 a b", "ReLU r 1 1 a b 0"):
            self.assert_refused(param(INPUT, line), b"", line.split()[0])

    def test_a_tensor_that_nothing_makes(self) -> None:
        self.assert_refused(SMALL.replace("1 1 a b", "1 1 z b"), SMALL_WEIGHTS, "its input z is made by no layer before it")

    def test_two_inputs_and_two_outputs(self) -> None:
        self.assert_refused(param(INPUT, "Input other 0 1 z", "Concat c 2 1 a z b"), b"", "a second input")
        self.assert_refused(
            param(INPUT, "Split s 1 2 a x y", "BinaryOp p 2 1 x y b", "Concat q 2 1 x y c"), b"", r"2 outputs \(b, c\)"
        )

    def test_a_resize_that_would_be_inexact(self) -> None:
        self.assert_refused(param(INPUT, "Interp i 1 1 a b 0=3 1=7.5e-01 2=7.5e-01"), b"", "kind 3 by 0.75 x 0.75")

    def test_channels_that_do_not_fit(self) -> None:
        join = ("Split s 1 2 a x y", "Concat c 2 1 x y d")
        self.assert_refused(
            param(INPUT, *join, CONVOLUTION.replace("a b", "d b"), SHUFFLE),
            SMALL_WEIGHTS,
            "layer conv .*kernels have 3 channels, its input 6",
        )
        self.assert_refused(param(INPUT, "PReLU p 1 1 a b 0=2"), b"", "2 slopes for 3 channels")
        self.assert_refused(param(INPUT, "PixelShuffle p 1 1 a b 0=2"), b"", "3 channels do not make whole blocks")
        self.assert_refused(param(INPUT, *join), b"", "the output d has 6 channels, 3")
        self.assert_refused(
            param(INPUT, "Split s 1 3 a x y z", "Concat c 2 1 x y d", "BinaryOp p 2 1 d z o"), b"", r"\[6, 3\] channels"
        )


class CommandLine(unittest.TestCase):
    """Files are written whole or not at all."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "m.param").write_text(SMALL)
        (self.folder / "m.bin").write_bytes(SMALL_WEIGHTS)

    def convert(self, *options: str, param: str = "m.param", out: str = "m.onnx") -> tuple[int, str]:
        log = io.StringIO()
        with contextlib.redirect_stderr(log):
            code = ncnn2onnx.main([*options, *(str(self.folder / name) for name in (param, "m.bin", out))])
        return code, log.getvalue()

    def test_the_same_input_gives_the_same_bytes(self) -> None:
        self.assertEqual(self.convert(), (0, ""))
        self.assertEqual(self.convert(out="again.onnx"), (0, ""))
        self.assertEqual((self.folder / "m.onnx").read_bytes(), (self.folder / "again.onnx").read_bytes())

    def test_a_failure_leaves_the_old_file_and_no_other(self) -> None:
        (self.folder / "m.onnx").write_bytes(b"old")
        (self.folder / "m.bin").write_bytes(SMALL_WEIGHTS[:-1])
        code, log = self.convert()
        self.assertEqual(code, 1)
        self.assertRegex(log, "m.param: layer conv .*1 bytes too early")
        self.assertEqual((self.folder / "m.onnx").read_bytes(), b"old")
        self.assertEqual(len(list(self.folder.iterdir())), 3)

    def test_files_that_cannot_be_read_or_written(self) -> None:
        self.assertRegex(self.convert(param="none.param")[1], "No such file.*none.param")
        self.assertRegex(self.convert(out="none/m.onnx")[1], "No such file.*none")
        (self.folder / "binary.param").write_bytes(b"\xff\xfe\x00")
        self.assertRegex(self.convert(param="binary.param")[1], "it is not text")

    def test_a_size_must_be_one(self) -> None:
        for size in ("12", "0x5", "ax4", "-1x4"):
            with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
                ncnn2onnx.main(["--size", size, "a", "b", "c"])


if __name__ == "__main__":
    unittest.main()
