#!/usr/bin/env python3
"""A training step of unet-small against the same network in PyTorch (run by hand; needs torch, safetensors, numpy).

Checks the loss and every gradient against PyTorch in float64 (1e-3 relative; PyTorch's own float32 is shown
beside it, for a ReLU whose input is nearly zero falls either way), then times both sides alternately and compares their peak memory.
Usage: train_step.py [--build build/release] [--batch 8] [--size 128] [--steps 30] [--threads N] [--out FILE.json]
"""
import argparse
import copy
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from unet import Unet, tinct_name, to_tinct


def pictures(n, size, channels):
    """(n,size,size,channels) in 0..1: shapes a few pixels wide with grain on them, as photographs have."""
    shapes = torch.nn.functional.interpolate(torch.rand(n, channels, size // 8, size // 8), size=(size, size), mode="bilinear")
    return (0.9 * shapes + 0.1 * torch.rand(n, channels, size, size)).permute(0, 2, 3, 1).contiguous()


def resident_mib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS:"))


def worst_error(net, gradients):
    """The largest relative error of `gradients` (by tinct's names) against those that the network holds."""
    worst = 0.0
    for name, p in net.named_parameters():
        exact = to_tinct(p.grad).astype(np.float64)
        error = np.linalg.norm(gradients.pop(tinct_name(name)) - exact) / np.linalg.norm(exact)
        worst = max(worst, error) if error == error else float("inf")
    return worst if not gradients else sys.exit(f"gradients that PyTorch has not: {sorted(gradients)}")


def check(net, loss, result):
    """The worst relative error over all gradients; exits when the loss is off by 1e-3."""
    ours = float(result["loss"].ravel()[0])
    if not abs(ours - loss) <= 1e-3 * abs(loss):
        sys.exit(f"loss {ours} for PyTorch's {loss}")
    return worst_error(net, {n[5:]: g for n, g in result.items() if n.startswith("grad.")})


class Tinct:
    """The process on the other side."""

    def __init__(self, build, net, x, target):
        with tempfile.TemporaryDirectory() as folder:
            weights, batch, out = (os.path.join(folder, n) for n in ("w", "b", "o"))
            save_file({tinct_name(n): to_tinct(p) for n, p in net.state_dict().items() if tinct_name(n)}, weights)
            save_file({"x": x.numpy(), "target": target.numpy()}, batch)
            self.process = subprocess.Popen(
                [os.path.join(build, "tinct_train_step"), "unet-small", weights, batch, out],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            if self.process.stdout.readline().strip() != "ready":
                sys.exit("tinct_train_step did not start")
            self.result = load_file(out)

    def ask(self, what):
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    x = pictures(args.batch, args.size, 1) * 2 - 1
    target = pictures(args.batch, args.size, 2) * 0.4 - 0.2

    imported = resident_mib()
    net = Unet().to(memory_format=torch.channels_last)
    net.train()
    tinct = Tinct(args.build, net, x, target)
    px = x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    pt = target.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)

    def gradients():
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.mse_loss(net(px), pt)
        loss.backward()
        return loss.item()

    def step():
        start = time.perf_counter()
        gradients()
        optimizer.step()
        return 1e3 * (time.perf_counter() - start)

    gradients()
    exact = copy.deepcopy(net).double()
    exact.zero_grad()
    loss = torch.nn.functional.mse_loss(exact(px.double()), pt.double())
    loss.backward()
    own = worst_error(exact, {tinct_name(n): to_tinct(p.grad) for n, p in net.named_parameters()})
    print(f"PyTorch's own float32 gradients are within {own:.2e} of its float64 ones")
    worst = check(exact, loss.item(), tinct.result)
    print(f"loss {loss:.6f}; the worst gradient is {worst:.2e} relative from float64")

    mine, theirs = [], []
    for i in range(args.steps + 3):
        pair = []
        for side in (lambda: tinct.ask("step"), step):
            pair.append(side())
            time.sleep(0.05)  # lets this side's waiting threads go to sleep
        if i >= 3:
            mine.append(pair[0])
            theirs.append(pair[1])
    figures = {
        "batch": args.batch, "size": args.size, "threads": args.threads, "torch": torch.__version__,
        "tinct_ms": statistics.median(mine), "torch_ms": statistics.median(theirs),
        "speedup": statistics.median(b / a for a, b in zip(mine, theirs)),
        "tinct_peak_mib": tinct.ask("memory"),
        "torch_peak_mib_above_import": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - imported,
        "worst_gradient_error": worst, "torch_float32_worst_gradient_error": own,
    }
    print(f"tinct {figures['tinct_ms']:.1f} ms, PyTorch channels_last eager {figures['torch_ms']:.1f} ms: "
          f"{figures['speedup']:.2f} x; peak memory {figures['tinct_peak_mib']:.0f} MiB against "
          f"{figures['torch_peak_mib_above_import']:.0f} MiB (PyTorch's without what importing it takes)")
    if args.out:
        with open(args.out, "w") as file:
            json.dump(figures, file, indent=2)
            file.write("\n")
    if not worst <= 1e-3:
        sys.exit(f"a gradient is off by {worst:.2e} relative, more than 1e-3")


if __name__ == "__main__":
    main()
