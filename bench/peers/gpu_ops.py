#!/usr/bin/env python3
"""The operations of tinct_gpu_bench in PyTorch on the same card, and both side by side (needs torch; no network).

Takes the cases from a result of tinct_gpu_bench (--tinct FILE, or of its --list), does the same work channels_last with
cudnn.benchmark, float32 with TF32 off ("torch"), with it ("torch_tf32"), fused where PyTorch has a function for that
("torch_fused") and compiled ("torch_compiled", --compile), times it by events with a cold L2 cache, compares the result
with float64, and writes a JSON of the same form and a Markdown table of both.
Usage: gpu_ops.py --tinct ops.json --out ops-torch.json [--table ops.md] [--rounds N] [--seconds N] [--filter TEXT]
                  [--compile] [--device cuda|cpu]
"""
import argparse
import datetime
import json
import math
import statistics
import sys
import time

import torch

import gpu_ops_cases


class Clock:
    """Medians of events, the L2 cache turned over before each; by the host's clock on the CPU."""

    def __init__(self, device, rounds):
        self.cuda, self.rounds = device == "cuda", rounds
        if self.cuda:
            cache = torch.cuda.get_device_properties(0).L2_cache_size
            self.junk = torch.empty(2 * cache // 4, dtype=torch.float32, device=device)

    def samples(self, run, rounds):
        if not self.cuda:
            times = []
            for _ in range(rounds):
                start = time.perf_counter()
                run()
                times.append(1e3 * (time.perf_counter() - start))
            return times
        pairs = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(rounds)]
        for i, (start, end) in enumerate(pairs):
            self.junk.fill_(float(i))
            torch.cuda._sleep(500_000)  # meanwhile the host runs ahead: launches cost PyTorch nothing
            start.record()
            run()
            end.record()
        torch.cuda.synchronize()
        return [start.elapsed_time(end) for start, end in pairs]

    def measure(self, run):
        for _ in range(3):  # cudnn.benchmark, compilation, allocation
            run()
        once = statistics.median(self.samples(run, 1))
        rounds = max(min(3, self.rounds), min(self.rounds, int(150 / max(once, 1e-4))))
        times = self.samples(run, rounds)
        return statistics.median(times), min(times)


def largest_error(got, exact):
    """max |got - exact| / max |exact| over all results; NaN where something is."""
    worst = 0.0
    for g, e in zip(got, exact):
        top = e.abs().max().item()
        error = (g.double() - e).abs().max().item() / (top if top > 0 else 1)
        worst = error if not error <= worst else worst
    return worst


def as_tuple(result):
    return tuple(r for r in result if r is not None) if isinstance(result, (tuple, list)) else (result,)


def side_figures(case, clock, run, error):
    ms, best = clock.measure(run)
    side = {"ms": ms, "best_ms": best, "error": error}
    if case["flops"] > 0:
        side["tflops"] = case["flops"] / ms * 1e-9
    if case["bytes"] > 0:
        side["gbs"] = case["bytes"] / ms * 1e-6
    return side


def run_case(case, device, clock, compiled):
    """{side: figures} of one case; empty where PyTorch has no such operation."""
    dtype = torch.bfloat16 if case["precision"] == "bf16" else torch.float32
    work = gpu_ops_cases.make(case, device, dtype)
    if work is None:
        return {}
    inputs = [t.double() if t.is_floating_point() else t for t in work.inputs]
    exact = None
    if work.checked:
        torch.backends.cudnn.benchmark = False
        exact = [r.double() for r in as_tuple(work.function(*inputs))]
        torch.backends.cudnn.benchmark = True
    del inputs
    sides = {}

    def add(name, function, tf32=False):
        allow_tf32(tf32)
        try:
            error = largest_error(as_tuple(function(*work.inputs)), exact) if exact else None
            sides[name] = side_figures(case, clock, lambda: function(*work.inputs), error)
        except (RuntimeError, NotImplementedError) as reason:
            print(f"  {name}: {str(reason).splitlines()[0]}", file=sys.stderr)
        finally:
            allow_tf32(False)

    add("torch", work.function)
    if work.multiplies and dtype == torch.float32 and device == "cuda":
        add("torch_tf32", work.function, tf32=True)
    if work.fused is not None and device == "cuda":
        add("torch_fused", work.fused)
    if compiled and work.compilable:
        add("torch_compiled", torch.compile(work.function, dynamic=False))
    return sides


def allow_tf32(allowed):
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def key(case):
    return case["group"], case["name"], case["precision"]


def of_library(name):
    return name.startswith(("cudnn", "cublas", "torch"))


def in_tf32(name):
    return name.endswith("tf32")


def ours_of(case):
    """What tinct takes; where that is the vendor's, its own quickest."""
    taken = case.get("taken", "")
    if not of_library(taken) and case["sides"].get(taken, {}).get("ms", 0) > 0:
        return taken, case["sides"][taken]
    return best(case["sides"], lambda n: not of_library(n) and not in_tf32(n))


def best(sides, wanted):
    """(name, figures) of the quickest side that `wanted` takes, or None."""
    found = [(s["ms"], n, s) for n, s in sides.items() if wanted(n) and s.get("ms", 0) > 0]
    return min(found, key=lambda f: f[0])[1:] if found else None


def cell(found, with_name=True):
    if found is None:
        return "not measured"
    name, side = found
    return f"{side['ms']:.4f}" + (f" ({name})" if with_name else "")


def table(ours, theirs):
    """Both results as Markdown: what tinct takes, the quickest of each library at the same precision, and the ratio."""
    peers = {key(c): c["sides"] for c in theirs["cases"]}
    peaks = ours.get("peaks", {})
    lines = [f"{theirs['card']}, driver {ours.get('driver') or '?'}, PyTorch {theirs['torch']}, cuDNN {theirs['cudnn']}, "
             f"{theirs['date'][:10]}, commit {ours.get('commit') or '?'}. Milliseconds, median, L2 cold; errors are the largest "
             "from float64 relative to the largest number; the ratio is the quickest library's time to tinct's. Peaks, measured: "
             f"copy {peaks.get('copy_gbs', 0):.0f} GB/s (read and written), f32 {peaks.get('fma_f32_tflops', 0):.1f} TFLOP/s, "
             f"mma.sync in bf16 {peaks.get('mma_bf16_tflops', 0):.0f} TFLOP/s.", "",
             "| operation | case | stored as | tinct ms | of peak | error | cuDNN, cuBLAS ms | PyTorch ms | its error | ratio "
             "| tinct tf32 ms | library tf32 ms |",
             "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    for c in ours["cases"]:
        torch_sides = peers.get(key(c), {})
        every = {**c["sides"], **torch_sides}
        mine, library = ours_of(c), best(every, lambda n: of_library(n) and not in_tf32(n))
        peer = best(torch_sides, lambda n: not in_tf32(n))
        vendor = best(c["sides"], lambda n: of_library(n) and not in_tf32(n))
        rounded = [best(every, lambda n, theirs=theirs: in_tf32(n) and of_library(n) == theirs) for theirs in (False, True)]
        error = peer[1].get("error") if peer else None
        lines.append("| " + " | ".join([
            c["group"], c["name"], c["precision"], cell(mine), f"{mine[1]['percent_of_peak']:.0f} %" if mine else "",
            f"{mine[1]['error']:.0e}" if mine else "", cell(vendor, False) if vendor else "", cell(peer) if peer else "",
            f"{error:.0e}" if error is not None else "", f"x{library[1]['ms'] / mine[1]['ms']:.2f}" if mine and library else "",
            *(cell(r) if r else "" for r in rounded)]) + " |")
    return "\n".join(lines) + "\n" + means(ours, peers)


def means(ours, peers):
    """The geometric mean of the ratios of each operation and precision."""
    logs = {}
    for c in ours["cases"]:
        every = {**c["sides"], **peers.get(key(c), {})}
        pairs = {c["precision"]: (ours_of(c), best(every, lambda n: of_library(n) and not in_tf32(n))),
                 "f32, tf32": (best(every, lambda n: in_tf32(n) and not of_library(n)),
                               best(every, lambda n: in_tf32(n) and of_library(n)))}
        for precision, (mine, library) in pairs.items():
            if mine and library:
                logs.setdefault((c["group"], precision), []).append(math.log(library[1]["ms"] / mine[1]["ms"]))
    lines = ["", "| operation | stored as | cases | geometric mean of the ratios |", "| --- | --- | --- | --- |"]
    lines += [f"| {g} | {p} | {len(v)} | x{math.exp(statistics.mean(v)):.2f} |" for (g, p), v in logs.items()]
    return "\n".join(lines) + "\n"


def write(path, result):
    with open(path, "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tinct", required=True, help="JSON of tinct_gpu_bench, or of its --list")
    parser.add_argument("--out", required=True)
    parser.add_argument("--table", help="Markdown of both")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=1e9, help="stop starting cases after so long")
    parser.add_argument("--filter", default="")
    parser.add_argument("--compile", action="store_true", help="also torch.compile what is not one kernel")
    parser.add_argument("--device", default="cuda")
    args = parser.parse_args()
    with open(args.tinct) as file:
        ours = json.load(file)
    torch.manual_seed(1)
    torch.backends.cudnn.benchmark = True
    allow_tf32(False)
    clock = Clock(args.device, args.rounds)
    result = {"card": torch.cuda.get_device_name(0) if args.device == "cuda" else "cpu", "torch": torch.__version__,
              "cudnn": torch.backends.cudnn.version() if args.device == "cuda" else None, "commit": ours.get("commit", ""),
              "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), "cases": []}
    start = time.monotonic()
    skipped = 0
    for case in ours["cases"]:
        title = "{0}/{1} {2}".format(*key(case))
        if args.filter not in title:
            continue
        if time.monotonic() - start > args.seconds:
            skipped += 1
            continue
        sides = run_case(case, args.device, clock, args.compile)
        for name, s in sides.items():
            error = "" if s["error"] is None else f"  error {s['error']:.1e}"
            print(f"{title:62} {name:15} {s['ms']:9.4f} ms{error}", flush=True)
        result["cases"].append({**{k: case[k] for k in ("group", "name", "precision", "flops", "bytes", "sizes")},
                                "sides": sides})
        if len(result["cases"]) % 20 == 0:
            write(args.out, result)  # what is measured stays, whatever comes
    if skipped:
        print(f"{skipped} cases not measured: {args.seconds:.0f} s were over", file=sys.stderr)
    write(args.out, result)
    if args.table:
        with open(args.table, "w") as file:
            file.write(table(ours, result))


if __name__ == "__main__":
    main()
