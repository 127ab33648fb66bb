#include "filtering/run.h"

#include <algorithm>
#include <atomic>

#include "core/aligned.h"
#include "core/thread_pool.h"
#include "filtering/kernels.h"
#include "filtering/loglik.h"

namespace tundish::filtering {
namespace {

// Steps between two checks whether to stop; even, as mean-reverting filters take steps in pairs.
constexpr long steps_at_once = 512;
// Filters of up to so many states go into the lanes of registers, one in each; the covariances of larger ones
// no longer fit into the nearest cache together.
constexpr int max_states_in_lanes = 16;
// Fewer states leave most of a register empty where components are in its lanes.
constexpr int min_mean_reverting_states = 9;
// Means that are updated together with a step's gain.
constexpr int means_at_once = 16;

// Runs tasks until poll returns false. Tasks check `stopped` themselves.
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

// A run and where its results go.
template <class T>
struct Job {
  const FilterModel<T>& model;
  const FilterOutputs<T>& outputs;
  const Tasks& tasks;
  double* loglik;
  std::vector<FilterProblem>& problems;
};

// The kernel of a group of filters, and the numbers of memory that it needs.
template <class T>
struct Engine {
  void (*run)(const StepRange<T>&);
  long workspace_size;
  bool lanes;
};

// Adds steps from ... to - 1 of a filter to its log-likelihood, up to its first failure. Returns whether it
// failed in them.
bool add_reports(const StepReport* reports, long from, long to, LogLikelihood& sum, FilterProblem& problem) {
  for (long t = from; t < to && problem.failure == Failure::none; ++t) {
    const StepReport& report = reports[t - from];
    sum.add(report);
    if (report.failure == Failure::none) continue;
    problem = {report.failure, t};
    return true;
  }
  return false;
}

// Runs a group of filters to the end, or until all of them have failed.
template <class T>
void run_group(const Job<T>& job, const Engine<T>& engine, long first, int count) {
  const long steps = job.model.steps;
  core::AlignedVector<T> memory(static_cast<size_t>(engine.workspace_size));
  std::vector<StepReport> reports(size_t(count) * steps_at_once);
  std::vector<LogLikelihood> sums(size_t(count), LogLikelihood(double(job.model.robust)));
  int sound = count;
  for (long from = 0; from < steps && sound && !job.tasks.stopped(); from += steps_at_once) {
    const long to = std::min(from + steps_at_once, steps);
    std::fill(reports.begin(), reports.end(), StepReport{0, 0, 0, Failure::none});
    engine.run(
        {&job.model, &job.outputs, first, count, engine.lanes, from, to, memory.data(), reports.data()});
    for (int b = 0; b < count; ++b)
      sound -= add_reports(reports.data() + b * (to - from), from, to, sums[size_t(b)],
                           job.problems[size_t(first + b)]);
  }
  for (int b = 0; b < count; ++b) job.loglik[first + b] = sums[size_t(b)].value();
}

// Runs all filters in groups of up to `width`. False when it was stopped.
template <class T, class EngineOf>
bool run_groups(const Job<T>& job, Tasks& tasks, int width, EngineOf engine_of) {
  return tasks.run((job.model.filters + width - 1) / width, [&](long n) {
    const long first = n * width;
    const int count = int(std::min<long>(width, job.model.filters - first));
    run_group(job, engine_of(count), first, count);
  });
}

// The covariances and gains by the first filter, then the means of all.
template <class T>
bool run_shared(const Job<T>& job, Tasks& tasks) {
  const KernelsFor<T>& k = kernels().of<T>();
  const bool finished = tasks.run(1, [&](long) {
    double loglik;  // comes again with the means
    run_group(Job<T>{job.model, job.outputs, tasks, &loglik, job.problems},
              Engine<T>{k.run, k.workspace_size(job.model, false), false}, 0, 1);
  });
  if (!finished || job.problems[0].failure != Failure::none) return finished;
  return run_groups(job, tasks, means_at_once, [&](int count) {
    return Engine<T>{k.run_means, k.mean_workspace_size(job.model, count), false};
  });
}

}  // namespace

template <class T>
bool suits_mean_reverting(const FilterModel<T>& m) {
  if (m.observes != Observes::linear) return true;
  const bool constant = !m.transition.step && !m.state_cov.step && !m.state_intercept.step;
  return m.p == 1 && m.diagonal_transition && m.diagonal_state_cov && constant && m.form == Form::standard &&
         m.n >= min_mean_reverting_states;
}

template <class T>
bool run_filters(const FilterModel<T>& model, const FilterOutputs<T>& outputs, const FilterOptions& options,
                 double* loglik, std::vector<FilterProblem>& problems) {
  Tasks tasks(options);
  const Job<T> job = {model, outputs, tasks, loglik, problems};
  if (options.shared) return run_shared(job, tasks);
  const KernelsFor<T>& k = kernels().of<T>();
  const bool lanes = !model.mean_reverting && model.filters > 1 && model.n <= max_states_in_lanes;
  return run_groups(job, tasks, lanes ? k.lanes : 1,
                    [&](int) { return Engine<T>{k.run, k.workspace_size(model, lanes), lanes}; });
}

template <class T>
bool run_smoother(const FilterModel<T>& model, const SmootherOutputs<T>& outputs,
                  const FilterOptions& options, double* loglik, std::vector<FilterProblem>& problems) {
  const KernelsFor<T>& k = kernels().of<T>();
  Tasks tasks(options);
  return tasks.run(model.filters, [&](long filter) {
    core::AlignedVector<T> memory(static_cast<size_t>(k.smoother_workspace_size(model)));
    std::vector<StepReport> reports(size_t(model.steps), StepReport{0, 0, 0, Failure::none});
    const auto stopped = [](const void* context) { return static_cast<const Tasks*>(context)->stopped(); };
    k.smooth(model, outputs, filter, memory.data(), reports.data(), stopped, &tasks);
    LogLikelihood sum(double(model.robust));
    add_reports(reports.data(), 0, model.steps, sum, problems[size_t(filter)]);
    loglik[filter] = sum.value();
  });
}

#define TUNDISH_INSTANTIATE(T)                                                                             \
  template bool suits_mean_reverting(const FilterModel<T>&);                                               \
  template bool run_filters(const FilterModel<T>&, const FilterOutputs<T>&, const FilterOptions&, double*, \
                            std::vector<FilterProblem>&);                                                  \
  template bool run_smoother(const FilterModel<T>&, const SmootherOutputs<T>&, const FilterOptions&,       \
                             double*, std::vector<FilterProblem>&);
TUNDISH_INSTANTIATE(double)
TUNDISH_INSTANTIATE(float)
#undef TUNDISH_INSTANTIATE

}  // namespace tundish::filtering
