#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

#include "choice.h"
#include "core/aligned.h"
#include "core/refusal.h"
#include "core/thread_pool.h"
#include "filtering/kernels.h"
#include "filtering/loglik.h"
#include "filtering/run.h"
#include "module.h"
#include "result_memory.h"
#include "tundish/filtering/unscented.h"

namespace py = pybind11;
using namespace pybind11::literals;
namespace core = tundish::core;
namespace filtering = tundish::filtering;

namespace {

template <class T>
using Array = py::array_t<T, py::array::c_style>;

// A model and the arrays that it points to. The first two axes of an array are filters and steps, 1 where
// they share.
template <class T>
struct Filters {
  std::map<std::string, Array<T>> arrays;
  filtering::FilterModel<T> model = {};

  filtering::Series<T> series(const std::string& name, std::vector<py::ssize_t> item) const {
    const auto found = arrays.find(name);
    if (found == arrays.end()) throw py::key_error(name);
    const Array<T>& a = found->second;
    bool fits = a.ndim() == py::ssize_t(item.size()) + 2;
    long size = 1;
    for (size_t axis = 0; fits && axis < item.size(); ++axis) {
      fits = a.shape(py::ssize_t(axis) + 2) == item[axis];
      size *= long(item[axis]);
    }
    fits = fits && (a.shape(0) == 1 || a.shape(0) == model.filters) &&
           (a.shape(1) == 1 || a.shape(1) == model.steps);
    if (!fits) core::refuse(name, std::to_string(a.ndim()) + " axes", "does not fit the filters");
    return {a.data(), a.shape(0) == 1 ? 0 : long(a.shape(1)) * size, a.shape(1) == 1 ? 0 : size};
  }

  Filters(std::map<std::string, Array<T>> from, const std::string& form, const std::string& observes,
          double robust, double kappa, double alpha, double beta)
      : arrays(std::move(from)) {
    const Array<T>&y = arrays.at("y"), &mean = arrays.at("initial_mean");
    model.filters = long(y.shape(0));
    model.steps = long(y.shape(1));
    model.p = int(y.shape(2));
    model.n = int(mean.shape(2));
    using filtering::Observes;
    using tundish::Form;
    model.form = choice<Form>(
        "form", form, {{"standard", Form::standard}, {"joseph", Form::joseph}, {"sqrt", Form::square_root}});
    model.observes = choice<Observes>(
        "observes", observes,
        {{"linear", Observes::linear}, {"projected", Observes::projected}, {"sigma", Observes::sigma}});
    model.robust = T(robust);
    const py::ssize_t n = model.n, p = model.p;
    const bool linear = model.observes == Observes::linear;
    model.y = series("y", {p});
    if (arrays.count("design")) model.design = series("design", {p, linear ? n : n - 2});

    // The model; a diagonal matrix has one axis less.
    model.obs_cov = series("obs_cov", {p, p});
    model.obs_intercept = series("obs_intercept", {p});
    model.diagonal_transition = arrays.at("transition").ndim() == 3;
    model.diagonal_state_cov = arrays.at("state_cov").ndim() == 3;
    typedef std::vector<py::ssize_t> Shape;
    const Shape square = {n, n}, line = {n};
    model.transition = series("transition", model.diagonal_transition ? line : square);
    model.transition_minus_one = series("transition_less_one", model.diagonal_transition ? line : square);
    model.state_cov = series("state_cov", model.diagonal_state_cov ? line : square);
    model.state_intercept = series("state_intercept", line);
    model.initial_mean = series("initial_mean", line);
    model.initial_cov = series("initial_cov", square);
    model.sigma = tundish::sigma_weights<T>(model.n, kappa, alpha, beta);

    // The partition's data, and the kernel: a model without a design is observed through sigma points.
    if (!linear) {
      model.addition = series("addition", {});
      model.slag_ratio = series("slag_ratio", {});
      model.iron_oxide = series("iron_oxide", {});
    }
    model.mean_reverting = model.design.data && filtering::suits_mean_reverting(model);
  }
};

// The arrays of a run's results, made before the run. `add` makes one that the caller may not want.
class Results {
 public:
  explicit Results(std::vector<std::string> wanted) : wanted_(std::move(wanted)) {}
  template <class T>
  T* add(const char* name, std::vector<py::ssize_t> shape) {
    if (std::find(wanted_.begin(), wanted_.end(), name) == wanted_.end()) return nullptr;
    return always<T>(name, std::move(shape));
  }
  template <class T>
  T* always(const char* name, std::vector<py::ssize_t> shape) {
    py::array_t<T> array = ResultMemory::array<T>(shape);
    arrays[name] = array;
    return array.mutable_data();
  }
  py::dict arrays;

 private:
  std::vector<std::string> wanted_;
};

// Calls `run` without Python's lock, which the poll takes to report progress and to handle signals.
template <class Run>
void without_lock(const py::object& progress, long count, int threads, bool shared, Run run) {
  bool raised = false;
  filtering::FilterOptions options;
  options.threads = threads;
  options.shared = shared;
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
    run(options);
  }
  if (raised) throw py::error_already_set();
  if (!progress.is_none()) progress(count, count);
}

// (series, step, failure) of the first series that failed, or None.
py::object first_problem(const std::vector<filtering::FilterProblem>& problems) {
  const char* const names[] = {"", "indefinite", "pole", "overflow"};
  for (size_t series = 0; series < problems.size(); ++series)
    if (problems[series].failure != filtering::Failure::none)
      return py::make_tuple(series, problems[series].step, names[int(problems[series].failure)]);
  return py::none();
}

template <class T>
py::dict run(const Filters<T>& filters, const std::vector<std::string>& wanted, bool shared, int threads,
             const py::object& progress) {
  const filtering::FilterModel<T>& m = filters.model;
  const py::ssize_t B = m.filters, S = m.steps, n = m.n, p = m.p, one = shared ? 1 : B;
  if (shared && !m.mean_reverting) core::refuse("shared", "true", "is for filters of mean-reverting states");
  Results results(wanted);
  filtering::FilterOutputs<T> out = {};
  out.mean = results.add<T>("mean", {B, S, n});
  out.std = results.add<T>("std", {one, S, n});
  out.cov = results.add<T>("cov", {one, S, n, n});
  out.slopes = results.add<T>("slopes", {B, S, n});
  out.forecast = results.always<T>("forecast", {B, S, p});
  out.forecast_var = results.always<T>("forecast_var", {one, S, p, p});
  out.innovation = results.always<T>("innovation", {B, S, p});
  out.final_mean = results.always<T>("final_mean", {B, n});
  out.final_cov = results.always<T>("final_cov", {one, n, n});
  out.predicted_mean = results.always<T>("predicted_mean", {B, n});
  out.predicted_cov = results.always<T>("predicted_cov", {one, n, n});
  double* loglik = results.always<double>("loglik", {B});
  std::unique_ptr<core::AlignedVector<T>> gains;
  if (shared) {
    const long pitch = (n + 15) / 16 * 16;  // no register is wider
    gains = std::make_unique<core::AlignedVector<T>>(S * pitch);
    out.gains = gains->data();
  }
  std::vector<filtering::FilterProblem> problems(static_cast<size_t>(B));
  without_lock(progress, long(B), threads, shared, [&](const filtering::FilterOptions& options) {
    filtering::run_filters(m, out, options, loglik, problems);
  });
  results.arrays["problem"] = first_problem(problems);
  return results.arrays;
}

template <class T>
py::dict smooth(const Filters<T>& filters, const std::vector<std::string>& wanted, int threads,
                const py::object& progress) {
  const filtering::FilterModel<T>& m = filters.model;
  const py::ssize_t B = m.filters, S = m.steps, n = m.n, p = m.p;
  Results results(wanted);
  filtering::SmootherOutputs<T> out = {};
  out.mean = results.add<T>("mean", {B, S, n});
  out.std = results.add<T>("std", {B, S, n});
  out.cov = results.add<T>("cov", {B, S, n, n});
  out.transition_sum = results.add<T>("transition_sum", {B, n, n});
  if (out.transition_sum) std::fill(out.transition_sum, out.transition_sum + B * n * n, T(0));
  out.disturbance = results.add<T>("disturbance", {B, S, p});
  out.disturbance_var = out.disturbance ? results.always<T>("disturbance_var", {B, S, p, p}) : nullptr;
  double* loglik = results.always<double>("loglik", {B});
  std::vector<filtering::FilterProblem> problems(static_cast<size_t>(B));
  without_lock(progress, long(B), threads, false, [&](const filtering::FilterOptions& options) {
    filtering::run_smoother(m, out, options, loglik, problems);
  });
  results.arrays["problem"] = first_problem(problems);
  return results.arrays;
}

// The filters of a batch, stepped together by their caller.
template <class T>
class SteppedFilters {
 public:
  SteppedFilters(std::shared_ptr<Filters<T>> filters, int threads)
      : filters_(std::move(filters)), threads_(threads) {
    const filtering::FilterModel<T>& m = filters_->model;
    for (long b = 0; b < m.filters; ++b) {
      memory_.emplace_back(static_cast<size_t>(kernels().workspace_size(m, false)));
      kernels().start(m, b, memory_.back().data());
      loglik_.emplace_back(double(m.robust));
    }
  }
  // The sigma points (B, 2n + 1, n), and the first filter whose covariance has no factor, or None.
  py::tuple points() {
    const filtering::FilterModel<T>& m = filters_->model;
    const py::ssize_t B = m.filters, n = m.n;
    Array<T> to(std::vector<py::ssize_t>{B, 2 * n + 1, n});
    T* data = to.mutable_data();
    const long failed = first_failure(
        [&](long b) { return kernels().points(m, memory_[size_t(b)].data(), data + b * (2 * n + 1) * n); });
    return py::make_tuple(to, failed < 0 ? py::object(py::none()) : py::object(py::int_(failed)));
  }
  // Updates all filters by one step's observation, with the design or with the model's values at the sigma
  // points. Returns the first filter that failed, or None.
  py::object update(const Array<T>& y, const Array<T>& obs_cov, const py::object& design,
                    const Array<T>& obs_intercept, const py::object& values) {
    const filtering::FilterModel<T>& m = filters_->model;
    const py::ssize_t B = m.filters, n = m.n, p = m.p;
    // A conversion may copy them; the copies must live as long as the pointers.
    const Array<T> designs = design.is_none() ? Array<T>() : py::cast<Array<T>>(design);
    const Array<T> all_values = values.is_none() ? Array<T>() : py::cast<Array<T>>(values);
    const T* z = design.is_none() ? nullptr : checked(designs, "design", {B, p, n});
    const T* v = values.is_none() ? nullptr : checked(all_values, "values", {B, 2 * n + 1, p});
    const T* h = checked(obs_cov, "obs_cov", {B, p, p});
    const T* d = checked(obs_intercept, "obs_intercept", {B, p});
    const T* readings = checked(y, "y", {B, p});
    forecast_ = Array<T>(std::vector<py::ssize_t>{B, p});
    forecast_var_ = Array<T>(std::vector<py::ssize_t>{B, p, p});
    innovation_ = Array<T>(std::vector<py::ssize_t>{B, p});

    T *f = forecast_.mutable_data(), *s = forecast_var_.mutable_data(), *e = innovation_.mutable_data();
    const long failed = first_failure([&](long b) {
      const filtering::StepObservation<T> one = {readings + b * p, z ? z + b * p * n : nullptr, h + b * p * p,
                                                 d + b * p, v ? v + b * (2 * n + 1) * p : nullptr};
      // A failed step leaves the filter unchanged.
      T* memory = memory_[size_t(b)].data();
      std::vector<T> before(size_t(kernels().state_size(m)));
      kernels().save(m, memory, before.data());
      const filtering::StepReport report =
          kernels().update(m, one, memory, f + b * p, s + b * p * p, e + b * p);
      if (report.failure == filtering::Failure::none)
        loglik_[size_t(b)].add(report);
      else
        kernels().restore(m, before.data(), memory);
      return report.failure == filtering::Failure::none;
    });
    return failed < 0 ? py::object(py::none()) : py::object(py::int_(failed));
  }
  void predict(long step) {
    first_failure([&](long b) {
      kernels().predict(filters_->model, b, step, memory_[size_t(b)].data());
      return true;
    });
  }
  // Mean and variance (B, n), and the covariance (B, n, n) where wanted.
  py::tuple moments(bool with_covariance) const {
    const filtering::FilterModel<T>& m = filters_->model;
    const py::ssize_t B = m.filters, n = m.n;
    std::lock_guard<std::mutex> lock(mutex_);
    Array<T> mean(std::vector<py::ssize_t>{B, n}), variance(std::vector<py::ssize_t>{B, n}),
        cov(std::vector<py::ssize_t>{with_covariance ? B : 0, n, n});
    for (long b = 0; b < B; ++b)
      kernels().moments(m, memory_[size_t(b)].data(), mean.mutable_data() + b * n,
                        variance.mutable_data() + b * n,
                        with_covariance ? cov.mutable_data() + b * n * n : nullptr);
    return py::make_tuple(mean, variance, cov);
  }
  // The states (B, size) and the sums of the log-likelihoods (B, 2).
  py::tuple save() const {
    const filtering::FilterModel<T>& m = filters_->model;
    const py::ssize_t B = m.filters, size = kernels().state_size(m);
    std::lock_guard<std::mutex> lock(mutex_);
    Array<T> state(std::vector<py::ssize_t>{B, size});
    Array<double> sums(std::vector<py::ssize_t>{B, 2});
    for (long b = 0; b < B; ++b) {
      kernels().save(m, memory_[size_t(b)].data(), state.mutable_data() + b * size);
      const auto sum = loglik_[size_t(b)].state();
      std::copy(sum.begin(), sum.end(), sums.mutable_data() + 2 * b);
    }
    return py::make_tuple(state, sums);
  }
  void restore(const Array<T>& state, const Array<double>& sums) {
    const filtering::FilterModel<T>& m = filters_->model;
    const long size = kernels().state_size(m);
    if (state.size() != m.filters * size || sums.size() != 2 * m.filters)
      core::refuse("state", std::to_string(state.size()) + " numbers",
                   "is that of other filters or of another machine");
    for (long b = 0; b < m.filters; ++b) {
      kernels().restore(m, state.data() + b * size, memory_[size_t(b)].data());
      loglik_[size_t(b)].restore(sums.data()[2 * b], sums.data()[2 * b + 1]);
    }
  }
  Array<double> loglik() const {
    Array<double> to(py::ssize_t(loglik_.size()));
    for (size_t b = 0; b < loglik_.size(); ++b) to.mutable_data()[b] = loglik_[b].value();
    return to;
  }
  Array<T> forecast() const { return forecast_; }
  Array<T> forecast_var() const { return forecast_var_; }
  Array<T> innovation() const { return innovation_; }

 private:
  // Calls task(filter) for all of them without Python's lock, and returns the first for which it was false,
  // or -1.
  template <class Task>
  long first_failure(Task task) {
    const filtering::FilterModel<T>& m = filters_->model;
    std::vector<char> sound(size_t(m.filters), 1);
    py::gil_scoped_release release;
    std::lock_guard<std::mutex> lock(mutex_);
    // Waking the threads takes as long as some ten thousand operations.
    const bool many = double(m.filters) * m.n * m.n * m.n > 1e6;
    const int threads = !many ? 1 : threads_ > 0 ? threads_ : core::default_threads();
    if (threads == 1)
      for (long b = 0; b < m.filters; ++b) sound[size_t(b)] = task(b);
    else
      core::run_tasks(m.filters, threads, [&](long b, int) { sound[size_t(b)] = task(b); }, nullptr);
    const auto bad = std::find(sound.begin(), sound.end(), 0);
    return bad == sound.end() ? -1 : long(bad - sound.begin());
  }
  static const filtering::KernelsFor<T>& kernels() { return filtering::kernels().of<T>(); }
  static const T* checked(const Array<T>& array, const char* name, const std::vector<py::ssize_t>& shape) {
    bool fits = array.ndim() == py::ssize_t(shape.size());
    for (size_t axis = 0; fits && axis < shape.size(); ++axis)
      fits = array.shape(py::ssize_t(axis)) == shape[axis];
    if (!fits) core::refuse(name, std::to_string(array.ndim()) + " axes", "does not fit the filters");
    return array.data();
  }
  std::shared_ptr<Filters<T>> filters_;
  int threads_;
  mutable std::mutex mutex_;  // held without Python's lock while a step is taken
  std::vector<core::AlignedVector<T>> memory_;
  std::vector<filtering::LogLikelihood> loglik_;
  Array<T> forecast_, forecast_var_, innovation_;
};

template <class T>
void bind(py::module_& m, const char* name, const char* stepped) {
  typedef Filters<T> F;
  py::class_<F, std::shared_ptr<F>>(m, name)
      .def(py::init<std::map<std::string, Array<T>>, const std::string&, const std::string&, double, double,
                    double, double>(),
           "arrays"_a, "form"_a, "observes"_a, "robust"_a, "kappa"_a, "alpha"_a, "beta"_a)
      .def_property_readonly("by_rows", [](const F& f) { return f.model.mean_reverting; })
      .def("run", &run<T>, "outputs"_a, "shared"_a, "threads"_a, "progress"_a)
      .def("smooth", &smooth<T>, "outputs"_a, "threads"_a, "progress"_a);
  typedef SteppedFilters<T> S;
  py::class_<S>(m, stepped)
      .def(py::init<std::shared_ptr<F>, int>(), "filters"_a, "threads"_a)
      .def("points", &S::points)
      .def("update", &S::update, "y"_a.noconvert(), "obs_cov"_a.noconvert(), "design"_a,
           "obs_intercept"_a.noconvert(), "values"_a)
      .def("predict", &S::predict, "step"_a)
      .def("moments", &S::moments, "with_covariance"_a)
      .def("save", &S::save)
      .def("restore", &S::restore, "state"_a.noconvert(), "sums"_a.noconvert())
      .def_property_readonly("loglik", &S::loglik)
      .def_property_readonly("forecast", &S::forecast)
      .def_property_readonly("forecast_var", &S::forecast_var)
      .def_property_readonly("innovation", &S::innovation);
}

}  // namespace

void bind_filtering(py::module_& m) {
  bind<double>(m, "Filters64", "SteppedFilters64");
  bind<float>(m, "Filters32", "SteppedFilters32");
}
