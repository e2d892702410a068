#!/usr/bin/env python3
"""Writes conv.safetensors: PyTorch's convolutions and transposed convolutions, with all gradients.

Run with PyTorch: python tests/golden/make_conv.py
Computed in double. Entry NAME.x, .w, .b, .y, .dy, .dx, .dw, .db: (n,h,w,c), weights (out,kh,kw,in).
"""
import os

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.manual_seed(11)
out = {}


def nhwc(t):
    return t.permute(0, 2, 3, 1)


def record(name, x, w, b, y, weights_to_ohwi):
    dy = torch.randn_like(y)
    dx, dw, db = torch.autograd.grad(y, (x, w, b), dy)
    entries = {
        "x": nhwc(x), "w": w.permute(*weights_to_ohwi), "b": b.reshape(1, 1, 1, -1), "y": nhwc(y),
        "dy": nhwc(dy), "dx": nhwc(dx), "dw": dw.permute(*weights_to_ohwi), "db": db.reshape(1, 1, 1, -1),
    }
    out.update({f"{name}.{k}": v.detach().float().contiguous() for k, v in entries.items()})


def leaf(*shape):
    return torch.randn(*shape, dtype=torch.double, requires_grad=True)


def conv(name, n, c, h, w, k, kernel, pad=(0, 0, 0, 0), after=lambda y: y, **settings):
    """pad: left, right, top, bottom, as F.pad takes them."""
    x, weight, b = leaf(n, c, h, w), leaf(k, c, *kernel), leaf(k)
    record(name, x, weight, b, after(F.conv2d(F.pad(x, pad), weight, b, **settings)), (0, 2, 3, 1))


def transposed(name, n, c, h, w, k, kernel, crop=None, **settings):
    """crop: rows and columns kept from the start of PyTorch's output."""
    x, weight, b = leaf(n, c, h, w), leaf(c, k, *kernel), leaf(k)
    y = F.conv_transpose2d(x, weight, b, **settings)
    if crop:
        y = y[:, :, : crop[0], : crop[1]]
    record(name, x, weight, b, y, (1, 2, 3, 0))


conv("same", 2, 5, 7, 6, 9, (3, 3), (1, 1, 1, 1))
conv("stride", 2, 3, 9, 8, 4, (3, 3), (1, 1, 1, 1), stride=2)
conv("tensorflow", 1, 3, 8, 10, 18, (3, 3), (0, 1, 0, 1), stride=2)
conv("dilated", 1, 17, 9, 8, 5, (3, 2), (2, 3, 2, 2), dilation=(2, 3))
conv("pointwise", 3, 20, 4, 5, 6, (1, 1), after=torch.relu)
conv("sigmoid", 1, 4, 6, 6, 3, (3, 3), (1, 1, 1, 1), after=torch.sigmoid)
conv("leaky", 1, 4, 6, 6, 3, (3, 3), (1, 1, 1, 1), after=lambda y: F.leaky_relu(y, 0.2))
conv("tanh", 1, 4, 6, 6, 3, (4, 4), (1, 1, 1, 1), after=torch.tanh, stride=2)
transposed("pytorch3", 2, 5, 4, 3, 7, (3, 3), stride=2, padding=1, output_padding=1)
transposed("pytorch4", 1, 6, 5, 4, 3, (4, 4), stride=2, padding=1)
# Keras 'same' keeps the first h * stride rows: TensorFlow's gradient of a SAME convolution.
transposed("keras3", 2, 5, 4, 3, 7, (3, 3), stride=2, crop=(8, 6))
transposed("keras2", 1, 18, 3, 3, 4, (2, 2), stride=2, crop=(6, 6))
transposed("keras5", 1, 3, 4, 4, 2, (5, 5), stride=2, padding=1, crop=(8, 8))

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "conv.safetensors")
save_file(out, path)
print(path, os.path.getsize(path), "bytes")
