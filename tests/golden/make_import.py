#!/usr/bin/env python3
"""Weights files of a narrow VGG16 (channels divided by 32), as other libraries write them, and its taps by PyTorch.

Usage: make_import.py OUT_FOLDER (run by hand; needs torch, onnx, numpy, safetensors, h5py).
The network has torchvision's names and layout; expected.safetensors holds a picture and, in float64 rounded once,
the five taps of vgg16 and of vgg16_bn for it, prepared torchvision's way and (caffe.*) Caffe's.
"""
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import save_file as save_torch
from torch import nn

BLOCKS = [[64, 64], [128, 128], [256] * 3, [512] * 3, [512] * 3]
DIVISOR = 32


class Vgg(nn.Module):
    def __init__(self, batch_norm):
        super().__init__()
        layers, self.taps, channels = [], [], 3
        for block in BLOCKS:
            for width in block:
                layers.append(nn.Conv2d(channels, width // DIVISOR, 3, padding=1))
                channels = width // DIVISOR
                if batch_norm:
                    layers.append(nn.BatchNorm2d(channels))
                layers.append(nn.ReLU())
            self.taps.append(len(layers) - 1)
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Linear(channels, 4))

    def forward(self, x):
        out = []
        for i, layer in enumerate(self.features):
            x = layer(x)
            if i in self.taps:
                out.append(x)
        return out


def draw(batch_norm):
    torch.manual_seed(5 + batch_norm)
    net = Vgg(batch_norm).eval()
    with torch.no_grad():
        for p in net.modules():
            if isinstance(p, nn.Conv2d):
                nn.init.kaiming_normal_(p.weight)
                p.bias.uniform_(-0.2, 0.2)
            if isinstance(p, nn.BatchNorm2d):
                p.weight.uniform_(0.5, 1.5)
                p.bias.uniform_(-0.2, 0.2)
                p.running_mean.uniform_(-0.3, 0.3)
                p.running_var.uniform_(0.5, 2)
    return net


def prepare(x, caffe):
    if caffe:
        return x[..., [2, 1, 0]] * 255 - torch.tensor([103.939, 116.779, 123.68], dtype=x.dtype)
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    return (x - torch.tensor(mean, dtype=x.dtype)) / torch.tensor(std, dtype=x.dtype)


def taps(net, x, caffe=False):
    with torch.no_grad():
        out = net.double()(prepare(x.double(), caffe).permute(0, 3, 1, 2))
    net.float()
    names = ["conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3"]
    return {n: t.permute(0, 2, 3, 1).contiguous().float().numpy() for n, t in zip(names, out)}


def tensor_proto(name, array, raw):
    if raw:
        return numpy_helper.from_array(array, name)
    return helper.make_tensor(name, TensorProto.FLOAT, array.shape, array.ravel().tolist())


def onnx_model(state, raw, external=False):
    """Names say nothing and initializers come backwards: only the graph has an order."""
    nodes, initializers, value, index = [], [], "x", 0
    kernels = [k for k in state if k.startswith("features.") and k.endswith("weight")]
    for i, kernel in enumerate(kernels):
        names = [f"v{index}", f"v{index + 1}"]
        index += 2
        for name, key in zip(names, [kernel, kernel.replace("weight", "bias")]):
            initializers.append(tensor_proto(name, state[key].numpy(), raw))
        nodes.append(helper.make_node("Conv", [value, *names], [f"c{i}"], pads=[1, 1, 1, 1], kernel_shape=[3, 3]))
        nodes.append(helper.make_node("Relu", [f"c{i}"], [f"r{i}"]))
        value = f"r{i}"
    initializers.reverse()
    if external:
        initializers[0].ClearField("raw_data")
        initializers[0].data_location = TensorProto.EXTERNAL
        entry = initializers[0].external_data.add()
        entry.key, entry.value = "location", "../../etc/passwd"
    graph = helper.make_graph(
        nodes, "vgg", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, None, None])],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, None)], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="make_import").SerializeToString()


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    x = torch.rand(1, 33, 40, 3)
    expected = {"x": x.numpy()}
    plain, normed = draw(False), draw(True)
    for name, t in taps(plain, x).items():
        expected["vgg16." + name] = t
    for name, t in taps(plain, x, caffe=True).items():
        expected["caffe." + name] = t
    for name, t in taps(normed, x).items():
        expected["vgg16_bn." + name] = t
    save_numpy(expected, out / "expected.safetensors")
    state = plain.state_dict()
    torch.save(state, out / "vgg16.pth")
    torch.save({"epoch": 3, "args": Path("x"), "state_dict": {"module." + k: v for k, v in state.items()}},
               out / "vgg16_checkpoint.pth", pickle_protocol=4)
    torch.save(state, out / "vgg16_legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(plain.classifier, out / "module.pth")
    torch.save(normed.state_dict(), out / "vgg16_bn.pth")
    save_torch(state, out / "vgg16.safetensors")
    save_torch(normed.state_dict(), out / "vgg16_bn.safetensors")
    (out / "vgg16_raw.onnx").write_bytes(onnx_model(state, raw=True))
    (out / "vgg16_floats.onnx").write_bytes(onnx_model(state, raw=False))
    (out / "vgg16_external.onnx").write_bytes(onnx_model(state, raw=True, external=True))
    # As Keras has it: (kh,kw,in,out), layers called block1_conv1.
    hwio, i = {}, 0
    kernels = [k for k in state if k.startswith("features.") and k.endswith("weight")]
    for b, block in enumerate(BLOCKS):
        for c in range(len(block)):
            hwio[f"block{b + 1}_conv{c + 1}_W"] = state[kernels[i]].numpy().transpose(2, 3, 1, 0)
            hwio[f"block{b + 1}_conv{c + 1}_b"] = state[kernels[i].replace("weight", "bias")].numpy()
            i += 1
    np.savez(out / "vgg16.npz", **hwio)  # transposed, so Fortran order
    np.savez_compressed(out / "vgg16_packed.npz", **{k: np.ascontiguousarray(v) for k, v in hwio.items()})
    np.save(out / "kernel.npy", hwio["block1_conv1_W"])
    np.save(out / "object.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)


if __name__ == "__main__":
    main()
