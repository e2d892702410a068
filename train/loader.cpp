// The prefetching loader.
#include "train/loader.h"

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "core/error.h"
#include "core/threads.h"
#include "train/develop.h"

namespace tinct {
namespace {

void check(const LoaderOptions& o) {
  const auto require = [](bool ok, const char* what) {
    if (!ok) throw std::invalid_argument(std::string("Loader: ") + what);
  };
  require(o.batch >= 1, "batch must be at least 1");
  require(o.threads >= 1 && o.threads <= 256, "threads must be within 1..256");
  require(o.prefetch >= 1, "prefetch must be at least 1");
  draw_window(1, 1, o.augment, 0, 0, 0);
}

}  // namespace

// Workers make the batches of the window [first, first + prefetch); next() moves the window. A
// jump starts a new generation, so that what is still being made for the old one is thrown away.
class Loader::Impl {
 public:
  Impl(const Dataset& dataset, LoaderOptions options)
      : dataset_(dataset), options_(std::move(options)), pictures_(options_.pictures) {
    check(options_);
    if (pictures_.empty()) pictures_ = dataset_.split(Split::train);
    if (pictures_.empty()) {
      throw DataError(dataset_.path() + ": no picture to train on: the training split is empty");
    }
    for (const std::size_t i : pictures_) dataset_.picture(i);
    weights_ = sampling_weights(dataset_, pictures_, options_.source_power);
    for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { work(); });
  }

  ~Impl() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  Batch next(std::uint64_t step) {
    const auto start = std::chrono::steady_clock::now();
    std::unique_lock lock(mutex_);
    if (!started_ || step < first_ || step >= first_ + options_.prefetch) {
      started_ = true;
      ++generation_;
      ready_.clear();
      following_ = step;
    }
    first_ = step;
    following_ = std::max(following_, step);
    ready_.erase(ready_.begin(), ready_.lower_bound(step));
    wake_.notify_all();
    done_.wait(lock, [&] { return ready_.count(step) > 0; });
    Slot slot = std::move(ready_.at(step));
    ready_.erase(step);
    first_ = step + 1;
    lock.unlock();
    wake_.notify_all();
    if (slot.error) std::rethrow_exception(slot.error);
    const std::chrono::duration<double, std::milli> waited =
        std::chrono::steady_clock::now() - start;
    slot.batch.starved_ms = waited.count();
    return std::move(slot.batch);
  }

  std::size_t epoch_size() const { return pictures_.size(); }

  SamplePosition position(std::uint64_t step, std::size_t sample) const {
    const std::uint64_t index = step * options_.batch + sample;
    return {index / pictures_.size(), index % pictures_.size()};
  }

 private:
  struct Slot {
    Batch batch;
    std::exception_ptr error;
  };
  using Order = std::shared_ptr<const std::vector<std::size_t>>;

  void work() {
    const SerialScope serial;
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock,
                 [&] { return stop_ || (started_ && following_ < first_ + options_.prefetch); });
      if (stop_) return;
      const std::uint64_t step = following_++;
      const std::uint64_t generation = generation_;
      lock.unlock();
      Slot slot;
      try {
        slot.batch = make(step);
      } catch (...) {
        slot.error = std::current_exception();
      }
      lock.lock();
      if (generation == generation_ && step >= first_) ready_[step] = std::move(slot);
      done_.notify_all();
    }
  }

  Batch make(std::uint64_t step) {
    const std::size_t n = options_.batch, crop = options_.augment.crop;
    Batch batch;
    batch.step = step;
    batch.crop = crop;
    if (!options_.raw) batch.rgb = Tensor({n, crop, crop, 3}, DType::u8);
    for (std::size_t i = 0; i < n; ++i) {
      const SamplePosition at = position(step, i);
      const std::size_t picture = pictures_[(*order(at.epoch))[at.position]];
      const bool fixed = options_.fixed_crops > 0;
      const std::uint64_t epoch = fixed ? at.epoch % options_.fixed_crops : at.epoch;
      const std::uint64_t sample = fixed ? picture : at.position;
      const Tensor rgb = dataset_.read(picture);
      batch.indices.push_back(picture);
      if (options_.raw) {
        batch.cuts.push_back(cut_out(rgb, options_.augment, options_.seed, epoch, sample));
      } else {
        const Tensor cut = augment(rgb, options_.augment, options_.seed, epoch, sample);
        std::memcpy(batch.rgb.u8() + i * cut.bytes(), cut.u8(), cut.bytes());
      }
    }
    if (!options_.raw) add_lab_planes(batch);
    return batch;
  }

  // A batch may reach over the end of an epoch, hence two are kept.
  Order order(std::uint64_t epoch) {
    std::lock_guard lock(order_mutex_);
    Order& slot = orders_[epoch];
    if (!slot) {
      slot =
          std::make_shared<std::vector<std::size_t>>(epoch_order(weights_, options_.seed, epoch));
    }
    Order result = slot;
    while (orders_.size() > 2) {
      orders_.erase(orders_.begin()->first == epoch ? std::prev(orders_.end()) : orders_.begin());
    }
    return result;
  }

  const Dataset& dataset_;
  const LoaderOptions options_;
  std::vector<std::size_t> pictures_;
  std::vector<double> weights_;

  std::mutex order_mutex_;
  std::map<std::uint64_t, Order> orders_;

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::map<std::uint64_t, Slot> ready_;
  std::uint64_t first_ = 0;      // the batch that next() wants, or will want
  std::uint64_t following_ = 0;  // the batch that a worker makes next
  std::uint64_t generation_ = 0;
  bool started_ = false;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

Loader::Loader(const Dataset& dataset, LoaderOptions options)
    : impl_(std::make_unique<Impl>(dataset, std::move(options))) {}

Loader::~Loader() = default;

Batch Loader::next(std::uint64_t step) {
  return impl_->next(step);
}

std::size_t Loader::epoch_size() const {
  return impl_->epoch_size();
}

SamplePosition Loader::position(std::uint64_t step, std::size_t sample) const {
  return impl_->position(step, sample);
}

}  // namespace tinct
