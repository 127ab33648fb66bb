#include "casting/steel_curves.h"

#include <algorithm>
#include <cmath>

#include "casting/steel_cubics.h"

namespace tundish::casting {
namespace {

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

constexpr int curve_cells = 1024, branch_cells = 256, solid_samples = 256;

}  // namespace

template <class Model, class Real>
void tabulate_steel(const Model& steel, Real pouring_temperature, bool by_temperature, int gradients,
                    SteelTables& out) {
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
  const CubicFit<Model, Real, Inverse<Model, Real>> fit(steel, by_enthalpy);
  if (fit.fits()) fit.keep(gradients, out.curves[curve_cubics], out.tangents[curve_cubics]);
  // Of the solid; a step below the solidus, where a table's next row may begin.
  auto diffusivity = [&](Real T) {
    return steel.conductivity(T) / (steel.density(T) * steel.heat_capacity(T));
  };
  auto heating = [&](Real T) { return 1.0 / (steel.density(T) * steel.heat_capacity(T)); };
  const Real top = TS - 1e-6;
  Real fastest = diffusivity(top), lightest = heating(top);
  keep(out.solid_slope, out.solid_slope_tangent, fastest);
  keep(out.liquid_slope, out.liquid_slope_tangent, diffusivity(TL + 1e-6));
  for (int n = 0; n < solid_samples; ++n) {
    const Real T = low + (top - low) * (double(n) / solid_samples);
    fastest = maximum(fastest, diffusivity(T));
    lightest = maximum(lightest, heating(T));
  }
  keep(out.largest_solid_slope, out.largest_solid_slope_tangent, fastest);
  keep(out.solid_heating, out.solid_heating_tangent, lightest);
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

template <class Model>
double temperature_of_enthalpy(const Model& steel, double enthalpy) {
  return Inverse<Model, double>(steel).temperature_of_enthalpy(enthalpy);
}

#define TUNDISH_INSTANTIATE(Model)                                                           \
  template void tabulate_steel(const Model<double>&, double, bool, int, SteelTables&);       \
  template void tabulate_steel(const Model<SteelDual>&, SteelDual, bool, int, SteelTables&); \
  template double temperature_of_enthalpy(const Model<double>&, double);
TUNDISH_INSTANTIATE(ScheilSteel)
TUNDISH_INSTANTIATE(TableSteel)
#undef TUNDISH_INSTANTIATE

}  // namespace tundish::casting
