// The curves of a steel that a march looks up, and their derivatives by its parameters.
#pragma once
#include <vector>

#include "tundish/casting/section.h"
#include "tundish/casting/steel.h"

namespace tundish::casting {

// Rows of a Spline, on a grid that small changes of the steel leave where it is: its width is a power of
// two and 0 is one of its knots. Only so are derivatives by the steel's parameters exact.
struct Curve {
  double origin = 0, per_cell = 1;
  int cells = 0;
  std::vector<double> rows;
};

enum CurveName {
  curve_potential,
  curve_temperature,
  curve_enthalpy_0,
  curve_potential_0 = curve_enthalpy_0 + 3,
  curve_cubics = curve_potential_0 +
      3,  // the potential by enthalpy again, as Cubics; empty where they do not fit
  n_curves
};

// All that a march needs of one steel. With gradients > 0 every number comes with its derivatives by the
// parameters asked for, `gradients` numbers a number.
struct SteelTables {
  Curve curves[n_curves];
  std::vector<double> tangents[n_curves];  // (rows, gradients)
  double solidus, liquidus, liquidus_potential, pouring_enthalpy;
  double solid_slope, largest_solid_slope, solid_heating, liquid_slope;  // SteelCurves
  std::vector<double> solidus_tangent, liquidus_tangent, liquidus_potential_tangent, pouring_enthalpy_tangent,
      solid_slope_tangent, largest_solid_slope_tangent, solid_heating_tangent, liquid_slope_tangent;
};

// A steel's numbers with their derivatives, as many as one tabulation gives.
constexpr int steel_tangents = 8;
typedef Dual<double, steel_tangents> SteelDual;

constexpr int by_pouring_temperature = -1, by_nothing = -2;

// Tabulates a model of tundish/casting/steel.h: ScheilSteel or TableSteel, of double or of SteelDual.
// Curves by temperature are for the temperature correction alone.
template <class Model, class Real>
void tabulate_steel(const Model& steel, Real pouring_temperature, bool by_temperature, int gradients,
                    SteelTables& out);

// The temperature at which a model has an enthalpy.
template <class Model>
double temperature_of_enthalpy(const Model& steel, double enthalpy);

}  // namespace tundish::casting
