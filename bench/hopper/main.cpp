// tinct_hopper_probe: asks the card what performance plans assume of it; a JSON table on stdout.
// Usage: tinct_hopper_probe
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>

#include "bench/hopper/probe.h"
#include "core/error.h"
#include "core/simt/device.h"

int main() try {
  using namespace tinct;
  device::check_usable();
  const device::Info card = device::info();
  hopper::Answers answers = hopper::memory_rates();
  if (hopper::has_wgmma()) {
    for (const auto& part : {hopper::wgmma_rates(), hopper::halo_errors()}) {
      answers.insert(answers.end(), part.begin(), part.end());
    }
  }
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const hopper::Answer& a : answers) {
    rows.push_back({{"question", a.question}, {"value", a.value}, {"unit", a.unit}});
  }
  const nlohmann::ordered_json table = {
      {"table", "What the card gives"}, {"card", card.name}, {"rows", rows}};
  std::cout << table.dump(1) << '\n';
  return 0;
} catch (const tinct::DeviceError& e) {
  std::cerr << "tinct_hopper_probe: " << e.what() << '\n';
  return 8;
} catch (const std::exception& e) {
  std::cerr << "tinct_hopper_probe: " << e.what() << '\n';
  return 1;
}
