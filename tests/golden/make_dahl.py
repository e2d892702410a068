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

from gradients import Layers, caffe_bgr, gradients_of, samples, to_tinct
from op_case import nchw
from op_cases import legacy_axis

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


class Net(Layers):
    def __init__(self, given, name):
        super().__init__(given, eps=1e-3)
        self.exact, self.hyper = name == "residual-exact", name.startswith("hypercolumn")

    def up(self, v, like):
        h, w = like.shape[2:]
        if self.exact:
            return legacy_axis(legacy_axis(v, h, 2), w, 3)
        return F.interpolate(v, size=(h, w), mode="bilinear", align_corners=False)

    def __call__(self, x):
        grey = grey_of(x).expand(-1, 3, -1, -1)
        taps = self.vgg(caffe_bgr(grey), 4)
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
    golden = {"rgb": to_tinct(rgb).astype(np.float32), "luma": to_tinct(mean).astype(np.float32),
              "target": to_tinct(target).astype(np.float32)}
    for name in NAMES:
        net = Net(load_file(f"{weights}-{name}.safetensors"), name)
        x = to_tinct(inputs[net.exact]).astype(np.float32)
        uv = net(nchw(torch.from_numpy(x).double()))
        loss = exact_loss(uv, mean, rgb) if net.exact else corrected_loss(uv, target)
        loss.backward()
        golden[name + ".x"] = x
        golden[name + ".y"] = to_tinct(uv).astype(np.float32)
        golden[name + ".loss"] = np.float32([loss.item()])
        golden.update(samples(gradients_of(net), name + "."))
    save_file(golden, out)


if __name__ == "__main__":
    main()
