#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "casting/misfit.h"
#include "casting/plan.h"
#include "choice.h"
#include "core/refusal.h"
#include "module.h"

namespace py = pybind11;
using namespace pybind11::literals;
namespace core = tundish::core;
namespace optimize = tundish::optimize;
namespace casting = tundish::casting;

namespace {

typedef py::array_t<double, py::array::c_style> Doubles;

// The one output array of a name, made before the run and filled by it.
template <class T>
class OutputArrays {
 public:
  OutputArrays(const casting::Plan<T>& plan, const std::vector<std::string>& names, long candidates,
               long gradients)
      : candidates_(candidates) {
    const tundish::March<T>& march = plan.march();
    const long row = march.n_steps + 1, probes = march.n_probes, sections = march.n_snapshots;
    const long nx = march.section.x.nodes, ny = march.section.y.nodes;
    typedef tundish::Outputs<T> O;
    const struct {
      const char* name;
      T* O::* field;
      std::vector<py::ssize_t> shape;
    } all[] = {{"probe_temperature", &O::probe_temperature, {probes, row}},
               {"centre_temperature", &O::centre_temperature, {row}},
               {"corner_temperature", &O::corner_temperature, {row}},
               {"face_temperature", &O::face_temperature, {2, row}},
               {"shell_thickness", &O::shell_thickness, {2, row}},
               {"solid_fraction", &O::solid_fraction, {row}},
               {"liquid_fraction", &O::liquid_fraction, {row}},
               {"heat", &O::heat, {row}},
               {"section_temperature", &O::section_temperature, {sections, ny, nx}},
               {"metallurgical_length", &O::metallurgical_length, {}},
               {"energy_imbalance", &O::energy_imbalance, {}},
               {"probe_gradient", &O::probe_gradient, {gradients, probes, row}},
               {"metallurgical_length_gradient", &O::metallurgical_length_gradient, {gradients}}};
    for (const auto& output : all) {
      if (std::find(names.begin(), names.end(), output.name) == names.end()) continue;
      outputs.*output.field = add<T>(output.name, output.shape);
    }
    if (std::find(names.begin(), names.end(), "iterations") != names.end())
      outputs.iterations = add<int>("iterations", {march.n_steps});
    outputs.status = add<int>("status", {});
    outputs.status_step = add<int>("status_step", {});
    outputs.damping = add<int>("damping", {});
  }
  tundish::Outputs<T> outputs = {};
  py::dict arrays;

 private:
  template <class Value>
  Value* add(const char* name, std::vector<py::ssize_t> shape) {
    shape.insert(shape.begin(), candidates_);
    py::array_t<Value> array(shape);
    arrays[name] = array;
    return array.mutable_data();
  }
  long candidates_;
};

template <class T>
py::dict run(const casting::Plan<T>& plan, const std::vector<int>& varied, const Doubles& values,
             const std::vector<int>& gradient, const std::vector<std::string>& outputs, int threads,
             const py::object& progress) {
  const long count = varied.empty() ? 1 : long(values.shape(0));
  OutputArrays<T> arrays(plan, outputs, count, long(gradient.size()));
  const casting::Candidates candidates{count, varied, values.data()};
  bool raised = false;
  casting::RunOptions options;
  options.threads = threads;
  options.poll = [&](long done) {
    py::gil_scoped_acquire gil;
    try {
      if (!progress.is_none()) progress(done, count);
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    } catch (py::error_already_set& error) {
      error.restore();
      raised = true;
    }
    return !raised;
  };
  {
    py::gil_scoped_release release;
    plan.run(candidates, gradient, arrays.outputs, options);
  }
  if (raised) throw py::error_already_set();
  if (!progress.is_none()) progress(count, count);
  return arrays.arrays;
}

template <class T>
void bind_plan(py::module_& m, const char* name) {
  typedef casting::Plan<T> Plan;
  py::class_<Plan>(m, name)
      .def(py::init<casting::Strand, const casting::Grid&, const casting::Options&>(), "strand"_a, "grid"_a,
           "options"_a)
      .def_property_readonly(
          "x", [](const Plan& p) { return py::array_t<double>(py::ssize_t(p.x().size()), p.x().data()); })
      .def_property_readonly(
          "y", [](const Plan& p) { return py::array_t<double>(py::ssize_t(p.y().size()), p.y().data()); })
      .def_property_readonly(
          "z", [](const Plan& p) { return py::array_t<double>(py::ssize_t(p.z().size()), p.z().data()); })
      .def("run", &run<T>, "varied"_a, "values"_a.noconvert(), "gradient"_a, "outputs"_a, "threads"_a,
           "progress"_a);
}

typedef py::array_t<int, py::array::c_style> Integers;

template <class T>
std::unique_ptr<casting::Misfit<T>> misfit(const casting::Strand& strand, const casting::Grid& grid,
                                           const casting::Options& options, std::vector<int> varied,
                                           const Integers& probe, const Doubles& z,
                                           const Doubles& temperature, const Doubles& weight, int threads) {
  const py::ssize_t size = probe.size();
  if (z.size() != size || temperature.size() != size || weight.size() != size)
    core::refuse("readings", std::to_string(size) + " probes", "every column must have as many numbers");
  std::vector<casting::Reading> readings;
  for (py::ssize_t n = 0; n < size; ++n)
    readings.push_back({probe.data()[n], z.data()[n], temperature.data()[n], weight.data()[n]});
  return std::make_unique<casting::Misfit<T>>(strand, grid, options, std::move(varied), readings, threads);
}

template <class T>
void bind_misfit(py::module_& m, const char* name) {
  py::class_<casting::Misfit<T>, optimize::Objective>(m, name).def(
      py::init(&misfit<T>), "strand"_a, "grid"_a, "options"_a, "varied"_a, "probe"_a.noconvert(),
      "z"_a.noconvert(), "temperature"_a.noconvert(), "weight"_a.noconvert(), "threads"_a);
}

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
            for (const casting::Curve& c : t.curves)
              curves.append(py::make_tuple(
                  c.origin, c.per_cell,
                  Doubles(std::vector<py::ssize_t>{c.cells, tundish::spline_row}, c.rows.data())));
            return curves;
          },
          "Curves that the march looks up, as (origin, cells per unit, rows); see cpp/src/steel.h.");
}

}  // namespace

void bind_casting(py::module_& m) {
  bind_steel(m);
  typedef std::array<double, 2> Pair;
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
  py::class_<casting::Grid>(m, "Grid")
      .def(py::init([](int nx, int ny, double dz_mold, const std::vector<double>& dz_spray, Pair grading,
                       double ramp) {
             casting::Grid grid{nx, ny, dz_mold, dz_spray, grading[0], grading[1], ramp};
             grid.check();
             return grid;
           }),
           "nx"_a, "ny"_a, "dz_mold"_a, "dz_spray"_a, "grading"_a, "ramp"_a)
      .def_readonly("nx", &casting::Grid::nx)
      .def_readonly("ny", &casting::Grid::ny)
      .def_readonly("dz_mold", &casting::Grid::dz_mold)
      .def_readonly("dz_spray", &casting::Grid::dz_spray)
      .def_property_readonly("grading",
                             [](const casting::Grid& g) { return std::make_pair(g.grading_x, g.grading_y); })
      .def_readonly("ramp", &casting::Grid::ramp);
  m.def("default_grid", &casting::default_grid, "strand"_a, "The grid chosen for accuracy per second.");
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
             o.most_sweeps = max_sweeps;
             o.ordering = choice<tundish::Ordering>("ordering", ordering,
                                                    {{"lexicographic", tundish::Ordering::lexicographic},
                                                     {"red-black", tundish::Ordering::red_black}});
             o.probes = std::move(probes);
             o.sections = std::move(sections);
             return o;
           }),
           "method"_a, "phase_change"_a, "relaxation"_a, "tolerance"_a, "max_sweeps"_a, "ordering"_a,
           "probes"_a, "sections"_a);
  bind_plan<double>(m, "Plan64");
  bind_plan<float>(m, "Plan32");
  bind_misfit<double>(m, "Misfit64");
  bind_misfit<float>(m, "Misfit32");
  py::class_<casting::Stepper>(m, "Stepper")
      .def(py::init<casting::Strand, const casting::Grid&, const casting::Options&>(), "strand"_a, "grid"_a,
           "options"_a)
      .def("step", &casting::Stepper::step, py::call_guard<py::gil_scoped_release>())
      .def_property_readonly("z", &casting::Stepper::z)
      .def_property_readonly("at_end", &casting::Stepper::at_end)
      .def_property_readonly("heat", &casting::Stepper::heat)
      .def_property_readonly("iterations", &casting::Stepper::sweeps)
      .def_property_readonly("converged", &casting::Stepper::converged)
      .def_property_readonly("stretch", &casting::Stepper::stretch)
      .def_property_readonly("temperature",
                             [](const casting::Stepper& s) {
                               const auto& section = s.plan().march().section;
                               Doubles out(std::vector<py::ssize_t>{section.y.nodes, section.x.nodes});
                               s.temperature(out.mutable_data());
                               return out;
                             })
      .def("set", &casting::Stepper::set, "changes"_a)
      .def("get", &casting::Stepper::get, "name"_a);
}
