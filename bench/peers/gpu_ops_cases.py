"""The work of tinct_gpu_bench's cases in PyTorch: a function and its inputs for each group.

Maps are NCHW in channels_last, which is tinct's NHWC in memory. Functions return what the case computes and run in any
floating type, so that float64 is the judge.
"""
import dataclasses
import typing

import torch
import torch.nn.functional as F

aten = torch.ops.aten


@dataclasses.dataclass
class Work:
    function: typing.Callable
    inputs: list
    fused: typing.Optional[typing.Callable] = None  # PyTorch's own fusion of it
    multiplies: bool = False  # TF32 makes a difference
    compilable: bool = False  # several kernels in eager mode
    checked: bool = True  # against float64


def draw(shape, device, dtype):
    """Uniform in [-1, 1)."""
    return (torch.rand(shape, device=device) * 2 - 1).to(dtype)


def image(z, device, dtype, h=None, w=None, c=None):
    shape = (z["n"], c or z["c"], h or z["h"], w or z["w"])
    return draw(shape, device, dtype).contiguous(memory_format=torch.channels_last)


def filters(z, device, dtype, out, inner):
    return draw((out, inner, z["kernel"], z["kernel"]), device, dtype).contiguous(memory_format=torch.channels_last)


# Convolutions.


def conv_forward(z, device, dtype):
    x, w = image(z, device, dtype), filters(z, device, dtype, z["k"], z["c"])
    b = draw(z["k"], device, dtype)
    stride, pad = [z["stride"]] * 2, [z["pad"]] * 2
    return Work(lambda x, w, b: F.conv2d(x, w, b, stride, pad).relu_(), [x, w, b], multiplies=True, compilable=True,
                fused=lambda x, w, b: torch.cudnn_convolution_relu(x, w, b, stride, pad, [1, 1], 1))


def conv_gradient(z, device, dtype, mask):
    side = (z["h"] + 2 * z["pad"] - z["kernel"]) // z["stride"] + 1
    x, w = image(z, device, dtype), filters(z, device, dtype, z["k"], z["c"])
    dy = image(z, device, dtype, side, side, z["k"])
    stride, pad = [z["stride"]] * 2, [z["pad"]] * 2

    def run(dy, x, w):
        found = aten.convolution_backward(dy, x, w, None, stride, pad, [1, 1], False, [0, 0], 1, mask)
        return [r for r in found if r is not None]
    return Work(run, [dy, x, w], multiplies=True)


def transposed(z, device, dtype):
    x, w = image(z, device, dtype), filters(z, device, dtype, z["c"], z["k"])
    return Work(lambda x, w: F.conv_transpose2d(x, w, None, z["stride"], z["pad"]), [x, w], multiplies=True)


def transposed_gradient(z, device, dtype):
    side = (z["h"] - 1) * z["stride"] + z["kernel"] - 2 * z["pad"]
    x, w = image(z, device, dtype), filters(z, device, dtype, z["c"], z["k"])
    dy = image(z, device, dtype, side, side, z["k"])
    stride, pad = [z["stride"]] * 2, [z["pad"]] * 2
    return Work(lambda dy, x, w: aten.convolution_backward(dy, x, w, None, stride, pad, [1, 1], True, [0, 0], 1,
                                                           [True, False, False])[0], [dy, x, w], multiplies=True)


def gemm(z, device, dtype):
    a = draw((z["k"], z["m"]) if z["transpose_a"] else (z["m"], z["k"]), device, dtype)
    b = draw((z["n"], z["k"]) if z["transpose_b"] else (z["k"], z["n"]), device, dtype)
    return Work(lambda a, b: (a.t() if z["transpose_a"] else a) @ (b.t() if z["transpose_b"] else b), [a, b],
                multiplies=True)


# Maps.


def on_maps(function, maps=1, compilable=False):
    """A case over `maps` maps as large as its shape."""
    return lambda z, device, dtype: Work(function, [image(z, device, dtype) for _ in range(maps)], compilable=compilable)


def last(t):
    return t.contiguous(memory_format=torch.channels_last)


def dropout(z, device, dtype):
    work = on_maps(lambda x: F.dropout(x, 0.2))(z, device, dtype)
    work.checked = False
    return work


def concat(z, device, dtype):
    c = z["c"] // 2
    halves = [image(z, device, dtype, c=c), image(z, device, dtype, c=z["c"] - c)]
    return Work(lambda a, b: torch.cat([a, b], 1), halves)


def concat_gradient(z, device, dtype):
    c = z["c"] // 2
    return Work(lambda dy: (last(dy[:, :c]), last(dy[:, c:])), [image(z, device, dtype)])


def channel_figures(z, device):
    return [draw(z["c"], device, torch.float32) for _ in range(2)]


def norm(x, gamma, beta):
    return F.batch_norm(x, None, None, gamma, beta, training=True, eps=1e-5)


def norm_forward(z, device, dtype):
    return Work(lambda x, g, b: norm(x, g, b).relu_(), [image(z, device, dtype)] + channel_figures(z, device),
                compilable=True)


def norm_gradient(z, device, dtype):
    """The gradients of ReLU and batch norm; the graph is made once and walked again and again."""
    graphs = {}

    def run(x, dy, gamma, beta):
        if x.dtype not in graphs:
            leaves = [t.detach().requires_grad_() for t in (x, gamma, beta)]
            graphs.clear()
            graphs[x.dtype] = (norm(*leaves).relu(), leaves)
        y, leaves = graphs[x.dtype]
        return torch.autograd.grad(y, leaves, dy, retain_graph=True)
    return Work(run, [image(z, device, dtype), image(z, device, dtype)] + channel_figures(z, device))


def halved(z, device, dtype, function):
    return Work(function, [image(z, device, dtype, z["h"] // 2, z["w"] // 2), image(z, device, dtype)])


def max_pool_gradient(z, device, dtype):
    x = image(z, device, dtype)
    which = F.max_pool2d(x, 2, return_indices=True)[1]
    dy = image(z, device, dtype, z["h"] // 2, z["w"] // 2)
    return Work(lambda dy, x, which: aten.max_pool2d_with_indices_backward(
        dy, x, [2, 2], [2, 2], [0, 0], [1, 1], False, which), [dy, x, which])


def average_pool_gradient(z, device, dtype):
    return halved(z, device, dtype, lambda dy, x: aten.avg_pool2d_backward(
        dy, x, [2, 2], [2, 2], [0, 0], False, True, None))


def global_average_pool_gradient(z, device, dtype):
    dy = image(z, device, dtype, 1, 1)
    area = z["h"] * z["w"]
    return Work(lambda dy: last((dy / area).expand(-1, -1, z["h"], z["w"])), [dy])


def upsampling_gradient(function):
    def make_work(z, device, dtype):
        size = [z["n"], z["c"], z["h"], z["w"]]
        dy = image(z, device, dtype, 2 * z["h"], 2 * z["w"])
        return Work(lambda dy: function(dy, [2 * z["h"], 2 * z["w"]], size), [dy])
    return make_work


# Losses: the value on the host, and the gradient.


def loss(function, inputs):
    """`function` is a loss of its first input; the result is the value and that input's gradient."""
    def run(prediction, *others):
        leaf = prediction.detach().requires_grad_()
        value = function(leaf, *others)
        gradient, = torch.autograd.grad(value, leaf)
        value.item()
        return value.detach(), gradient
    return Work(run, inputs)


def blur(x, size, sigma=1.2739827004320285):
    """Separable, with replicated instead of mirrored borders, which cost the same."""
    at = torch.arange(size, device=x.device, dtype=x.dtype) - size // 2
    taps = torch.exp(-at**2 / (2 * sigma**2))
    taps = taps / taps.sum()
    c = x.shape[1]
    x = F.pad(x, [size // 2] * 4, mode="replicate")
    x = F.conv2d(x, taps.view(1, 1, 1, size).expand(c, 1, 1, size), groups=c)
    return F.conv2d(x, taps.view(1, 1, size, 1).expand(c, 1, size, 1), groups=c)


def blurred(p, t):
    d = p - t
    return (d.square().mean() + blur(d, 3).square().mean() + blur(d, 5).square().mean()) / 3


def two_maps(z, device, dtype):
    return [image(z, device, dtype), image(z, device, dtype)]


def cross_entropy_dense(z, device, dtype):
    shape = (z["w"], z["c"])
    return loss(F.cross_entropy, [draw(shape, device, dtype), draw(shape, device, dtype).abs()])


def cross_entropy_sparse(z, device, dtype):
    pixels, bins, k = z["w"], z["c"], z["neighbours"]
    index = torch.randint(bins, (pixels, k), device=device)
    weight = draw((pixels, k), device, dtype).abs()
    return loss(lambda p, i, w: -(w * F.log_softmax(p, 1).gather(1, i)).sum() / pixels,
                [draw((pixels, bins), device, dtype), index, weight])


def sum_of_squares(z, device, dtype):
    def run(x):
        value = x.square().sum()
        value.item()
        return value
    return Work(run, [image(z, device, dtype)])


def annealed_mean(z, device, dtype):
    pixels, bins = z["w"], z["c"]
    table = 110 * draw((bins, 2), device, dtype)
    return Work(lambda logits, table: torch.softmax(logits / 0.38, 1) @ table, [draw((pixels, bins), device, dtype), table],
                compilable=True)


# Colours: (pixels, 3).


def colours(function):
    def make_work(z, device, dtype):
        rgb = torch.rand((z["n"] * z["h"] * z["w"], 3), device=device, dtype=dtype)
        return Work(function, [rgb], compilable=True)
    return make_work


TO_XYZ = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
TO_YCBCR = [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]


def matrix(rows, like):
    return torch.tensor(rows, device=like.device, dtype=like.dtype)


def srgb_to_lab(rgb):
    light = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = matrix(TO_XYZ, rgb)
    xyz = light @ (to_xyz / to_xyz.sum(1, keepdim=True)).t()
    f = torch.where(xyz > (6 / 29) ** 3, xyz.clamp(min=1e-9) ** (1 / 3), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = f.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def lab_to_srgb(lab):
    y = (lab[:, 0] * 100 + 16) / 116
    f = torch.stack([y + lab[:, 1] / 500, y, y - lab[:, 2] / 200], 1)
    xyz = torch.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    to_xyz = matrix(TO_XYZ, lab)
    light = xyz @ torch.linalg.inv(to_xyz.double() / to_xyz.double().sum(1, keepdim=True)).t().to(lab.dtype)
    light = light.clamp(min=0)
    return torch.where(light <= 0.0031308, 12.92 * light, 1.055 * light.clamp(min=1e-9) ** (1 / 2.4) - 0.055)


def srgb_to_ycbcr(rgb):
    return rgb @ matrix(TO_YCBCR, rgb).t() + matrix([0, 128 / 255, 128 / 255], rgb)


# Optimizers.


def optimizer(make_optimizer):
    def make_work(z, device, dtype):
        w = draw((z["c"],), device, dtype).requires_grad_()
        w.grad = draw((z["c"],), device, dtype)
        steps = make_optimizer([w], device == "cuda")
        return Work(lambda w: steps.step(), [w], checked=False)
    return make_work


GROUPS = {
    "conv2d/forward": conv_forward,
    "conv2d/backward_data": lambda z, d, t: conv_gradient(z, d, t, [True, False, False]),
    "conv2d/backward_weights": lambda z, d, t: conv_gradient(z, d, t, [False, True, False]),
    "conv_transpose2d/forward": transposed,
    "conv_transpose2d/backward_data": transposed_gradient,
    "gemm": gemm,
    "relu/forward": on_maps(F.relu),
    "relu/backward": on_maps(lambda y, dy: aten.threshold_backward(dy, y, 0), 2),
    "leaky_relu/forward": on_maps(lambda x: F.leaky_relu(x, 0.2)),
    "leaky_relu/backward": on_maps(lambda y, dy: aten.leaky_relu_backward(dy, y, 0.2, True), 2),
    "sigmoid/forward": on_maps(torch.sigmoid),
    "sigmoid/backward": on_maps(lambda y, dy: aten.sigmoid_backward(dy, y), 2),
    "tanh/forward": on_maps(torch.tanh),
    "tanh/backward": on_maps(lambda y, dy: aten.tanh_backward(dy, y), 2),
    "add_relu/forward": on_maps(lambda a, b: (a + b).relu_(), 2, compilable=True),
    "scale/forward": on_maps(lambda x: 3 * x),
    "dropout/forward": dropout,
    "concat/forward": concat,
    "concat/backward": concat_gradient,
    "batch_norm/statistics": on_maps(lambda x: torch.var_mean(x, (0, 2, 3), correction=0)),
    "batch_norm_relu/forward": norm_forward,
    "batch_norm_relu/backward": norm_gradient,
    "max_pool/forward": on_maps(lambda x: F.max_pool2d(x, 2, return_indices=True)[0]),
    "max_pool/backward": max_pool_gradient,
    "average_pool/forward": on_maps(lambda x: F.avg_pool2d(x, 2)),
    "average_pool/backward": average_pool_gradient,
    "global_average_pool/forward": on_maps(lambda x: x.mean((2, 3), keepdim=True)),
    "global_average_pool/backward": global_average_pool_gradient,
    "bilinear_x2/forward": on_maps(lambda x: F.interpolate(x, scale_factor=2, mode="bilinear")),
    "bilinear_x2/backward": upsampling_gradient(lambda dy, o, i: aten.upsample_bilinear2d_backward(dy, o, i, False)),
    "nearest_x2/forward": on_maps(lambda x: F.interpolate(x, scale_factor=2, mode="nearest")),
    "nearest_x2/backward": upsampling_gradient(lambda dy, o, i: aten.upsample_nearest2d_backward(dy, o, i)),
    "l2_loss": lambda z, d, t: loss(F.mse_loss, two_maps(z, d, t)),
    "huber_loss": lambda z, d, t: loss(lambda p, q: F.huber_loss(p, q, delta=0.5), two_maps(z, d, t)),
    "blurred_euclidean": lambda z, d, t: loss(blurred, two_maps(z, d, t)),
    "gaussian_blur_5": on_maps(lambda x: blur(x, 5), compilable=True),
    "softmax_cross_entropy/dense": cross_entropy_dense,
    "softmax_cross_entropy/sparse": cross_entropy_sparse,
    "sum_of_squares": sum_of_squares,
    "annealed_mean": annealed_mean,
    "srgb_to_lab": colours(srgb_to_lab),
    "lab_to_srgb": colours(lab_to_srgb),
    "srgb_to_ycbcr": colours(srgb_to_ycbcr),
    "adam_step": optimizer(lambda p, fused: torch.optim.Adam(p, lr=1e-2, fused=fused)),
    "sgd_step": optimizer(lambda p, fused: torch.optim.SGD(p, lr=1e-2, momentum=0.9, fused=fused)),
}


def make(case, device, dtype):
    """The work of a case, or None where PyTorch has nothing like it."""
    builder = GROUPS.get(case["group"])
    return None if builder is None else builder(case["sizes"], device, dtype)
