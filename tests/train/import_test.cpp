// Weights that other libraries wrote: imported to the same activations as theirs; damaged, refused.
// tests/golden/make_import.py made the files.
#include <cstdlib>

#include "core/sha256.h"
#include "tests/train/import_check.h"

using namespace tinct;
using namespace tinct::import_check;

TEST_CASE("every format gives PyTorch's activations at all five taps") {
  check_taps(import_file(kFolder + "vgg16.pth").net, "vgg16");
  check_taps(import_file(kFolder + "vgg16_checkpoint.pth").net, "vgg16");
  check_taps(import_file(kFolder + "vgg16_legacy.pth").net, "vgg16");
  check_taps(import_file(kFolder + "vgg16.safetensors").net, "vgg16");
  for (const char* name : {"vgg16_raw.onnx", "vgg16_floats.onnx"}) {
    check_taps(import_file(kFolder + name, as(Preprocessing::torchvision)).net, "vgg16");
    check_taps(import_file(kFolder + name, as(Preprocessing::caffe_bgr)).net, "caffe");
  }
  check_taps(import_file(kFolder + "vgg16.npz").net, "caffe");  // Keras's names tell
  check_taps(import_file(kFolder + "vgg16_packed.npz", as(Preprocessing::torchvision)).net,
             "vgg16");
}

TEST_CASE("Oxford's weights, where tools/fetch-vgg16.sh has put them, give PyTorch's activations") {
  const char* data = std::getenv("XDG_DATA_HOME");
  const char* home = std::getenv("HOME");
  const std::string folder = data != nullptr   ? data
                             : home != nullptr ? std::string(home) + "/.local/share"
                                               : "";
  const std::string path = folder + "/tinct/vgg16.safetensors";
  if (!std::filesystem::exists(path)) {
    WARN("not checked: there is no " << path);
    return;
  }
  const Vgg16 net = load_vgg16(path);
  CHECK(net.config.preprocessing == Preprocessing::caffe_bgr);
  const float* w = net.convolutions[0].weight.data().f32();
  CHECK(w[0] == 0.42947057f);
  CHECK(w[27] == 0.11727387f);
  CHECK(w[54] == 0.03401296f);
  const SafetensorsFile golden(kFolder + "../vgg16_taps.safetensors");
  const VggTaps taps = net(Value(golden.load("x")));
  for (std::size_t i = 0; i < taps.size(); ++i) {
    INFO(kVggTapNames[i]);
    CHECK(test::relative_error(taps[i].data(), golden.load(kVggTapNames[i]), 1e-5) == "");
  }
}

TEST_CASE("vgg16_bn keeps its batch norms, or folds them into the convolutions") {
  Vgg16ImportOptions options;
  options.batch_norm = true;
  for (const char* name : {"vgg16_bn.pth", "vgg16_bn.safetensors"}) {
    options.fold = false;
    const Vgg16Import kept = import_file(kFolder + name, options);
    CHECK(kept.net.config.arch() == "vgg16_bn");
    CHECK(kept.mapped.size() == 13 * 6);
    check_taps(kept.net, "vgg16_bn");
    options.fold = true;
    const Vgg16Import folded = import_file(kFolder + name, options);
    CHECK(folded.net.config.arch() == "vgg16");
    check_taps(folded.net, "vgg16_bn");
  }
  CHECK_THROWS_WITH(import_file(kFolder + "vgg16_bn.pth"), Catch::Contains("vgg16_bn"));
  CHECK_THROWS_AS(import_file(kFolder + "vgg16.pth", options), WeightsError);
}

TEST_CASE("what became what, and what was left over") {
  const Vgg16Import done = import_file(kFolder + "vgg16.pth");
  CHECK(done.mapped.size() == 26);
  CHECK(done.mapped[2].ours == "conv1_2.weight");
  CHECK(done.mapped[2].theirs == "features.2.weight");
  CHECK(done.layout == "OIHW to OHWI");
  REQUIRE(done.left_over.size() == 2);
  CHECK(done.left_over[0].theirs == "classifier.0.weight");
  CHECK_FALSE(done.oxford);
  CHECK(import_file(kFolder + "vgg16.npz").layout == "HWIO to OHWI");
}

TEST_CASE("what cannot be told, or would run code or open files, is refused by name") {
  const auto refusal = [](const char* name) { return import_check::refusal(kFolder + name); };
  using Catch::Contains;
  CHECK_THAT(refusal("vgg16_raw.onnx"), Contains("--preprocessing"));
  CHECK_THAT(refusal("vgg16_external.onnx"), Contains("another file"));
  CHECK_THAT(refusal("module.pth"), Contains("state_dict()"));
  CHECK_THAT(refusal("object.npy"), Contains("Python code"));
  CHECK_THAT(refusal("kernel.npy"), Contains("13 are needed"));

  // Names without numbers in a file without order; and two networks in one file.
  const SafetensorsFile file(kFolder + "vgg16.safetensors");
  NamedTensors shuffled, twice;
  std::map<std::string, std::vector<std::size_t>> extents, extents_twice;
  for (const TensorEntry& e : file.entries()) {
    const std::size_t number =
        e.name[0] == 'f' ? std::stoul(e.name.substr(9)) : 30 + (e.name.back() == 't');
    const std::string end = e.name.substr(e.name.rfind('.'));
    const std::string name = std::string(1 + number % 2, static_cast<char>('a' + number / 2)) + end;
    shuffled.emplace_back(name, file.load(e.name));
    extents[name] = e.extents;
    for (const char* copy : {"one.", "two."}) {
      twice.emplace_back(copy + e.name, file.load(e.name));
      extents_twice[copy + e.name] = e.extents;
    }
  }
  const Scratch scratch("");
  write_safetensors(scratch.path, shuffled, {}, extents);
  CHECK_THROWS_WITH(import_file(scratch.path, as(Preprocessing::torchvision)),
                    Contains("order of its layers"));
  write_safetensors(scratch.path, twice, {}, extents_twice);
  CHECK_THROWS_WITH(import_file(scratch.path), Contains("2 places"));
}

TEST_CASE("a file cut anywhere is refused") {
  for (const char* name :
       {"vgg16.pth", "vgg16_checkpoint.pth", "vgg16_legacy.pth", "vgg16.safetensors",
        "vgg16_raw.onnx", "vgg16_floats.onnx", "vgg16.npz", "vgg16_packed.npz"}) {
    INFO(name);
    const std::string bytes = read_file(kFolder + name);
    const Vgg16ImportOptions options = as(Preprocessing::torchvision);
    std::size_t refused = 0, cuts = 0;
    for (std::size_t keep = 0; keep < bytes.size(); ++cuts) {
      const bool refuses = import_bytes({bytes.data(), keep}, options, {}) == Outcome::refused;
      if (!refuses) UNSCOPED_INFO("accepted with " << keep << " of " << bytes.size());
      refused += refuses ? 1 : 0;
      keep += keep < 64 || keep + 64 >= bytes.size()
                  ? 1
                  : std::min<std::size_t>(997, bytes.size() - 64 - keep);
    }
    CHECK(cuts > 100);
    CHECK(refused == cuts);
  }
}

TEST_CASE("a flipped bit is refused or changes nothing where there is a checksum") {
  for (const char* name : {"vgg16.pth", "vgg16.npz", "vgg16_packed.npz"}) {
    INFO(name);
    std::string bytes = read_file(kFolder + name);
    const Vgg16ImportOptions options = as(Preprocessing::torchvision);
    Parameters good;
    import_file(kFolder + name, options).net.collect(good);
    std::size_t other = 0, refused = 0;
    for (std::size_t at = 0; at < bytes.size(); at += 331) {
      bytes[at] = static_cast<char>(bytes[at] ^ 1 << at % 8);
      const Outcome outcome = import_bytes(bytes, options, good);
      other += outcome == Outcome::other ? 1 : 0;
      refused += outcome == Outcome::refused ? 1 : 0;
      bytes[at] = static_cast<char>(bytes[at] ^ 1 << at % 8);
    }
    CHECK(other == 0);
    CHECK(refused > 50);
  }
}

namespace {

// How often a file with one flipped bit came to what, over the bits that were tried.
struct Flips {
  std::size_t refused = 0, same = 0, other = 0;

  void flip(std::string& bytes, std::size_t at, int bit, const Parameters& good) {
    const char mask = static_cast<char>(1 << bit);
    bytes[at] = static_cast<char>(bytes[at] ^ mask);
    const Outcome outcome = import_bytes(bytes, as(Preprocessing::torchvision), good);
    if (outcome == Outcome::other) UNSCOPED_INFO("other numbers: byte " << at << ", bit " << bit);
    refused += outcome == Outcome::refused ? 1 : 0;
    same += outcome == Outcome::same ? 1 : 0;
    other += outcome == Outcome::other ? 1 : 0;
    bytes[at] = static_cast<char>(bytes[at] ^ mask);
  }
};

}  // namespace

TEST_CASE("a flipped bit before the numbers is refused or changes none of them") {
  struct Case {
    const char* name;
    std::size_t header;  // bytes before the first number
    std::string names;   // a place where the file says which tensor is which, tried bit by bit
    std::string form;    // a tensor's type or extents: no flip there can be right
  };
  using namespace std::string_literals;
  const Case cases[] = {
      {"vgg16_legacy.pth", 3000, "features.0.weight", "(K\x02K\x03K\x03K\x03t"s},
      {"vgg16.safetensors", 2224, "\"features.10.bias\"", "\"shape\":[16,16,3,3]"},
      {"vgg16_raw.onnx", 1118, "\x0a\x03v18\x0a\x03v19"s,
       "\x08\x10\x08\x08\x08\x03\x08\x03\x10\x01"s},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    std::string bytes = read_file(kFolder + c.name);
    Parameters good;
    import_file(kFolder + c.name, as(Preprocessing::torchvision)).net.collect(good);
    Flips sampled, names, form;
    // The stride visits every bit of a byte in turn.
    for (std::size_t at = 0; at < c.header; at += 19) {
      sampled.flip(bytes, at, static_cast<int>(at / 19 % 8), good);
    }
    CHECK(sampled.other == 0);
    CHECK(sampled.refused > c.header / 19 / 4);
    const auto every_bit = [&](const std::string& text, Flips& flips) {
      const std::size_t begin = bytes.find(text);
      REQUIRE(begin != std::string::npos);
      for (std::size_t i = 0; i < 8 * text.size(); ++i) {
        flips.flip(bytes, begin + i / 8, static_cast<int>(i % 8), good);
      }
    };
    every_bit(c.names, names);
    CHECK(names.other == 0);
    every_bit(c.form, form);
    CHECK(form.same == 0);
    CHECK(form.other == 0);
  }
}

TEST_CASE("hostile bytes: one clear error, quickly") {
  using namespace std::string_literals;
  const std::string header = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."s;
  const std::string version = "\x80\x02M\xe9\x03."s;
  const auto refused = [](const std::string& bytes) {
    CHECK(import_bytes(bytes, {}, {}) == Outcome::refused);
  };
  refused("");
  refused("\x80");
  refused(header + version + "\x80\x02}.\x80\x02" + "cos\nsystem\n(X\x02\0\0\0lsE.");
  refused(header + version + "\x80\x02}.\x80\x02" + std::string(100000, '('));  // marks
  refused(header + version + "\x80\x02}.\x80\x02" + ")" + std::string(200000, '\x85') +
          ".");                                                       // deep
  refused(header + version + "\x80\x02}.\x80\x02X\xff\xff\xff\x7f");  // huge string
  refused(header + version + "\x80\x02}.\x80\x02j\x01\0\0\0."s);      // no memo
  refused(
      "\x93NUMPY\x01\0\x46\0{'descr': '<f4', 'fortran_order': False, 'shape': "
      "(999999999999, 99999999), }\n"s);
  refused("\x08\x07\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s);  // a graph of 2^63 bytes
  refused("\x08\x07\x3a\x02\x2a\x7f"s);
  refused("PK\x03\x04"s + std::string(100, '\0'));
}

TEST_CASE("SHA-256 gives FIPS 180-4's examples") {
  CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256(std::string(1000000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
