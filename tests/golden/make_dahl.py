#!/usr/bin/env python3
"""Golden losses and gradients of Dahl's networks, narrow, by PyTorch in float64 (by hand; needs torch, safetensors).

Usage: make_dahl.py WEIGHTS OUT.safetensors, where WEIGHTS-NAME.safetensors are what tests/models/dahl_test.cpp draws
(the test writes them when TINCT_WRITE_DAHL is WEIGHTS). Of each gradient the golden file holds the norm and up to 32
elements evenly spread, by tinct's names and layout. Networks, losses and colour conversions are written down anew here
from the published description: they share nothing with tinct but the names of the weights.
"""
import sys

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import load_file, save_file

BLOCKS = [(1, 2), (2, 2), (3, 3), (4, 3)]
NAMES = ["residual-exact", "residual", "hypercolumn", "hypercolumn-1x1"]


def light(grey):
    return torch.where(grey <= 0.04045, grey / 12.92, ((grey + 0.055) / 1.055) ** 2.4)


def encode(lin):
    return torch.where(lin <= 0.0031308, 12.92 * lin, 1.055 * lin.clamp(min=1e-9) ** (1 / 2.4) - 0.055)


def lightness(y):
    return torch.where(y > (6 / 29) ** 3, 116 * y.clamp(min=1e-9) ** (1 / 3) - 16, y * (29 / 3) ** 3)


def grey_of(x):
    """(L - 50) / 50 to sRGB grey in 0..1."""
    f = (x * 50 + 66) / 116
    return encode(torch.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)))


def legacy(v, h, w):
    """TensorFlow 1's resize_bilinear: source = destination * in / out."""
    def axis(v, dim, out):
        size = v.shape[dim]
        at = torch.arange(out, dtype=v.dtype) * size / out
        first = at.floor().long()
        second = (first + 1).clamp(max=size - 1)
        shape = [1] * 4
        shape[dim] = out
        t = (at - first).view(shape)
        return v.index_select(dim, first) * (1 - t) + v.index_select(dim, second) * t
    return axis(axis(v, 2, h), 3, w)


class Net:
    def __init__(self, given, name):
        self.exact, self.hyper = name == "residual-exact", name.startswith("hypercolumn")
        self.p = {}
        for key, value in given.items():
            t = torch.from_numpy(value).double()
            t = t.permute(0, 3, 1, 2).contiguous() if key.endswith("weight") else t.reshape(-1)
            self.p[key] = t.requires_grad_("running" not in key)

    def up(self, v, like):
        h, w = like.shape[2:]
        if self.exact:
            return legacy(v, h, w)
        return F.interpolate(v, size=(h, w), mode="bilinear", align_corners=False)

    def conv(self, x, name):
        w = self.p[name + ".weight"]
        return F.conv2d(x, w, self.p.get(name + ".bias"), padding=w.shape[-1] // 2)

    def norm(self, x, name):
        return F.batch_norm(x, None, None, self.p[name + ".gamma"], self.p[name + ".beta"], training=True, eps=1e-3)

    def block(self, x, name, last=torch.relu):
        return last(self.norm(self.conv(x, name + ".conv"), name + ".norm"))

    def __call__(self, x):
        grey = grey_of(x).expand(-1, 3, -1, -1)
        mean = torch.tensor([103.939, 116.779, 123.68], dtype=x.dtype).view(1, 3, 1, 1)
        taps, v = [], grey * 255 - mean
        for block, count in BLOCKS:
            if block > 1:
                v = F.max_pool2d(v, 2)
            for i in range(1, count + 1):
                v = torch.relu(self.conv(v, f"vgg.conv{block}_{i}"))
            taps.append(v)
        if self.hyper:
            y = torch.cat([grey] + [taps[0]] + [self.up(t, grey) for t in taps[1:]], 1)
            for i in (1, 2, 3):
                y = self.block(y, f"colour{i}")
        else:
            taps = [self.norm(t, f"tap{i + 1}.norm") for i, t in enumerate(taps)]
            y = self.block(taps[3], "colour4")
            for i in (3, 2, 1):
                y = self.block(taps[i - 1] + self.up(y, taps[i - 1]), f"colour{i}")
            y = self.block(grey - 0.5 + y, "colour0")
        return self.block(y, "chroma", torch.sigmoid)


def chroma_of(rgb):
    r, g, b = rgb[:, 0] * 255, rgb[:, 1] * 255, rgb[:, 2] * 255
    u = -0.168736 * r - 0.331264 * g + 0.5 * b + 128
    v = 0.5 * r - 0.418688 * g - 0.081312 * b + 128
    return (torch.stack([u, v], 1) / 255).clamp(0, 1)


def rgb_of(luma, uv):
    y, u, v = luma[:, 0] * 255, uv[:, 0] * 255, uv[:, 1] * 255
    r = y + 1.402 * v - 179.456
    g = y - 0.34414 * u - 0.71414 * v + 135.459839
    b = y + 1.772 * u - 226.816
    return (torch.stack([r, g, b], 1) / 255).clamp(0, 1)


def gauss(size, normalised):
    r = torch.arange(size, dtype=torch.float64) - size // 2
    taps = torch.exp(-4 * np.log(2) * r**2 / 3**2)
    if normalised:
        taps = taps / taps.sum()
    return torch.outer(taps, taps)


def blur(x, size, normalised):
    """Zero padding without, half-sample symmetric padding with normalisation."""
    c, half = x.shape[1], size // 2
    if normalised:
        index = lambda n: torch.tensor([min(max(i, -i - 1) if i < n else 2 * n - 1 - i, n - 1) for i in range(-half, n + half)])
        x = x.index_select(2, index(x.shape[2])).index_select(3, index(x.shape[3]))
    kernel = gauss(size, normalised).expand(c, 1, size, size)
    return F.conv2d(x, kernel, padding=0 if normalised else half, groups=c)


def exact_loss(uv, luma, rgb):
    predicted = rgb_of(luma, uv)
    terms = [(chroma_of(predicted) - chroma_of(rgb)).abs().mean()]
    for size in (3, 5):
        terms.append((chroma_of(blur(predicted, size, False)) - chroma_of(blur(rgb, size, False))).abs().mean())
    return sum(terms) / 3


def corrected_loss(uv, target):
    d = uv - target
    return ((d**2).mean() + (blur(d, 3, True) ** 2).mean() + (blur(d, 5, True) ** 2).mean()) / 3


def nchw(t):
    return t.permute(0, 3, 1, 2)


def nhwc(t):
    return np.ascontiguousarray((t.permute(0, 2, 3, 1) if t.dim() == 4 else t).detach().numpy())


def picture():
    """Two pictures of strong colours, 8 bits, the second dark: there the blur that is not normalised stays below white.
    Nothing is flat, so that max-pooling has no ties."""
    torch.manual_seed(5)
    large = F.interpolate(torch.rand(2, 3, 5, 7, dtype=torch.float64), size=(32, 48), mode="bilinear")
    rgb = large * 0.6 + 0.2 + 0.1 * (torch.rand(large.shape, dtype=torch.float64) * 2 - 1)
    rgb[1] *= 0.25
    return (rgb * 255).round() / 255


def main():
    weights, out = sys.argv[1:]
    rgb = picture()
    mean = rgb.mean(1, keepdim=True)
    luma_light = (light(rgb) * torch.tensor([0.212671, 0.715160, 0.072169]).double().view(1, 3, 1, 1)).sum(1, keepdim=True)
    inputs = {True: lightness(light(mean)) / 50 - 1, False: lightness(luma_light) / 50 - 1}
    target = chroma_of(rgb)
    golden = {"rgb": nhwc(rgb).astype(np.float32), "luma": nhwc(mean).astype(np.float32),
              "target": nhwc(target).astype(np.float32)}
    for name in NAMES:
        net = Net(load_file(f"{weights}-{name}.safetensors"), name)
        x = nhwc(inputs[net.exact]).astype(np.float32)
        uv = net(nchw(torch.from_numpy(x).double()))
        loss = exact_loss(uv, mean, rgb) if net.exact else corrected_loss(uv, target)
        loss.backward()
        golden[name + ".x"] = x
        golden[name + ".y"] = nhwc(uv).astype(np.float32)
        golden[name + ".loss"] = np.float32([loss.item()])
        for key, p in net.p.items():
            if p.grad is None:
                continue
            grad = nhwc(p.grad).ravel()
            count = min(32, grad.size)
            places = np.arange(count) * (grad.size - 1) // max(count - 1, 1)
            golden[f"{name}.norm.{key}"] = np.float32([np.linalg.norm(grad)])
            golden[f"{name}.grad.{key}"] = grad[places].astype(np.float32)
    save_file(golden, out)


if __name__ == "__main__":
    main()
