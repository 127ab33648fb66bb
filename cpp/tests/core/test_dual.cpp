// The rules of differentiation.
#include "doctest/doctest.h"
#include "tundish/core/dual.h"
#include "tundish/core/math.h"

using namespace tundish;

TEST_CASE_TEMPLATE("a dual keeps its value and follows the rules of differentiation", T, double, float) {
  typedef Dual<T, 4> D;
  D x(T(1.7)), y(T(-0.6));
  x.tangent.set(0, 1);
  y.tangent.set(1, 1);
  const T a = T(0.9);
  const struct {
    const char* name;
    D result;
    T value, by_x, by_y;
  } rules[] = {{"x + y", x + y, x.value + y.value, 1, 1},
               {"x - y", x - y, x.value - y.value, 1, -1},
               {"x y", x * y, x.value * y.value, y.value, x.value},
               {"x / y", x / y, x.value / y.value, 1 / y.value, -x.value / (y.value * y.value)},
               {"-x", -x, -x.value, -1, 0},
               {"a + y", a + y, a + y.value, 0, 1},
               {"x - a", x - a, x.value - a, 1, 0},
               {"a - x", a - x, a - x.value, -1, 0},
               {"a y", a * y, a * y.value, 0, a},
               {"x / a", x / a, x.value / a, 1 / a, 0},
               {"a / x", a / x, a / x.value, -a / (x.value * x.value), 0},
               {"smaller", minimum(x, y), y.value, 0, 1},
               {"|y|", absolute(y), -y.value, 0, -1}};
  for (const auto& rule : rules) {
    CAPTURE(rule.name);
    CHECK(rule.result.value == rule.value);
    CHECK(double(rule.result.tangent[0]) == doctest::Approx(double(rule.by_x)).epsilon(1e-6));
    CHECK(double(rule.result.tangent[1]) == doctest::Approx(double(rule.by_y)).epsilon(1e-6));
    CHECK(rule.result.tangent[2] == 0);
  }
  CHECK(y < x);
  CHECK(x == D(x.value));
}
