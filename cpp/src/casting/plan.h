// A plan: a strand on a grid, ready to be marched for any number of candidates.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "casting/march_kernels.h"
#include "casting/strand_spec.h"

namespace tundish::casting {

struct Options {
  Method method = Method::adi;
  PhaseChange phase_change = PhaseChange::enthalpy;
  double relaxation = 1.4;
  std::optional<double> tolerance;  // K; default_tolerance() if not given
  int most_sweeps = 10000;
  Ordering ordering = Ordering::lexicographic;
  std::vector<std::pair<double, double>> probes;  // (x, y), m
  std::vector<double> sections;                   // z, m
  void check(const Strand& strand) const;
};

// The least tolerance that sweeps of numbers T can meet, K. A sweep rounds temperatures around 2000 K by some
// four units in their last place, and with over-relaxation what one sweep has rounded is still there after
// 1 / (2 - relaxation) more (measured in float: 1 to 1.95 come to rest here, and soon below they do not).
template <class T>
double least_tolerance(double relaxation);
template <class T>
double default_tolerance(double relaxation);

// Candidates differ in the slots named; values are (candidates, varied).
struct Candidates {
  long count = 1;
  std::vector<int> varied;
  const double* values = nullptr;
};

struct RunOptions {
  int threads = 0;                      // 0: default_threads()
  std::function<bool(long done)> poll;  // candidates done; false stops the run
};

// The mesh and the steps in the numbers of a march.
template <class T>
class MarchStorage {
 public:
  MarchStorage(const Strand& strand, const Grid& grid, const Options& options);
  MarchStorage(const MarchStorage&) = delete;
  March<T> march;

 private:
  Axis<T> axis(const std::vector<double>& nodes);
  Axis<T> reversed(const Axis<T>& axis);
  std::vector<std::vector<T>> arrays_;
  std::vector<Step<T>> steps_;
  std::vector<Probe<T>> probes_;
  std::vector<Snapshot<T>> snapshots_;
};

template <class T>
struct JobArrays;

// The memory of a run's workers, for callers that run often; for one run at a time.
template <class T>
class Workspace {
 public:
  Workspace();
  ~Workspace();
  // Called before the run starts and by the worker itself.
  void reserve(int workers);
  JobArrays<T>& of(int worker);

 private:
  std::vector<std::unique_ptr<JobArrays<T>>> arrays_;
};

template <class T>
class Plan {
 public:
  Plan(Strand strand, const Grid& grid, const Options& options);

  const Strand& strand() const { return strand_; }
  const March<T>& march() const { return storage_.march; }
  const std::vector<double>& z() const { return z_; }  // (steps + 1), m
  const std::vector<double>& x() const { return x_; }  // (nx), m
  const std::vector<double>& y() const { return y_; }

  // Marches all candidates; status and status_step of `outputs` are required. Every candidate is checked
  // before any is marched. Derivatives by the slots in `gradient` go to the outputs' gradient fields.
  // Returns false when poll stopped it. Memory comes from `workspace`, if there is one.
  bool run(const Candidates& candidates, const std::vector<int>& gradient, const Outputs<T>& outputs,
           const RunOptions& options, Workspace<T>* workspace = nullptr) const;

 private:
  void run_group(const Candidates& candidates, const std::vector<int>& gradient, const Outputs<T>& outputs,
                 long first, int count, Carry carry, int tangent, const bool* stop,
                 JobArrays<T>& arrays) const;
  Strand candidate(const Candidates& candidates, long n) const;
  bool shares_tables(const Candidates& candidates) const;

  Strand strand_;
  Options options_;
  std::vector<double> x_, y_, z_;
  MarchStorage<T> storage_;
  bool by_temperature_;
  SteelTables tables_;  // of strand_
};

// One march that its caller drives.
class Stepper {
 public:
  Stepper(Strand strand, const Grid& grid, const Options& options);
  ~Stepper();
  // False at the end of the strand.
  bool step();
  double z() const { return plan_.z()[size_t(next_)]; }
  bool at_end() const { return next_ == plan_.march().n_steps; }
  double heat() const { return heat_; }  // given off so far by the quarter section, W
  int sweeps() const { return progress_.sweeps; }
  bool converged() const { return !progress_.unconverged; }
  // Number of the stretch that the next step lies in: 0 is the mould.
  int stretch() const;
  void temperature(double* out) const;  // (ny, nx), K
  // Cooling of the steps to come; parameters of the steel and the pouring temperature are fixed.
  // All of the changes, or, when one is refused, none.
  void set(const std::map<std::string, double>& changes);
  double get(const std::string& name) const;
  const Plan<double>& plan() const { return plan_; }

 private:
  struct Arrays;
  Plan<double> plan_;
  std::vector<double> slots_;
  std::unique_ptr<Arrays> arrays_;
  Progress<double> progress_;
  double heat_ = 0;
  int next_ = 0;
  bool changed_ = false;
};

}  // namespace tundish::casting
