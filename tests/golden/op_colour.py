"""Random colours between sRGB and the four colour spaces."""

import torch

from op_case import Case, array, image


# Colour: the formulas of IEC 61966-2-1, CIE 15 and BT.601, white at the matrix's row sums.
RGB_TO_XYZ = torch.tensor([[.412453, .357580, .180423], [.212671, .715160, .072169],
                           [.019334, .119193, .950227]], dtype=torch.float64)
WHITE = RGB_TO_XYZ.sum(1)


def to_xyz(rgb):
    light = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return light @ RGB_TO_XYZ.T


def lightness(xyz):
    t = xyz / WHITE
    return torch.where(t > (6 / 29) ** 3, t ** (1 / 3), t / (3 * (6 / 29) ** 2) + 4 / 29)


def srgb_to_lab(rgb):
    f = lightness(to_xyz(rgb))
    return torch.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]),
                        200 * (f[..., 1] - f[..., 2])], -1)


def srgb_to_luv(rgb):
    xyz = to_xyz(rgb)
    big_l = 116 * lightness(xyz)[..., 1] - 16
    weights = torch.tensor([1.0, 15, 3], dtype=torch.float64)

    def uv(t):
        d = (t * weights).sum(-1)
        return 4 * t[..., 0] / d, 9 * t[..., 1] / d

    (u, v), (u0, v0) = uv(xyz), uv(WHITE)
    return torch.stack([big_l, 13 * big_l * (u - u0), 13 * big_l * (v - v0)], -1)


def srgb_to_yuv(rgb):
    y = rgb @ torch.tensor([.299, .587, .114], dtype=torch.float64)
    return torch.stack([y, .43601035 / .886 * (rgb[..., 2] - y),
                        .61497538 / .701 * (rgb[..., 0] - y)], -1)


def srgb_to_ycbcr(rgb):
    y = rgb @ torch.tensor([.299, .587, .114], dtype=torch.float64)
    return torch.stack([y, 128 / 255 + (rgb[..., 2] - y) / 1.772,
                        128 / 255 + (rgb[..., 0] - y) / 1.402], -1)


def conversion(name, function):
    def make(draw, rng):
        rgb = array(rng, image(draw, channels=3), 0, 1)
        return Case(name, {"x": rgb}, [], lambda x: function(x))

    return make


def inverse(name, function):
    """From the colours of random sRGB back to sRGB."""

    def make(draw, rng):
        rgb = array(rng, image(draw, channels=3), 0.02, 1)
        colour = function(torch.from_numpy(rgb).double())
        return Case(name, {"x": colour.numpy()}, [], lambda x: torch.from_numpy(rgb).double())

    return make
