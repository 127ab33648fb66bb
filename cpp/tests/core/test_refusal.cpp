// Refusals: their parts, and the one line that they make.
#include "core/refusal.h"

#include <limits>

#include "doctest/doctest.h"

using namespace tundish;

namespace {

template <class Value>
core::bad_argument refusal(const Value& value) {
  try {
    core::refuse("speed", value, "must be above 0");
  } catch (const core::bad_argument& error) {
    return error;
  }
}

}  // namespace

TEST_CASE("a refusal keeps its parts and joins them to one line") {
  const core::bad_argument error = refusal(-0.5);
  CHECK(error.name == "speed");
  CHECK(std::get<double>(error.value) == -0.5);
  CHECK(error.allowed == "must be above 0");
  CHECK(std::string(error.what()) == "speed = -0.5: must be above 0");
  CHECK(std::string(refusal(3).what()) == "speed = 3: must be above 0");
  CHECK(std::string(refusal("two of them").what()) == "speed = two of them: must be above 0");
  CHECK(std::string(refusal(core::Word{"fast"}).what()) == "speed = 'fast': must be above 0");
  CHECK(std::string(refusal(std::monostate()).what()) == "speed: must be above 0");
}

TEST_CASE("a refusal may name where it stands") {
  const core::bad_argument error = refusal(-1.0).at("candidate 2");
  CHECK(error.name == "speed");
  CHECK(error.place == "candidate 2");
  CHECK(std::string(error.what()) == "candidate 2: speed = -1: must be above 0");
}

TEST_CASE("refusals are standard exceptions") {
  CHECK_THROWS_AS(core::refuse("n", 1, "must be 2"), std::invalid_argument);
  CHECK_THROWS_AS(throw core::unknown_name("colour", "is unknown"), std::out_of_range);
  CHECK(std::string(core::unknown_name("colour", "is unknown").what()) == "'colour' is unknown");
}

TEST_CASE("numbers that are none are refused by every check") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (auto* check : {core::require_finite, core::require_positive, core::require_not_negative}) {
    CHECK_NOTHROW(check("x", 1));
    CHECK_THROWS_AS(check("x", nan), core::bad_argument);
    CHECK_THROWS_AS(check("x", std::numeric_limits<double>::infinity()), core::bad_argument);
  }
  CHECK_NOTHROW(core::require_finite("x", -1));
  CHECK_NOTHROW(core::require_not_negative("x", 0));
  CHECK_THROWS_AS(core::require_positive("x", 0), core::bad_argument);
}
