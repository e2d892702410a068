"""Random cases of every operation: OPERATIONS[name](draw, rng) gives a Case.

`draw` is a random.Random for settings, `rng` a numpy generator for tensors.
"""

import numpy as np
import torch
import torch.nn.functional as F

from op_case import array, Case, image, nchw, nhwc, pair, scalar, setting
from op_colour import conversion, inverse, srgb_to_lab, srgb_to_luv, srgb_to_ycbcr, srgb_to_yuv

ACTIVATIONS = {
    "none": lambda t: t,
    "relu": F.relu,
    "leaky-relu": lambda t: F.leaky_relu(t, 0.2),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}


def draw_activation(draw, settings):
    name = draw.choice(["none", "none", "relu", "leaky-relu", "sigmoid", "tanh"])
    if name != "none":
        settings.append("activation=" + name)
    return ACTIVATIONS[name]


def same_pads(extent, kernel, stride, dilation):
    """TensorFlow's SAME."""
    out = -(-extent // stride)
    total = max((out - 1) * stride + dilation * (kernel - 1) + 1 - extent, 0)
    return total // 2, total - total // 2


def conv2d(draw, rng):
    k = pair(draw, 1, 5)
    stride, dilation = pair(draw, 1, 3), pair(draw, 1, 2)
    shape = image(draw)
    out = draw.choice([1, 2, 3, 5, 8, 16, 17, 33])
    settings = [setting("stride", stride), setting("dilation", dilation)]
    if draw.random() < 0.2:
        (top, bottom), (left, right) = (
            same_pads(shape[1 + i], k[i], stride[i], dilation[i]) for i in (0, 1))
        settings.append("pad=same")
    else:
        top, left, bottom, right = (draw.randint(0, 3) for _ in range(4))
        settings.append(setting("pad", (top, left, bottom, right)))
    reach = [dilation[i] * (k[i] - 1) + 1 for i in (0, 1)]
    if shape[1] + top + bottom < reach[0] or shape[2] + left + right < reach[1]:
        return conv2d(draw, rng)
    activation = draw_activation(draw, settings)
    inputs = {"x": array(rng, shape), "w": array(rng, (out, *k, shape[3]))}
    if draw.random() < 0.8:
        inputs["b"] = array(rng, (out,))

    def oracle(x, w, b=None):
        x = F.pad(nchw(x), (left, right, top, bottom))
        return nhwc(activation(F.conv2d(x, nchw(w), b, stride, 0, dilation)))

    return Case("conv2d", inputs, settings, oracle, tuple(inputs))


def conv_transpose2d(draw, rng):
    k = pair(draw, 1, 5)
    stride, dilation = pair(draw, 1, 3), pair(draw, 1, 2)
    shape = image(draw, high=8)
    out = draw.choice([1, 2, 3, 5, 8, 16, 17])
    symmetric = draw.random() < 0.5
    crop = pair(draw, 0, 2)
    crop = (*crop, *crop) if symmetric else tuple(draw.randint(0, 2) for _ in range(4))
    output_pad = tuple(draw.randint(0, max(stride[i], dilation[i]) - 1) for i in (0, 1))
    output_pad = tuple(min(output_pad[i], stride[i] - 1 + crop[2 + i]) for i in (0, 1))
    for i in (0, 1):
        full = (shape[1 + i] - 1) * stride[i] + dilation[i] * (k[i] - 1) + 1
        if full + output_pad[i] <= crop[i] + crop[2 + i]:
            return conv_transpose2d(draw, rng)
    settings = [setting("stride", stride), setting("dilation", dilation), setting("pad", crop),
                setting("output_pad", output_pad)]
    activation = draw_activation(draw, settings)
    inputs = {"x": array(rng, shape), "w": array(rng, (out, *k, shape[3]))}
    if draw.random() < 0.8:
        inputs["b"] = array(rng, (out,))

    def oracle(x, w, b=None):
        w = w.permute(3, 0, 1, 2)  # PyTorch's (in,out,kh,kw)
        if symmetric:
            y = F.conv_transpose2d(nchw(x), w, b, stride, crop[:2], output_pad, 1, dilation)
        else:
            y = F.conv_transpose2d(nchw(x), w, None, stride, 0, 0, 1, dilation)
            y = F.pad(y, (-crop[1], output_pad[1] - crop[3], -crop[0], output_pad[0] - crop[2]))
            if b is not None:
                y = y + b.reshape(1, -1, 1, 1)
        return nhwc(activation(y))

    return Case("conv_transpose2d", inputs, settings, oracle, tuple(inputs))


def fully_connected(draw, rng):
    shape = image(draw, high=4)
    rows = shape[1] * shape[2] * shape[3]
    out = draw.choice([1, 2, 3, 10, 17, 64])
    settings = []
    activation = draw_activation(draw, settings)
    inputs = {"x": array(rng, shape), "w": array(rng, (out, 1, 1, rows))}
    if draw.random() < 0.8:
        inputs["b"] = array(rng, (out,))

    def oracle(x, w, b=None):
        y = F.linear(x.reshape(x.shape[0], -1), w.reshape(out, -1), b)
        return activation(y).reshape(-1, 1, 1, out)

    return Case("fully_connected", inputs, settings, oracle, tuple(inputs))


def batch_norm(draw, rng):
    shape = image(draw, low=2)
    c = shape[3]
    training = draw.random() < 0.6
    unbiased = draw.random() < 0.7
    eps, momentum = draw.choice([1e-5, 1e-3, 1e-2]), draw.choice([0.1, 0.01, 0.5])
    settings = [f"training={str(training).lower()}", f"eps={eps}", f"momentum={momentum}",
                f"unbiased={str(unbiased).lower()}"]
    activation = draw_activation(draw, settings)
    inputs = {
        "x": array(rng, shape, -2, 3), "gamma": array(rng, (c,), 0.5, 1.5),
        "beta": array(rng, (c,)), "running_mean": array(rng, (c,)),
        "running_var": array(rng, (c,), 0.5, 2),
    }

    def oracle(x, gamma, beta, running_mean, running_var):
        mean, var = running_mean.clone(), running_var.clone()
        y = F.batch_norm(nchw(x), mean, var, gamma, beta, training, momentum, eps)
        if not training:
            return nhwc(activation(y))
        if not unbiased:
            batch = x.detach().var(dim=(0, 1, 2), unbiased=False)
            var = (1 - momentum) * running_var + momentum * batch
        
        return nhwc(activation(y)), {"running_mean": mean, "running_var": var}

    return Case("batch_norm", inputs, settings, oracle, ("x", "gamma", "beta"))


def elementwise(name, function):
    def make(draw, rng):
        return Case(name, {"x": array(rng, image(draw), -4, 4)}, [], lambda x: function(x), ("x",))

    return make


def leaky_relu(draw, rng):
    slope = draw.choice([0, 0.01, 0.2, 0.5])
    return Case("leaky_relu", {"x": array(rng, image(draw))}, [f"slope={slope}"],
                lambda x: F.leaky_relu(x, slope), ("x",))


def add(draw, rng):
    shape = image(draw)
    settings = []
    activation = draw_activation(draw, settings)
    return Case("add", {"x": array(rng, shape), "x2": array(rng, shape)}, settings,
                lambda x, x2: activation(x + x2), ("x", "x2"))


def scale(draw, rng):
    factor = draw.choice([0, -1.5, 0.3, 2])
    return Case("scale", {"x": array(rng, image(draw))}, [f"factor={factor}"],
                lambda x: x * factor, ("x",))


def concat(draw, rng):
    shape = image(draw)
    count = draw.randint(1, 4)
    names = ["x"] + [f"x{i}" for i in range(2, count + 1)]
    inputs = {name: array(rng, (*shape[:3], draw.randint(1, 20))) for name in names}
    return Case("concat", inputs, [], lambda **t: torch.cat([t[n] for n in names], 3), tuple(names))


def draw_window(draw):
    """Kernel, stride, pads and whether PyTorch's own symmetric padding can express them."""
    k, stride = pair(draw, 1, 4), pair(draw, 1, 3)
    if draw.random() < 0.6:
        pad = tuple(draw.randint(0, k[i] // 2) for i in (0, 1))
        return k, stride, (*pad, *pad), True
    return k, stride, tuple(draw.randint(0, k[i % 2] - 1) for i in range(4)), False


def pool(name):
    def make(draw, rng):
        shape = image(draw)
        k, stride, pad, symmetric = draw_window(draw)
        ceil = symmetric and draw.random() < 0.5
        include = draw.random() < 0.5
        if shape[1] + pad[0] + pad[2] < k[0] or shape[2] + pad[1] + pad[3] < k[1]:
            return make(draw, rng)
        settings = [setting("kernel", k), setting("stride", stride), setting("pad", pad),
                    f"ceil={str(ceil).lower()}"]
        if name == "average_pool":
            settings.append(f"count_include_pad={str(include).lower()}")
        outer = (pad[1], pad[3], pad[0], pad[2])

        def oracle(x):
            t = nchw(x)
            if name == "max_pool":
                if symmetric:
                    return nhwc(F.max_pool2d(t, k, stride, pad[:2], 1, ceil))
                return nhwc(F.max_pool2d(F.pad(t, outer, value=-np.inf), k, stride))
            if symmetric:
                return nhwc(F.avg_pool2d(t, k, stride, pad[:2], ceil, include))
            y = F.avg_pool2d(F.pad(t, outer), k, stride)
            if not include:
                y = y / F.avg_pool2d(F.pad(torch.ones_like(t), outer), k, stride)
            return nhwc(y)

        return Case(name, {"x": array(rng, shape)}, settings, oracle, ("x",))

    return make


def global_average_pool(draw, rng):
    return Case("global_average_pool", {"x": array(rng, image(draw))}, [],
                lambda x: x.mean((1, 2), keepdim=True), ("x",))


def legacy_axis(x, out, dim):
    """TensorFlow 1's resize_bilinear along one dimension."""
    n = x.shape[dim]
    source = torch.arange(out, dtype=torch.float64) * n / out
    first = source.floor().long()
    second = (first + 1).clamp(max=n - 1)
    shape = [1] * 4
    shape[dim] = out
    t = (source - first).reshape(shape)
    return x.index_select(dim, first) * (1 - t) + x.index_select(dim, second) * t


def bilinear_upsample(draw, rng):
    size = pair(draw, 1, 24)
    align = draw.choice(["half-pixel", "corners", "legacy"])

    def oracle(x):
        if align == "legacy":
            return legacy_axis(legacy_axis(x, size[0], 1), size[1], 2)
        return nhwc(F.interpolate(nchw(x), size, mode="bilinear", align_corners=align == "corners"))

    return Case("bilinear_upsample", {"x": array(rng, image(draw))},
                [setting("size", size), "align=" + align], oracle, ("x",))


def nearest_upsample(draw, rng):
    shape = image(draw)
    # PyTorch rounds the ratio to float before it multiplies; whole factors are free of that.
    size = tuple(shape[1 + i] * draw.randint(1, 4) for i in (0, 1))
    return Case("nearest_upsample", {"x": array(rng, shape)}, [setting("size", size)],
                lambda x: nhwc(F.interpolate(nchw(x), size, mode="nearest")), ("x",))


def taps(size, sigma, normalised):
    x = torch.arange(size, dtype=torch.float64) - size // 2
    t = torch.exp(-x * x / (2 * sigma * sigma))
    return t / t.sum() if normalised else t


def blur(x, size, sigma, normalised, border):
    r = size // 2
    if border == "symmetric":
        for dim in (1, 2):
            n = x.shape[dim]
            i = torch.arange(-r, n + r) % (2 * n)
            x = x.index_select(dim, torch.where(i < n, i, 2 * n - 1 - i))
    else:
        x = F.pad(x, (0, 0, r, r, r, r))
    t = taps(size, sigma, normalised)
    c = x.shape[3]
    kernel = torch.outer(t, t).reshape(1, 1, size, size).expand(c, 1, size, size)
    return nhwc(F.conv2d(nchw(x), kernel, groups=c))


def draw_blur(draw):
    sigma = draw.choice([0.5, 1.0, 1.27, 3.0])
    normalised = draw.random() < 0.7
    border = draw.choice(["zero", "symmetric"])
    return sigma, normalised, border, [
        f"sigma={sigma}", f"normalised={str(normalised).lower()}", f"border={border}"]


def gaussian_blur(draw, rng):
    size = draw.choice([1, 3, 5, 7, 9])
    sigma, normalised, border, settings = draw_blur(draw)
    return Case("gaussian_blur", {"x": array(rng, image(draw))}, settings + [f"kernel={size}"],
                lambda x: blur(x, size, sigma, normalised, border), ("x",))


def dropout(draw, rng):
    rate = draw.choice([0, 0.1, 0.5, 0.9])
    seed, step = draw.randint(0, 999), draw.randint(0, 99)
    case = Case("dropout", {"x": array(rng, image(draw), 0.5, 1.5)},
                [f"rate={rate}", f"seed={seed}", f"step={step}", "training=true"], None, ("x",))
    case.mask_from = True

    def oracle(x, mask=None):
        return x * mask / (1 - rate)

    case.oracle = oracle
    case.rate = rate
    return case


def pixel_loss(name, function):
    def make(draw, rng):
        shape = image(draw)
        inputs = {"x": array(rng, shape, -2, 2), "target": array(rng, shape, -2, 2)}
        settings = []
        delta = draw.choice([0.1, 0.5, 1.0, 2.0])
        if name == "huber_loss":
            settings.append(f"delta={delta}")
        if name == "bce_with_logits":
            inputs["target"] = array(rng, shape, 0, 1)
        if draw.random() < 0.5:
            inputs["pixel_weight"] = array(rng, (*shape[:3], 1), 0, 2)

        def oracle(x, target, pixel_weight=None):
            each = function(x, target, delta)
            if pixel_weight is not None:
                each = each * pixel_weight
            return scalar(each.mean())

        return Case(name, inputs, settings, oracle, ("x",))

    return make


def blurred_euclidean(draw, rng):
    shape = image(draw)
    sizes = draw.choice([(3, 5), (5,), (3, 7, 9)])
    squared = draw.random() < 0.7
    sigma, normalised, border, settings = draw_blur(draw)

    def oracle(x, target):
        d = x - target
        maps = [d] + [blur(d, k, sigma, normalised, border) for k in sizes]
        each = [(m * m if squared else m.abs()).mean() for m in maps]
        return scalar(sum(each) / len(each))

    return Case("blurred_euclidean", {"x": array(rng, shape), "target": array(rng, shape)},
                settings + [setting("kernels", sizes), f"squared={str(squared).lower()}"], oracle,
                ("x",))


def softmax_cross_entropy(draw, rng):
    q = draw.choice([1, 2, 5, 16, 33, 313])
    shape = image(draw, channels=q, high=6)
    inputs = {"x": array(rng, shape, -6, 6)}
    top = draw.random() < 0.3
    if draw.random() < 0.6:
        inputs["class_weight"] = array(rng, (q,), 0.1, 3)
    settings = ["weighting=top-bin"] if top else []
    neighbours = min(q, draw.randint(1, 5))
    if draw.random() < 0.5:
        index = np.stack([rng.permutation(q)[:neighbours] for _ in range(int(np.prod(shape[:3])))])
        inputs["index"] = index.reshape(*shape[:3], neighbours)
        inputs["target"] = array(rng, (*shape[:3], neighbours), 0.05, 1)
    else:
        inputs["target"] = array(rng, shape, 0, 1)

    def oracle(x, target, class_weight=None, index=None):
        if index is not None:
            target = torch.zeros_like(x).scatter(3, index.long(), target)
        if not top:
            return scalar(F.cross_entropy(x.reshape(-1, q), target.reshape(-1, q), class_weight))
        each = -(target * F.log_softmax(x, 3)).sum(3)
        if class_weight is not None:
            each = each * class_weight[target.argmax(3)]
        return scalar(each.mean())

    return Case("softmax_cross_entropy", inputs, settings, oracle, ("x",))


OPERATIONS = {
    "conv2d": conv2d,
    "conv_transpose2d": conv_transpose2d,
    "fully_connected": fully_connected,
    "batch_norm": batch_norm,
    "relu": elementwise("relu", F.relu),
    "leaky_relu": leaky_relu,
    "sigmoid": elementwise("sigmoid", torch.sigmoid),
    "tanh": elementwise("tanh", torch.tanh),
    "add": add,
    "scale": scale,
    "concat": concat,
    "dropout": dropout,
    "max_pool": pool("max_pool"),
    "average_pool": pool("average_pool"),
    "global_average_pool": global_average_pool,
    "bilinear_upsample": bilinear_upsample,
    "nearest_upsample": nearest_upsample,
    "gaussian_blur": gaussian_blur,
    "l1_loss": pixel_loss("l1_loss", lambda x, t, _: (x - t).abs()),
    "l2_loss": pixel_loss("l2_loss", lambda x, t, _: (x - t) ** 2),
    "huber_loss": pixel_loss(
        "huber_loss", lambda x, t, d: F.huber_loss(x, t, reduction="none", delta=d)),
    "bce_with_logits": pixel_loss(
        "bce_with_logits",
        lambda x, t, _: F.binary_cross_entropy_with_logits(x, t, reduction="none")),
    "softmax_cross_entropy": softmax_cross_entropy,
    "blurred_euclidean": blurred_euclidean,
    "srgb_to_lab": conversion("srgb_to_lab", srgb_to_lab),
    "lab_to_srgb": inverse("lab_to_srgb", srgb_to_lab),
    "srgb_to_luv": conversion("srgb_to_luv", srgb_to_luv),
    "luv_to_srgb": inverse("luv_to_srgb", srgb_to_luv),
    "srgb_to_yuv": conversion("srgb_to_yuv", srgb_to_yuv),
    "yuv_to_srgb": inverse("yuv_to_srgb", srgb_to_yuv),
    "srgb_to_ycbcr": conversion("srgb_to_ycbcr", srgb_to_ycbcr),
    "ycbcr_to_srgb": inverse("ycbcr_to_srgb", srgb_to_ycbcr),
}
