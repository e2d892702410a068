#!/usr/bin/env python3
"""Takes VGG16 out of a colorizer's weights, so that networks on it can be trained without fetching it.

Usage: backbone.py weights/vgg.safetensors vgg16.safetensors
"""
import json
import struct
import sys

PREFIX = "vgg."
KEPT = ("format", "format_version", "layout", "preprocessing", "width_divisor")


def read(path):
    """The metadata and {name: (entry, bytes)} of a safetensors file."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        entries = json.loads(file.read(size))
        data = file.read()
    metadata = entries.pop("__metadata__", {})
    return metadata, {n: (e, data[slice(*e["data_offsets"])]) for n, e in entries.items()}


def write(path, metadata, tensors):
    header, offset = {"__metadata__": metadata}, 0
    for name, (entry, data) in tensors.items():
        header[name] = {**entry, "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(data for _, data in tensors.values()))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip().splitlines()[-1])
    metadata, tensors = read(sys.argv[1])
    backbone = {n.removeprefix(PREFIX): t for n, t in tensors.items() if n.startswith(PREFIX)}
    if not backbone or "backbone" not in metadata:
        sys.exit(f"{sys.argv[1]} holds no VGG16")
    about = {key: metadata[key] for key in KEPT if key in metadata}
    about |= {"arch": metadata["backbone"], "input": "sRGB in 0..1; the preprocessing is applied by tinct"}
    about |= {key.removeprefix("backbone_"): value for key, value in metadata.items() if key.startswith("backbone_")}
    write(sys.argv[2], about, backbone)


main()
