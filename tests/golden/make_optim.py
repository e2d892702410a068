#!/usr/bin/env python3
"""Writes optim.safetensors: 20 steps of PyTorch's optimizers (and of Keras' Adam, from its formula) on two tensors.

Run with PyTorch: python tests/golden/make_optim.py
"""
import os

import numpy as np
import torch
from safetensors.numpy import save_file

STEPS = 20
torch.manual_seed(3)
start = {"weight": torch.randn(3, 2, 2, 5), "bias": torch.randn(7)}
gradients = [{k: torch.randn_like(v) * 0.5 for k, v in start.items()} for _ in range(STEPS)]

CASES = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "sgd_l2": lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.05),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.05),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.05),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "adam_l2": lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.05),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
}

out = {f"start.{k}": v.numpy() for k, v in start.items()}
for i, g in enumerate(gradients):
    out.update({f"gradient{i}.{k}": v.numpy() for k, v in g.items()})

for name, make in CASES.items():
    parameters = {k: v.clone().requires_grad_() for k, v in start.items()}
    optimizer = make(list(parameters.values()))
    for g in gradients:
        for k, p in parameters.items():
            p.grad = g[k].clone()
        optimizer.step()
    out.update({f"{name}.{k}": p.detach().numpy() for k, p in parameters.items()})

# keras.optimizers.Adam: alpha = lr sqrt(1 - beta2^t) / (1 - beta1^t); w -= alpha m / (sqrt(v) + eps).
lr, beta1, beta2, eps = 0.01, 0.9, 0.999, 1e-3
for k, w in start.items():
    w = w.numpy().astype(np.float64)
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        d = g[k].numpy().astype(np.float64)
        m += (1 - beta1) * (d - m)
        v += (1 - beta2) * (d * d - v)
        w -= lr * np.sqrt(1 - beta2**t) / (1 - beta1**t) * m / (np.sqrt(v) + eps)
    out[f"adam_keras.{k}"] = w.astype(np.float32)

# Clipping the first gradients to a global norm of 1.
parameters = [torch.nn.Parameter(torch.zeros_like(v)) for v in start.values()]
for p, g in zip(parameters, gradients[0].values()):
    p.grad = g.clone()
out["clip.norm"] = torch.nn.utils.clip_grad_norm_(parameters, 1.0).reshape(1).numpy()
for p, k in zip(parameters, start):
    out[f"clip.{k}"] = p.grad.numpy()

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "optim.safetensors")
save_file({k: np.ascontiguousarray(v, dtype=np.float32) for k, v in out.items()}, path)
print(path, os.path.getsize(path), "bytes")
