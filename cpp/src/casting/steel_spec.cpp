#include "casting/steel_spec.h"

#include <algorithm>
#include <cmath>

#include "core/refusal.h"

namespace tundish::casting {
namespace {

// Where the parameters of a Scheil steel stand in Steel::parameters().
struct At {
  enum : size_t {
    solidus,
    liquidus,
    pure_iron_melting,
    partition,
    latent_heat,
    specific_heat_solid,
    specific_heat_liquid,
    density_solid,
    density_liquid,
    liquid_factor,
    conductivity_first
  };
};

double value_of(double x) { return x; }
template <int K>
double value_of(Dual<double, K> x) {
  return x.value;
}

// Where rising curves take the values asked for: Newton's method, kept inside [low, high] by bisection. A
// search starts on the tangent at the root that was found last, so values that come in order take one step or
// two.
class Search {
 public:
  // The last step is taken in Real, and carries the derivatives of the root.
  template <class Real, class F, class Slope>
  Real operator()(F f, Slope slope, double target, double low, double high) {
    double x = root_ + (target - value_) / slope_;
    for (int iteration = 0;; ++iteration) {
      if (!(x > low && x < high)) x = 0.5 * (low + high);
      const Real miss = f(Real(x)) - target;
      slope_ = value_of(slope(Real(x)));
      const double step = value_of(miss) / slope_;
      if (std::abs(step) <= 1e-11 * std::abs(x) || iteration == 200) {
        root_ = x - step;
        value_ = target;
        return Real(x) - miss / slope_;
      }
      (step > 0 ? high : low) = x;
      x -= step;
    }
  }

 private:
  double root_ = 0, value_ = 0, slope_ = 1;
};

// A steel's temperature by enthalpy and by potential.
template <class Model, class Real>
class Inverse {
 public:
  explicit Inverse(const Model& steel)
      : steel_(steel),
        solidus_(steel.solidus()),
        liquidus_(steel.liquidus()),
        mush_starts_(value_of(steel.mush_enthalpy(solidus_))),
        mush_ends_(value_of(steel.liquid_enthalpy(liquidus_))),
        spread_ends_(steel.mush_enthalpy(solidus_ + spread)),
        liquidus_potential_(value_of(steel.potential(liquidus_))) {}

  Real temperature_of_enthalpy(double H) {
    if (H > 0 && H <= mush_starts_) return solidus_;  // latent heat released at the solidus
    const double TS = value_of(solidus_), TL = value_of(liquidus_);
    auto slope = [&](Real T) { return steel_.density(T) * steel_.heat_capacity(T); };
    auto find = [&](auto enthalpy, double low, double high) {
      return search_.template operator()<Real>(enthalpy, slope, H, low, high);
    };
    if (H <= 0) return find([&](Real T) { return steel_.solid_enthalpy(T); }, TS - 1e4, TS);
    if (H < mush_ends_) return find([&](Real T) { return steel_.mush_enthalpy(T); }, TS, TL);
    return find([&](Real T) { return steel_.liquid_enthalpy(T); }, TL, TL + 1e4);
  }

  // The same for the march, which cannot take a jump of the enthalpy in its steps: a node on it would feel no
  // conduction to its neighbours. Latent heat released at the solidus is spread over the 4 K above it.
  Real marched_temperature(double H) {
    if (mush_starts_ > 0 && H > 0 && H < value_of(spread_ends_))
      return solidus_ + spread * (H / spread_ends_);
    return temperature_of_enthalpy(H);
  }

  Real temperature_of_potential(double potential) {
    const double TS = value_of(solidus_), TL = value_of(liquidus_);
    auto curve = [&](Real T) { return steel_.potential(T); };
    auto slope = [&](Real T) { return steel_.conductivity(T); };
    auto find = [&](double low, double high) {
      return search_.template operator()<Real>(curve, slope, potential, low, high);
    };
    if (potential <= 0) return find(lowest_temperature / 2, TS);
    return potential < liquidus_potential_ ? find(TS, TL) : find(TL, TL + 1e4);
  }

 private:
  static constexpr double spread = 4;  // K
  const Model& steel_;
  Real solidus_, liquidus_;
  double mush_starts_, mush_ends_;  // J/m3
  Real spread_ends_;
  double liquidus_potential_;
  Search search_;
};

// The rows of a Spline through f, with at least `cells` cells between low and high. The coefficients are
// f at the middles of the cells: rising where f rises, exact where f is straight.
template <class Real, class F>
void tabulate(F f, double low, double high, int cells, int gradients, Curve& curve,
              std::vector<double>& tangents) {
  const double width = std::exp2(std::floor(std::log2((high - low) / cells)));
  const long first = long(std::floor(low / width)) - 1, last = long(std::ceil(high / width)) + 1;
  const size_t n = size_t(last - first);
  curve.cells = int(n);
  curve.origin = double(first) * width;
  curve.per_cell = 1 / width;
  curve.rows.reserve(n * spline_row);
  tangents.reserve(n * spline_row * size_t(gradients));
  std::vector<Real> c(n + 2);
  for (size_t m = 0; m < n; ++m) c[m + 1] = f((double(first + long(m)) + 0.5) * width);
  c.front() = 2.0 * c[1] - c[2];  // straight beyond the ends
  c.back() = 2.0 * c[n] - c[n - 1];
  for (size_t m = 0; m < n; ++m) {
    const Real rise = c[m + 1] - c[m], next_rise = c[m + 2] - c[m + 1];
    for (const Real& coefficient : {0.5 * (c[m] + c[m + 1]), rise, 0.5 * (next_rise - rise), Real(0.0)}) {
      curve.rows.push_back(value_of(coefficient));
      if constexpr (!std::is_same_v<Real, double>)
        for (int k = 0; k < gradients; ++k) tangents.push_back(coefficient.tangent[k]);
    }
  }
}

// The floor of dPhi/dH in the implicit half of a step: none for a steel whose freezing range keeps a tenth of
// the solid's slope, and a quarter of that slope for the others. Rounded to a few bits: a number that small
// changes of the steel leave alone needs no derivatives.
double least_slope(const Curve& potential, double liquidus_enthalpy) {
  auto cell = [&](double H) { return size_t((H - potential.origin) * potential.per_cell); };
  auto slope = [&](size_t c) { return potential.rows[c * spline_row + 1] * potential.per_cell; };
  const double solid = slope(cell(0) - 4);
  double least = solid;
  for (size_t c = cell(0); c < cell(liquidus_enthalpy); ++c) least = std::min(least, slope(c));
  if (least >= 0.1 * solid) return 0;
  int exponent;
  const double fraction = std::frexp(0.25 * solid, &exponent);
  return std::ldexp(std::round(fraction * 32) / 32, exponent);
}

constexpr int curve_cells = 1024, branch_cells = 256;

template <class Model, class Real>
void fill(SteelTables& out, const Model& steel, Real pouring_temperature, bool by_temperature,
          int gradients) {
  const Real TS = steel.solidus(), TL = steel.liquidus();
  const double low = lowest_temperature, high = value_of(TL) + highest_superheat;
  auto keep = [&](double& value, std::vector<double>& tangent, const Real& x) {
    value = value_of(x);
    if constexpr (!std::is_same_v<Real, double>)
      for (int k = 0; k < gradients; ++k) tangent.push_back(x.tangent[k]);
  };
  keep(out.solidus, out.solidus_tangent, TS);
  keep(out.liquidus, out.liquidus_tangent, TL);
  keep(out.liquidus_potential, out.liquidus_potential_tangent, steel.potential(TL));
  keep(out.pouring_enthalpy, out.pouring_enthalpy_tangent, steel.enthalpy(pouring_temperature));

  auto add = [&](int which, auto f, double from, double to, int cells) {
    tabulate<Real>(f, from, to, cells, gradients, out.curves[which], out.tangents[which]);
  };
  // Potential of enthalpy, with derivatives at fixed enthalpy: the chain rule through T(H).
  Inverse<Model, Real> by_enthalpy(steel), by_potential(steel);
  add(
      curve_potential, [&](double H) { return steel.potential(by_enthalpy.marched_temperature(H)); },
      value_of(steel.enthalpy(Real(low))), value_of(steel.enthalpy(Real(high))), curve_cells);
  out.least_slope = least_slope(out.curves[curve_potential], value_of(steel.liquid_enthalpy(TL)));
  add(
      curve_temperature, [&](double p) { return by_potential.temperature_of_potential(p); },
      value_of(steel.potential(Real(low))), value_of(steel.potential(Real(high))), curve_cells);
  if (!by_temperature) return;
  const double S = value_of(TS), L = value_of(TL);
  add(curve_enthalpy_0, [&](double T) { return steel.solid_enthalpy(Real(T)); }, low, S, branch_cells);
  add(curve_enthalpy_0 + 1, [&](double T) { return steel.mush_enthalpy(Real(T)); }, S, L, branch_cells);
  add(curve_enthalpy_0 + 2, [&](double T) { return steel.liquid_enthalpy(Real(T)); }, L, high, branch_cells);
  add(curve_potential_0, [&](double T) { return steel.solid_potential(Real(T)); }, low, S, branch_cells);
  add(curve_potential_0 + 1, [&](double T) { return steel.mush_potential(Real(T)); }, S, L, branch_cells);
  add(
      curve_potential_0 + 2, [&](double T) { return steel.liquid_potential(Real(T)); }, L, high,
      branch_cells);
}

void check_scheil(const std::vector<std::string>& names, const std::vector<double>& p) {
  for (size_t n = 0; n < p.size(); ++n) {
    if (n >= At::conductivity_first)
      core::require_finite("conductivity", p[n]);
    else if (n == At::latent_heat)
      core::require_not_negative(names[n], p[n]);
    else
      core::require_positive(names[n], p[n]);
  }
  if (p[At::solidus] >= p[At::liquidus])
    core::refuse("solidus", p[At::solidus],
                 "must be below the liquidus, " + std::to_string(p[At::liquidus]) + " K");
  if (p[At::solidus] <= lowest_temperature) core::refuse("solidus", p[At::solidus], "must be above 200 K");
  if (p[At::liquidus] >= p[At::pure_iron_melting])
    core::refuse("liquidus", p[At::liquidus],
                 "must be below pure_iron_melting, " + std::to_string(p[At::pure_iron_melting]) + " K");
  if (p[At::partition] >= 1) core::refuse("partition", p[At::partition], "must be between 0 and 1");
}

void check_columns(const TableColumns& c) {
  const size_t rows = c.temperature.size();
  if (rows < 2) core::refuse("temperature_K", rows, "rows; a table needs at least 2");
  const std::pair<const char*, const std::vector<double>*> columns[] = {{"solid_fraction", &c.solid_fraction},
                                                                        {"density", &c.density},
                                                                        {"specific_heat", &c.specific_heat},
                                                                        {"conductivity", &c.conductivity}};
  for (const auto& [name, column] : columns)
    if (column->size() != rows)
      core::refuse(name, column->size(), "rows; temperature_K has " + std::to_string(rows));
  for (size_t r = 0; r < rows; ++r) {
    const std::string row = "[" + std::to_string(r) + "]";
    core::require_positive("temperature_K" + row, c.temperature[r]);
    core::require_positive("density" + row, c.density[r]);
    core::require_positive("specific_heat" + row, c.specific_heat[r]);
    core::require_positive("conductivity" + row, c.conductivity[r]);
    if (!(c.solid_fraction[r] >= 0 && c.solid_fraction[r] <= 1))
      core::refuse("solid_fraction" + row, c.solid_fraction[r], "must be between 0 and 1");
    if (r > 0 && c.temperature[r] <= c.temperature[r - 1])
      core::refuse("temperature_K" + row, c.temperature[r], "must be increasing");
    if (r > 0 && c.solid_fraction[r] > c.solid_fraction[r - 1])
      core::refuse("solid_fraction" + row, c.solid_fraction[r], "must not rise with the temperature");
  }
  if (c.solid_fraction.front() != 1)
    core::refuse("solid_fraction[0]", c.solid_fraction.front(), "must be 1: the table starts solid");
  if (c.solid_fraction.back() != 0)
    core::refuse("solid_fraction[-1]", c.solid_fraction.back(), "must be 0: the table ends liquid");
}

}  // namespace

Steel Steel::scheil(const std::vector<double>& parameters, Residual residual) {
  if (parameters.size() <= At::conductivity_first ||
      parameters.size() > At::conductivity_first + most_conductivity_terms)
    core::refuse("conductivity", long(parameters.size()) - long(At::conductivity_first),
                 "terms; between 1 and 8 are allowed");
  Steel steel;
  steel.names_ = {"solidus",
                  "liquidus",
                  "pure_iron_melting",
                  "partition",
                  "latent_heat",
                  "specific_heat.solid",
                  "specific_heat.liquid",
                  "density.solid",
                  "density.liquid",
                  "liquid_conductivity_factor"};
  for (size_t n = At::conductivity_first; n < parameters.size(); ++n)
    steel.names_.push_back("conductivity." + std::to_string(n - At::conductivity_first));
  check_scheil(steel.names_, parameters);
  steel.parameters_ = parameters;
  steel.residual_ = residual;
  for (int n = 0; n <= 64; ++n) {
    const double T = lowest_temperature + (steel.solidus() - lowest_temperature) * n / 64.0;
    const double k = steel.property(Property::conductivity, T);
    if (!(k > 0))
      core::refuse("conductivity", k,
                   "W/(m K) at " + std::to_string(T) + " K; must be above 0 from 200 K to the solidus");
  }
  return steel;
}

Steel Steel::table(TableColumns c, double latent_heat) {
  check_columns(c);
  core::require_not_negative("latent_heat", latent_heat);
  auto t = std::make_shared<Integrals>();
  const size_t rows = c.temperature.size();
  t->sensible.assign(rows, 0);
  t->released.assign(rows, 0);
  t->potential.assign(rows, 0);
  size_t at_solidus = 0;
  for (size_t r = 1; r < rows; ++r) {
    const double step = c.temperature[r] - c.temperature[r - 1];
    const double d = c.density[r - 1], dd = c.density[r] - d, h = c.specific_heat[r - 1],
                 dh = c.specific_heat[r] - h;
    t->sensible[r] = t->sensible[r - 1] + step * (d * h + 0.5 * (d * dh + h * dd) + dd * dh / 3);
    t->released[r] = t->released[r - 1] + (c.solid_fraction[r - 1] - c.solid_fraction[r]) * (d + 0.5 * dd);
    t->potential[r] = t->potential[r - 1] + 0.5 * step * (c.conductivity[r] + c.conductivity[r - 1]);
    if (c.solid_fraction[r] == 1) at_solidus = r;
  }
  for (auto* integral : {&t->sensible, &t->released, &t->potential}) {
    const double origin = (*integral)[at_solidus];
    for (double& x : *integral) x -= origin;
  }
  t->solidus = c.temperature[at_solidus];
  t->liquidus = c.temperature[size_t(std::find(c.solid_fraction.begin(), c.solid_fraction.end(), 0.0) -
                                     c.solid_fraction.begin())];
  if (t->solidus <= lowest_temperature)
    core::refuse("temperature_K", t->solidus, "K at the solidus; must be above 200 K");
  t->columns = std::move(c);
  Steel steel;
  steel.names_ = {"latent_heat"};
  steel.parameters_ = {latent_heat};
  steel.table_ = std::move(t);
  return steel;
}

Steel Steel::with(const std::vector<double>& parameters) const {
  if (!table_) return scheil(parameters, residual_);
  core::require_not_negative("latent_heat", parameters[0]);
  Steel steel = *this;
  steel.parameters_ = parameters;
  return steel;
}

template <class Real>
ScheilSteel<Real> Steel::scheil_model(const std::vector<Real>& p) const {
  ScheilSteel<Real> s{p[At::solidus],
                      p[At::liquidus],
                      p[At::pure_iron_melting],
                      p[At::partition],
                      p[At::latent_heat],
                      p[At::specific_heat_solid],
                      p[At::specific_heat_liquid],
                      p[At::density_solid],
                      p[At::density_liquid],
                      {},
                      p[At::liquid_factor],
                      residual_};
  for (size_t n = 0; n < most_conductivity_terms; ++n)
    s.conductivity_terms[n] =
        At::conductivity_first + n < p.size() ? p[At::conductivity_first + n] : Real(0.0);
  return s;
}

template <class Real>
TableSteel<Real> Steel::table_model(const std::vector<Real>& p) const {
  const Integrals& t = *table_;
  const TableColumns& c = t.columns;
  return {int(c.temperature.size()),
          c.temperature.data(),
          c.solid_fraction.data(),
          c.density.data(),
          c.specific_heat.data(),
          c.conductivity.data(),
          t.sensible.data(),
          t.released.data(),
          t.potential.data(),
          t.solidus,
          t.liquidus,
          p[0]};
}

template <class Visit>
auto Steel::visit(Visit visit) const {
  return table_ ? visit(table_model<double>(parameters_)) : visit(scheil_model<double>(parameters_));
}

double Steel::solidus() const {
  return visit([](const auto& s) { return s.solidus(); });
}
double Steel::liquidus() const {
  return visit([](const auto& s) { return s.liquidus(); });
}
double Steel::temperature_of_enthalpy(double H) const {
  return visit([&](const auto& s) {
    return Inverse<std::decay_t<decltype(s)>, double>(s).temperature_of_enthalpy(H);
  });
}
double Steel::property(Property which, double T) const {
  return visit([&](const auto& s) {
    switch (which) {
      case Property::enthalpy: return s.enthalpy(T);
      case Property::heat_capacity: return s.heat_capacity(T);
      case Property::solid_fraction: return s.solid_fraction(T);
      case Property::density: return s.density(T);
      case Property::conductivity: return s.conductivity(T);
      case Property::potential: return s.potential(T);
    }
    return 0.0;
  });
}

SteelTables Steel::tabulate(double pouring_temperature, bool by_temperature,
                            const std::vector<int>& which) const {
  SteelTables tables;
  if (which.empty()) {
    visit([&](const auto& s) { fill(tables, s, pouring_temperature, by_temperature, 0); });
    return tables;
  }
  constexpr int K = 8;
  typedef Dual<double, K> Real;
  if (which.size() > K) throw std::logic_error("at most 8 tangents at a time");
  std::vector<Real> p(parameters_.begin(), parameters_.end());
  Real pouring(pouring_temperature);
  for (size_t k = 0; k < which.size(); ++k) {
    if (which[k] >= 0) p[size_t(which[k])].tangent.set(int(k), 1);
    if (which[k] == by_pouring_temperature) pouring.tangent.set(int(k), 1);
  }
  const int gradients = int(which.size());
  if (table_)
    fill(tables, table_model<Real>(p), pouring, by_temperature, gradients);
  else
    fill(tables, scheil_model<Real>(p), pouring, by_temperature, gradients);
  return tables;
}

}  // namespace tundish::casting
