// A steel's integrals, its published numbers and its derivatives.
#include <cmath>

#include "casting/published.h"
#include "doctest/doctest.h"

using namespace tundish;

namespace {

// By Gauss's three points in each of 400 parts between one kink and the next.
template <class F>
double integral(F f, double from, double to, const std::vector<double>& kinks) {
  for (const double kink : kinks)
    if (kink > from && kink < to) return integral(f, from, kink, {}) + integral(f, kink, to, kinks);
  const int parts = 400;
  const double h = (to - from) / parts, reach = h / 2 * std::sqrt(0.6);
  double sum = 0;
  for (int n = 0; n < parts; ++n) {
    const double middle = from + (n + 0.5) * h;
    sum += h / 18 * (5 * f(middle - reach) + 8 * f(middle) + 5 * f(middle + reach));
  }
  return sum;
}

using Property = casting::Steel::Property;

// `jump` is released at the solidus itself, and in no integral.
void check_integrals(const casting::Steel& steel, double jump, const std::vector<double>& kinks) {
  auto property = [&](Property which) {
    return [&steel, which](double T) { return steel.property(which, T); };
  };
  const auto density = property(Property::density), capacity = property(Property::heat_capacity);
  auto per_kelvin = [&](double T) { return density(T) * capacity(T); };
  const double solidus = steel.solidus(), liquidus = steel.liquidus();
  auto check = [&](double T, double enthalpy, double potential) {
    CAPTURE(T);
    CHECK(steel.property(Property::enthalpy, T) == doctest::Approx(enthalpy).epsilon(1e-9));
    CHECK(steel.property(Property::potential, T) == doctest::Approx(potential).epsilon(1e-9));
    CHECK(steel.temperature_of_enthalpy(steel.property(Property::enthalpy, T)) ==
          doctest::Approx(T).epsilon(1e-11));
  };
  const auto conductivity = property(Property::conductivity);
  auto heat = [&](double from, double to) { return integral(per_kelvin, from, to, kinks); };
  auto conducted = [&](double from, double to) { return integral(conductivity, from, to, kinks); };
  for (const double T : {300.0, 900.0, solidus - 1}) check(T, -heat(T, solidus), -conducted(T, solidus));
  for (const double T : {solidus + 1, (solidus + liquidus) / 2, liquidus - 1})
    check(T, jump + heat(solidus, T), conducted(solidus, T));
  for (const double T : {liquidus + 1, liquidus + 200})
    check(T, jump + heat(solidus, liquidus) + heat(liquidus, T),
          conducted(solidus, liquidus) + conducted(liquidus, T));
}

}  // namespace

TEST_CASE("enthalpy and potential of a steel are the integrals of its properties") {
  for (const Residual residual : {Residual::none, Residual::solidus, Residual::rescale}) {
    CAPTURE(int(residual));
    const casting::Steel steel = published_steel(residual);
    const double mushy = steel.property(Property::enthalpy, std::nextafter(steel.solidus(), 2000.0));
    check_integrals(steel, residual == Residual::solidus ? mushy : 0, {});
    CHECK(mushy == doctest::Approx(residual == Residual::solidus ? 189e3 * 7256 * 0.0375 : 0).epsilon(0.01));
  }
  const std::vector<double> rows = {300, 1400, 1500, 1510, 1600};
  check_integrals(casting::Steel::table({rows,
                                         {1, 1, 1, 0.4, 0},
                                         {7800, 7400, 7350, 7200, 7000},
                                         {450, 650, 700, 750, 800},
                                         {50, 30, 29, 35, 80}},
                                        250e3),
                  0, rows);
}

TEST_CASE("the published steel has its published numbers") {
  const casting::Steel steel = published_steel();
  CHECK(steel.property(Property::heat_capacity, 1700) == doctest::Approx(2410.095).epsilon(1e-6));
  CHECK(steel.property(Property::enthalpy, 1728) == doctest::Approx(1.589167e9).epsilon(1e-6));
  CHECK(steel.property(Property::conductivity, 1672) == doctest::Approx(32.45).epsilon(1e-3));
}

TEST_CASE("a closed form over duals has the derivatives by the steel's parameters") {
  const std::vector<double> p = published_steel_parameters();
  for (size_t n = 0; n < p.size(); ++n) {
    CAPTURE(n);
    auto of = [&](Property which, double change) {
      std::vector<double> q = p;
      q[n] += change;
      return casting::Steel::scheil(q, Residual::rescale).property(which, 1700);
    };
    typedef Dual<double, 1> D;
    std::vector<D> q(p.begin(), p.end());
    q[n].tangent.set(0, 1);
    const ScheilSteel<D> steel{q[0], q[1],
                               q[2], q[3],
                               q[4], q[5],
                               q[6], q[7],
                               q[8], {q[10], q[11], q[12], 0.0, 0.0, 0.0, 0.0, 0.0},
                               q[9], Residual::rescale};
    const double h = 1e-5 * p[n];
    auto difference = [&](Property which) { return (of(which, h) - of(which, -h)) / (2 * h); };
    CHECK(steel.enthalpy(1700.0).tangent[0] == doctest::Approx(difference(Property::enthalpy)).epsilon(1e-6));
    CHECK(steel.potential(1700.0).tangent[0] ==
          doctest::Approx(difference(Property::potential)).epsilon(1e-6));
    CHECK(steel.heat_capacity(1700.0).tangent[0] ==
          doctest::Approx(difference(Property::heat_capacity)).epsilon(1e-6));
  }
}
