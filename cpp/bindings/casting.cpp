// What is cast and how it is solved: steel, strand, grid and options.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "casting/accuracy.h"
#include "casting/options.h"
#include "choice.h"
#include "module.h"

namespace py = pybind11;
using namespace pybind11::literals;
namespace casting = tundish::casting;

namespace {

typedef py::array_t<double, py::array::c_style> Doubles;
typedef std::array<double, 2> Pair;

casting::Steel table_steel(std::vector<double> temperature, std::vector<double> solid_fraction,
                           std::vector<double> density, std::vector<double> specific_heat,
                           std::vector<double> conductivity, double latent_heat) {
  return casting::Steel::table({std::move(temperature), std::move(solid_fraction), std::move(density),
                                std::move(specific_heat), std::move(conductivity)},
                               latent_heat);
}

template <class Function>
Doubles map(const Doubles& from, Function function) {
  Doubles to(std::vector<py::ssize_t>(from.shape(), from.shape() + from.ndim()));
  for (py::ssize_t n = 0; n < from.size(); ++n) to.mutable_data()[n] = function(from.data()[n]);
  return to;
}

// Enumerations, the two ways to a steel, its properties over arrays, and the curves for the tests.
void bind_steel(py::module_& m) {
  py::enum_<tundish::Residual>(m, "Residual")
      .value("none", tundish::Residual::none)
      .value("solidus", tundish::Residual::solidus)
      .value("rescale", tundish::Residual::rescale);
  py::enum_<casting::Steel::Property>(m, "Property")
      .value("enthalpy", casting::Steel::Property::enthalpy)
      .value("heat_capacity", casting::Steel::Property::heat_capacity)
      .value("solid_fraction", casting::Steel::Property::solid_fraction)
      .value("density", casting::Steel::Property::density)
      .value("conductivity", casting::Steel::Property::conductivity)
      .value("potential", casting::Steel::Property::potential);
  py::class_<casting::Steel>(m, "Steel")
      .def_static("scheil", &casting::Steel::scheil, "parameters"_a, "residual"_a)
      .def_static("table", &table_steel, "temperature"_a, "solid_fraction"_a, "density"_a, "specific_heat"_a,
                  "conductivity"_a, "latent_heat"_a)
      .def_property_readonly("names", &casting::Steel::names)
      .def_property_readonly("parameters", &casting::Steel::parameters)
      .def_property_readonly("solidus", &casting::Steel::solidus)
      .def_property_readonly("liquidus", &casting::Steel::liquidus)
      .def("replaced", &casting::Steel::with, "parameters"_a)
      .def(
          "property",
          [](const casting::Steel& s, casting::Steel::Property which, const Doubles& T) {
            return map(T, [&](double t) { return s.property(which, t); });
          },
          "which"_a, "temperature"_a.noconvert())
      .def(
          "temperature",
          [](const casting::Steel& s, const Doubles& H) {
            return map(H, [&](double h) { return s.temperature_of_enthalpy(h); });
          },
          "enthalpy"_a.noconvert())
      .def(
          "tables",
          [](const casting::Steel& s) {
            const casting::SteelTables t = s.tabulate(s.liquidus() + 1, true, {});
            py::list curves;
            for (int n = 0; n < casting::curve_cubics; ++n) {
              const casting::Curve& c = t.curves[n];
              curves.append(py::make_tuple(
                  c.origin, c.per_cell,
                  Doubles(std::vector<py::ssize_t>{c.cells, tundish::spline_row}, c.rows.data())));
            }
            return curves;
          },
          "Curves that the march looks up, as (origin, cells per unit, rows); see "
          "cpp/src/casting/steel_curves.h.");
}

// A strand is checked when it is made: what a plan gets is sound.
void bind_strand(py::module_& m) {
  py::class_<casting::Strand>(m, "Strand")
      .def(py::init([](const casting::Steel& steel, double width, double thickness, double speed,
                       double pouring_temperature, double ambient_temperature,
                       const std::vector<std::tuple<double, Pair, Pair>>& stretches) {
             casting::Strand strand{steel, width, thickness, speed, pouring_temperature, ambient_temperature,
                                    {}};
             for (const auto& [end, flux, htc] : stretches)
               strand.stretches.push_back({end, {flux[0], flux[1]}, {htc[0], htc[1]}});
             strand.check();
             return strand;
           }),
           "steel"_a, "width"_a, "thickness"_a, "speed"_a, "pouring_temperature"_a, "ambient_temperature"_a,
           "stretches"_a)
      .def_property_readonly("slot_names", &casting::Strand::slot_names)
      .def_property_readonly("slots", &casting::Strand::slots);
}

casting::Grid on_mesh(casting::Grid grid, int nx, int ny, Pair grading) {
  grid.nx = nx;
  grid.ny = ny;
  grid.grading_x = grading[0];
  grid.grading_y = grading[1];
  grid.check();
  return grid;
}

// The grid as resolved: Python's Grid fills what was left out from grid_for().
void bind_grid(py::module_& m) {
  py::class_<casting::Grid>(m, "Grid")
      .def(py::init([](int nx, int ny, double dz_mold, const std::vector<double>& dz_spray, Pair grading,
                       double ramp) {
             casting::Grid grid{nx, ny, dz_mold, dz_spray, grading[0], grading[1], ramp};
             grid.check();
             return grid;
           }),
           "nx"_a, "ny"_a, "dz_mold"_a, "dz_spray"_a, "grading"_a, "ramp"_a)
      .def("on_mesh", &on_mesh, "nx"_a, "ny"_a, "grading"_a, "The same steps on another mesh.")
      .def_readonly("nx", &casting::Grid::nx)
      .def_readonly("ny", &casting::Grid::ny)
      .def_readonly("dz_mold", &casting::Grid::dz_mold)
      .def_readonly("dz_spray", &casting::Grid::dz_spray)
      .def_property_readonly("grading",
                             [](const casting::Grid& g) { return std::make_pair(g.grading_x, g.grading_y); })
      .def_readonly("ramp", &casting::Grid::ramp)
      .def_readonly("accuracy", &casting::Grid::accuracy)
      .def(
          "check",
          [](const casting::Grid& grid, const casting::Strand& strand) {
            casting::march_steps(strand, grid);
          },
          "strand"_a, "Refuses steps that do not fit the strand.");
  m.attr("default_accuracy") = casting::default_accuracy;
  m.attr("min_nodes") = casting::min_nodes;
  m.def("grid_for", &casting::grid_for, "strand"_a, "accuracy"_a,
        "The two meshes chosen for an accuracy, K.");
}

// Words become enumerators here and nowhere else; one that is unknown is refused.
void bind_options(py::module_& m) {
  py::class_<casting::Options>(m, "Options")
      .def(py::init([](const std::string& method, const std::string& phase_change, double relaxation,
                       std::optional<double> tolerance, int max_sweeps, const std::string& ordering,
                       std::vector<std::pair<double, double>> probes, std::vector<double> sections) {
             casting::Options o;
             o.method = choice<tundish::Method>(
                 "method", method, {{"adi", tundish::Method::adi}, {"sor", tundish::Method::sor}});
             o.phase_change =
                 choice<tundish::PhaseChange>("phase_change", phase_change,
                                              {{"enthalpy", tundish::PhaseChange::enthalpy},
                                               {"correction", tundish::PhaseChange::correction}});
             o.relaxation = relaxation;
             o.tolerance = tolerance;
             o.max_sweeps = max_sweeps;
             o.ordering = choice<tundish::Ordering>("ordering", ordering,
                                                    {{"lexicographic", tundish::Ordering::lexicographic},
                                                     {"red-black", tundish::Ordering::red_black}});
             o.probes = std::move(probes);
             o.sections = std::move(sections);
             return o;
           }),
           "method"_a, "phase_change"_a, "relaxation"_a, "tolerance"_a, "max_sweeps"_a, "ordering"_a,
           "probes"_a, "sections"_a);
}

}  // namespace

void bind_casting(py::module_& m) {
  bind_steel(m);
  bind_strand(m);
  bind_grid(m);
  bind_options(m);
  bind_plans(m);
}
