// A plan: a strand on a grid, ready to be marched for any number of candidates.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "casting/extrapolation.h"

namespace tundish::casting {

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

template <class T>
class Plan {
 public:
  Plan(Strand strand, const Grid& grid, const Options& options);

  const Strand& strand() const { return strand_; }
  const March<T>& march() const { return storage_.march; }
  bool extrapolates() const { return extrapolation_ != nullptr; }
  const std::vector<double>& z() const { return z_; }  // (steps + 1), m
  const std::vector<double>& x() const { return x_; }  // (nx), m
  const std::vector<double>& y() const { return y_; }

  // Marches all candidates; status and status_step of `outputs` are required. Every candidate is checked
  // before any is marched. Derivatives by the slots in `gradient` go to the outputs' gradient fields.
  // Returns false when poll stopped it. Memory comes from `workspace`, if there is one.
  bool run(const Candidates& candidates, const std::vector<int>& gradient, const Outputs<T>& outputs,
           const RunOptions& options, Workspace<T>* workspace = nullptr) const;

 private:
  // What one job carries: the lanes' candidates, or one candidate with derivatives from `tangent` on.
  struct Group {
    const Candidates& candidates;
    const std::vector<int>& gradient;
    const Outputs<T>& outputs;
    const bool* stop;
    Carry carry;
    long first;  // candidate
    int count, tangent;
  };
  // The derivatives of one job.
  struct Tangents {
    int count = 0;
    std::vector<int> which;  // what of the steel's tables each of them asks for
    bool of_tables = false;  // whether any asks for something
  };
  long count_in_lanes(long count, int threads) const;
  void run_group(const Group& group, JobArrays<T>& arrays) const;
  Tangents seed_tangents(const Group& group, JobArrays<T>& arrays) const;
  void read_candidate(const Group& group, int lane, const Tangents& tangents, JobArrays<T>& arrays) const;
  Strand candidate(const Candidates& candidates, long n) const;
  bool shares_tables(const Candidates& candidates) const;

  Strand strand_;
  Options options_;
  std::vector<double> x_, y_, z_;
  MarchStorage<T> storage_;
  std::unique_ptr<const Extrapolation<T>> extrapolation_;  // where the grid asks for an accuracy
  bool by_temperature_;
  std::shared_ptr<const SteelTables> tables_;  // of strand_
};

}  // namespace tundish::casting
