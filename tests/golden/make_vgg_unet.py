#!/usr/bin/env python3
"""Golden answer, loss and gradients of a narrow vgg-unet, by PyTorch in float64 (by hand; needs torch, safetensors).

Usage: make_vgg_unet.py WEIGHTS.safetensors OUT.safetensors, where WEIGHTS is what tests/models/vgg_unet_test.cpp draws
from seed 1 (the test writes it when TINCT_WRITE_VGG_UNET names a file). Of each gradient the golden file holds the
norm and 32 elements evenly spread, by tinct's names and layout. The network is written down anew here: it shares
nothing with tinct but the names of the weights.
"""
import sys

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import load_file, save_file

from gradients import Layers, caffe_bgr, gradients_of, samples, to_tinct
from op_case import nchw


def grey_of(x):
    """(L - 50) / 50 to sRGB grey in 0..1."""
    y = (x * 50 + 50 + 16) / 116
    light = torch.where(y > 6 / 29, y**3, 3 * (6 / 29) ** 2 * (y - 4 / 29)).clamp(0, 1)
    return torch.where(light <= 0.0031308, 12.92 * light, 1.055 * light.clamp(min=1e-9) ** (1 / 2.4) - 0.055)


class Net(Layers):
    def __init__(self, given):
        super().__init__(given, eps=1e-5)

    def __call__(self, x):
        taps = self.vgg(caffe_bgr(grey_of(x)), 5)
        finer = {0: 4, 1: 2}
        read = []
        for i, t in enumerate(taps):
            name = f"tap{i + 1}"
            there = name + ".norm.gamma" in self.p  # a preset may leave out the finer ones
            t = F.avg_pool2d(t, finer[i]) if there and i in finer else t
            read.append(self.block(self.norm(t, name + ".norm"), name + ".project") if there else None)
        scene = self.conv(F.relu(self.conv(read[4].mean((2, 3), keepdim=True), "context.squeeze")), "context.expand")
        y = self.block(read[4] + scene, "decoder5")
        up = lambda v: F.interpolate(v, scale_factor=2, mode="bilinear", align_corners=False)
        y = self.block(torch.cat([up(y), read[3]], 1), "decoder4")
        parts = [up(y), read[2], read[0], read[1], F.pixel_unshuffle(x, 4)]
        y = self.block(torch.cat([part for part in parts if part is not None], 1), "decoder3")
        return F.interpolate(self.conv(y, "head"), scale_factor=4, mode="bilinear", align_corners=False)


def main():
    weights, out = sys.argv[1:]
    net = Net(load_file(weights))
    torch.manual_seed(3)
    x = (torch.rand(2, 32, 48, 1) * 2 - 1).float()
    target = (torch.rand(2, 32, 48, 2) - 0.5).float()
    y = net(nchw(x.double()))
    loss = F.mse_loss(y, nchw(target.double()))
    loss.backward()
    golden = {"x": x.numpy(), "target": target.numpy(), "loss": np.float32([loss.item()]),
              "y": to_tinct(y).astype(np.float32)}
    golden.update(samples(gradients_of(net)))
    save_file(golden, out)


if __name__ == "__main__":
    main()
