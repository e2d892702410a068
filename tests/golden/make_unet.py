#!/usr/bin/env python3
"""Golden loss and gradients of unet-small, by PyTorch in float64 (run by hand; needs torch, safetensors, numpy).

Usage: make_unet.py WEIGHTS.safetensors OUT.safetensors, where WEIGHTS is what tests/models/unet_golden_test.cpp draws
from seed 1 (the test writes it when TINCT_WRITE_UNET names a file). Of each gradient the golden file holds the norm
and 32 elements evenly spread, by tinct's names and layout.
"""
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from gradients import samples

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench" / "peers"))
from unet import Unet, from_tinct, tinct_name, to_tinct  # noqa: E402


def main():
    weights, out = sys.argv[1:]
    given = load_file(weights)
    net = Unet().double()
    state = net.state_dict()
    for name, target in state.items():
        if tinct_name(name):
            target.copy_(from_tinct(given[tinct_name(name)], target))
    net.train()
    torch.manual_seed(3)
    x = (torch.rand(2, 32, 48, 1) * 2 - 1).float()
    target = (torch.rand(2, 32, 48, 2) - 0.5).float()
    loss = torch.nn.functional.mse_loss(net(x.double().permute(0, 3, 1, 2)), target.double().permute(0, 3, 1, 2))
    loss.backward()
    golden = {"x": x.numpy(), "target": target.numpy(), "loss": np.float32([loss.item()])}
    golden.update(samples((tinct_name(name), to_tinct(p.grad)) for name, p in net.named_parameters()))
    save_file(golden, out)


if __name__ == "__main__":
    main()
