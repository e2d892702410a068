#!/usr/bin/env python3
"""What plans for kernels on a card are made against: cuDNN on VGG16's layers and on the odd shapes of our networks,
the kernels that torch.compile makes, a kernel's counters, our machine code by opcode.

Needs PyTorch with CUDA (not for counters and opcodes); tools/gpu-check.sh runs it.
Usage: gpu_plan.py layers --out FILE [--seconds 80]    ceilings and convolutions, most valuable first, until the time is up
       gpu_plan.py fusion --out FILE                   kernels of a convolution with bias and ReLU, eager and compiled
       gpu_plan.py one                                 conv1_2 once between profiler marks, for ncu
       gpu_plan.py counters --csv FILE --out FILE      ncu's raw page as a table
       gpu_plan.py opcodes --out FILE                  cuobjdump -sass on stdin, counted by kernel
"""
import argparse
import collections
import csv
import json
import re
import statistics
import subprocess
import sys
import time

BATCH = 32
# name: height and width, channels in, channels out, kernel, stride, padding, transposed
LAYERS = {
    "conv1_2 64->64": (224, 64, 64, 3, 1, 1, False),
    "conv2_1 64->128": (112, 64, 128, 3, 1, 1, False),
    "conv2_2 128->128": (112, 128, 128, 3, 1, 1, False),
    "conv3_1 128->256": (56, 128, 256, 3, 1, 1, False),
    "conv3_2 256->256": (56, 256, 256, 3, 1, 1, False),
    "conv4_1 256->512": (28, 256, 512, 3, 1, 1, False),
    "conv4_2 512->512": (28, 512, 512, 3, 1, 1, False),
    "conv5_1 512->512": (14, 512, 512, 3, 1, 1, False),
    "conv1_1 3->64": (224, 3, 64, 3, 1, 1, False),
    "few outputs 64->2": (224, 64, 2, 3, 1, 1, False),
    "few outputs 64->3": (224, 64, 3, 3, 1, 1, False),
    "head 64->100 1x1": (112, 64, 100, 1, 1, 0, False),
    "4x4 stride 2, 64->128": (128, 64, 128, 4, 2, 1, False),
    "4x4 stride 2 transposed, 128->64": (64, 128, 64, 4, 2, 1, True),
    "hypercolumn 963->128": (56, 963, 128, 3, 1, 1, False),
    "hypercolumn 968->128": (56, 968, 128, 3, 1, 1, False),
}
PASSES = ("forward", "data gradient", "weight gradient")


def the_card():
    return subprocess.run(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], capture_output=True,
                          text=True).stdout.strip().splitlines()[0]


def save(path, table, rows, **more):
    """Writes what there is, so that a part that is stopped has left what it had."""
    with open(path, "w") as file:
        json.dump({"table": table, **more, "rows": rows}, file, indent=1)
        file.write("\n")


class Clock:
    """Medians of CUDA events over calls that find the L2 cache cold."""

    def __init__(self, torch):
        self.torch = torch
        self.flush = torch.empty(160 << 20, dtype=torch.uint8, device="cuda")

    def median_us(self, f, rounds=9):
        for _ in range(3):
            f()
        times = []
        for _ in range(rounds):
            self.flush.zero_()
            begin, end = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            f()
            end.record()
            end.synchronize()
            times.append(1000 * begin.elapsed_time(end))
        return statistics.median(times)


def set_precision(torch, tf32):
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32


def ceilings(torch, clock):
    """The rates of a large copy and of large matrix products: what the card can do at all."""
    rows = []
    x = torch.randint(0, 255, (1 << 30,), dtype=torch.uint8, device="cuda")
    y = torch.empty_like(x)
    us = clock.median_us(lambda: y.copy_(x))
    rows.append({"layer": "copy of 1 GiB", "us": us, "GB/s": 2 * x.numel() / us / 1e3})
    del x, y
    for name, dtype, n in (("bf16", torch.bfloat16, 8192), ("tf32", torch.float32, 8192)):
        a, b = (torch.randn(n, n, device="cuda", dtype=dtype) for _ in range(2))
        us = clock.median_us(lambda: a @ b)
        rows.append({"layer": f"matrix product {n}", "precision": name, "us": us, "TFLOP/s": 2 * n**3 / us / 1e6})
    return rows


class Layer:
    """A convolution in PyTorch, channels last, with its three passes."""

    def __init__(self, torch, spec, dtype, batch=BATCH):
        self.torch = torch
        size, c_in, c_out, k, stride, pad, self.transposed = spec
        self.stride, self.pad = [stride] * 2, [pad] * 2
        last = torch.channels_last
        generator = torch.Generator("cuda").manual_seed(1)

        def random(*shape, scale=1.0):
            return (scale * torch.randn(*shape, device="cuda", generator=generator)).to(dtype).to(memory_format=last)

        weight = (c_in, c_out, k, k) if self.transposed else (c_out, c_in, k, k)
        self.x = random(batch, c_in, size, size)
        self.w = random(*weight, scale=(c_in * k * k) ** -0.5)
        self.dy = random(*self.run("forward").shape)
        pixels = self.x.shape[2] * self.x.shape[3] if self.transposed else self.dy.shape[2] * self.dy.shape[3]
        self.flops = 2.0 * batch * pixels * c_in * c_out * k * k

    def run(self, what, dtype=None):
        """The pass's result; in another precision, to compare with."""
        to = (lambda t: t.to(dtype)) if dtype else (lambda t: t)
        if what == "forward":
            return self.torch.ops.aten.convolution(to(self.x), to(self.w), None, self.stride, self.pad, [1, 1],
                                                   self.transposed, [0, 0], 1)
        mask = [what == "data gradient", what == "weight gradient", False]
        results = self.torch.ops.aten.convolution_backward(to(self.dy), to(self.x), to(self.w), None, self.stride,
                                                           self.pad, [1, 1], self.transposed, [0, 0], 1, mask)
        return next(r for r in results if r is not None)


def error_of(torch, spec, dtype, what):
    """The relative error of a pass on one picture against float64."""
    layer = Layer(torch, spec, dtype, batch=1)
    exact, ours = layer.run(what, torch.float64), layer.run(what).double()
    return float((ours - exact).norm() / exact.norm())


def layers(options):
    import torch

    torch.backends.cudnn.benchmark = True
    end = time.monotonic() + options.seconds
    clock = Clock(torch)
    set_precision(torch, True)
    about = {"card": the_card(), "torch": torch.__version__, "cudnn": torch.backends.cudnn.version(), "batch": BATCH,
             "note": "channels last, cudnn.benchmark, median of events, L2 cold; error on one picture against float64"}
    title = "cuDNN through PyTorch"
    rows = ceilings(torch, clock)
    for precision, dtype in (("bf16", torch.bfloat16), ("tf32", torch.float32)):
        for name, spec in LAYERS.items():
            if time.monotonic() > end:
                return save(options.out, title, rows, **about, stopped="the time was up")
            try:
                layer = Layer(torch, spec, dtype)
                for what in PASSES:
                    us = clock.median_us(lambda: layer.run(what))
                    rows.append({"layer": name, "pass": what, "precision": precision, "us": us,
                                 "TFLOP/s": layer.flops / us / 1e6, "error": error_of(torch, spec, dtype, what)})
                del layer
            except RuntimeError as error:
                rows.append({"layer": name, "precision": precision, "failed": str(error).splitlines()[0]})
            save(options.out, title, rows, **about)


def kernels_of(torch, f):
    """The names of the kernels that f launches, in order, without repetition."""
    for _ in range(3):
        f()
    torch.cuda.synchronize()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        f()
        torch.cuda.synchronize()
    names = [e.name for e in profile.events() if "Memcpy" not in e.name and "Memset" not in e.name and not e.name.startswith("cuda")]
    return list(dict.fromkeys(names))


def fusion(options):
    import torch

    torch.backends.cudnn.benchmark = True
    clock = Clock(torch)
    rows = []
    for name in ("conv1_2 64->64", "conv1_1 3->64", "few outputs 64->2", "hypercolumn 963->128"):
        size, c_in, c_out, k, stride, pad, _ = LAYERS[name]
        net = torch.nn.Sequential(torch.nn.Conv2d(c_in, c_out, k, stride, pad), torch.nn.ReLU())
        net = net.cuda().to(torch.bfloat16).to(memory_format=torch.channels_last)
        x = torch.randn(BATCH, c_in, size, size, device="cuda", dtype=torch.bfloat16).to(memory_format=torch.channels_last)
        for mode, run in (("eager", net), ("compiled", torch.compile(net))):
            try:
                with torch.no_grad():
                    names = kernels_of(torch, lambda: run(x))
                    us = clock.median_us(lambda: run(x))
                rows.append({"layer": name, "mode": mode, "us": us, "launches": len(names), "kernels": "; ".join(n[:120] for n in names)})
            except Exception as error:  # a compiler that is missing says so in many ways
                rows.append({"layer": name, "mode": mode, "failed": str(error).splitlines()[0][:200]})
            save(options.out, "Kernels of a convolution with bias and ReLU in PyTorch, bf16", rows, card=the_card(),
                 torch=torch.__version__)


def one(_):
    import torch

    torch.backends.cudnn.benchmark = True
    layer = Layer(torch, LAYERS["conv1_2 64->64"], torch.bfloat16)
    for _ in range(3):
        layer.run("forward")
    torch.cuda.synchronize()
    torch.cuda.profiler.start()
    layer.run("forward")
    torch.cuda.synchronize()
    torch.cuda.profiler.stop()


WANTED = re.compile(r"xbar2l1tex_read_bytes\.sum$|lts__t_bytes\.sum$|lts__t_sectors_op_read\.sum$|dram__bytes_(read|write)\.sum$|"
                    r"gpu__time_duration\.sum$|pipe_tensor.*(pct|avg\.pct).*|launch__(registers_per_thread|grid_size|block_size)$|"
                    r"sm__throughput\.avg\.pct.*|lts__throughput\.avg\.pct.*|sm__warps_active\.avg\.pct.*")


def counters(options):
    with open(options.csv) as file:
        lines = [line for line in file if line.startswith('"')]
    parsed = list(csv.reader(lines))
    if len(parsed) < 3:
        sys.exit("ncu wrote no table")
    names, units, rows = parsed[0], parsed[1], []
    for values in parsed[2:]:
        kernel = dict(zip(names, values))["Kernel Name"]
        rows += [{"kernel": kernel[:90], "counter": n, "value": v, "unit": u}
                 for n, u, v in zip(names, units, values) if WANTED.search(n) and v]
    save(options.out, "Counters of cuDNN's forward conv1_2, batch 32, bf16 (ncu)", rows, card=the_card())


OPCODES = ("HGMMA", "HMMA", "FFMA", "LDG", "STG", "LDS", "STS", "LDL", "STL", "LDGSTS", "UBLKCP", "MUFU", "BAR", "SHFL")


def opcodes(options):
    """Instructions of each kernel; local memory (LDL, STL) should be nowhere."""
    counts, kernel = collections.defaultdict(collections.Counter), None
    for line in sys.stdin:
        if "Function :" in line:
            kernel = line.split("Function :")[1].strip()
        elif match := re.match(r"\s+/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z0-9]+)", line):
            counts[kernel][match[1]] += 1
    names = subprocess.run(["c++filt"], input="\n".join(counts), capture_output=True, text=True).stdout.splitlines() \
        if counts else []
    rows = []
    for (_, found), name in zip(counts.items(), names):
        name = re.sub(r"tinct::gpu::\(anonymous namespace\)::|tinct::gpu::_GLOBAL__N__\w+::|^void ", "", name)
        rows.append({"kernel": name.split("(")[0][:100], "instructions": sum(found.values()),
                     **{op: found[op] for op in OPCODES if found[op]}})
    rows.sort(key=lambda row: -row["instructions"])
    save(options.out, "Machine code by opcode, sm_90a", rows)
    if not rows:
        sys.exit("cuobjdump printed no kernel")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("layers", "fusion", "one", "counters", "opcodes"))
    parser.add_argument("--out")
    parser.add_argument("--csv")
    parser.add_argument("--seconds", type=float, default=80)
    options = parser.parse_args()
    globals()[options.what](options)


main()
