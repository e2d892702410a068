#!/usr/bin/env python3
"""A training step of four presets against the same networks in PyTorch on the same card (needs torch and numpy; no
network).

The same weights, drawn by tinct; the same pictures; squared error; Adam; VGG16 frozen. Checks the loss and every gradient
against PyTorch in float64, then times blocks of steps of both sides alternately: tinct_gpu_train_step in f32, tf32 and
bf16; PyTorch channels_last with cudnn.benchmark, in f32, with TF32 and under autocast to bf16, eager and through torch.compile.
Usage: gpu_train_step.py --programs build/cuda --out steps.json [--table steps.md] [--presets a,b] [--batch 16] [--size 224]
                         [--steps 10] [--blocks 5] [--seconds 75] [--device cuda|cpu] [--width-divisor N]
"""
import argparse
import contextlib
import copy
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.append(os.path.join(HERE, "fallback"))  # looked at last: for a Python without safetensors
from safetensors.numpy import load_file, save_file  # noqa: E402
sys.path.insert(0, os.path.join(HERE, "..", "..", "tests", "golden"))
import make_dahl  # noqa: E402
import make_vgg_unet  # noqa: E402
from train_step import pictures  # noqa: E402
from unet import Unet, from_tinct, tinct_name  # noqa: E402

PRESETS = ["unet-small", "vgg-unet", "dahl-residual", "dahl-hypercolumn"]


class Golden(torch.nn.Module):
    """A network of tests/golden/, which holds its weights by tinct's names in a dictionary, as a module."""

    def __init__(self, net):
        super().__init__()
        self.net = net
        self.names = {name.replace(".", "_"): name for name in net.p if "running" not in name}
        for attribute, name in self.names.items():
            frozen = name.startswith("vgg.")
            self.register_parameter(attribute, torch.nn.Parameter(net.p[name].detach().clone(), not frozen))

    def forward(self, x):
        self.net.p = {name: getattr(self, attribute) for attribute, name in self.names.items()}
        return self.net(x)

    def tinct_names(self):
        return self.names


class Ours(torch.nn.Module):
    """bench/peers/unet.py with tinct's weights."""

    def __init__(self, given):
        super().__init__()
        self.net = Unet()
        for name, tensor in self.net.state_dict().items():
            if tinct_name(name) is not None:
                tensor.copy_(from_tinct(given[tinct_name(name)], tensor))

    def forward(self, x):
        return self.net(x)

    def tinct_names(self):
        return {name: tinct_name(name[4:]) for name, _ in self.named_parameters()}


def make_network(preset, given):
    if preset == "unet-small":
        return Ours(given)
    if preset == "vgg-unet":
        return Golden(make_vgg_unet.Net(given))
    return Golden(make_dahl.Net(given, preset.removeprefix("dahl-")))


def to_tinct(t):
    t = t.detach().cpu()
    return (t.permute(0, 2, 3, 1) if t.dim() == 4 else t).double().numpy().ravel()


class Tinct:
    """tinct_gpu_train_step in a process of its own."""

    def __init__(self, args, preset, precision, x, target):
        self.folder = tempfile.TemporaryDirectory()
        weights, batch, out = (os.path.join(self.folder.name, n) for n in ("weights.safetensors", "batch", "out"))
        save_file({"x": x.numpy(), "target": target.numpy()}, batch)
        self.files = weights, out
        command = [os.path.join(args.programs, "tinct_gpu_train_step"), preset, weights, batch, out,
                   "--device", "gpu" if args.device == "cuda" else "cpu", "--precision", precision,
                   "--width-divisor", str(args.width_divisor)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def wait_until_ready(self):
        if self.process.stdout.readline().strip() != "ready":
            raise RuntimeError("tinct_gpu_train_step did not start")
        self.weights, self.result = (load_file(file) for file in self.files)

    def ask(self, what):
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def steps(self, count):
        return self.ask(f"steps {count}")

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.folder.cleanup()


class Torch:
    """The same network on the other side: precision "f32", "tf32" or "bf16", compiled or not."""

    def __init__(self, args, net, precision, compiled, x, target):
        self.cuda, self.precision = args.device == "cuda", precision
        self.net = copy.deepcopy(net).to(args.device, memory_format=torch.channels_last)
        self.x, self.target = x.to(args.device), target.to(args.device)
        learnt = [p for p in self.net.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(learnt, lr=1e-3, fused=self.cuda)
        self.run = torch.compile(self.net, dynamic=False) if compiled else self.net
        self.name = f"torch {precision}" + (" compiled" if compiled else "")

    def loss(self):
        autocast = torch.autocast("cuda", torch.bfloat16) if self.precision == "bf16" and self.cuda else contextlib.nullcontext()
        with autocast:
            y = self.run(self.x)
        return F.mse_loss(y.float(), self.target)

    def wait(self):
        if self.cuda:
            torch.cuda.synchronize()

    def steps(self, count):
        tf32 = self.precision != "f32"
        torch.backends.cuda.matmul.allow_tf32 = tf32
        torch.backends.cudnn.allow_tf32 = tf32
        self.wait()
        start = time.perf_counter()
        for _ in range(count):
            self.optimizer.zero_grad(set_to_none=True)
            self.loss().backward()
            self.optimizer.step()
        self.wait()
        return 1e3 * (time.perf_counter() - start) / count


def exact_gradients(net, x, target, device):
    """The loss and the gradients by tinct's names, in float64."""
    exact = copy.deepcopy(net).double().to(device)
    loss = F.mse_loss(exact(x.double().to(device)), target.double().to(device))
    loss.backward()
    names = exact.tinct_names()
    return loss.item(), {names[n]: to_tinct(p.grad) for n, p in exact.named_parameters() if p.grad is not None}


def worst_error(gradients, exact):
    """The largest ||got - exact|| / ||exact||; infinite for NaN and for gradients that only one side has. Some are zero
    but for rounding (a shift before a batch norm): none counts as less than a thousandth of the largest."""
    if set(gradients) != set(exact):
        print(f"gradients of one side alone: {sorted(set(gradients) ^ set(exact))}", file=sys.stderr)
        return float("inf")
    worst, least = 0.0, 1e-3 * max(np.linalg.norm(e) for e in exact.values())
    for name, e in exact.items():
        error = np.linalg.norm(gradients[name] - e) / max(np.linalg.norm(e), least)
        worst = max(worst, error) if error == error else float("inf")
    return worst


def check(tinct, loss, exact):
    ours = float(tinct.result["loss"].ravel()[0])
    gradients = {n[5:]: g.astype(np.float64).ravel() for n, g in tinct.result.items() if n.startswith("grad.")}
    return {"loss_error": abs(ours - loss) / abs(loss), "worst_gradient_error": worst_error(gradients, exact)}


def warm_up(sides, args):
    """{side: steps of a block}, so that a block takes a third of a second at most; drops sides that cannot run."""
    counts = {}
    for name, side in list(sides.items()):
        try:
            side.steps(2)
            counts[name] = max(1, min(args.steps, int(300 / side.steps(2))))
        except (RuntimeError, ValueError) as reason:
            print(f"  {name}: {str(reason).splitlines()[0] if str(reason) else reason!r}", file=sys.stderr)
            del sides[name]
    return counts


def time_alternately(sides, args):
    """{side: milliseconds of a step}, the median over blocks that take turns."""
    counts = warm_up(sides, args)
    samples = {name: [] for name in sides}
    for _ in range(args.blocks):
        for name, side in sides.items():
            samples[name].append(side.steps(counts[name]))
    return {name: {"ms": statistics.median(s), "best_ms": min(s), "spread_ms": max(s) - min(s),
                   "pictures_per_second": 1e3 * args.batch / statistics.median(s)} for name, s in samples.items()}


class Preset:
    """One network on both sides."""

    def __init__(self, args, name):
        torch.manual_seed(1)
        self.args, self.name = args, name
        x = pictures(args.batch, args.size, 1) * 2 - 1
        wide = pictures(args.batch, args.size, 2)
        target = wide if name.startswith("dahl") else wide * 0.4 - 0.2
        self.precisions = ["f32", "tf32", "bf16"] if args.device == "cuda" else ["f32"]
        self.tinct = {f"tinct {p}": Tinct(args, name, p, x, target) for p in self.precisions}
        for side in self.tinct.values():
            side.wait_until_ready()
        self.net = make_network(name, self.tinct["tinct f32"].weights)
        self.data = [t.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last) for t in (x, target)]

    def torch_sides(self, compiled):
        sides = [Torch(self.args, self.net, p, compiled, *self.data) for p in self.precisions]
        return {side.name: side for side in sides}

    def eager(self):
        """Figures of tinct and of PyTorch's eager mode, tinct's gradients compared with float64."""
        loss, exact = exact_gradients(self.net, *self.data, self.args.device)
        checks = {name: check(side, loss, exact) for name, side in self.tinct.items()}
        self.net.float()
        figures = time_alternately({**self.tinct, **self.torch_sides(False)}, self.args)
        for name, side in self.tinct.items():
            figures[name].update(checks[name], peak_mib=side.ask("memory"))
            side.close()
        return figures

    def compiled(self):
        return time_alternately(self.torch_sides(True), self.args)


def table(result):
    lines = [f"{result['card']}, PyTorch {result['torch']}, {result['date'][:10]}, commit {result['commit'] or '?'}. Milliseconds "
             "of a training step (forward, squared error, backward, Adam; VGG16 frozen), median of blocks that take turns.", "",
             "| preset | pictures | side | ms | pictures/s | of tinct at that precision | worst gradient from float64 |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    for row in result["rows"]:
        ratio = f"x{row['of_tinct']:.2f}" if "of_tinct" in row else ""
        error = f"{row['worst_gradient_error']:.1e}" if "worst_gradient_error" in row else ""
        lines.append(f"| {row['preset']} | {row['pictures']} | {row['side']} | {row['ms']:.3f} | "
                     f"{row['pictures_per_second']:.0f} | {ratio} | {error} |")
    return "\n".join(lines) + "\n"


def rows_of(preset, figures):
    """A row for each side, PyTorch's with its ratio to tinct's at the same precision."""
    rows = []
    for side, found in figures.items():
        ours = figures.get("tinct " + side.split()[1])
        ratio = {"of_tinct": found["ms"] / ours["ms"]} if ours and side.startswith("torch") else {}
        args = preset.args
        rows.append({"preset": preset.name, "pictures": f"{args.batch}x{args.size}x{args.size}", "side": side, **found, **ratio})
    return rows


def wrong(figures):
    """Whether tinct's gradients in f32 are not PyTorch's."""
    return not figures["tinct f32"]["worst_gradient_error"] <= 1e-2


def say(preset, figures):
    for name, s in figures.items():
        error = f"  worst gradient {s['worst_gradient_error']:.1e}" if "worst_gradient_error" in s else ""
        print(f"{preset:18} {name:22} {s['ms']:9.3f} ms{error}", flush=True)


def save(args, result, done):
    result["rows"] = [row for preset, figures in done for row in rows_of(preset, figures)]
    with open(args.out, "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    if args.table:
        with open(args.table, "w") as file:
            file.write(table(result))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", default="build/cuda", help="the folder of tinct_gpu_train_step")
    parser.add_argument("--out", required=True)
    parser.add_argument("--table")
    parser.add_argument("--presets", default=",".join(PRESETS))
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--steps", type=int, default=10, help="of a block, fewer of slow ones")
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=75, help="torch.compile starts on no network after so long")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--width-divisor", type=int, default=1, help="of VGG16: narrow ones for a CPU")
    parser.add_argument("--commit", default="")
    return parser.parse_args()


def main():
    args = arguments()
    start = time.monotonic()
    torch.backends.cudnn.benchmark = True
    result = {"table": "Training steps against PyTorch", "torch": torch.__version__, "commit": args.commit,
              "card": torch.cuda.get_device_name(0) if args.device == "cuda" else "cpu",
              "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), "rows": []}
    failed, done = False, []
    for name in args.presets.split(","):
        try:
            preset = Preset(args, name)
            figures = preset.eager()
        except (RuntimeError, OSError, KeyError) as reason:
            print(f"{name}: {reason!r}", file=sys.stderr)
            failed = True
            continue
        say(name, figures)
        failed = failed or wrong(figures)
        done.append((preset, figures))
        save(args, result, done)
    for preset, figures in done:
        if time.monotonic() - start > args.seconds:
            print(f"{preset.name}: not compiled, {args.seconds:.0f} s were over", file=sys.stderr)
            continue
        more = preset.compiled()
        say(preset.name, more)
        figures.update(more)
        save(args, result, done)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
