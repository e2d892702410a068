"""Writes upsample.safetensors and loss.safetensors beside itself: results of PyTorch, in double,
for the golden tests of up-sampling, blurring and the losses. Tensors are NHWC.

Run by hand: python tests/golden/make_upsample_loss.py
"""

import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
torch.manual_seed(3)


def nhwc(t):
    return t.detach().permute(0, 2, 3, 1).contiguous().float()


def rounded(*shape):
    """Normal numbers that a float holds exactly."""
    return torch.randn(*shape).double()


def upsample():
    out = {}
    sizes = [((3, 5), (6, 10)), ((4, 3), (9, 7)), ((7, 6), (3, 4)), ((1, 1), (3, 2)), ((5, 4), (1, 1))]
    modes = {
        "half_pixel": dict(mode="bilinear", align_corners=False),
        "corners": dict(mode="bilinear", align_corners=True),
        "nearest": dict(mode="nearest"),
    }
    for name, options in modes.items():
        for i, (small, large) in enumerate(sizes):
            x = rounded(2, 5, *small).requires_grad_()
            y = F.interpolate(x, size=large, **options)
            dy = rounded(*y.shape)
            y.backward(dy)
            for key, t in dict(x=x, y=y, dy=dy, dx=x.grad).items():
                out[f"{name}.{i}.{key}"] = nhwc(t)
    save_file(out, HERE / "upsample.safetensors")


def blur(d, size, sigma):
    """Normalised Gaussian, edges mirrored with the edge pixel twice."""
    r = size // 2
    taps = torch.exp(-torch.arange(-r, r + 1).double() ** 2 / (2 * sigma**2))
    kernel = torch.outer(taps, taps) / taps.sum() ** 2
    at = lambda n: torch.tensor([abs(i) - (i < 0) if i < n else 2 * n - 1 - i for i in range(-r, n + r)])
    padded = d[:, :, at(d.shape[2])][:, :, :, at(d.shape[3])]
    weight = kernel.expand(d.shape[1], 1, size, size)
    return F.conv2d(padded, weight, groups=d.shape[1])


def losses():
    out = {}
    p = (2 * rounded(2, 3, 4, 5)).requires_grad_()
    t = rounded(2, 3, 4, 5)
    probability = torch.rand(2, 3, 4, 5).double()
    weight = torch.rand(2, 1, 4, 5).double()
    out.update(prediction=nhwc(p), target=nhwc(t), probability=nhwc(probability), weight=nhwc(weight))
    sigma = 3 / 2.3548200450309493
    cases = {
        "l1": lambda: (p - t).abs().mean(),
        "l2": lambda: F.mse_loss(p, t),
        "l2_weighted": lambda: (weight * (p - t) ** 2).mean(),
        "huber": lambda: F.huber_loss(p, t, delta=0.7),
        "bce": lambda: F.binary_cross_entropy_with_logits(p, probability),
        "blurred": lambda: ((p - t).square().mean() + blur(p - t, 3, sigma).square().mean()
                            + blur(p - t, 5, sigma).square().mean()) / 3,
    }
    for name, f in cases.items():
        value = f()
        (gradient,) = torch.autograd.grad(value, p)
        out[f"{name}.value"] = value.detach().reshape(1, 1, 1, 1).float()
        out[f"{name}.gradient"] = nhwc(gradient)

    bins, k = 21, 3
    logits = (3 * rounded(2, bins, 3, 4)).requires_grad_()
    index = torch.stack([torch.randperm(bins)[:k] for _ in range(24)]).reshape(2, 3, 4, k)
    share = torch.rand(2, 3, 4, k).double()
    share = (share / share.sum(3, keepdim=True)).float().double()
    z = torch.zeros(2, 3, 4, bins).double().scatter_(3, index, share).permute(0, 3, 1, 2)
    class_weight = torch.rand(bins).double() + 0.5
    out.update({"softmax.logits": nhwc(logits), "softmax.target": nhwc(z),
                "softmax.index": index.float(), "softmax.share": share.float(),
                "softmax.class_weight": class_weight.reshape(1, 1, 1, bins).float()})
    log_p = F.log_softmax(logits, 1)
    top = class_weight[z.argmax(1)]
    for name, value in {
        "softmax": F.cross_entropy(logits, z),
        "softmax_each_bin": F.cross_entropy(logits, z, weight=class_weight),
        "softmax_top_bin": (-(z * log_p).sum(1) * top).mean(),
    }.items():
        (gradient,) = torch.autograd.grad(value, logits, retain_graph=True)
        out[f"{name}.value"] = value.detach().reshape(1, 1, 1, 1).float()
        out[f"{name}.gradient"] = nhwc(gradient)
    save_file(out, HERE / "loss.safetensors")


upsample()
losses()
