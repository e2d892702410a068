"""One call of an operation: what tinct is given, and what PyTorch makes of it."""

import numpy as np
import torch


class Case:
    """Inputs and settings for tinct, and a function that gives PyTorch's outputs."""

    def __init__(self, op, inputs, settings, oracle, gradients=(), extra=()):
        self.op = op
        self.inputs = {k: np.ascontiguousarray(v, dtype=np.float32) for k, v in inputs.items()}
        self.settings = settings
        self.oracle = oracle  # tensors by name (double, NHWC) -> y, or (y, {name: tensor})
        self.gradients = gradients
        self.extra = extra

    def expected(self, rng):
        """Adds a random dy to the inputs and returns every output by name."""
        tensors = {
            k: torch.from_numpy(v).double().requires_grad_(k in self.gradients)
            for k, v in self.inputs.items()
        }
        y = self.oracle(**tensors)
        y, more = y if isinstance(y, tuple) else (y, {})
        out = {"y": y.detach().numpy()}
        out.update({k: v.detach().numpy() for k, v in more.items()})
        if self.gradients:
            self.inputs["dy"] = array(rng, y.shape)
            dy = torch.from_numpy(self.inputs["dy"]).double()
            names = list(self.gradients)
            grads = torch.autograd.grad(y, [tensors[k] for k in names], dy, allow_unused=True)
            for name, grad in zip(names, grads):
                out["d" + name] = (torch.zeros_like(tensors[name]) if grad is None else grad).numpy()
        return out


def array(rng, shape, low=-1.0, high=1.0):
    return rng.uniform(low, high, tuple(shape)).astype(np.float32)


def nchw(t):
    return t.permute(0, 3, 1, 2)


def nhwc(t):
    return t.permute(0, 2, 3, 1)


def scalar(t):
    return t.reshape(1, 1, 1, 1)


def pair(draw, low, high):
    return (draw.randint(low, high), draw.randint(low, high))


def setting(name, values):
    return f"{name}={','.join(str(v) for v in values)}"


def image(draw, channels=None, low=1, high=12):
    """A random (n,h,w,c)."""
    c = channels or draw.choice([1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 24, 31, 32, 33])
    return (draw.randint(1, 3), draw.randint(low, high), draw.randint(low, high), c)
