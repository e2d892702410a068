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

BLOCKS = [(1, 2), (2, 2), (3, 3), (4, 3), (5, 3)]


def grey_bgr(x):
    """(L - 50) / 50 to what the Caffe weights take."""
    y = (x * 50 + 50 + 16) / 116
    light = torch.where(y > 6 / 29, y**3, 3 * (6 / 29) ** 2 * (y - 4 / 29)).clamp(0, 1)
    grey = torch.where(light <= 0.0031308, 12.92 * light, 1.055 * light.clamp(min=1e-9) ** (1 / 2.4) - 0.055)
    mean = torch.tensor([103.939, 116.779, 123.68], dtype=x.dtype).view(1, 3, 1, 1)
    return grey.expand(-1, 3, -1, -1) * 255 - mean


class Net:
    def __init__(self, given):
        self.p = {}
        for name, value in given.items():
            t = torch.from_numpy(value).double()
            t = t.permute(0, 3, 1, 2).contiguous() if name.endswith("weight") else t.reshape(-1)
            self.p[name] = t.requires_grad_("running" not in name)

    def conv(self, x, name):
        w = self.p[name + ".weight"]
        return F.conv2d(x, w, self.p.get(name + ".bias"), padding=w.shape[-1] // 2)

    def norm(self, x, name):
        return F.batch_norm(x, None, None, self.p[name + ".gamma"], self.p[name + ".beta"], training=True, eps=1e-5)

    def block(self, x, name):
        return F.relu(self.norm(self.conv(x, name + ".conv"), name + ".norm"))

    def __call__(self, x):
        taps, v = [], grey_bgr(x)
        for block, count in BLOCKS:
            if block > 1:
                v = F.max_pool2d(v, 2)
            for i in range(1, count + 1):
                v = F.relu(self.conv(v, f"vgg.conv{block}_{i}"))
            taps.append(v)
        taps[0], taps[1] = F.avg_pool2d(taps[0], 4), F.avg_pool2d(taps[1], 2)
        read = [self.block(self.norm(t, f"tap{i + 1}.norm"), f"tap{i + 1}.project") for i, t in enumerate(taps)]
        scene = self.conv(F.relu(self.conv(read[4].mean((2, 3), keepdim=True), "context.squeeze")), "context.expand")
        y = self.block(read[4] + scene, "decoder5")
        up = lambda v: F.interpolate(v, scale_factor=2, mode="bilinear", align_corners=False)
        y = self.block(torch.cat([up(y), read[3]], 1), "decoder4")
        y = self.block(torch.cat([up(y), read[2], read[0], read[1], F.pixel_unshuffle(x, 4)], 1), "decoder3")
        return F.interpolate(self.conv(y, "head"), scale_factor=4, mode="bilinear", align_corners=False)


def to_tinct(t):
    return (t.permute(0, 2, 3, 1) if t.dim() == 4 else t).detach().numpy()


def main():
    weights, out = sys.argv[1:]
    net = Net(load_file(weights))
    torch.manual_seed(3)
    x = (torch.rand(2, 32, 48, 1) * 2 - 1).float()
    target = (torch.rand(2, 32, 48, 2) - 0.5).float()
    y = net(x.double().permute(0, 3, 1, 2))
    loss = F.mse_loss(y, target.double().permute(0, 3, 1, 2))
    loss.backward()
    golden = {"x": x.numpy(), "target": target.numpy(), "loss": np.float32([loss.item()]),
              "y": np.ascontiguousarray(to_tinct(y)).astype(np.float32)}
    for name, p in net.p.items():
        if p.grad is None:
            continue
        grad = to_tinct(p.grad).ravel()
        count = min(32, grad.size)
        places = np.arange(count) * (grad.size - 1) // max(count - 1, 1)
        golden[f"norm.{name}"] = np.float32([np.linalg.norm(grad)])
        golden[f"grad.{name}"] = grad[places].astype(np.float32)
    save_file(golden, out)


if __name__ == "__main__":
    main()
