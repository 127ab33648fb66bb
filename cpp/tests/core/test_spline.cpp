// Lookups of scalars, packs and duals.
#include <cmath>
#include <limits>

#include "core/curves.h"
#include "doctest/doctest.h"
#include "tundish/core/dual.h"
#include "tundish/core/math.h"

TEST_CASE_TEMPLATE_DEFINE("a pack looks up what its scalar does, inside the curve, beyond it and nowhere", P,
                          lookup_packs) {
  typedef typename Number<P>::Scalar T;
  constexpr int lanes = Number<P>::lanes;
  const Rising<T> curve;
  const Spline<T> spline = curve.spline();
  Spline<P> own;  // every lane a curve of its own: odd lanes the second one
  int offset[size_t(lanes)];
  for (int k = 0; k < lanes; ++k) offset[k] = k % 2 * Rising<T>::cells * spline_row;
  own.rows = curve.rows;
  own.start_at(offset);
  own.origin = spline.origin;
  own.per_cell = spline.per_cell;
  own.cells = spline.cells;
  std::vector<T> x = random_numbers<T>(64 * lanes, -10, 15);
  x[3] = T(no_number);
  for (size_t n = 0; n < x.size(); n += size_t(lanes)) {
    P value, slope, own_value, own_slope;
    spline.lookup(P::read(&x[n]), value, slope);
    own.lookup(P::read(&x[n]), own_value, own_slope);
    for (int k = 0; k < lanes; ++k) {
      CAPTURE(x[n + size_t(k)]);
      const Found<T> expected = look_up(spline, x[n + size_t(k)]);
      CHECK(same(value[k], expected.value));
      CHECK(same(slope[k], expected.slope));
      CHECK(same(own_value[k], T(1 + k % 2) * expected.value));
      CHECK(same(own_slope[k], T(1 + k % 2) * expected.slope));
    }
  }
}
TEST_CASE_TEMPLATE_INVOKE(lookup_packs, Pack<double, 2>, Pack<double, 4>, Pack<double, 8>, Pack<float, 4>,
                          Pack<float, 8>, Pack<float, 16>);

TEST_CASE("a curve is smooth across its knots, straight beyond its ends and without a value at no number") {
  const Rising<double> curve;
  const Spline<double> spline = curve.spline();
  for (int knot = 1; knot < Rising<double>::cells; ++knot) {
    const double x = -3 + 0.5 * knot;
    const Found<double> left = look_up(spline, x - 1e-9), right = look_up(spline, x + 1e-9);
    CHECK(right.value == doctest::Approx(left.value).epsilon(1e-7));
    CHECK(right.slope == doctest::Approx(left.slope).epsilon(1e-7));
  }
  for (const double end : {-3.0, 7.0}) {
    const Found<double> at_end = look_up(spline, end);
    const double beyond = 100 * (end - 2);
    CHECK(look_up(spline, beyond).value == doctest::Approx(at_end.value + at_end.slope * (beyond - end)));
    CHECK(look_up(spline, beyond).slope == doctest::Approx(at_end.slope));
  }
  CHECK(std::isnan(look_up(spline, no_number).value));
  CHECK_FALSE(std::isfinite(look_up(spline, std::numeric_limits<double>::infinity()).value));
}

TEST_CASE("a dual looks up derivatives by its argument and by the curve's own parameters") {
  typedef Dual<double, 2> D;
  const Rising<double> curve;
  const int numbers = Rising<double>::cells * spline_row;
  // By the second parameter p the curve is rows + p x (second curve's rows).
  std::vector<Pack<double, 2>> tangent_rows(size_t(numbers), Pack<double, 2>(0.0));
  for (int n = 0; n < numbers; ++n) tangent_rows[size_t(n)].set(1, curve.rows[numbers + n]);
  const Spline<double> plain = curve.spline();
  const Spline<D> spline{curve.rows, tangent_rows.data(), plain.origin, plain.per_cell, plain.cells};
  for (const double x : random_numbers<double>(200, -6, 10)) {
    CAPTURE(x);
    D argument(x), value, slope;
    argument.tangent.set(0, 3);
    spline.lookup(argument, value, slope);
    const Found<double> expected = look_up(plain, x);
    CHECK(value.value == expected.value);
    CHECK(slope.value == expected.slope);
    CHECK(value.tangent[0] == doctest::Approx(3 * expected.slope));
    CHECK(value.tangent[1] == doctest::Approx(2 * expected.value));
    CHECK(slope.tangent[1] == doctest::Approx(2 * expected.slope));
    const double h = 1e-7;
    const double bend = (look_up(plain, x + h).slope - look_up(plain, x - h).slope) / (2 * h);
    if (std::abs(std::remainder(x, 0.5)) > h)
      CHECK(slope.tangent[0] == doctest::Approx(3 * bend).epsilon(1e-5));
  }
}
