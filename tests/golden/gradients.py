"""What the golden files of whole networks share: parameters by tinct's names, and samples of gradients."""
import numpy as np
import torch
import torch.nn.functional as F

from op_case import nchw, nhwc


def to_tinct(t):
    """Pictures and weights in tinct's layout, vectors as they are."""
    return np.ascontiguousarray((nhwc(t) if t.dim() == 4 else t).detach().numpy())


class Layers:
    """The layers of a network whose parameters are given by tinct's names and layout, in float64."""

    def __init__(self, given, eps):
        self.eps, self.p = eps, {}
        for name, value in given.items():
            t = torch.from_numpy(value).double()
            t = nchw(t).contiguous() if name.endswith("weight") else t.reshape(-1)
            self.p[name] = t.requires_grad_("running" not in name)

    def conv(self, x, name):
        w = self.p[name + ".weight"]
        return F.conv2d(x, w, self.p.get(name + ".bias"), padding=w.shape[-1] // 2)

    def norm(self, x, name):
        return F.batch_norm(x, None, None, self.p[name + ".gamma"], self.p[name + ".beta"], training=True, eps=self.eps)

    def block(self, x, name, last=torch.relu):
        return last(self.norm(self.conv(x, name + ".conv"), name + ".norm"))

    def vgg(self, v, blocks):
        """The last map of each of VGG16's first blocks."""
        taps = []
        for block, count in enumerate([2, 2, 3, 3, 3][:blocks], 1):
            if block > 1:
                v = F.max_pool2d(v, 2)
            for i in range(1, count + 1):
                v = torch.relu(self.conv(v, f"vgg.conv{block}_{i}"))
            taps.append(v)
        return taps


def caffe_bgr(grey):
    """Grey in 0..1 to what VGG16's Caffe weights take."""
    mean = torch.tensor([103.939, 116.779, 123.68], dtype=grey.dtype, device=grey.device).view(1, 3, 1, 1)
    return grey.expand(-1, 3, -1, -1) * 255 - mean


def samples(gradients, prefix=""):
    """Of each (name, gradient in tinct's layout): its norm and up to 32 elements evenly spread, for the golden file."""
    golden = {}
    for name, grad in gradients:
        grad = grad.ravel()
        count = min(32, grad.size)
        places = np.arange(count) * (grad.size - 1) // max(count - 1, 1)
        golden[f"{prefix}norm.{name}"] = np.float32([np.linalg.norm(grad)])
        golden[f"{prefix}grad.{name}"] = grad[places].astype(np.float32)
    return golden


def gradients_of(net):
    """(name, gradient in tinct's layout) of each parameter that has one."""
    return [(name, to_tinct(p.grad)) for name, p in net.p.items() if p.grad is not None]
