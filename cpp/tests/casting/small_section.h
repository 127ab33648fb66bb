// A small section as a march carries it, and a dense solver for what its steps should do.
#pragma once
#include <cstdint>

#include "casting/published.h"
#include "core/curves.h"

// Gauss elimination with pivots; `a` is (n, n) by rows.
inline std::vector<double> solve_dense(std::vector<double> a, std::vector<double> b) {
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

// A small section of the short strand on its way down. With Dual numbers a change of the slots goes with it.
template <class Real>
struct SmallSectionOf {
  typedef Marcher<Real, SoleThread, EnthalpyBalance<Real>> Marching;
  casting::Strand strand = short_strand();
  casting::Options options;
  casting::MarchStorage<double> storage;
  casting::SteelTables tables;
  std::vector<std::vector<double>> rows;
  std::vector<Real> slots, memory;
  double pouring;
  Candidate<Real> candidate;
  Fields<Real> f;

  explicit SmallSectionOf(const casting::Options& asked)
      : options(asked),
        storage(strand, small_grid(), options),
        tables(strand.steel.tabulate(strand.pouring_temperature, true, {})),
        pouring(strand.steel.property(casting::Steel::Property::enthalpy, strand.pouring_temperature)) {
    for (const double slot : strand.slots()) slots.push_back(Real(slot));
    SteelCurves<Real>& steel = candidate.steel;
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
    steel.solid_slope = tables.solid_slope;
    steel.largest_solid_slope = tables.largest_solid_slope;
    steel.solid_heating = tables.solid_heating;
    steel.liquid_slope = tables.liquid_slope;
    candidate.pouring_state = pouring;
    memory.resize(size_t(lay_out<Real>(section(), options.method, 1, nullptr, f)));
    lay_out<Real>(section(), options.method, 1, memory.data(), f);
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
    const bool last = k + 1 == march().n_steps;
    marching.advance(step, last ? nullptr : &step + 1, cooling_of(candidate.slots, step.stretch));
  }
  std::vector<Real> field(const Real* from) const {
    std::vector<Real> numbers;
    for (int j = 0; j < ny(); ++j)
      for (int i = 0; i < nx(); ++i) numbers.push_back(from[section().at(i, j)]);
    return numbers;
  }

 private:
  // Rows must lie where a register can be loaded from.
  Spline<Real> spline(const casting::Curve& curve) {
    rows.emplace_back(curve.rows.size() + 8);
    double* start = rows.back().data();
    while (reinterpret_cast<std::uintptr_t>(start) % 64) ++start;
    std::copy(curve.rows.begin(), curve.rows.end(), start);
    Spline<Real> spline = {};
    spline.rows = start;
    spline.origin = curve.origin;
    spline.per_cell = curve.per_cell;
    spline.cells = double(curve.cells);
    return spline;
  }
};
typedef SmallSectionOf<double> SmallSection;

// Of a flux balance along one direction: node n's balance is the sum of weight x (difference of potentials).
struct Neighbour {
  int di, dj;
  double weight;
};
inline std::vector<Neighbour> neighbours(const Section<double>& s, int i, int j) {
  std::vector<Neighbour> all;
  if (i > 0) all.push_back({-1, 0, s.x.inward[i]});
  if (i + 1 < s.x.nodes) all.push_back({1, 0, s.x.outward[i]});
  if (j > 0) all.push_back({0, -1, s.y.inward[j]});
  if (j + 1 < s.y.nodes) all.push_back({0, 1, s.y.outward[j]});
  return all;
}
