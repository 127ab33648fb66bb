#include "filtering/filters.h"

#include <atomic>
#include <cmath>

#include "core/thread_pool.h"

namespace tundish::filtering {
namespace {

constexpr double log_two_pi = 1.8378770664093454836;

// Steps between two looks at whether to stop; even, as filters by rows take them in pairs.
constexpr long steps_at_once = 512;
// Filters of up to so many states go into the lanes of registers; larger ones fall out of the nearest cache.
constexpr int most_states_in_lanes = 16;
// By rows, this many or fewer leave most of a register empty.
constexpr int fewest_states_by_rows = 9;
// Means that are followed together through a step's gain.
constexpr int means_at_once = 16;

// Runs tasks until poll says no, which they may ask for themselves.
class Tasks {
 public:
  explicit Tasks(const FilterOptions& options) : options_(options) {}
  bool stopped() const { return stopped_; }
  bool run(long tasks, const std::function<void(long)>& task) {
    const int threads = options_.threads > 0 ? options_.threads : core::default_threads();
    return core::run_tasks(
        tasks, threads, [&](long n, int) { task(n); },
        [&](long done) {
          if (options_.poll && !options_.poll(done)) stopped_ = true;
          return !stopped_;
        });
  }

 private:
  const FilterOptions& options_;
  std::atomic<bool> stopped_{false};
};

// Runs a group of filters to the end, or to the first failure of all.
template <class T>
void run_group(const FilterModel<T>& model, const FilterOutputs<T>& outputs, long first, int count,
               bool lanes, long numbers, void (*run)(const Stretch<T>&), const Tasks& tasks, double* loglik,
               std::vector<FilterProblem>& problems) {
  core::AlignedVector<T> memory(static_cast<size_t>(numbers));
  std::vector<StepReport> reports(size_t(count) * steps_at_once);
  std::vector<LogLikelihood> sums(size_t(count), LogLikelihood(double(model.robust)));
  int sound = count;
  for (long from = 0; from < model.steps && sound && !tasks.stopped(); from += steps_at_once) {
    const long to = std::min(from + steps_at_once, model.steps);
    std::fill(reports.begin(), reports.end(), StepReport{0, 0, 0, Failure::none});
    run({&model, &outputs, first, count, lanes, from, to, memory.data(), reports.data()});
    for (int lane = 0; lane < count; ++lane) {
      FilterProblem& problem = problems[size_t(first + lane)];
      for (long t = from; t < to && problem.failure == Failure::none; ++t) {
        const StepReport& report = reports[size_t(lane * (to - from) + t - from)];
        sums[size_t(lane)].add(report);
        if (report.failure == Failure::none) continue;
        problem = {report.failure, t};
        --sound;
      }
    }
  }
  for (int lane = 0; lane < count; ++lane) loglik[first + lane] = sums[size_t(lane)].value();
}

}  // namespace

LogLikelihood::LogLikelihood(double robust) : robust_(robust) {
  if (robust <= 0) return;
  const double inside = std::erf(robust / std::sqrt(2.0));
  const double outside = 2 * std::exp(-robust * robust / 2) / std::sqrt(2 * M_PI) / robust;
  normalisation_ = std::log(inside + outside);
}

void LogLikelihood::add(const StepReport& report) {
  if (report.number == 0) return;
  const double distance = std::sqrt(report.square);
  const double square =
      robust_ > 0 && distance > robust_ ? 2 * robust_ * distance - robust_ * robust_ : report.square;
  sum_ -= 0.5 * (report.number * log_two_pi + square) + normalisation_;
  const bool extreme = !(report.determinant > 1e-100 && report.determinant < 1e100);
  if (extreme)
    sum_ -= 0.5 * std::log(report.determinant);
  else
    product_ *= report.determinant;
  if (product_ > 1e-100 && product_ < 1e100) return;
  sum_ -= 0.5 * std::log(product_);
  product_ = 1;
}

double LogLikelihood::value() const { return sum_ - 0.5 * std::log(product_); }

void LogLikelihood::restore(double sum, double product) {
  sum_ = sum;
  product_ = product;
}

template <class T>
bool runs_by_rows(const FilterModel<T>& m) {
  if (m.observes != Observes::linear) return true;
  const bool constant = !m.transition.step && !m.state_noise.step && !m.state_intercept.step;
  return m.p == 1 && m.diagonal && m.diagonal_noise && constant && m.form == Form::standard &&
         m.n >= fewest_states_by_rows;
}

template <class T>
bool run_filters(const FilterModel<T>& model, const FilterOutputs<T>& outputs, const FilterOptions& options,
                 double* loglik, std::vector<FilterProblem>& problems) {
  const FilterKernelsFor<T>& kernels = filter_kernels().of<T>();
  Tasks tasks(options);
  if (options.shared) {
    const bool went = tasks.run(1, [&](long) {
      double alone;
      run_group(model, outputs, 0, 1, false, kernels.numbers(model, false), kernels.run, tasks, &alone,
                problems);
    });
    if (!went || problems[0].failure != Failure::none) return went;
    return tasks.run((model.filters + means_at_once - 1) / means_at_once, [&](long n) {
      const long first = n * means_at_once;
      const int count = int(std::min<long>(means_at_once, model.filters - first));
      run_group(model, outputs, first, count, false, kernels.mean_numbers(model, count), kernels.run_means,
                tasks, loglik, problems);
    });
  }
  const bool lanes = !model.rows && model.filters > 1 && model.n <= most_states_in_lanes;
  const int width = lanes ? kernels.lanes : 1;
  return tasks.run((model.filters + width - 1) / width, [&](long n) {
    const long first = n * width;
    const int count = int(std::min<long>(width, model.filters - first));
    run_group(model, outputs, first, count, lanes, kernels.numbers(model, lanes), kernels.run, tasks, loglik,
              problems);
  });
}

template <class T>
bool run_smoother(const FilterModel<T>& model, const SmootherOutputs<T>& outputs,
                  const FilterOptions& options, double* loglik, std::vector<FilterProblem>& problems) {
  const FilterKernelsFor<T>& kernels = filter_kernels().of<T>();
  Tasks tasks(options);
  return tasks.run(model.filters, [&](long filter) {
    core::AlignedVector<T> memory(size_t(kernels.smoother_numbers(model)));
    std::vector<StepReport> reports(size_t(model.steps), StepReport{0, 0, 0, Failure::none});
    const auto stopped = [](const void* asked) { return static_cast<const Tasks*>(asked)->stopped(); };
    kernels.smooth(model, outputs, filter, memory.data(), reports.data(), stopped, &tasks);
    LogLikelihood sum(double(model.robust));
    FilterProblem& problem = problems[size_t(filter)];
    for (long t = 0; t < model.steps && problem.failure == Failure::none; ++t) {
      sum.add(reports[size_t(t)]);
      if (reports[size_t(t)].failure != Failure::none) problem = {reports[size_t(t)].failure, t};
    }
    loglik[filter] = sum.value();
  });
}

#define TUNDISH_INSTANTIATE(T)                                                                             \
  template bool runs_by_rows(const FilterModel<T>&);                                                       \
  template bool run_filters(const FilterModel<T>&, const FilterOutputs<T>&, const FilterOptions&, double*, \
                            std::vector<FilterProblem>&);                                                  \
  template bool run_smoother(const FilterModel<T>&, const SmootherOutputs<T>&, const FilterOptions&,       \
                             double*, std::vector<FilterProblem>&);
TUNDISH_INSTANTIATE(double)
TUNDISH_INSTANTIATE(float)
#undef TUNDISH_INSTANTIATE

}  // namespace tundish::filtering
