// Keras's HDF5 files and Caffe's models: imported to PyTorch's activations; corrupted, refused.
// tests/golden/make_import_keras_caffe.py made the files.
#include "core/random.h"
#include "tests/train/import_check.h"
#include "train/import/hdf5.h"

using namespace tinct;
using namespace tinct::import_check;
using namespace std::string_literals;
using Catch::Contains;

namespace {

Vgg16ImportOptions normed(bool fold) {
  Vgg16ImportOptions out = as(Preprocessing::torchvision);
  out.batch_norm = true;
  out.fold = fold;
  return out;
}

std::string replaced(std::string bytes, const std::string& from, const std::string& to) {
  REQUIRE(from.size() == to.size());
  std::size_t count = 0;
  for (std::size_t at = 0; (at = bytes.find(from, at)) != std::string::npos; at += to.size()) {
    bytes.replace(at, from.size(), to);
    ++count;
  }
  REQUIRE(count > 0);
  return bytes;
}

std::string refusal_of(const std::string& bytes, const Vgg16ImportOptions& options) {
  const Scratch file(bytes);
  const std::string reason = refusal(file.path, options);
  CHECK(reason.find('\n') == std::string::npos);
  return reason;
}

std::string little_endian(std::initializer_list<std::uint64_t> numbers) {
  std::string out;
  for (const std::uint64_t n : numbers) out.append(reinterpret_cast<const char*>(&n), 8);
  return out;
}

const Vgg16ImportOptions kTorchvision = as(Preprocessing::torchvision);

}  // namespace

TEST_CASE("Keras's three layouts and Caffe's two give PyTorch's activations") {
  check_taps(import_file(kFolder + "vgg16_keras2.h5").net, "caffe");  // the names tell
  check_taps(import_file(kFolder + "vgg16_keras1.h5", kTorchvision).net, "vgg16");
  check_taps(import_file(kFolder + "vgg16_keras3.weights.h5", kTorchvision).net, "vgg16");
  for (const char* name : {"vgg16_old.caffemodel", "vgg16_new.caffemodel"}) {
    const Vgg16Import done = import_file(kFolder + name);
    check_taps(done.net, "caffe");
    CHECK(done.layout == "OIHW to OHWI");
    CHECK(done.preprocessing_from == "the format's convention");
  }
}

TEST_CASE("Keras's layers come in the order of their numbers, not of the alphabet") {
  const Vgg16Import done = import_file(kFolder + "vgg16_keras3.weights.h5", kTorchvision);
  CHECK(done.layout == "HWIO to OHWI");
  CHECK(done.mapped[0].theirs == "layers/conv2d/vars/0");
  CHECK(done.mapped[2].theirs == "layers/conv2d_1/vars/0");
  CHECK(done.mapped[20].theirs == "layers/conv2d_10/vars/0");
  REQUIRE(done.left_over.size() == 2);
  CHECK(done.left_over[0].theirs == "layers/dense/vars/0");
}

TEST_CASE("batch norms from every format, whatever their epsilon") {
  struct Case {
    const char* name;
    double epsilon;
    const char* from;
  };
  for (const Case& c : {Case{"vgg16_bn_keras.h5", 1e-3, "as the file says"},
                        Case{"vgg16_bn.keras", 1e-3, "as the file says"},
                        Case{"vgg16_bn.onnx", 1e-3, "as the file says"},
                        Case{"vgg16_bn.npz", 1e-3, "its library's default"},
                        Case{"vgg16_bn.caffemodel", 2e-5, "as the file says"},
                        Case{"vgg16_bn.pth", 1e-5, "its library's default"}}) {
    INFO(c.name);
    const Vgg16Import kept = import_file(kFolder + c.name, normed(false));
    CHECK(kept.net.config.arch() == "vgg16_bn");
    CHECK(kept.epsilon == Approx(c.epsilon));
    CHECK(kept.epsilon_from == c.from);
    CHECK(kept.missing.empty());
    check_taps(kept.net, "vgg16_bn");
    const Vgg16Import folded = import_file(kFolder + c.name, normed(true));
    CHECK(folded.net.config.arch() == "vgg16");
    check_taps(folded.net, "vgg16_bn");
    CHECK_THAT(refusal(kFolder + c.name, kTorchvision), Contains("vgg16_bn"));
  }
  // Another epsilon is another network.
  Vgg16ImportOptions other = normed(false);
  other.epsilon = 0.5;
  const Vgg16Import moved = import_file(kFolder + "vgg16_bn.pth", other);
  const Vgg16Import plain = import_file(kFolder + "vgg16_bn.pth", normed(false));
  CHECK(moved.net.norms[3].running_var.data().f32()[0] -
            plain.net.norms[3].running_var.data().f32()[0] ==
        Approx(0.5 - 1e-5));
}

TEST_CASE("corrupted twins of Keras files are refused with what is wrong") {
  const std::string keras1 = read_file(kFolder + "vgg16_keras1.h5");
  const auto refused = [&](const std::string& bytes) { return refusal_of(bytes, kTorchvision); };
  CHECK_THAT(refused(keras1.substr(0, keras1.size() / 2)), Contains("truncated"));
  std::string flipped = keras1;
  flipped[13] = static_cast<char>(flipped[13] ^ 1);  // the superblock's size of addresses
  CHECK_THAT(refused(flipped), Contains("addresses"));
  // In the list of layers alone: a layer that is not there.
  std::string missing = keras1;
  const std::size_t at = missing.find(std::string("convolution2d_7\0convolution2d_8", 31));
  REQUIRE(at != std::string::npos);
  missing[at + 14] = '\n';
  CHECK_THAT(refused(missing), Contains("convolution2d_?"));  // refused() wants one line
  missing[at + 14] = 'X';
  CHECK_THAT(refused(missing), Contains("\"convolution2d_X\" is not there"));
  // (3,3,3,2) becomes (3,3,2,3).
  CHECK_THAT(refused(replaced(keras1, little_endian({3, 3, 3, 2}), little_endian({3, 3, 2, 3}))),
             Contains("HDF5"));
  const std::string keras2 = read_file(kFolder + "vgg16_keras2.h5");
  CHECK_THAT(refused(replaced(keras2, little_endian({3, 3, 3, 2}), little_endian({3, 3, 2, 3}))),
             Contains("conv1_1 would be") && Contains("(3,3,2,3)"));
  // A layer of the same shape follows the thirteen: its name tells it apart, until it does not.
  CHECK(import_file(kFolder + "vgg16_keras1.h5", kTorchvision).left_over.size() == 2);
  CHECK_THAT(refused(replaced(keras1, "zonvolution2d_14", "convolution2d_14")),
             Contains("a layer too many"));
  std::string damaged = keras1;
  const std::size_t chunk = damaged.find("\x78\xda");
  REQUIRE(chunk != std::string::npos);
  damaged[chunk + 20] = static_cast<char>(damaged[chunk + 20] ^ 1);
  CHECK_THAT(refused(damaged), Contains("deflated chunk is damaged"));
  CHECK_THAT(refused(replaced(keras2, "tensorflow", "theano\0\0\0\0"s)), Contains("mirrored"));
}

TEST_CASE("corrupted twins of Caffe models are refused with what is wrong") {
  const std::string model = read_file(kFolder + "vgg16_old.caffemodel");
  const auto refused = [&](const std::string& bytes) { return refusal_of(bytes, {}); };
  CHECK_THAT(refused(model.substr(0, model.size() / 2)), Contains("ends too early"));
  std::string flipped = model;
  flipped[0] = static_cast<char>(flipped[0] ^ 4);
  CHECK(refused(flipped) != "");
  CHECK_THAT(refused(replaced(model, "\x08\x02\x10\x03\x18\x03"s, "\x08\x03\x10\x02\x18\x03"s)),
             Contains("conv1_1 would be") && Contains("(3,2,3,3)"));
  // A layer's field: tag, two bytes of length, then its name.
  const auto layer = [&](const char* name) {
    const std::size_t at = model.find(name) - 5;
    REQUIRE(model[at] == 0x12);
    return at;
  };
  std::string missing = model;
  missing[layer("conv4_2")] = 0x1a;  // a field that means nothing here
  CHECK_THAT(refused(missing), Contains("12 convolutions") && Contains("and is not there"));
  const std::size_t last = layer("conv5_3");
  CHECK_THAT(refused(model + model.substr(last, model.find("relu5_3") - 4 - last)),
             Contains("a layer too many"));
}

TEST_CASE("HDF5 files that would reach beyond themselves or the memory are refused") {
  struct Case {
    const char* name;
    const char* reason;
  };
  for (const Case& c :
       {Case{"external", "other files"}, Case{"link", "is not there"}, Case{"soft", "is not there"},
        Case{"virtual", "not read"}, Case{"bomb", "absurdly large"}, Case{"empty", "never written"},
        Case{"lzf", "filter 32000"}, Case{"text", "a type that is not read"},
        Case{"big_endian", "a type that is not read"}, Case{"loop", "two places"},
        Case{"newest", "13 are needed"}}) {
    INFO(c.name);
    const std::string reason = refusal(kFolder + "hdf5_" + c.name + ".h5", kTorchvision);
    CHECK_THAT(reason, Contains(c.reason));
    CHECK(reason.find('\n') == std::string::npos);
  }
}

TEST_CASE("HDF5's checksum is Bob Jenkins's") {
  CHECK(hdf5_checksum("") == 0xdeadbeef);
  CHECK(hdf5_checksum("Four score and seven years ago") == 0x17770551);  // lookup3.c
}

TEST_CASE("Keras and Caffe files cut anywhere are refused") {
  for (const char* name : {"vgg16_keras1.h5", "vgg16_keras2.h5", "vgg16_keras3.weights.h5",
                           "vgg16_old.caffemodel", "vgg16_new.caffemodel"}) {
    INFO(name);
    const std::string bytes = read_file(kFolder + name);
    std::size_t refused = 0, cuts = 0;
    for (std::size_t keep = 0; keep < bytes.size(); ++cuts) {
      const bool refuses = import_bytes({bytes.data(), keep}, kTorchvision, {}) == Outcome::refused;
      if (!refuses) UNSCOPED_INFO("accepted with " << keep << " of " << bytes.size());
      refused += refuses ? 1 : 0;
      keep += keep < 64 || keep + 64 >= bytes.size()
                  ? 1
                  : std::min<std::size_t>(2999, bytes.size() - 64 - keep);
    }
    CHECK(cuts > 100);
    CHECK(refused == cuts);
  }
}

// Any error but WeightsError, and anything that a sanitizer sees, fails the test.
TEST_CASE("flipped bits and bytes of Keras and Caffe files are refused, or read, but never worse") {
  std::size_t refused = 0, all = 0;
  for (const char* name :
       {"vgg16_keras1.h5", "vgg16_keras2.h5", "vgg16_keras3.weights.h5", "vgg16_bn.keras",
        "hdf5_newest.h5", "hdf5_lzf.h5", "vgg16_new.caffemodel", "vgg16_bn.caffemodel"}) {
    INFO(name);
    const std::string good = read_file(kFolder + name);
    const bool batch_norm = std::string(name).find("bn") != std::string::npos;
    const Vgg16ImportOptions options = batch_norm ? normed(true) : kTorchvision;
    for (std::uint64_t round = 0; round < 60; ++round, ++all) {
      std::string bytes = good;
      const Random random(round, Purpose::test);
      const std::uint64_t flips = std::uint64_t{1} << round % 6;
      for (std::uint64_t i = 0; i < flips; ++i) {
        const std::size_t at = random.below(3 * i, static_cast<std::uint32_t>(bytes.size()));
        const std::uint32_t noise = random.bits(3 * i + 1);
        bytes[at] = static_cast<char>(round % 2 == 0 ? bytes[at] ^ 1U << noise % 8 : noise);
      }
      refused += import_bytes(bytes, options, {}) == Outcome::refused ? 1 : 0;
    }
  }
  CHECK(refused > all / 4);
}
