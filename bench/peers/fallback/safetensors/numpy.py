"""safetensors files of f32 and f64, for machines whose Python has PyTorch and not that package."""
import json
import struct

import numpy as np

TYPES = {"F32": np.float32, "F64": np.float64}


def load_file(path):
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        entries = json.loads(file.read(size))
        data = file.read()
    entries.pop("__metadata__", None)
    return {name: np.frombuffer(data[slice(*entry["data_offsets"])], TYPES[entry["dtype"]]).reshape(entry["shape"]).copy()
            for name, entry in entries.items()}


def save_file(tensors, path):
    names = {np.dtype(numpy): name for name, numpy in TYPES.items()}
    header, offset = {}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": names[array.dtype], "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in tensors.values():
            file.write(array.tobytes())
