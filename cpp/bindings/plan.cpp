// Plans and what runs on them: batches, readings, the misfit and the stepper.
#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "casting/misfit.h"
#include "casting/stepper.h"
#include "core/refusal.h"
#include "module.h"

namespace py = pybind11;
using namespace pybind11::literals;
namespace core = tundish::core;
namespace casting = tundish::casting;
namespace optimize = tundish::optimize;

namespace {

typedef py::array_t<double, py::array::c_style> Doubles;
typedef py::array_t<int, py::array::c_style> Integers;

// The one output array of a name, made before the run and filled by it.
template <class T>
class OutputArrays {
 public:
  // Shapes of all outputs that there are; only those named are made. Status and damping always are.
  OutputArrays(const casting::Plan<T>& plan, const std::vector<std::string>& names, long candidates,
               long gradients)
      : candidates_(candidates) {
    const tundish::March<T>& march = plan.march();
    const long row = march.n_steps + 1, probes = march.n_probes, sections = march.n_sections;
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
               {"metallurgical_length_gradient", &O::metallurgical_length_gradient, {gradients}},
               {"error_estimate", &O::error_estimate, {casting::n_error_fields}}};
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

// Calls Python's progress function and looks for signals from a run without the interpreter's lock. The first
// error stops the run, and is raised after it.
class Interrupts {
 public:
  Interrupts(py::object progress, long count) : progress_(std::move(progress)), count_(count) {}
  std::function<bool(long)> poll() {
    return [this](long done) {
      py::gil_scoped_acquire gil;
      try {
        if (!progress_.is_none()) progress_(done, count_);
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      } catch (py::error_already_set& error) {
        error.restore();
        raised_ = true;
      }
      return !raised_;
    };
  }
  void raise() const {
    if (raised_) throw py::error_already_set();
  }

 private:
  py::object progress_;
  long count_;
  bool raised_ = false;
};

// The arrays are made under the interpreter's lock, and filled without it.
template <class T>
py::dict run(const casting::Plan<T>& plan, const std::vector<int>& varied, const Doubles& values,
             const std::vector<int>& gradient, const std::vector<std::string>& outputs, int threads,
             const py::object& progress) {
  const long count = varied.empty() ? 1 : long(values.shape(0));
  OutputArrays<T> arrays(plan, outputs, count, long(gradient.size()));
  const casting::Candidates candidates{count, varied, values.data()};
  Interrupts interrupts(progress, count);
  {
    py::gil_scoped_release release;
    plan.run(candidates, gradient, arrays.outputs, {threads, interrupts.poll()});
  }
  interrupts.raise();
  if (!progress.is_none()) progress(count, count);
  return arrays.arrays;
}

template <class T>
void bind_plan(py::module_& m, const char* name) {
  typedef casting::Plan<T> Plan;
  py::class_<Plan, std::shared_ptr<Plan>>(m, name)
      .def(py::init<casting::Strand, const casting::Grid&, const casting::Options&>(), "strand"_a, "grid"_a,
           "options"_a)
      .def_property_readonly(
          "x", [](const Plan& p) { return py::array_t<double>(py::ssize_t(p.x().size()), p.x().data()); })
      .def_property_readonly(
          "y", [](const Plan& p) { return py::array_t<double>(py::ssize_t(p.y().size()), p.y().data()); })
      .def_property_readonly(
          "z", [](const Plan& p) { return py::array_t<double>(py::ssize_t(p.z().size()), p.z().data()); })
      .def_property_readonly("extrapolates", &Plan::extrapolates, "Whether it has two meshes.")
      .def("run", &run<T>, "varied"_a, "values"_a.noconvert(), "gradient"_a, "outputs"_a, "threads"_a,
           "progress"_a);
}

// Columns of readings, one number each; weights may be left out.
std::vector<casting::Reading> readings_of(const Integers& probe, const Doubles& z, const Doubles& temperature,
                                          const Doubles* weight) {
  const py::ssize_t size = probe.size();
  if (z.size() != size || temperature.size() != size || (weight && weight->size() != size))
    core::refuse("readings", std::to_string(size) + " probes", "every column must have as many numbers");
  std::vector<casting::Reading> readings;
  for (py::ssize_t n = 0; n < size; ++n)
    readings.push_back({probe.data()[n], z.data()[n], temperature.data()[n], weight ? weight->data()[n] : 1});
  return readings;
}

// Temperatures, what they are off the readings, and derivatives, all from one run.
template <class T>
py::dict run_readings(const casting::Readings<T>& readings, const std::vector<int>& varied,
                      const Doubles& values, const std::vector<int>& gradient, int threads) {
  const py::ssize_t count = varied.empty() ? 1 : values.shape(0), size = readings.size();
  Doubles temperature({count, size}), residual({count, size}),
      jacobian({count, py::ssize_t(gradient.size()), size});
  py::array_t<int> status(count);
  const casting::ReadingOutputs outputs{temperature.mutable_data(), residual.mutable_data(),
                                        jacobian.mutable_data(), status.mutable_data()};
  const casting::Candidates candidates{long(count), varied, values.data()};
  Interrupts interrupts{py::none(), long(count)};
  {
    py::gil_scoped_release release;
    typename casting::Readings<T>::Memory memory;
    readings.run(candidates, gradient, outputs, {threads, interrupts.poll()}, memory);
  }
  interrupts.raise();
  return py::dict("temperature"_a = temperature, "residual"_a = residual, "jacobian"_a = jacobian,
                  "status"_a = status);
}

// Both keep their plan alive, and share it with whoever else has it.
template <class T>
void bind_readings(py::module_& m, const char* readings, const char* misfit) {
  typedef std::shared_ptr<casting::Plan<T>> Plan;
  py::class_<casting::Readings<T>>(m, readings)
      .def(
          py::init([](const Plan& plan, const Integers& probe, const Doubles& z, const Doubles& temperature) {
            return casting::Readings<T>(plan, readings_of(probe, z, temperature, nullptr));
          }),
          "plan"_a, "probe"_a.noconvert(), "z"_a.noconvert(), "temperature"_a.noconvert())
      .def("run", &run_readings<T>, "varied"_a, "values"_a.noconvert(), "gradient"_a, "threads"_a);
  py::class_<casting::Misfit<T>, optimize::Objective>(m, misfit).def(
      py::init([](const Plan& plan, std::vector<int> varied, const Integers& probe, const Doubles& z,
                  const Doubles& temperature, const Doubles& weight, int threads) {
        return std::make_unique<casting::Misfit<T>>(plan, std::move(varied),
                                                    readings_of(probe, z, temperature, &weight), threads);
      }),
      "plan"_a, "varied"_a, "probe"_a.noconvert(), "z"_a.noconvert(), "temperature"_a.noconvert(),
      "weight"_a.noconvert(), "threads"_a);
}

// A stepper makes a plan of its own: it changes the cooling on the way.
void bind_stepper(py::module_& m) {
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

}  // namespace

void bind_plans(py::module_& m) {
  bind_plan<double>(m, "Plan64");
  bind_plan<float>(m, "Plan32");
  bind_readings<double>(m, "Readings64", "Misfit64");
  bind_readings<float>(m, "Readings32", "Misfit32");
  bind_stepper(m);
}
