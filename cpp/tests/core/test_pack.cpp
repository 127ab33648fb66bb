// Packs in every width against their scalars.
#include <cmath>

#include "core/numbers.h"
#include "doctest/doctest.h"
#include "tundish/core/math.h"

using namespace tundish;

TEST_CASE_TEMPLATE_DEFINE("a pack does in every lane what its scalar does", P, packs) {
  typedef typename Number<P>::Scalar T;
  constexpr int lanes = Number<P>::lanes;
  const std::vector<T> numbers = random_numbers<T>(2 * lanes, -2, 2);
  P a = P::read(numbers.data()), b = P::read(numbers.data() + lanes);
  a.set(0, b[0]);                  // equal in one lane,
  b.set(lanes - 1, T(no_number));  // not comparable in another
  const T c = T(0.3);
  for (int k = 0; k < lanes; ++k) {
    CAPTURE(k);
    CHECK(same((a + b)[k], a[k] + b[k]));
    CHECK(same((a - b)[k], a[k] - b[k]));
    CHECK(same((a * b)[k], a[k] * b[k]));
    CHECK(same((a / b)[k], a[k] / b[k]));
    CHECK(same((-a)[k], -a[k]));
    CHECK((c + a)[k] == c + a[k]);
    CHECK((a / c)[k] == a[k] / c);
    CHECK(same(select(a < b, a, b)[k], a[k] < b[k] ? a[k] : b[k]));
    CHECK(bool((a <= b).v[k]) == (a[k] <= b[k]));
    CHECK(bool((a > b).v[k]) == (a[k] > b[k]));
    CHECK(bool((a >= b).v[k]) == (a[k] >= b[k]));
    CHECK(bool((a == b).v[k]) == (a[k] == b[k]));
    CHECK(bool(((a < b) & (a < c)).v[k]) == (a[k] < b[k] && a[k] < c));
    CHECK(bool(((a < b) | (a < c)).v[k]) == (a[k] < b[k] || a[k] < c));
    CHECK(bool(((a < b) ^ (a < c)).v[k]) == ((a[k] < b[k]) != (a[k] < c)));
    CHECK(bool((!(a < b)).v[k]) == !(a[k] < b[k]));
    CHECK(same(minimum(a, b)[k], minimum(a[k], b[k])));
    CHECK(same(maximum(a, b)[k], maximum(a[k], b[k])));
    CHECK(absolute(a)[k] == std::abs(a[k]));
  }
  CHECK(any(a == b));
  CHECK_FALSE(any(a < P(T(-2))));
  T written[size_t(lanes)];
  a.write(written);
  for (int k = 0; k < lanes; ++k) CHECK(written[k] == a[k]);
}
TEST_CASE_TEMPLATE_INVOKE(packs, Pack<double, 2>, Pack<double, 4>, Pack<double, 8>, Pack<float, 4>,
                          Pack<float, 8>, Pack<float, 16>);
