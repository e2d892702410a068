// Schedules: numbers that a person can check.
#include "train/schedule.h"

#include <catch2/catch.hpp>
#include <cmath>

namespace tinct {

TEST_CASE("every schedule warms up linearly") {
  for (const char* name : {"constant", "step", "plateau", "cosine"}) {
    ScheduleOptions options;
    options.name = name;
    options.warmup = 4;
    options.total = 100;
    const Schedule schedule(options);
    INFO(name);
    CHECK(schedule.factor(0) == 0.25);
    CHECK(schedule.factor(2) == 0.75);
    CHECK(schedule.factor(3) == 1.0);
    CHECK(schedule.factor(4) == 1.0);
  }
}

TEST_CASE("cosine goes from one to its minimum and stays there") {
  ScheduleOptions options;
  options.name = "cosine";
  options.warmup = 10;
  options.total = 110;
  options.minimum = 0.1;
  const Schedule schedule(options);
  CHECK(schedule.factor(60) == Approx(0.55));
  CHECK(schedule.factor(35) == Approx(0.1 + 0.9 * 0.5 * (1 + std::sqrt(0.5))));
  CHECK(schedule.factor(110) == Approx(0.1));
  CHECK(schedule.factor(500) == Approx(0.1));
}

TEST_CASE("step drops every so many steps") {
  ScheduleOptions options;
  options.name = "step";
  options.every = 10;
  options.gamma = 0.5;
  const Schedule schedule(options);
  CHECK(schedule.factor(9) == 1.0);
  CHECK(schedule.factor(10) == 0.5);
  CHECK(schedule.factor(29) == 0.25);
}

TEST_CASE("plateau drops when validations stop improving, and remembers") {
  ScheduleOptions options;
  options.name = "plateau";
  options.patience = 1;
  options.gamma = 0.1;
  options.minimum = 0.05;
  Schedule schedule(options);
  schedule.observe(1.0);
  schedule.observe(0.5);
  schedule.observe(0.49999);  // below the threshold: no improvement
  CHECK(schedule.factor(0) == 1.0);
  Schedule resumed(options);
  resumed.restore(schedule.state());
  for (Schedule* s : {&schedule, &resumed}) {
    s->observe(std::nan(""));
    CHECK(s->factor(0) == Approx(0.1));
    s->observe(0.6);
    s->observe(0.6);
    CHECK(s->factor(0) == Approx(0.05));
  }
}

TEST_CASE("schedules refuse what they do not know") {
  ScheduleOptions options;
  options.name = "cosin";
  CHECK_THROWS_AS(Schedule(options), std::invalid_argument);
  options.name = "step";
  options.every = 0;
  CHECK_THROWS_AS(Schedule(options), std::invalid_argument);
}

}  // namespace tinct
