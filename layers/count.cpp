// The counter of multiply-accumulates.
#include "layers/count.h"

#include <utility>

namespace tinct {
namespace {

thread_local MacCounter* current = nullptr;

}  // namespace

MacCounter::MacCounter() : outer_(std::exchange(current, this)) {}

MacCounter::~MacCounter() {
  current = outer_;
}

void add_macs(std::uint64_t macs) {
  if (current != nullptr) current->macs_ += macs;
}

}  // namespace tinct
