"""SavedModel -> ONNX, and what ONNX Runtime makes of one input: convert.py SAVEDMODEL ONNX GIVEN.npy ANSWERED.npy."""

import subprocess
import sys

import numpy as np
import onnxruntime

saved_model, onnx, given, answered = sys.argv[1:]
convert = [sys.executable, "-m", "tf2onnx.convert", "--saved-model", saved_model, "--output", onnx, "--opset", "17"]
subprocess.run(convert, check=True, capture_output=True)
session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
np.save(answered, session.run(None, {session.get_inputs()[0].name: np.load(given)})[0])
