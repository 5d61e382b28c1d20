"""Runs ONNX models for rave-conformance: a request of JSON on each line of standard input, an answer on each line out.

Nothing of RAVE is in here: the Python packages onnxruntime and onnx, whose reference evaluator is written in numpy.
"""

import json
import sys

import numpy as np
import onnx
import onnx.reference
import onnxruntime

SESSIONS = {}


def session(model, evaluator):
    """What runs the model, loaded once."""
    key = model, evaluator
    if key not in SESSIONS:
        if evaluator == "reference":
            SESSIONS[key] = onnx.reference.ReferenceEvaluator(onnx.load(model))
        else:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            options.log_severity_level = 4
            SESSIONS[key] = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return SESSIONS[key]


def answer(request):
    """Runs one request: the input is read from a file of fp32, and the output written to one."""
    channels, height, width = request["shape"]
    values = np.fromfile(request["input"], "<f4").reshape(1, channels, height, width)
    # Sizes that the model does not take are extended by copies of the last row and column.
    multiple = request["multiple"]
    pad = [(0, 0), (0, 0), (0, -height % multiple), (0, -width % multiple)]
    graph = onnx.load(request["model"], load_external_data=False).graph
    half = graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT16
    values = np.pad(values, pad, mode="edge").astype(np.float16 if half else np.float32)
    run = session(request["model"], request["evaluator"])
    output = run.run(None, {graph.input[0].name: values})[0].astype("<f4")
    # What comes of the extension is cropped, and what comes of a part of a pixel.
    bottom, right = (side * output.shape[3] // values.shape[3] for side in (height, width))
    output = output[0, :, :bottom, :right]
    np.ascontiguousarray(output).tofile(request["output"])
    return {"shape": output.shape}


print(json.dumps({"onnxruntime": onnxruntime.__version__, "reference": onnx.__version__}), flush=True)
for line in sys.stdin:
    try:
        result = answer(json.loads(line))
    except Exception as error:  # whatever it is, it belongs to the one request
        result = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(result), flush=True)
