#include "casting/plan.h"

#include <algorithm>

#include "casting/accuracy.h"
#include "casting/outputs.h"
#include "core/refusal.h"
#include "core/thread_pool.h"

namespace tundish::casting {
namespace {

// Candidates march one by one where a register of them needs more memory than this: it would leave the caches
// that make lanes worth while (48 x 48 nodes in double take 2.3 MiB, and are still faster so with a second
// cache of 2 MiB), and thousands of large sections must not fill the machine.
constexpr long max_bytes_of_lanes = 3l << 20;
constexpr double max_bytes_of_candidate = 4e9;
// Rounding leaves 0.0001 to 0.002 K of the probes and faces of the casters in float, the more the finer.
constexpr double min_accuracy_of_float = 0.01;  // K

template <class T>
Strand checked(Strand strand, const Grid& grid, const Options& options) {
  strand.check();
  grid.check();
  options.check(strand);
  check_tolerance<T>(options);
  if (sizeof(T) == sizeof(float) && grid.accuracy > 0 && grid.accuracy < min_accuracy_of_float)
    core::refuse("accuracy", grid.accuracy, "K; must be at least 0.01 K in float32; use float64 for less");
  return strand;
}

template <class T>
void check_memory(const March<T>& march, Carry carry) {
  const double bytes = double(kernels().of<T>().workspace_size(march, carry)) * sizeof(T);
  if (bytes > max_bytes_of_candidate)
    core::refuse("nx", march.section.x.nodes,
                 "x ny = " + std::to_string(march.section.y.nodes) + " nodes " +
                     (carry == Carry::dual ? "with derivatives " : "") + "take " +
                     std::to_string(int(bytes * 1e-9)) + " GB a candidate; at most " +
                     std::to_string(int(max_bytes_of_candidate * 1e-9)) + " GB are allowed");
}

}  // namespace

template <class T>
Plan<T>::Plan(Strand strand, const Grid& grid, const Options& options)
    : strand_(checked<T>(std::move(strand), grid, options)),
      options_(options),
      x_(graded_nodes(strand_.width / 2, grid.nx, grid.grading_x)),
      y_(graded_nodes(strand_.thickness / 2, grid.ny, grid.grading_y)),
      storage_(strand_, grid, options),
      extrapolation_(grid.accuracy > 0 && options.allows_accuracy()
                         ? std::make_unique<Extrapolation<T>>(x_, y_, march_steps(strand_, grid), options,
                                                              extrapolation_weight(strand_.steel))
                         : nullptr),
      by_temperature_(options.phase_change == PhaseChange::correction),
      tables_(strand_.steel.tables(strand_.pouring_temperature, by_temperature_)) {
  check_memory(storage_.march, Carry::single);
  z_.push_back(0);
  const std::vector<Step<double>> steps = march_steps(strand_, grid);
  for (size_t k = 0; k < steps.size(); ++k) {
    z_.push_back(z_.back() + steps[k].size);
    const bool ends = k + 1 == steps.size() || steps[k + 1].stretch != steps[k].stretch;
    if (ends) z_.back() = strand_.stretches[size_t(steps[k].stretch)].end;  // exactly
  }
}

template <class T>
Strand Plan<T>::candidate(const Candidates& candidates, long n) const {
  if (candidates.varied.empty()) return strand_;
  std::vector<double> slots = strand_.slots();
  const double* values = candidates.values + n * long(candidates.varied.size());
  for (size_t v = 0; v < candidates.varied.size(); ++v) slots[size_t(candidates.varied[v])] = values[v];
  return strand_.with(slots);
}

template <class T>
bool Plan<T>::shares_tables(const Candidates& candidates) const {
  return std::none_of(candidates.varied.begin(), candidates.varied.end(),
                      [&](int slot) { return slot >= strand_.n_march_slots(); });
}

// Seeds the slots that the job's tangents differentiate by.
template <class T>
typename Plan<T>::Tangents Plan<T>::seed_tangents(const Group& group, JobArrays<T>& arrays) const {
  const int n_slots = strand_.n_march_slots(), tangents = kernels().of<T>().tangents;
  Tangents seeded;
  seeded.count = std::min(int(group.gradient.size()) - group.tangent, tangents);
  arrays.slot_tangents.assign(group.carry == Carry::dual ? size_t(n_slots * tangents) : 0, T(0));
  for (int k = 0; group.carry == Carry::dual && k < seeded.count; ++k) {
    const int slot = group.gradient[size_t(group.tangent + k)];
    if (slot < n_slots) arrays.slot_tangents[size_t(slot * tangents + k)] = 1;
    seeded.which.push_back(slot >= n_slots                    ? slot - n_slots
                           : slot == slot_pouring_temperature ? by_pouring_temperature
                                                              : by_nothing);
    seeded.of_tables |= seeded.which.back() != by_nothing;
  }
  return seeded;
}

// A candidate's slots and its steel. Tables are made for steels of their own alone: most candidates read
// those of the plan, or of lane 0.
template <class T>
void Plan<T>::read_candidate(const Group& group, int lane, const Tangents& tangents,
                             JobArrays<T>& arrays) const {
  const int lanes = group.carry == Carry::lanes ? kernels().of<T>().lanes : 1;
  const Strand strand = candidate(group.candidates, group.first + lane);
  const std::vector<double> slots = strand.slots();
  for (int n = 0; n < strand_.n_march_slots(); ++n)
    arrays.slots[size_t(n * lanes + lane)] = T(slots[size_t(n)]);
  const bool own_steel = strand.steel.parameters() != strand_.steel.parameters();
  arrays.weights[lane] = own_steel ? extrapolation_weight(strand.steel) : extrapolation_weight_of_smooth;
  const double pouring_state =
      by_temperature_ ? strand.pouring_temperature
                      : strand.steel.property(Steel::Property::enthalpy, strand.pouring_temperature);
  if (tangents.of_tables) {
    const SteelTables tables =
        strand.steel.tabulate(strand.pouring_temperature, by_temperature_, tangents.which);
    std::vector<double> pouring_tangent = tables.pouring_enthalpy_tangent;
    for (size_t k = 0; by_temperature_ && k < tangents.which.size(); ++k)
      pouring_tangent[k] = tangents.which[k] == by_pouring_temperature;
    arrays.add_steel(tables, pouring_state, lane);
    arrays.add_steel_tangents(tables, pouring_tangent, tangents.count);
  } else if (own_steel) {
    arrays.add_steel(strand.steel.tabulate(strand.pouring_temperature, by_temperature_, {}), pouring_state,
                     lane);
  } else if (lane == 0 || !shares_tables(group.candidates)) {
    arrays.add_steel(*tables_, pouring_state, lane);
  } else {
    arrays.copy_lane(0, lane, lanes);
    arrays.job.steel_numbers[3 * lanes + lane] = T(pouring_state);
  }
}

// One job: the steels and slots of its lanes, and the march.
template <class T>
void Plan<T>::run_group(const Group& group, JobArrays<T>& arrays) const {
  const KernelsFor<T>& kernel = kernels().of<T>();
  const int lanes = group.carry == Carry::lanes ? kernel.lanes : 1, n_slots = strand_.n_march_slots();
  const Outputs<T>& outputs = group.outputs;
  arrays.begin(storage_.march, group.carry, group.tangent == 0 ? outputs : derivatives_of(outputs));
  arrays.slots.assign(size_t(n_slots * lanes), T(0));
  const Tangents tangents = seed_tangents(group, arrays);
  for (int lane = 0; lane < group.count; ++lane) read_candidate(group, lane, tangents, arrays);
  // Lanes without a candidate repeat the last one, and are not written.
  for (int lane = group.count; lane < lanes; ++lane) {
    for (int n = 0; n < n_slots; ++n)
      arrays.slots[size_t(n * lanes + lane)] = arrays.slots[size_t(n * lanes + group.count - 1)];
    arrays.copy_lane(group.count - 1, lane, lanes);
  }
  if (group.carry == Carry::dual && !tangents.of_tables) arrays.add_steel_tangents({}, {}, tangents.count);
  arrays.job.place = {group.first, group.count, group.tangent, tangents.count, int(group.gradient.size()),
                      group.stop};
  kernel.run(arrays.ready(n_slots));
  if (extrapolation_) extrapolation_->improve(arrays, n_slots);
  if (outputs.damping && group.tangent == 0) std::fill_n(outputs.damping + group.first, group.count, 0);
}

// How many of the candidates march in lanes, a register of them at a time: all of them, those that fill
// registers, or none, whichever is estimated to take the least time. A register takes as long as two thirds
// of its lanes one by one (measured: 0.55 to 0.7 at 14 to 48 nodes). Relaxation has no lanes: candidates
// would wait for the slowest of them.
template <class T>
long Plan<T>::count_in_lanes(long count, int threads) const {
  const int lanes = kernels().of<T>().lanes;
  const long bytes = kernels().of<T>().workspace_size(storage_.march, Carry::lanes) * long(sizeof(T));
  if (options_.method != Method::adi || bytes > max_bytes_of_lanes || lanes == 1) return 0;
  const double register_cost = 0.65 * lanes;
  auto time = [&](long in_lanes) {
    const long registers = (in_lanes + lanes - 1) / lanes, singles = count - in_lanes;
    const double shared = (double(registers) * register_cost + double(singles)) / threads;
    const double last = registers > 0 ? double((registers + threads - 1) / threads) * register_cost
                                      : double((singles + threads - 1) / threads);
    return std::max(shared, last);
  };
  long best = 0;
  for (const long in_lanes : {count / lanes * lanes, count})
    if (time(in_lanes) < time(best)) best = in_lanes;
  return best;
}

// Candidates are divided into jobs: registers of them where lanes are worth it, then single ones. With
// derivatives each candidate becomes as many jobs as its gradient fills registers. Jobs are independent, so
// neither threads nor the division changes a bit of the results.
template <class T>
bool Plan<T>::run(const Candidates& candidates, const std::vector<int>& gradient, const Outputs<T>& outputs,
                  const RunOptions& options, Workspace<T>* workspace) const {
  for (long n = 0; n < candidates.count; ++n) {
    try {
      candidate(candidates, n);
    } catch (const core::bad_argument& error) {
      if (candidates.varied.empty()) throw;
      throw error.at("candidate " + std::to_string(n));
    }
  }
  if (!gradient.empty()) check_memory(storage_.march, Carry::dual);
  const KernelsFor<T>& kernel = kernels().of<T>();
  const int threads = options.threads > 0 ? options.threads : core::default_threads();
  const int lanes = kernel.lanes;
  const long in_lanes = gradient.empty() ? count_in_lanes(candidates.count, threads) : 0;
  const long registers = (in_lanes + lanes - 1) / lanes;
  const long blocks = gradient.empty() ? 1 : (long(gradient.size()) + kernel.tangents - 1) / kernel.tangents;
  auto candidates_before = [&](long job) {
    return job < registers ? job * lanes : in_lanes + (job - registers);
  };

  bool stop = false;
  Workspace<T> own, &memory = workspace ? *workspace : own;
  memory.reserve(std::max(1, threads));
  auto task = [&](long n, int worker) {
    const long job = n / blocks, first = candidates_before(job);
    const Carry carry = !gradient.empty() ? Carry::dual : job < registers ? Carry::lanes : Carry::single;
    const int count = carry == Carry::lanes ? int(std::min<long>(lanes, in_lanes - first)) : 1;
    const int tangent = int(n % blocks) * kernel.tangents;
    run_group({candidates, gradient, outputs, &stop, carry, first, count, tangent}, memory.of(worker));
  };
  auto poll = [&](long done) {
    const bool goes_on =
        !options.poll || options.poll(std::min(candidates.count, candidates_before(done / blocks)));
    if (!goes_on) __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    return goes_on;
  };
  const long jobs = registers + candidates.count - in_lanes;
  const bool finished = core::run_tasks(jobs * blocks, threads, task, poll);
  if (finished) blank_failures(storage_.march, outputs, candidates.count, int(gradient.size()));
  return finished;
}
template class Plan<float>;
template class Plan<double>;

}  // namespace tundish::casting
