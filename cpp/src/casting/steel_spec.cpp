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

// Each parameter alone, then what holds between them: the freezing range must lie below the melting point of
// pure iron, where Scheil's equation, (4) of the paper, has its pole.
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

// Rows must be complete, rise in temperature, and go from solid to liquid without freezing on the way.
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

// The conductivity is a polynomial and may do anything: it is tried on 65 temperatures up to the solidus.
Steel Steel::scheil(const std::vector<double>& parameters, Residual residual) {
  if (parameters.size() <= At::conductivity_first ||
      parameters.size() > At::conductivity_first + max_conductivity_terms)
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

// Sensible heat, released latent heat (per unit of it) and potential at the rows: exact integrals of products
// of straight lines, all three shifted to be 0 at the solidus.
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
  steel.kept_ = std::make_shared<KeptTables>();
  return steel;
}

// The closed form over any numbers; terms that the polynomial does not have are 0.
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
  for (size_t n = 0; n < max_conductivity_terms; ++n)
    s.conductivity_terms[n] =
        At::conductivity_first + n < p.size() ? p[At::conductivity_first + n] : Real(0.0);
  return s;
}

// Only the latent heat is a parameter; the columns and their integrals are shared by all copies of a steel.
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
  return visit([&](const auto& s) { return casting::temperature_of_enthalpy(s, H); });
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

std::shared_ptr<const SteelTables> Steel::tables(double pouring_temperature, bool by_temperature) const {
  {
    const std::lock_guard<std::mutex> guard(kept_->lock);
    const bool is_kept = kept_->tables && kept_->pouring_temperature == pouring_temperature &&
                         kept_->by_temperature == by_temperature;
    if (is_kept) return kept_->tables;
  }
  auto made = std::make_shared<const SteelTables>(tabulate(pouring_temperature, by_temperature, {}));
  const std::lock_guard<std::mutex> guard(kept_->lock);
  kept_->pouring_temperature = pouring_temperature;
  kept_->by_temperature = by_temperature;
  kept_->tables = made;
  return made;
}

// Derivatives are asked for by seeding the duals of the parameters: a plain tabulation runs over doubles.
SteelTables Steel::tabulate(double pouring_temperature, bool by_temperature,
                            const std::vector<int>& which) const {
  SteelTables tables;
  if (which.empty()) {
    visit([&](const auto& s) { tabulate_steel(s, pouring_temperature, by_temperature, 0, tables); });
    return tables;
  }
  typedef SteelDual Real;
  if (which.size() > steel_tangents) throw std::logic_error("at most 8 tangents at a time");
  std::vector<Real> p(parameters_.begin(), parameters_.end());
  Real pouring(pouring_temperature);
  for (size_t k = 0; k < which.size(); ++k) {
    if (which[k] >= 0) p[size_t(which[k])].tangent.set(int(k), 1);
    if (which[k] == by_pouring_temperature) pouring.tangent.set(int(k), 1);
  }
  const int gradients = int(which.size());
  if (table_)
    tabulate_steel(table_model<Real>(p), pouring, by_temperature, gradients, tables);
  else
    tabulate_steel(scheil_model<Real>(p), pouring, by_temperature, gradients, tables);
  return tables;
}

}  // namespace tundish::casting
