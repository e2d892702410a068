#!/usr/bin/env python3
"""The weights of make_import.py as Keras, Caffe and others write them, and files that lie.

Usage: make_import_keras_caffe.py FOLDER (run by hand, after make_import.py; needs keras 3 with PyTorch as its backend,
h5py, protobuf, onnx, numpy, safetensors). FOLDER has vgg16.safetensors and vgg16_bn.safetensors.
Keras's epsilon is 1e-3 where PyTorch's is 1e-5; the variances written are less by the difference, so that the taps
in expected.safetensors hold for all.
"""
import io
import os
import sys
import zipfile
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"

import h5py  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from safetensors.numpy import load_file  # noqa: E402

BLOCKS = [2, 2, 3, 3, 3]
NAMES = [f"conv{b + 1}_{c + 1}" for b, n in enumerate(BLOCKS) for c in range(n)]
KERAS_EPS, TORCH_EPS = 1e-3, 1e-5


def layers_of(path, step):
    """kernel (OIHW), bias and, with batch norms, gamma, beta, mean and variance of each layer."""
    state, out = load_file(path), []
    kernels = sorted((k for k in state if state[k].ndim == 4), key=lambda k: int(k.split(".")[1]))
    for k in kernels:
        layer = [state[k], state[k.replace("weight", "bias")]]
        if step > 2:
            norm = f"features.{int(k.split('.')[1]) + 1}."
            layer += [state[norm + n] for n in ("weight", "bias", "running_mean", "running_var")]
        out.append(layer)
    assert len(out) == 13
    return out


def hwio(kernel):
    return np.ascontiguousarray(kernel.transpose(2, 3, 1, 0))


def for_keras(norm):
    return norm[:3] + [norm[3] + np.float32(TORCH_EPS - KERAS_EPS)]


def keras_model(layers):
    """Layers have the names that Keras makes up; a dense layer ends it."""
    keras.backend.clear_session()
    x = inputs = keras.Input((32, 32, 3))
    made, at = [], 0
    for count in BLOCKS:
        for _ in range(count):
            conv = keras.layers.Conv2D(layers[at][0].shape[0], 3, padding="same")
            x = conv(x)
            made.append((conv, [hwio(layers[at][0]), layers[at][1]]))
            if len(layers[at]) > 2:
                norm = keras.layers.BatchNormalization()
                x = norm(x)
                made.append((norm, for_keras(layers[at][2:])))
            x = keras.layers.ReLU()(x)
            at += 1
        x = keras.layers.MaxPooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(4)(keras.layers.Flatten()(x)))
    for layer, weights in made:
        layer.set_weights(weights)
    return model


def keras_files(out, plain, normed):
    keras_model(plain).save_weights(out / "vgg16_keras3.weights.h5")
    model = keras_model(normed)
    model.save(out / "vgg16_bn_keras.h5")
    archive = io.BytesIO()
    model.save(out / "whole.keras")
    with zipfile.ZipFile(out / "whole.keras") as whole, zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in whole.namelist():
            packed.writestr(zipfile.ZipInfo(name), whole.read(name), zipfile.ZIP_DEFLATED)
    (out / "whole.keras").unlink()
    (out / "vgg16_bn.keras").write_bytes(archive.getvalue())

    # Keras 2's save_weights, by h5py.
    with h5py.File(out / "vgg16_keras2.h5", "w") as f:
        names = [f"block{n[4]}_{n[:4]}{n[-1]}" for n in NAMES]
        f.attrs["layer_names"] = [n.encode() for n in ["input_1", *names, "block5_pool"]]
        f.attrs["backend"], f.attrs["keras_version"] = b"tensorflow", b"2.2.4"
        for name in sorted([*names, "input_1", "block5_pool"]):
            group = f.create_group(name)
            if name not in names:
                group.attrs["weight_names"] = []
                continue
            kernel, bias = plain[names.index(name)]
            group.attrs["weight_names"] = [f"{name}/kernel:0".encode(), f"{name}/bias:0".encode()]
            group.create_dataset(f"{name}/kernel:0", data=hwio(kernel))
            group.create_dataset(f"{name}/bias:0", data=bias)

    # Keras 1's: flat groups, names by number, no version; here chunked and packed, with texts of fixed length, and
    # after the thirteen a layer of another name and the same shape.
    with h5py.File(out / "vgg16_keras1.h5", "w") as f:
        names = [f"convolution2d_{i + 1}" for i in range(13)] + ["zonvolution2d_14"]
        f.attrs.create("layer_names", np.array([n.encode() for n in names], dtype="S16"))
        for name, (kernel, bias) in zip(names, [*plain, plain[-1]]):
            group = f.create_group(name)
            group.attrs.create("weight_names", np.array([f"{name}_W".encode(), f"{name}_b".encode()]))
            group.create_dataset(f"{name}_W", data=hwio(kernel), chunks=(2, 3, *kernel.shape[1::-1]), shuffle=True,
                                 compression="gzip", compression_opts=9)
            group.create_dataset(f"{name}_b", data=bias)


def lying_files(out):
    """Keras 2 files of one layer "c" whose kernel is not what it seems."""
    def write(name, make, **options):
        with h5py.File(out / f"hdf5_{name}.h5", "w", **options) as f:
            f.attrs["layer_names"] = [b"c"]
            group = f.create_group("c")
            group.attrs["weight_names"] = [b"kernel:0"]
            make(group)
    shape = (3, 3, 3, 2)
    write("external", lambda g: g.create_dataset("kernel:0", shape, "f4", external=[("/etc/passwd", 0, 216)]))
    write("link", lambda g: g.__setitem__("kernel:0", h5py.ExternalLink("vgg16_keras2.h5", "/block1_conv1/block1_conv1/kernel:0")))
    write("soft", lambda g: g.__setitem__("kernel:0", h5py.SoftLink("/elsewhere")))
    write("bomb", lambda g: g.create_dataset("kernel:0", (3, 3, 1 << 18, 1 << 18), "f4", chunks=(3, 3, 64, 64), compression="gzip"))
    write("empty", lambda g: g.create_dataset("kernel:0", shape, "f4"))
    write("lzf", lambda g: g.create_dataset("kernel:0", data=np.ones(shape, "f4"), chunks=shape, compression="lzf"))
    write("text", lambda g: g.create_dataset("kernel:0", data=[b"a", b"b"]))
    write("big_endian", lambda g: g.create_dataset("kernel:0", data=np.ones(shape, ">f4")))
    write("loop", lambda g: g.__setitem__("again", g.file["/"]))
    write("newest", lambda g: g.create_dataset("kernel:0", data=np.ones(shape, "f4")), libver="latest")

    def virtual(group):
        layout = h5py.VirtualLayout(shape, "f4")
        layout[:] = h5py.VirtualSource("vgg16_keras2.h5", "/block1_conv1/block1_conv1/kernel:0", shape)
        group.create_virtual_dataset("kernel:0", layout)
    write("virtual", virtual, libver="latest")


def caffe_classes():
    """The messages of caffe.proto that weights need."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe", syntax="proto2")

    def add(message, fields):
        m = file.message_type.add(name=message)
        for number, name, kind, repeated, packed in fields:
            f = m.field.add(name=name, number=number, label=3 if repeated else 1)
            if isinstance(kind, str):
                f.type, f.type_name = kinds.TYPE_MESSAGE, ".caffe." + kind
            else:
                f.type = kind
            if packed:
                f.options.packed = True
    i32, i64, f32, f64, text, u32 = (kinds.TYPE_INT32, kinds.TYPE_INT64, kinds.TYPE_FLOAT, kinds.TYPE_DOUBLE,
                                     kinds.TYPE_STRING, kinds.TYPE_UINT32)
    add("BlobShape", [(1, "dim", i64, True, True)])
    add("BlobProto", [(7, "shape", "BlobShape", False, False), (5, "data", f32, True, True),
                      (8, "double_data", f64, True, True), (1, "num", i32, False, False),
                      (2, "channels", i32, False, False), (3, "height", i32, False, False),
                      (4, "width", i32, False, False)])
    add("ConvolutionParameter", [(1, "num_output", u32, False, False), (5, "group", u32, False, False)])
    add("BatchNormParameter", [(3, "eps", f32, False, False)])
    add("LayerParameter", [(1, "name", text, False, False), (2, "type", text, False, False),
                           (3, "bottom", text, True, False), (4, "top", text, True, False),
                           (7, "blobs", "BlobProto", True, False),
                           (106, "convolution_param", "ConvolutionParameter", False, False),
                           (139, "batch_norm_param", "BatchNormParameter", False, False)])
    add("V1LayerParameter", [(4, "name", text, False, False), (5, "type", i32, False, False),
                             (6, "blobs", "BlobProto", True, False),
                             (10, "convolution_param", "ConvolutionParameter", False, False)])
    add("NetParameter", [(1, "name", text, False, False), (2, "layers", "V1LayerParameter", True, False),
                         (100, "layer", "LayerParameter", True, False)])
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe.NetParameter"))


def old_blob(blobs, array):
    b = blobs.add()
    b.num, b.channels, b.height, b.width = (1,) * (4 - array.ndim) + array.shape
    b.data.extend(array.ravel().tolist())


def new_blob(blobs, array, double=False):
    b = blobs.add()
    b.shape.dim.extend(array.shape)
    (b.double_data if double else b.data).extend(array.ravel().tolist())


def caffe_files(out, plain, normed):
    Net = caffe_classes()
    convolution, inner_product, relu = 4, 14, 18
    old = Net(name="VGG_ILSVRC_16_layers")
    for name, (kernel, bias) in zip(NAMES, plain):
        layer = old.layers.add(name=name, type=convolution)
        layer.convolution_param.num_output = len(bias)
        old_blob(layer.blobs, kernel)
        old_blob(layer.blobs, bias)
        old.layers.add(name=name.replace("conv", "relu"), type=relu)
    layer = old.layers.add(name="fc6", type=inner_product)
    old_blob(layer.blobs, np.ones((4, 16), np.float32))
    old_blob(layer.blobs, np.ones(4, np.float32))
    (out / "vgg16_old.caffemodel").write_bytes(old.SerializeToString())

    new = Net(name="VGG16")
    new.layer.add(name="data", type="Input")
    for name, (kernel, bias) in zip(NAMES, plain):
        layer = new.layer.add(name=name, type="Convolution", bottom=["x"], top=["x"])
        new_blob(layer.blobs, kernel)
        new_blob(layer.blobs, bias, double=True)
    (out / "vgg16_new.caffemodel").write_bytes(new.SerializeToString())

    bn = Net(name="VGG16_BN")
    for name, (kernel, bias, gamma, beta, mean, variance) in zip(NAMES, normed):
        layer = bn.layer.add(name=name, type="Convolution")
        new_blob(layer.blobs, kernel)
        new_blob(layer.blobs, bias)
        layer = bn.layer.add(name="bn" + name[4:], type="BatchNorm")
        factor = np.float32(4)
        layer.batch_norm_param.eps = 2e-5
        new_blob(layer.blobs, mean * factor)
        new_blob(layer.blobs, (variance - np.float32(1e-5)) * factor)
        new_blob(layer.blobs, np.array([factor], np.float32))
        layer = bn.layer.add(name="scale" + name[4:], type="Scale")
        new_blob(layer.blobs, gamma)
        new_blob(layer.blobs, beta)
        bn.layer.add(name="relu" + name[4:], type="ReLU")
    (out / "vgg16_bn.caffemodel").write_bytes(bn.SerializeToString())


def other_batch_norms(out, normed):
    """ONNX with an epsilon of its own, and NumPy arrays with Keras's names."""
    nodes, initializers, value = [], [], "x"
    for name, (kernel, bias, *norm) in zip(NAMES, normed):
        for part, array in zip(["w", "b", "g", "s", "m", "v"], [kernel, bias, *for_keras(norm)]):
            initializers.append(numpy_helper.from_array(array, name + part))
        nodes.append(helper.make_node("Conv", [value, name + "w", name + "b"], [name + "y"], pads=[1, 1, 1, 1]))
        inputs = [name + part for part in ("y", "g", "s", "m", "v")]
        nodes.append(helper.make_node("BatchNormalization", inputs, [name + "z"], epsilon=KERAS_EPS))
        nodes.append(helper.make_node("Relu", [name + "z"], [name]))
        value = name
    graph = helper.make_graph(nodes, "vgg", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, None, None])],
                              [helper.make_tensor_value_info(value, TensorProto.FLOAT, None)], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    (out / "vgg16_bn.onnx").write_bytes(model.SerializeToString())
    arrays = {}
    for name, (kernel, bias, *norm) in zip(NAMES, normed):
        arrays[name + "/kernel"], arrays[name + "/bias"] = hwio(kernel), bias
        for part, array in zip(["gamma", "beta", "moving_mean", "moving_variance"], for_keras(norm)):
            arrays[f"bn{name[4:]}/{part}"] = array
    np.savez(out / "vgg16_bn.npz", **arrays)


def main():
    out = Path(sys.argv[1])
    plain, normed = layers_of(out / "vgg16.safetensors", 2), layers_of(out / "vgg16_bn.safetensors", 3)
    keras_files(out, plain, normed)
    lying_files(out)
    caffe_files(out, plain, normed)
    other_batch_norms(out, normed)


if __name__ == "__main__":
    main()
