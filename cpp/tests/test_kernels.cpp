// The headers by themselves: numbers, curves, steels, and one step of a section against a dense solution.
#include <cmath>
#include <limits>
#include <random>

#include "doctest/doctest.h"
#include "published.h"

using namespace tundish;

namespace {

constexpr double no_number = std::numeric_limits<double>::quiet_NaN();

template <class T>
std::vector<T> random_numbers(int n, double low, double high) {
  std::mt19937 generator(7);
  std::uniform_real_distribution<double> distribution(low, high);
  std::vector<T> numbers;
  for (int k = 0; k < n; ++k) numbers.push_back(T(distribution(generator)));
  return numbers;
}

// Equal, or both no number.
template <class T>
bool same(T a, T b) {
  return a == b || (a != a && b != b);
}

}  // namespace

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

namespace {

// A rising curve on `cells` cells that starts at -3, as rows of a Spline.
template <class T>
struct Rising {
  static constexpr int cells = 20;
  alignas(64) T rows[2 * cells * spline_row];  // twice: a second curve follows the first
  Rising() {
    std::vector<T> c = {0, 1};
    for (const T rise : random_numbers<T>(cells, 0.1, 2)) c.push_back(c.back() + rise);
    c[0] = 2 * c[1] - c[2];
    c[cells + 1] = 2 * c[cells] - c[cells - 1];
    for (int m = 0; m < cells; ++m) {
      const T rise = c[size_t(m) + 1] - c[size_t(m)], next_rise = c[size_t(m) + 2] - c[size_t(m) + 1];
      const T row[spline_row] = {(c[size_t(m)] + c[size_t(m) + 1]) / 2, rise, (next_rise - rise) / 2, 0};
      for (int k = 0; k < spline_row; ++k) {
        rows[m * spline_row + k] = row[k];
        rows[(cells + m) * spline_row + k] = 2 * row[k];
      }
    }
  }
  Spline<T> spline() const { return {rows, T(-3), T(2), T(cells)}; }  // -3 to 7
};

template <class T>
struct Found {
  T value, slope;
};
template <class T>
Found<T> look_up(const Spline<T>& spline, T x) {
  Found<T> found;
  spline.lookup(x, found.value, found.slope);
  return found;
}

}  // namespace

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

namespace {

// Gauss elimination with pivots; `a` is (n, n) by rows.
std::vector<double> solve_dense(std::vector<double> a, std::vector<double> b) {
  const size_t n = b.size();
  for (size_t k = 0; k < n; ++k) {
    size_t pivot = k;
    for (size_t r = k + 1; r < n; ++r)
      if (std::abs(a[r * n + k]) > std::abs(a[pivot * n + k])) pivot = r;
    for (size_t c = 0; c < n; ++c) std::swap(a[k * n + c], a[pivot * n + c]);
    std::swap(b[k], b[pivot]);
    for (size_t r = k + 1; r < n; ++r) {
      const double factor = a[r * n + k] / a[k * n + k];
      for (size_t c = k; c < n; ++c) a[r * n + c] -= factor * a[k * n + c];
      b[r] -= factor * b[k];
    }
  }
  for (size_t k = n; k-- > 0;) {
    for (size_t c = k + 1; c < n; ++c) b[k] -= a[k * n + c] * b[c];
    b[k] /= a[k * n + k];
  }
  return b;
}

// A small section of the short strand on its way down, and what its next step should do.
struct SmallSection {
  typedef Marcher<double, SoleThread, EnthalpyBalance<double>> Marching;
  casting::Strand strand = short_strand();
  casting::Options options;
  casting::MarchStorage<double> storage;
  casting::SteelTables tables;
  std::vector<std::vector<double>> rows;
  std::vector<double> slots, memory;
  double pouring;
  Candidate<double> candidate;
  Fields<double> f;

  explicit SmallSection(const casting::Options& asked)
      : options(asked),
        storage(strand, small_grid(), options),
        tables(strand.steel.tabulate(strand.pouring_temperature, true, {})),
        slots(strand.slots()),
        pouring(strand.steel.property(Property::enthalpy, strand.pouring_temperature)) {
    SteelCurves<double>& steel = candidate.steel;
    candidate.slots = slots.data();
    steel.potential_of_enthalpy = spline(tables.curves[casting::curve_potential]);
    steel.temperature_of_potential = spline(tables.curves[casting::curve_temperature]);
    for (int phase = 0; phase < 3; ++phase) {
      steel.enthalpy[phase] = spline(tables.curves[casting::curve_enthalpy_0 + phase]);
      steel.potential[phase] = spline(tables.curves[casting::curve_potential_0 + phase]);
    }
    steel.solidus = tables.solidus;
    steel.liquidus = tables.liquidus;
    steel.liquidus_potential = tables.liquidus_potential;
    steel.least_slope = tables.least_slope;
    candidate.pouring_state = pouring;
    memory.resize(size_t(lay_out<double>(section(), options.method, 1, nullptr, f)));
    lay_out<double>(section(), options.method, 1, memory.data(), f);
  }
  const March<double>& march() const { return storage.march; }
  const Section<double>& section() const { return storage.march.section; }
  int nx() const { return section().x.nodes; }
  int ny() const { return section().y.nodes; }
  size_t size() const { return size_t(nx()) * size_t(ny()); }
  size_t number(int i, int j) const { return size_t(j) * size_t(nx()) + size_t(i); }

  Marching poured() {
    Marching marching(SoleThread(), march(), candidate, f);
    marching.pour();
    return marching;
  }
  void advance(Marching& marching, int k) const {
    const Step<double>& step = march().steps[k];
    marching.advance(step, cooling_of(candidate.slots, step.stretch));
  }
  std::vector<double> field(const double* from) const {
    std::vector<double> numbers;
    for (int j = 0; j < ny(); ++j)
      for (int i = 0; i < nx(); ++i) numbers.push_back(from[section().at(i, j)]);
    return numbers;
  }

 private:
  // Rows must lie where a register can be loaded from.
  Spline<double> spline(const casting::Curve& curve) {
    rows.emplace_back(curve.rows.size() + 8);
    double* start = rows.back().data();
    while (reinterpret_cast<std::uintptr_t>(start) % 64) ++start;
    std::copy(curve.rows.begin(), curve.rows.end(), start);
    return {start, curve.origin, curve.per_cell, double(curve.cells)};
  }
};

// Of a flux balance along one direction: node n's balance is the sum of weight x (difference of potentials).
struct Neighbour {
  int di, dj;
  double weight;
};
std::vector<Neighbour> neighbours(const Section<double>& s, int i, int j) {
  std::vector<Neighbour> all;
  if (i > 0) all.push_back({-1, 0, s.x.inward[i]});
  if (i + 1 < s.x.nodes) all.push_back({1, 0, s.x.outward[i]});
  if (j > 0) all.push_back({0, -1, s.y.inward[j]});
  if (j + 1 < s.y.nodes) all.push_back({0, 1, s.y.outward[j]});
  return all;
}

}  // namespace

TEST_CASE("a step by alternating directions solves its factored equations and loses no heat") {
  SmallSection small({});
  auto marching = small.poured();
  const int steps = 7;  // the mould's later ones remember the increment before
  for (int k = 0; k < steps; ++k) small.advance(marching, k);
  const Step<double>& step = small.march().steps[steps];
  REQUIRE(step.memory > 0);
  const std::vector<double> state = small.field(small.f.state), before = small.field(small.f.increment);
  const std::vector<double> potential = small.field(small.f.potential), slope = small.field(small.f.slope);
  small.advance(marching, steps);

  const Section<double>& section = small.section();
  const Cooling<double> cooling = cooling_of(small.slots.data(), step.stretch);
  const double span = step.share * step.size / small.strand.speed;
  const size_t n = small.size();
  // Of each direction: 1 - span x (flux balance of slope x increment, cooling included).
  std::vector<double> along_x(n * n, 0.0), along_y(n * n, 0.0), balance(n, 0.0);
  for (int j = 0; j < small.ny(); ++j)
    for (int i = 0; i < small.nx(); ++i) {
      const size_t here = small.number(i, j);
      along_x[here * n + here] = along_y[here * n + here] = 1;
      for (const Neighbour& to : neighbours(section, i, j)) {
        const size_t there = small.number(i + to.di, j + to.dj);
        std::vector<double>& matrix = to.di != 0 ? along_x : along_y;
        matrix[here * n + here] += span * to.weight * slope[here];
        matrix[here * n + there] -= span * to.weight * slope[there];
        balance[here] += to.weight * (potential[there] - potential[here]);
      }
      const Found<double> surface = look_up(small.candidate.steel.temperature_of_potential, potential[here]);
      auto cool = [&](std::vector<double>& matrix, double flux, double coefficient, double width) {
        balance[here] -= (flux + coefficient * (surface.value - cooling.ambient)) / width;
        matrix[here * n + here] += span * coefficient * surface.slope * slope[here] / width;
      };
      if (i + 1 == small.nx()) cool(along_x, cooling.flux_x, cooling.coefficient_x, section.x.width[i]);
      if (j + 1 == small.ny()) cool(along_y, cooling.flux_y, cooling.coefficient_y, section.y.width[j]);
    }
  std::vector<double> driven(n);
  for (size_t k = 0; k < n; ++k) driven[k] = step.memory * before[k] + span * balance[k];
  const std::vector<double> expected = solve_dense(along_y, solve_dense(along_x, driven));
  const std::vector<double> now = small.field(small.f.state);
  for (size_t k = 0; k < n; ++k) CHECK(now[k] - state[k] == doctest::Approx(expected[k]).epsilon(1e-7));

  const double lost = small.pouring * small.strand.width * small.strand.thickness / 4 -
                      section_enthalpy(section, marching.phase, small.f);
  CHECK(marching.heat == doctest::Approx(lost).epsilon(1e-10));
}

TEST_CASE("shares of a section that runs straight are exact, and its shell ends where they do") {
  SmallSection small({});
  const Section<double>& section = small.section();
  const double liquidus = small.candidate.steel.liquidus_potential;
  double width = 0, height = 0;
  for (int i = 0; i + 1 < small.nx(); ++i) width += section.x.spacing[i];
  for (int j = 0; j + 1 < small.ny(); ++j) height += section.y.spacing[j];
  // Potential falls from `centre` to `corner`, along x, along y, or along both alike: solid is a stripe at
  // the face, or a triangle in the corner.
  auto solid_share = [&](bool along_x, bool along_y, double centre, double corner) {
    double y = 0;
    for (int j = 0; j < small.ny(); y += section.y.spacing[j++]) {
      double x = 0;
      for (int i = 0; i < small.nx(); x += section.x.spacing[i++]) {
        const double place = (along_x ? x / width : 0) + (along_y ? y / height : 0);
        small.f.potential[section.at(i, j)] = centre + (corner - centre) * place / (along_x + along_y);
      }
    }
    measure_phases(SoleThread(), section, small.candidate.steel, small.f);
    double solid = 0, liquid = 0;
    for (int i = 0; i + 1 < small.nx(); ++i) {
      solid += section.x.spacing[i] * small.f.solid[i];
      liquid += section.x.spacing[i] * small.f.liquid[i];
    }
    CHECK(liquid == 0);
    return solid / (width * height);
  };
  for (const double edge : {0.03, 0.2, 0.46, 0.5}) {
    CAPTURE(edge);  // the share of the way that is not solid
    const double centre = 0.9 * liquidus * edge, corner = centre - 0.9 * liquidus;
    CHECK(solid_share(true, false, centre, corner) == doctest::Approx(1 - edge));
    CHECK(measure_shells(section, small.f).x == doctest::Approx((1 - edge) * width));
    CHECK(solid_share(false, true, centre, corner) == doctest::Approx(1 - edge));
    CHECK(measure_shells(section, small.f).y == doctest::Approx((1 - edge) * height));
    CHECK(solid_share(true, true, centre, corner) == doctest::Approx(1 - 2 * edge * edge));
  }
}

TEST_CASE("a step by over-relaxation solves the implicit equations") {
  for (const Ordering ordering : {Ordering::lexicographic, Ordering::red_black}) {
    casting::Options options;
    options.method = Method::sor;
    options.ordering = ordering;
    options.tolerance = 1e-11;
    SmallSection small(options);
    auto marching = small.poured();
    const int steps = 12;
    for (int k = 0; k < steps; ++k) small.advance(marching, k);
    const Step<double>& step = small.march().steps[steps];
    const std::vector<double> state = small.field(small.f.state), potential = small.field(small.f.potential);
    small.advance(marching, steps);
    CHECK_FALSE(marching.unconverged);
    CHECK(marching.sweeps > 5);

    const Section<double>& section = small.section();
    const Cooling<double> cooling = cooling_of(small.slots.data(), step.stretch);
    const double duration = step.size / small.strand.speed;
    const size_t n = small.size();
    std::vector<double> matrix(n * n, 0.0), driven(n), capacity(n);
    for (int j = 0; j < small.ny(); ++j)
      for (int i = 0; i < small.nx(); ++i) {
        const size_t here = small.number(i, j);
        const auto& curve = small.candidate.steel.temperature_of_potential;
        const Found<double> now = look_up(curve, potential[here]);
        const double slope = look_up(small.candidate.steel.potential_of_enthalpy, state[here]).slope;
        capacity[here] = 1 / now.slope / slope;
        const double storage = capacity[here] / duration;
        matrix[here * n + here] += storage;
        driven[here] += storage * now.value;
        for (const Neighbour& to : neighbours(section, i, j)) {
          const size_t there = small.number(i + to.di, j + to.dj);
          const double mean = (1 / now.slope + 1 / look_up(curve, potential[there]).slope) / 2;
          matrix[here * n + here] += to.weight * mean;
          matrix[here * n + there] -= to.weight * mean;
        }
        auto cool = [&](double flux, double coefficient, double width) {
          matrix[here * n + here] += coefficient / width;
          driven[here] += (coefficient * cooling.ambient - flux) / width;
        };
        if (i + 1 == small.nx()) cool(cooling.flux_x, cooling.coefficient_x, section.x.width[i]);
        if (j + 1 == small.ny()) cool(cooling.flux_y, cooling.coefficient_y, section.y.width[j]);
      }
    const std::vector<double> solved = solve_dense(matrix, driven), now = small.field(small.f.state);
    for (size_t k = 0; k < n; ++k) {
      const double before = look_up(small.candidate.steel.temperature_of_potential, potential[k]).value;
      CHECK(now[k] - state[k] == doctest::Approx(capacity[k] * (solved[k] - before)).epsilon(1e-6));
    }
  }
}
