#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cstring>

#include "choice.h"
#include "core/refusal.h"
#include "module.h"
#include "optimize/bee_colony.h"
#include "optimize/objective.h"
#include "optimize/test_functions.h"

namespace py = pybind11;
using namespace pybind11::literals;
namespace core = tundish::core;
namespace optimize = tundish::optimize;

namespace {

typedef py::array_t<double, py::array::c_style> Doubles;
typedef std::array<unsigned, 2> Key;

template <class T>
py::array_t<T> array(const std::vector<T>& values, std::vector<py::ssize_t> shape) {
  py::array_t<T> to(std::move(shape));
  if (!values.empty()) std::memcpy(to.mutable_data(), values.data(), values.size() * sizeof(T));
  return to;
}
template <class T>
py::array_t<T> array(const std::vector<T>& values) {
  return array(values, {py::ssize_t(values.size())});
}
py::array_t<double> rows(const optimize::BeeColony& colony, const std::vector<double>& values) {
  return array(values, {colony.sources(), colony.dimensions()});
}
std::vector<double> vector(const Doubles& from) { return {from.data(), from.data() + from.size()}; }

optimize::ColonyOptions options(const std::string& variant, int sources, int limit, const Doubles& lower,
                                const Doubles& upper, const std::vector<bool>& integral, const Key& key) {
  optimize::ColonyOptions o;
  o.variant = choice<optimize::ColonyVariant>(
      "variant", variant,
      {{"published", optimize::ColonyVariant::published}, {"standard", optimize::ColonyVariant::standard}});
  o.sources = sources;
  o.limit = limit;
  o.lower = vector(lower);
  o.upper = vector(upper);
  o.integral.assign(integral.begin(), integral.end());
  o.key = key;
  return o;
}

py::dict state(const optimize::BeeColony& colony) {
  const optimize::ColonyOptions& o = colony.options();
  const optimize::ColonyState& s = colony.state();
  py::array_t<bool> integral(py::ssize_t(o.integral.size()));
  std::copy(o.integral.begin(), o.integral.end(), integral.mutable_data());
  return py::dict("variant"_a = o.variant == optimize::ColonyVariant::standard ? "standard" : "published",
                  "limit"_a = o.limit, "key"_a = array(std::vector<unsigned>(o.key.begin(), o.key.end())),
                  "lower"_a = array(o.lower), "upper"_a = array(o.upper), "integrality"_a = integral,
                  "rounds"_a = s.rounds, "population"_a = rows(colony, s.population),
                  "population_energies"_a = array(s.energies), "trials"_a = array(s.trials),
                  "chosen"_a = array(s.chosen), "x"_a = array(s.best), "fun"_a = s.best_energy);
}

optimize::BeeColony restored(const std::string& variant, int sources, int limit, const Doubles& lower,
                             const Doubles& upper, const std::vector<bool>& integral, const Key& key,
                             long rounds, const Doubles& population, const Doubles& energies,
                             std::vector<long> trials, std::vector<int> chosen, const Doubles& x,
                             double fun) {
  optimize::ColonyState s{
      rounds, vector(population), vector(energies), std::move(trials), std::move(chosen), vector(x), fun};
  return optimize::BeeColony(options(variant, sources, limit, lower, upper, integral, key), std::move(s));
}

optimize::ColonyStops stops(long cycles, long evaluations, double target) {
  return {cycles, evaluations, target};
}

// Without the interpreter's lock, which is taken for signals alone, about every 50 ms.
optimize::ColonyEnding run(optimize::BeeColony& colony, const optimize::Objective& objective, long cycles,
                           long evaluations, double target) {
  if (objective.dimensions() != colony.dimensions())
    core::refuse("bounds", std::to_string(colony.dimensions()) + " dimensions",
                 "the objective has " + std::to_string(objective.dimensions()));
  bool interrupted = false;
  auto poll = [&] {
    py::gil_scoped_acquire gil;
    interrupted = PyErr_CheckSignals() != 0;
    return !interrupted;
  };
  auto evaluate = [&](const double* x, int count, double* f) { objective.evaluate(x, count, f); };
  optimize::ColonyEnding ending;
  {
    py::gil_scoped_release release;
    ending = colony.run(evaluate, stops(cycles, evaluations, target), poll);
  }
  if (interrupted) throw py::error_already_set();
  return ending;
}

// For tests and benchmarks of what a native objective costs.
class TestFunction : public optimize::Objective {
 public:
  TestFunction(const std::string& name, int dimensions) : dimensions_(dimensions) {
    if (name == "sphere") function_ = optimize::sphere;
    if (name == "rosenbrock") function_ = optimize::rosenbrock;
    if (name == "rastrigin") function_ = optimize::rastrigin;
    if (!function_) core::refuse("name", name, "must be sphere, rosenbrock or rastrigin");
  }
  int dimensions() const override { return dimensions_; }
  void evaluate(const double* x, int count, double* f) const override {
    for (int n = 0; n < count; ++n) f[n] = function_(x + long(n) * dimensions_, dimensions_);
  }

 private:
  double (*function_)(const double*, int) = nullptr;
  int dimensions_;
};

Doubles evaluate(const optimize::Objective& objective, const Doubles& x) {
  if (x.ndim() != 2 || x.shape(1) != objective.dimensions())
    core::refuse("x", std::to_string(x.ndim()) + " axes",
                 "must be (points, " + std::to_string(objective.dimensions()) + ")");
  Doubles f(x.shape(0));
  double* to = f.mutable_data();
  py::gil_scoped_release release;
  objective.evaluate(x.data(), int(x.shape(0)), to);
  return f;
}

}  // namespace

// Objectives, which other families derive from, and the colony: asked and told from Python, or run at once.
void bind_optimize(py::module_& m) {
  py::class_<optimize::Objective>(m, "Objective")
      .def_property_readonly("dimensions", &optimize::Objective::dimensions)
      .def("evaluate", &evaluate, "x"_a.noconvert());
  py::class_<TestFunction, optimize::Objective>(m, "TestFunction")
      .def(py::init<const std::string&, int>(), "name"_a, "dimensions"_a);
  py::enum_<optimize::ColonyEnding>(m, "ColonyEnding")
      .value("none", optimize::ColonyEnding::none)
      .value("cycles", optimize::ColonyEnding::cycles)
      .value("evaluations", optimize::ColonyEnding::evaluations)
      .value("target", optimize::ColonyEnding::target);
  typedef optimize::BeeColony Colony;
  py::class_<Colony>(m, "BeeColony")
      .def(py::init([](const std::string& variant, int sources, int limit, const Doubles& lower,
                       const Doubles& upper, const std::vector<bool>& integral, const Key& key,
                       const Doubles& start) {
             return Colony(options(variant, sources, limit, lower, upper, integral, key), vector(start));
           }),
           "variant"_a, "sources"_a, "limit"_a, "lower"_a.noconvert(), "upper"_a.noconvert(), "integral"_a,
           "key"_a, "start"_a.noconvert())
      .def_static("restored", &restored, "variant"_a, "sources"_a, "limit"_a, "lower"_a.noconvert(),
                  "upper"_a.noconvert(), "integral"_a, "key"_a, "rounds"_a, "population"_a.noconvert(),
                  "energies"_a.noconvert(), "trials"_a, "chosen"_a, "x"_a.noconvert(), "fun"_a)
      .def("state", &state)
      .def_property_readonly("sources", &Colony::sources)
      .def_property_readonly("dimensions", &Colony::dimensions)
      .def_property_readonly("nit", &Colony::cycles)
      .def_property_readonly("nfev", &Colony::evaluations)
      .def_property_readonly("x", [](const Colony& c) { return array(c.state().best); })
      .def_property_readonly("fun", [](const Colony& c) { return c.state().best_energy; })
      .def_property_readonly("population", [](const Colony& c) { return rows(c, c.state().population); })
      .def_property_readonly("population_energies", [](const Colony& c) { return array(c.state().energies); })
      .def("ask", [](const Colony& c) { return rows(c, c.ask()); })
      .def(
          "tell",
          [](Colony& c, const Doubles& values) {
            if (values.ndim() != 1 || values.size() != c.sources())
              core::refuse("values", std::to_string(values.size()) + " numbers",
                           std::to_string(c.sources()) + " are needed");
            c.tell(values.data());
          },
          "values"_a.noconvert())
      .def(
          "ending",
          [](const Colony& c, long cycles, long evaluations, double target) {
            return c.ending(stops(cycles, evaluations, target));
          },
          "cycles"_a, "evaluations"_a, "target"_a)
      .def("run", &run, "objective"_a, "cycles"_a, "evaluations"_a, "target"_a);
}
