// A steel on the host: its parameters by name, its properties, and the curves that the march looks up.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "casting/steel_curves.h"

namespace tundish::casting {

struct TableColumns {
  std::vector<double> temperature, solid_fraction, density, specific_heat, conductivity;
};

class Steel {
 public:
  // Parameters in the order of names(); refuses what is impossible with std::invalid_argument.
  static Steel scheil(const std::vector<double>& parameters, Residual residual);
  static Steel table(TableColumns columns, double latent_heat);

  const std::vector<std::string>& names() const { return names_; }
  const std::vector<double>& parameters() const { return parameters_; }
  Steel with(const std::vector<double>& parameters) const;
  bool is_table() const { return table_ != nullptr; }
  Residual residual() const { return residual_; }
  double solidus() const;
  double liquidus() const;
  double highest_temperature() const { return liquidus() + highest_superheat; }

  enum class Property { enthalpy, heat_capacity, solid_fraction, density, conductivity, potential };
  double property(Property which, double temperature) const;
  double temperature_of_enthalpy(double enthalpy) const;

  // With tangents by each of `which`: a number of names(), by_pouring_temperature or by_nothing. At most 8.
  SteelTables tabulate(double pouring_temperature, bool by_temperature, const std::vector<int>& which) const;
  // Without derivatives; the last ones are kept, and shared by all copies of a steel.
  std::shared_ptr<const SteelTables> tables(double pouring_temperature, bool by_temperature) const;

 private:
  struct KeptTables {
    std::mutex lock;
    double pouring_temperature = 0;
    bool by_temperature = false;
    std::shared_ptr<const SteelTables> tables;
  };
  struct Integrals {
    TableColumns columns;
    std::vector<double> sensible, released, potential;
    double solidus, liquidus;
  };
  Steel() = default;
  template <class Visit>
  auto visit(Visit visit) const;
  template <class Real>
  ScheilSteel<Real> scheil_model(const std::vector<Real>& p) const;
  template <class Real>
  TableSteel<Real> table_model(const std::vector<Real>& p) const;

  std::vector<std::string> names_;
  std::vector<double> parameters_;
  Residual residual_ = Residual::none;
  std::shared_ptr<const Integrals> table_;
  std::shared_ptr<KeptTables> kept_ = std::make_shared<KeptTables>();
};

}  // namespace tundish::casting
