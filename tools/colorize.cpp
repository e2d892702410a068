// tinct colorize: grey photographs in, colour photographs out.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>

#include "core/error.h"
#include "core/threads.h"
#include "tools/colorize_plan.h"
#include "tools/colorize_report.h"
#include "tools/exit_code.h"
#include "tools/progress.h"
#include "tools/shipped.h"
#include "tools/verb.h"
#include "train/colorize.h"
#include "train/contact_sheet.h"
#include "train/lab_planes.h"
#include "train/predict.h"
#include "train/uncertainty.h"

namespace tinct {
namespace {

// The picture under way is finished first; a second signal ends the program at once.
volatile std::sig_atomic_t stop_signal = 0;

void on_signal(int signal) {
  stop_signal = signal;
  std::signal(signal, SIG_DFL);
}

struct Options {
  std::vector<std::string> inputs;
  std::string output;
  std::string model = kDefaultModel;
  std::string format;
  std::string sheet;
  std::string uncertainty;
  std::string saturation = "1";
  int quality = 92;
  bool compare = false;
  bool force = false;
  double megapixels = 64;
  DecodeLimits limits;
  Computing computing;
  ColorizeOptions colorize;
  PredictOptions predict;
};

struct Coloured {
  Image picture;
  Image map;  ///< of the uncertainty; empty when it is not wanted
};

/// Runs `work` on another thread, serially, so that it leaves the pool to the network.
template <class Work>
auto in_background(Work work) {
  return std::async(std::launch::async, [work = std::move(work)]() mutable {
    const SerialScope serial;
    return work();
  });
}

void make_folder_of(const std::string& file) {
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  std::error_code error;
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (error) throw IoError("cannot make the folder " + folder.string() + ": " + error.message());
}

/// Reads, colours and writes one picture after another. While the network works on one, the next is
/// being decoded and the one before encoded.
class Run {
 public:
  Run(const Options& options, const ColorizePlan& plan, Model model)
      : options_(options), plan_(plan), model_(std::move(model)), outcomes_(plan.jobs.size()) {}

  /// Stops early when told to by a signal. Throws IoError when a result cannot be written: the next
  /// could not be either.
  void all() {
    Progress progress("colouring", plan_.jobs.size(), "pictures");
    std::size_t next = 0;
    std::future<Image> loading = start_loading(next);
    progress.start_at(next);
    std::size_t shown = next;
    while (next < plan_.jobs.size() && stop_signal == 0) {
      const std::size_t current = next++;
      std::future<Image> loaded = std::move(loading);
      loading = start_loading(next);
      std::optional<Coloured> result = colour(current, std::move(loaded));
      finish_writing();
      if (result) start_writing(current, std::move(*result));
      progress.advance(current + 1 - shown);
      shown = current + 1;
    }
    finish_writing();
  }

  const std::vector<ColorizeOutcome>& outcomes() const { return outcomes_; }
  const ContactSheet& sheet() const { return sheet_; }

 private:
  /// Moves `i` on to the next job that is to be done and starts to decode its picture.
  std::future<Image> start_loading(std::size_t& i) {
    for (; i < plan_.jobs.size(); ++i) {
      const ColorizeJob& job = plan_.jobs[i];
      if (job.problem.empty() && !job.up_to_date) {
        return in_background(
            [path = job.input, limits = options_.limits] { return load_image(path, limits); });
      }
      outcomes_[i].status = job.up_to_date ? ColorizeStatus::skipped : ColorizeStatus::failed;
      outcomes_[i].error = job.problem;
      if (!job.up_to_date) outcomes_[i].code = ExitCode::usage;
    }
    return {};
  }

  std::optional<Coloured> colour(std::size_t i, std::future<Image> loaded) {
    ColorizeOutcome& outcome = outcomes_[i];
    try {
      const Image image = loaded.get();
      const auto start = std::chrono::steady_clock::now();
      ColorizeOptions how = options_.colorize;
      how.multiple = model_.info.multiple;
      if (options_.saturation == "auto") how.colourfulness = model_.info.train_colourfulness;
      Prediction prediction;
      const PredictChroma predict_chroma = [&](const Tensor& l) {
        advising_on_memory(device_of(model_), "a smaller --size needs less",
                           [&] { prediction = predict(model_, l, options_.predict); });
        return prediction.ab;
      };
      Coloured result{colorize(image, predict_chroma, how), {}};
      if (!plan_.jobs[i].uncertainty.empty()) {
        result.map = uncertainty_map(prediction.uncertainty, image.height, image.width);
      }
      const std::chrono::duration<double, std::milli> elapsed =
          std::chrono::steady_clock::now() - start;
      outcome.width = image.width, outcome.height = image.height, outcome.ms = elapsed.count();
      outcome.notes = image.notes;
      if (plan_.jobs[i].jpeg && !image.alpha.empty()) {
        outcome.notes.push_back("JPEG has no transparency: laid on white");
      }
      if (plan_.jobs[i].jpeg && image.bits == 16) {
        outcome.notes.push_back("JPEG has 8 bits: 16 were rounded");
      }
      if (!options_.sheet.empty()) add_to_sheet(image, result.picture);
      if (options_.compare) result.picture = side_by_side(image, result.picture);
      return result;
    } catch (const std::exception& error) {
      fail(i, error);
      return {};
    }
  }

  void add_to_sheet(const Image& image, const Image& result) {
    const Tensor lightness = lightness_of(image);
    const Shape s = lightness.shape();
    const Image grey = join_lab(lightness, Tensor::zeros({1, s.h, s.w, 2}));
    sheet_.add_row(grey, result, image.channels == 3 ? image : Image{});
  }

  void fail(std::size_t i, const std::exception& error) {
    ColorizeOutcome& outcome = outcomes_[i];
    outcome.status = ColorizeStatus::failed;
    outcome.error = error.what();
    outcome.code = exit_code(error);
    // The library's messages on pictures begin with the file; others do not know it.
    const std::string& input = plan_.jobs[i].input;
    if (outcome.error.rfind(input, 0) != 0) outcome.error = input + ": " + outcome.error;
  }

  void start_writing(std::size_t i, Coloured result) {
    written_ = i;
    writing_ = in_background(
        [&job = plan_.jobs[i], quality = options_.quality, result = std::move(result)] {
          if (!job.uncertainty.empty()) {
            make_folder_of(job.uncertainty);
            save_png(job.uncertainty, result.map, 4);
          }
          make_folder_of(job.output);
          if (job.jpeg) {
            save_jpeg(job.output, result.picture, quality);
          } else {
            save_png(job.output, result.picture, 4);
          }
        });
  }

  void finish_writing() {
    if (!writing_.valid()) return;
    try {
      writing_.get();
      outcomes_[written_].status = ColorizeStatus::done;
    } catch (const std::exception& error) {
      fail(written_, error);
      if (dynamic_cast<const IoError*>(&error) != nullptr) throw;
    }
  }

  const Options& options_;
  const ColorizePlan& plan_;
  Model model_;
  std::vector<ColorizeOutcome> outcomes_;
  ContactSheet sheet_;
  std::future<void> writing_;
  std::size_t written_ = 0;  // what writing_ is about
};

/// Loads the model; throws Exit (usage) where the options ask of it what it cannot give.
Model load_for(const Options& options, Device device) {
  Model model = load_model(find_model(options.model));
  move_to(model.parameters, device);
  if (!options.uncertainty.empty() && !model.info.has_distribution()) {
    throw Exit(ExitCode::usage, "--uncertainty: " + options.model +
                                    " predicts one colour a pixel (preset " + model.info.preset +
                                    "); only a model of colour bins knows how sure it is");
  }
  if (options.saturation == "auto" && !(model.info.train_colourfulness > 0)) {
    throw Exit(ExitCode::usage, "--saturation auto: " + options.model +
                                    " does not say how colourful the photographs were that it "
                                    "learnt from (train_colourfulness); name a factor, or see "
                                    "`tinct export --data`");
  }
  return model;
}

void run(Options options) {
  const Device device = begin_computing(options.computing);
  options.limits.pixels = static_cast<std::uint64_t>(options.megapixels * 1e6);
  if (options.saturation != "auto") options.colorize.saturation = std::stof(options.saturation);
  const ColorizePlan plan = plan_colorize(options.inputs, options.output, options.format,
                                          options.force, options.uncertainty);
  const auto start = std::chrono::steady_clock::now();
  Run work(options, plan, load_for(options, device));
  stop_signal = 0;
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  std::exception_ptr stopped;
  try {
    work.all();
  } catch (const IoError&) {
    stopped = std::current_exception();
  }
  if (!options.sheet.empty() && !work.sheet().empty()) {
    save_png(options.sheet, work.sheet().draw());
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  Progress::clear_line();
  report_colorize(plan, work.outcomes(), elapsed.count());
  if (stopped) std::rethrow_exception(stopped);
  if (stop_signal != 0) {
    throw Exit(stop_signal == SIGTERM ? ExitCode::terminated : ExitCode::interrupted,
               "stopped; the same command goes on from here");
  }
  end_with_failures(plan, work.outcomes());
}

void add_pipeline_options(Verb& verb, Options& options) {
  verb.add_option("--size", options.colorize.size,
                  "Shorter side of what the network sees; the result has the photograph's own size")
      .range(16, 2048)
      .type_name("PIXELS")
      .show_default();
  verb.add_option("--saturation", options.saturation,
                  "Multiply the colour by this; auto: by what makes each picture as colourful as "
                  "the photographs that the model learnt from; lightness is never touched")
      .range(0.0, 10.0, {"auto"})
      .type_name("FACTOR|auto")
      .show_default();
  verb.add_option("--temperature", options.predict.temperature,
                  "For models that predict a distribution: 1 is its mean, towards 0 its mode; "
                  "default: the model's own")
      .range(0.01, 10.0)
      .type_name("T");
  verb.add_flag("!--no-fade", options.predict.fade,
                "Keep the colour where a model that predicts a distribution does not know; "
                "otherwise it fades to grey there");
  verb.add_flag("--flip", options.predict.flip,
                "Average with the mirrored picture's prediction: twice the time, a little better");
  verb.add_option("--max-megapixels", options.megapixels, "Refuse larger pictures")
      .range(0.01, 1000.0)
      .type_name("N")
      .show_default();
  add_computing_options(verb, options.computing);
  verb.add_flag("--partial", options.limits.partial,
                "Colour what can be read of a damaged JPEG instead of refusing it");
}

}  // namespace

void add_colorize(CLI::App& app) {
  Verb verb = add_verb(
      app, "colorize",
      "Colour photographs at their full size.\n"
      "Of a picture that has colours already, the lightness is used and the colours are replaced.\n"
      "JPEG, PNG (8 and 16 bits), WebP, GIF of one frame, BMP and PNM are read; transparency, EXIF "
      "and 16 bits are kept.",
      {"tinct colorize photo.jpg                     # photo-colour.jpg beside it",
       "tinct colorize photo.jpg -o colour.png",
       "tinct colorize album/ -o coloured/           # again: only what is new",
       "tinct colorize 'scans/*.png' -o coloured/ --compare --saturation 1.2"});
  auto options = std::make_shared<Options>();
  verb.add_option("IN", options->inputs, "Pictures, folders (with all below them) or patterns")
      .required();
  verb.add_option("-o,--output", options->output,
                  "For one picture a file (.png, .jpg); else a folder, where names are kept");
  verb.add_option("--model", options->model, "A weights file, or a shipped model by name")
      .show_default();
  verb.add_option("--sheet", options->sheet,
                  "Also write a contact sheet here: grey, coloured, original (PNG)");
  verb.add_option("--uncertainty", options->uncertainty,
                  "Also write how unsure the model is, pixel by pixel (grey PNG, white: anything "
                  "goes); for several pictures a folder")
      .type_name("MAP.png");
  verb.add_flag("--compare", options->compare, "Write the original and the result side by side");
  verb.add_option("--format", options->format, "Write this, whatever the name says")
      .one_of({"png", "jpeg"});
  verb.add_option("--quality", options->quality, "Of JPEG; from 90 up the colour has full detail")
      .range(1, 100)
      .show_default();
  verb.add_flag("--force", options->force, "Also redo results that are newer than their pictures");
  add_pipeline_options(verb, *options);
  verb.callback([options] { run(*options); });
}

}  // namespace tinct
