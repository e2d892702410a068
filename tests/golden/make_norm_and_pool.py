"""Writes norm_and_pool.safetensors: batch norm, max pool and average pool as PyTorch does them.

Run by hand, in an environment with torch and safetensors:  python tests/golden/make_norm_and_pool.py
Arrays are NHWC. Settings are in the names of the cases below and again in the test that reads them.
"""

import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.manual_seed(20260101)
out = {}


def nhwc(t):
    return t.detach().permute(0, 2, 3, 1).contiguous()


def put(case, **tensors):
    for name, t in tensors.items():
        out[f"{case}.{name}"] = (nhwc(t) if t.dim() == 4 else t.detach()).contiguous().float()


def batch_norm(case, training, activation):
    x = (torch.randn(3, 5, 6, 7) * 2 + 3).requires_grad_()
    norm = torch.nn.BatchNorm2d(5, eps=1e-3, momentum=0.2).train(training)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    torch.nn.init.normal_(norm.running_mean)
    torch.nn.init.uniform_(norm.running_var, 0.5, 2)
    put(case, before_mean=norm.running_mean.clone(), before_var=norm.running_var.clone())
    y = activation(norm(x))
    dy = torch.randn_like(y)
    y.backward(dy)
    put(case, x=x, y=y, dy=dy, dx=x.grad, gamma=norm.weight, beta=norm.bias,
        dgamma=norm.weight.grad, dbeta=norm.bias.grad,
        after_mean=norm.running_mean, after_var=norm.running_var)


def pooled(case, x, run):
    x.requires_grad_()
    y = run(x)
    dy = torch.randn_like(y)
    y.backward(dy)
    put(case, x=x, y=y, dy=dy, dx=x.grad)


batch_norm("train", True, lambda t: t)
batch_norm("train_relu", True, F.relu)
batch_norm("train_leaky", True, lambda t: F.leaky_relu(t, 0.2))
batch_norm("eval", False, lambda t: t)

ties = torch.randint(-2, 3, (2, 3, 7, 8)).float()  # many equal neighbours, exact zeros
pooled("max_2x2", ties.clone(), lambda t: F.max_pool2d(t, 2))
pooled("max_2x2_ceil", ties.clone(), lambda t: F.max_pool2d(t, 2, ceil_mode=True))
pooled("max_3x3_pad1", ties.clone(), lambda t: F.max_pool2d(t, 3, 2, 1))
pooled("max_3x2_ceil", ties.clone(),
       lambda t: F.max_pool2d(t, (3, 2), (2, 3), (1, 1), ceil_mode=True))
smooth = torch.randn(2, 3, 7, 8)
pooled("avg_2x2", smooth.clone(), lambda t: F.avg_pool2d(t, 2))
pooled("avg_3x3_pad1", smooth.clone(), lambda t: F.avg_pool2d(t, 3, 2, 1))
pooled("avg_3x3_pad1_ceil", smooth.clone(), lambda t: F.avg_pool2d(t, 3, 2, 1, ceil_mode=True))
pooled("avg_3x3_pad1_ceil_without", smooth.clone(),
       lambda t: F.avg_pool2d(t, 3, 2, 1, ceil_mode=True, count_include_pad=False))
pooled("avg_3x2_ceil", smooth.clone(),
       lambda t: F.avg_pool2d(t, (3, 2), (2, 3), (1, 0), ceil_mode=True))

save_file(out, pathlib.Path(__file__).with_name("norm_and_pool.safetensors"))
