"""tinct's compact U-Net (models/unet.cpp) in PyTorch, under the same parameter names."""
import torch
import torch.nn.functional as F
from torch import nn


class ConvBlock(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(cout)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)), inplace=True)


class Stage(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.add_module("1", ConvBlock(cin, cout, stride))
        self.add_module("2", ConvBlock(cout, cout, 1))

    def forward(self, x):
        return self._modules["2"](self._modules["1"](x))


class Context(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, channels // 2, 1)
        self.expand = nn.Conv2d(channels // 2, channels, 1)

    def forward(self, x):
        scene = x.mean(dim=(2, 3), keepdim=True)
        return x + self.expand(F.relu(self.squeeze(scene)))


class Unet(nn.Module):
    def __init__(self, widths=(32, 64, 128, 256)):
        super().__init__()
        self.levels = len(widths)
        for i, w in enumerate(widths):
            self.add_module(f"encoder{i + 1}", Stage(1 if i == 0 else widths[i - 1], w, 2))
        self.context = Context(widths[-1])
        for i in reversed(range(self.levels - 1)):
            self.add_module(f"decoder{i + 1}", Stage(widths[i + 1] + widths[i], widths[i], 1))
        self.head = nn.Conv2d(widths[0], 2, 1)

    def forward(self, x):
        size = x.shape[2:]
        skips = []
        for i in range(self.levels):
            x = self._modules[f"encoder{i + 1}"](x)
            skips.append(x)
        x = self.context(x)
        for i in reversed(range(self.levels - 1)):
            x = F.interpolate(x, skips[i].shape[2:], mode="bilinear", align_corners=False)
            x = self._modules[f"decoder{i + 1}"](torch.cat([x, skips[i]], 1))
        return F.interpolate(self.head(x), size, mode="bilinear", align_corners=False)


def tinct_name(name):
    """PyTorch's parameter name in tinct's terms; None for what tinct has not."""
    if name.endswith("num_batches_tracked"):
        return None
    if ".norm." in name:
        name = name.replace("weight", "gamma").replace("bias", "beta")
    return name


def to_tinct(tensor):
    """A PyTorch tensor in tinct's layout: weights (out,kh,kw,in), vectors (1,1,1,c)."""
    t = tensor.detach()
    return (t.permute(0, 2, 3, 1) if t.dim() == 4 else t.reshape(1, 1, 1, -1)).contiguous().numpy()


def from_tinct(array, like):
    """The reverse of to_tinct, in the shape of `like`."""
    t = torch.as_tensor(array)
    return t.permute(0, 3, 1, 2) if like.dim() == 4 else t.reshape(like.shape)
