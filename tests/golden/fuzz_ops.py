#!/usr/bin/env python3
"""Holds `tinct op` against PyTorch over random shapes and settings, forward and gradients.

By hand, with PyTorch and safetensors installed:
    python tests/golden/fuzz_ops.py --tinct build/release/tinct [--cases 800] [--seed 1]
    python tests/golden/fuzz_ops.py --golden tests/golden/ops.safetensors
The first draws cases, runs each in both, and prints a table of the largest errors; it exits 1 when
one is beyond its tolerance. The second writes the fixed sample that the tests replay.
PyTorch computes in double. An error is the largest difference, relative to the largest element
(of at least 1e-3); NaN is never within tolerance.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from op_case import array
from op_cases import OPERATIONS

TOLERANCE = 2e-5
# Sums of many float products, and colours, whose curves are steep in the dark.
LOOSER = {"batch_norm": 1e-4, "conv2d": 5e-5, "conv_transpose2d": 5e-5, "fully_connected": 5e-5}


def run_tinct(tinct, case, folder):
    source, result = os.path.join(folder, "in"), os.path.join(folder, "out")
    save_file(case.inputs, source)
    command = [tinct, "op", case.op, "--input", source, "-o", result]
    if case.settings:
        command += ["--set", *case.settings]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"exit {done.returncode}: {done.stderr.strip()}")
    return load_file(result)


def error_of(actual, expected):
    if actual.shape != expected.shape:
        return float("inf")
    largest = max(float(np.abs(expected).max()), 1e-3)
    error = float(np.abs(actual.astype(np.float64) - expected).max()) / largest
    return error if np.isfinite(error) else float("inf")


def check(tinct, case, rng, folder):
    """The largest error of every output, by name."""
    if case.op == "dropout":  # the mask is tinct's own: first learn it, then hold the rest to it
        case.inputs["dy"] = array(rng, case.inputs["x"].shape)
        actual = run_tinct(tinct, case, folder)
        mask = (actual["y"] != 0).astype(np.float64)
        count = mask.size
        share, spread = 1 - mask.mean(), np.sqrt(max(case.rate * (1 - case.rate) / count, 1e-9))
        expected = {"y": case.inputs["x"] * mask / (1 - case.rate),
                    "dx": case.inputs["dy"] * mask / (1 - case.rate)}
        errors = {k: error_of(actual[k], v) for k, v in expected.items()}
        errors["rate"] = 0.0 if abs(share - case.rate) < 5 * spread + 1e-9 else float("inf")
        return errors
    expected = case.expected(rng)
    actual = run_tinct(tinct, case, folder)
    if set(actual) != set(expected):
        raise RuntimeError(f"outputs {sorted(actual)}, expected {sorted(expected)}")
    return {name: error_of(actual[name], value) for name, value in expected.items()}


def fuzz(tinct, cases, seed):
    worst, counts, failures = {}, {}, []
    folder = tempfile.mkdtemp(prefix="tinct-fuzz-")
    names = list(OPERATIONS)
    # Operations with more settings are drawn more often.
    heavy = ["conv2d", "conv_transpose2d", "batch_norm", "max_pool", "average_pool",
             "bilinear_upsample", "softmax_cross_entropy"]
    for i in range(cases):
        name = names[i % len(names)] if i < 4 * len(names) else random.Random(i).choice(names + 3 * heavy)
        draw, rng = random.Random(f"{seed}-{i}"), np.random.default_rng([seed, i])
        case = OPERATIONS[name](draw, rng)
        counts[name] = counts.get(name, 0) + 1
        shapes = {k: v.shape for k, v in case.inputs.items()}
        try:
            errors = check(tinct, case, rng, folder)
        except RuntimeError as error:
            failures.append(f"case {i}: {name} {case.settings} {shapes}: {error}")
            continue
        for output, error in errors.items():
            key = (name, output)
            worst[key] = max(worst.get(key, 0.0), error)
            if not error <= LOOSER.get(name, TOLERANCE):
                failures.append(f"case {i}: {name} {case.settings} {shapes}: {output} off by {error:.2e}")
    for name in names:
        figures = "  ".join(f"{k[1]} {v:.1e}" for k, v in worst.items() if k[0] == name)
        print(f"{name:24s} {counts.get(name, 0):4d} cases  {figures}")
    for failure in failures:
        print("FAILED", failure)
    print(f"{sum(counts.values())} cases, {len(failures)} failures")
    return not failures


def write_golden(path):
    """A small case or two of every operation: "NN/in/x", "NN/out/y"; metadata NN is the call."""
    tensors, calls = {}, {}
    twice = ("conv2d", "conv_transpose2d", "batch_norm", "max_pool", "average_pool",
             "bilinear_upsample", "softmax_cross_entropy")
    for name in OPERATIONS:
        if name == "dropout":
            continue  # PyTorch draws other masks
        for k in range(2 if name in twice else 1):
            attempt = 0
            while True:  # the first small one
                draw, rng = random.Random(f"{name}-{k}-{attempt}"), np.random.default_rng([k, attempt])
                case = OPERATIONS[name](draw, rng)
                expected = case.expected(rng)
                sizes = [v.size for v in [*case.inputs.values(), *expected.values()]]
                if sum(sizes) <= 800 and min(case.inputs["x"].shape[1:3]) > 1:
                    break
                attempt += 1
            number = f"{len(calls):02d}"
            calls[number] = " ".join([name, *case.settings])
            tensors.update({f"{number}/in/{k}": v for k, v in case.inputs.items()})
            tensors.update({f"{number}/out/{k}": np.ascontiguousarray(v, dtype=np.float32)
                            for k, v in expected.items()})
    calls["made by"] = f"tests/golden/fuzz_ops.py with PyTorch {torch.__version__}"
    save_file(tensors, path, calls)
    print(f"{path}: {len(calls) - 1} cases, {os.path.getsize(path)} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tinct", default="build/release/tinct")
    parser.add_argument("--cases", type=int, default=800)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--golden")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.golden:
        write_golden(arguments.golden)
        return
    listed = json.loads(subprocess.check_output([arguments.tinct, "op", "--list", "--json"]))
    missing = {o["name"] for o in listed} ^ set(OPERATIONS)
    if missing:
        sys.exit(f"operations on one side only: {sorted(missing)}")
    sys.exit(0 if fuzz(arguments.tinct, arguments.cases, arguments.seed) else 1)


if __name__ == "__main__":
    main()
