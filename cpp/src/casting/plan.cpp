#include "casting/plan.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <sstream>

#include "core/aligned.h"
#include "core/refusal.h"
#include "core/thread_pool.h"

namespace tundish::casting {
namespace {

// A job that needs more memory than this carries one candidate instead of one a lane: it would leave the
// cache that makes lanes worth while (1 MiB on the machines at hand, and a fifth of the memory is padding
// that is never touched), and thousands of large sections must not fill the machine.
constexpr long most_bytes_of_lanes = 5l << 18;
constexpr double most_bytes_of_candidate = 4e9;

// Weights of Lagrange's cubic through the four nodes around x (all nodes, when there are fewer).
template <class T>
int cubic_weights(const std::vector<double>& nodes, double x, T (&weight)[4]) {
  const int n = int(nodes.size()), used = std::min(n, 4);
  const int above = int(std::upper_bound(nodes.begin(), nodes.end(), x) - nodes.begin());
  const int first = std::clamp(above - 2, 0, n - used);
  for (int a = 0; a < 4; ++a) {
    double w = a < used ? 1 : 0;
    for (int b = 0; b < used && a < used; ++b)
      if (b != a) w *= (x - nodes[size_t(first + b)]) / (nodes[size_t(first + a)] - nodes[size_t(first + b)]);
    weight[a] = T(w);
  }
  return first;
}

}  // namespace

void Options::check(const Strand& strand) const {
  if (!(relaxation > 0 && relaxation < 2)) core::refuse("relaxation", relaxation, "must be between 0 and 2");
  if (tolerance) core::require_positive("tolerance", *tolerance);
  if (most_sweeps < 1) core::refuse("max_sweeps", most_sweeps, "must be at least 1");
  for (const auto& [x, y] : probes) {
    const bool inside = x >= 0 && x <= strand.width / 2 && y >= 0 && y <= strand.thickness / 2;
    if (!inside)
      core::refuse("probes", "(" + std::to_string(x) + ", " + std::to_string(y) + ")",
                   "must lie in the quarter section, 0 <= x <= width/2 and 0 <= y <= thickness/2");
  }
  for (const double z : sections)
    if (!(z >= 0 && z <= strand.length() * (1 + 1e-12)))
      core::refuse("sections", z,
                   "must lie between 0 and the strand's length, " + std::to_string(strand.length()) + " m");
  if (phase_change == PhaseChange::correction && strand.steel.residual() == Residual::solidus)
    core::refuse("phase_change", core::Word{"correction"},
                 "cannot release latent heat at one temperature (residual='solidus'); use 'enthalpy'");
}

template <class T>
double least_tolerance(double relaxation) {
  return 4 * 1024 * double(std::numeric_limits<T>::epsilon()) / (2 - relaxation);
}
template <class T>
double default_tolerance(double relaxation) {
  return std::max(1e-7, least_tolerance<T>(relaxation));
}
template double default_tolerance<float>(double);
template double default_tolerance<double>(double);

template <class T>
Axis<T> MarchStorage<T>::axis(const std::vector<double>& nodes) {
  const size_t n = nodes.size();
  std::vector<double> spacing(n), width(n, 0.0), inward(n, 0.0), outward(n, 0.0), exposure(n, 0.0);
  for (size_t i = 0; i + 1 < n; ++i) {
    spacing[i] = nodes[i + 1] - nodes[i];
    width[i] += spacing[i] / 2;
    width[i + 1] += spacing[i] / 2;
  }
  spacing[n - 1] = spacing[n - 2];
  for (size_t i = 0; i < n; ++i) {
    if (i > 0) inward[i] = 1 / (spacing[i - 1] * width[i]);
    if (i + 1 < n) outward[i] = 1 / (spacing[i] * width[i]);
  }
  std::vector<double> drive = outward;
  drive[n - 1] = 1 / (spacing[n - 1] * width[n - 1]);
  exposure[n - 1] = 1 / width[n - 1];
  auto keep = [&](const std::vector<double>& a) {
    arrays_.emplace_back(axis_padding + n + axis_padding, T(0));
    std::copy(a.begin(), a.end(), arrays_.back().begin() + axis_padding);
    return const_cast<const T*>(arrays_.back().data() + axis_padding);
  };
  return Axis<T>{int(n),      keep(inward),  keep(outward),  keep(drive),
                 keep(width), keep(spacing), keep(exposure), keep(std::vector<double>(n, 1.0))};
}

template <class T>
Axis<T> MarchStorage<T>::reversed(const Axis<T>& axis) {
  auto turn = [&](const T* a) {
    arrays_.emplace_back(axis_padding + size_t(axis.nodes) + axis_padding, T(0));
    std::reverse_copy(a, a + axis.nodes, arrays_.back().begin() + axis_padding);
    return const_cast<const T*>(arrays_.back().data() + axis_padding);
  };
  return Axis<T>{axis.nodes,       turn(axis.inward),  turn(axis.outward),  turn(axis.drive),
                 turn(axis.width), turn(axis.spacing), turn(axis.exposure), turn(axis.inside)};
}

template <class T>
MarchStorage<T>::MarchStorage(const Strand& strand, const Grid& grid, const Options& options) {
  arrays_.reserve(24);  // their addresses are handed out
  const std::vector<double> x = graded_nodes(strand.width / 2, grid.nx, grid.grading_x);
  const std::vector<double> y = graded_nodes(strand.thickness / 2, grid.ny, grid.grading_y);
  const Axis<T> axis_y = axis(y);
  march.section = lay_section(axis(x), axis_y, reversed(axis_y), options.method);
  double z = 0;
  for (const Step<double>& s : march_steps(strand, grid)) {
    steps_.push_back({T(s.size), T(s.memory), T(s.share), s.stretch});
    z += s.size;
  }
  for (const auto& [px, py] : options.probes) {
    Probe<T> p;
    p.i = cubic_weights(x, px, p.weight_x);
    p.j = cubic_weights(y, py, p.weight_y);
    probes_.push_back(p);
  }
  for (const double at : options.sections) {
    double start = 0;
    int k = 0;
    while (k + 1 < int(steps_.size()) && start + double(steps_[size_t(k)].size) < at)
      start += double(steps_[size_t(k++)].size);
    snapshots_.push_back({k, T(std::clamp((at - start) / double(steps_[size_t(k)].size), 0.0, 1.0))});
  }
  march.steps = steps_.data();
  march.n_steps = int(steps_.size());
  march.probes = probes_.data();
  march.n_probes = int(probes_.size());
  march.snapshots = snapshots_.data();
  march.n_snapshots = int(snapshots_.size());
  march.method = options.method;
  march.phase_change = options.phase_change;
  const double tolerance = options.tolerance.value_or(default_tolerance<T>(options.relaxation));
  march.relaxation = {T(options.relaxation), T(tolerance), options.most_sweeps, options.ordering};
}
template class MarchStorage<float>;
template class MarchStorage<double>;

namespace {

template <class T>
void check_tolerance(const Options& options) {
  const double least = least_tolerance<T>(options.relaxation);
  if (options.method != Method::sor || !options.tolerance || *options.tolerance >= least) return;
  std::ostringstream allowed;
  allowed << "K; must be at least " << least << " in " << (sizeof(T) == 4 ? "float32" : "float64")
          << " with relaxation = " << options.relaxation << ", or left out";
  core::refuse("tolerance", *options.tolerance, allowed.str());
}

template <class T>
Strand checked(Strand strand, const Grid& grid, const Options& options) {
  strand.check();
  grid.check();
  options.check(strand);
  check_tolerance<T>(options);
  return strand;
}

template <class T>
void check_memory(const March<T>& march, Carry carry) {
  const double bytes = double(kernels().of<T>().numbers(march, carry)) * sizeof(T);
  if (bytes > most_bytes_of_candidate)
    core::refuse("nx", march.section.x.nodes,
                 "x ny = " + std::to_string(march.section.y.nodes) + " nodes " +
                     (carry == Carry::dual ? "with derivatives " : "") + "take " +
                     std::to_string(int(bytes * 1e-9)) + " GB a candidate; at most " +
                     std::to_string(int(most_bytes_of_candidate * 1e-9)) + " GB are allowed");
}

}  // namespace

// The arrays behind a job, kept by a worker from one job to the next.
template <class T>
struct JobArrays {
  core::AlignedVector<T> rows, tangent_rows[n_curves], slots, slot_tangents, memory;
  MarchJob<T> job;

  // Tables of the candidate in lane `lane`, with the derivatives they carry.
  void add_steel(const SteelTables& tables, double pouring_state, int lane) {
    const int lanes = job.carry == Carry::lanes ? kernels().of<T>().lanes : 1;
    for (int c = 0; c < n_curves; ++c) {
      const Curve& curve = tables.curves[c];
      job.curves[c].offset[lane] = int(rows.size());
      rows.insert(rows.end(), curve.rows.begin(), curve.rows.end());
      job.curves[c].origin[lane] = T(curve.origin);
      job.curves[c].per_cell[lane] = T(curve.per_cell);
      job.curves[c].cells[lane] = T(curve.cells);
    }
    const double numbers[numbers_of_steel] = {tables.solidus, tables.liquidus, tables.liquidus_potential,
                                              pouring_state, tables.least_slope};
    for (int n = 0; n < numbers_of_steel; ++n) job.steel_numbers[n * lanes + lane] = T(numbers[n]);
  }
  void add_steel_tangents(const SteelTables& tables, const std::vector<double>& pouring_state,
                          int gradients) {
    const int tangents = kernels().of<T>().tangents;
    auto spread = [&](const std::vector<double>& from, auto put) {
      for (size_t n = 0; n * size_t(gradients) < from.size(); ++n)
        for (int k = 0; k < tangents; ++k)
          put(n, k, k < gradients ? T(from[n * size_t(gradients) + size_t(k)]) : T(0));
    };
    for (int c = 0; c < n_curves; ++c) {
      tangent_rows[c].clear();
      spread(tables.tangents[c], [&](size_t, int, T x) { tangent_rows[c].push_back(x); });
    }
    std::fill(std::begin(job.steel_tangents), std::end(job.steel_tangents), T(0));
    // The least slope is the same for all neighbouring steels.
    const std::vector<double>* of[] = {&tables.solidus_tangent, &tables.liquidus_tangent,
                                       &tables.liquidus_potential_tangent, &pouring_state};
    for (int n = 0; n < int(std::size(of)); ++n)
      spread(*of[n], [&](size_t, int k, T x) { job.steel_tangents[n * tangents + k] = x; });
  }
  void copy_lane(int from, int to, int lanes) {
    for (auto& curve : job.curves) {
      curve.offset[to] = curve.offset[from];
      curve.origin[to] = curve.origin[from];
      curve.per_cell[to] = curve.per_cell[from];
      curve.cells[to] = curve.cells[from];
    }
    for (int n = 0; n < numbers_of_steel; ++n)
      job.steel_numbers[n * lanes + to] = job.steel_numbers[n * lanes + from];
  }
  void begin(const March<T>& march, Carry carry, const Outputs<T>& outputs) {
    rows.clear();
    for (auto& r : tangent_rows) r.clear();
    job.march = &march;
    job.carry = carry;
    job.outputs = outputs;
    std::fill(std::begin(job.damping), std::end(job.damping), T(0));
  }
  const MarchJob<T>& ready(int n_slots) {
    for (int c = 0; c < n_curves; ++c) {
      job.curves[c].rows = rows.data();
      job.curves[c].tangent_rows = tangent_rows[c].empty() ? nullptr : tangent_rows[c].data();
    }
    job.n_slots = n_slots;
    job.slots = slots.data();
    job.slot_tangents = slot_tangents.data();
    memory.resize(size_t(kernels().of<T>().numbers(*job.march, job.carry)));
    job.memory = memory.data();
    return job;
  }
};
template struct JobArrays<double>;

template <class T>
Workspace<T>::Workspace() = default;
template <class T>
Workspace<T>::~Workspace() = default;
template <class T>
void Workspace<T>::reserve(int workers) {
  if (int(arrays_.size()) < workers) arrays_.resize(size_t(workers));
}
template <class T>
JobArrays<T>& Workspace<T>::of(int worker) {
  std::unique_ptr<JobArrays<T>>& arrays = arrays_[size_t(worker)];
  if (!arrays) arrays = std::make_unique<JobArrays<T>>();
  return *arrays;
}
template class Workspace<float>;
template class Workspace<double>;

template <class T>
Plan<T>::Plan(Strand strand, const Grid& grid, const Options& options)
    : strand_(checked<T>(std::move(strand), grid, options)),
      options_(options),
      x_(graded_nodes(strand_.width / 2, grid.nx, grid.grading_x)),
      y_(graded_nodes(strand_.thickness / 2, grid.ny, grid.grading_y)),
      storage_(strand_, grid, options),
      by_temperature_(options.phase_change == PhaseChange::correction),
      tables_(strand_.steel.tabulate(strand_.pouring_temperature, by_temperature_, {})) {
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

// Blocks of a candidate's tangents march side by side: the first one writes the values.
template <class T>
static Outputs<T> derivatives_of(const Outputs<T>& outputs) {
  Outputs<T> derivatives = {};
  derivatives.probe_gradient = outputs.probe_gradient;
  derivatives.metallurgical_length_gradient = outputs.metallurgical_length_gradient;
  return derivatives;
}

// What is tried on candidates that diverge: 1, 2, 4 and 8.
constexpr int most_damping = 8;

template <class T>
void Plan<T>::run_group(const Candidates& candidates, const std::vector<int>& gradient,
                        const Outputs<T>& outputs, long first, int count, Carry carry, int tangent,
                        const bool* stop, JobArrays<T>& arrays) const {
  const KernelsFor<T>& kernel = kernels().of<T>();
  const int lanes = carry == Carry::lanes ? kernel.lanes : 1;
  const int n_slots = strand_.n_march_slots(), tangents = kernel.tangents;
  arrays.begin(storage_.march, carry, tangent == 0 ? outputs : derivatives_of(outputs));
  arrays.slots.assign(size_t(n_slots * lanes), T(0));

  const int gradients = std::min(int(gradient.size()) - tangent, tangents);
  std::vector<int> which;  // what of the steel's tables the tangents of this job ask for
  arrays.slot_tangents.assign(carry == Carry::dual ? size_t(n_slots * tangents) : 0, T(0));
  bool of_steel = false, of_pouring = false;
  for (int k = 0; carry == Carry::dual && k < gradients; ++k) {
    const int slot = gradient[size_t(tangent + k)];
    if (slot < n_slots) arrays.slot_tangents[size_t(slot * tangents + k)] = 1;
    which.push_back(slot >= n_slots                    ? slot - n_slots
                    : slot == slot_pouring_temperature ? by_pouring_temperature
                                                       : by_nothing);
    of_steel |= slot >= n_slots;
    of_pouring |= slot == slot_pouring_temperature;
  }

  for (int lane = 0; lane < lanes; ++lane) {
    if (lane >= count) {  // lanes without a candidate repeat the last one, and are not written
      for (int n = 0; n < n_slots; ++n)
        arrays.slots[size_t(n * lanes + lane)] = arrays.slots[size_t(n * lanes + count - 1)];
      arrays.copy_lane(count - 1, lane, lanes);
      continue;
    }
    const Strand strand = candidate(candidates, first + lane);
    const std::vector<double> slots = strand.slots();
    for (int n = 0; n < n_slots; ++n) arrays.slots[size_t(n * lanes + lane)] = T(slots[size_t(n)]);
    const bool own_steel = strand.steel.parameters() != strand_.steel.parameters();
    const double pouring_state =
        by_temperature_ ? strand.pouring_temperature
                        : strand.steel.property(Steel::Property::enthalpy, strand.pouring_temperature);
    if (of_steel || of_pouring) {
      const SteelTables tables = strand.steel.tabulate(strand.pouring_temperature, by_temperature_, which);
      std::vector<double> pouring_tangent = tables.pouring_enthalpy_tangent;
      for (size_t k = 0; by_temperature_ && k < which.size(); ++k)
        pouring_tangent[k] = which[k] == by_pouring_temperature;
      arrays.add_steel(tables, pouring_state, lane);
      arrays.add_steel_tangents(tables, pouring_tangent, gradients);
    } else if (own_steel) {
      arrays.add_steel(strand.steel.tabulate(strand.pouring_temperature, by_temperature_, {}), pouring_state,
                       lane);
    } else if (lane == 0 || !shares_tables(candidates)) {
      arrays.add_steel(tables_, pouring_state, lane);
    } else {
      arrays.copy_lane(0, lane, lanes);
      arrays.job.steel_numbers[3 * lanes + lane] = T(pouring_state);
    }
  }
  if (carry == Carry::dual && !of_steel && !of_pouring) arrays.add_steel_tangents({}, {}, gradients);
  bool diverged[most_lanes] = {};
  arrays.job.place = {first, count, tangent, gradients, int(gradient.size()), stop, diverged};
  kernel.run(arrays.ready(n_slots));
  // Candidates that diverge march once more, damped, and again; beside them the others do what they did. Some
  // fail earlier with a little damping and not at all with more: only all four tell.
  for (int damping = 1; options_.method == Method::adi && damping <= most_damping; damping *= 2) {
    if (std::none_of(diverged, diverged + count, [](bool d) { return d; })) break;
    for (int lane = 0; lane < count; ++lane)
      if (diverged[lane]) arrays.job.damping[lane] = T(damping);
    std::fill(std::begin(diverged), std::end(diverged), false);
    kernel.run(arrays.job);
  }
  if (outputs.damping && tangent == 0)
    std::transform(arrays.job.damping, arrays.job.damping + count, outputs.damping + first,
                   [](T damping) { return int(damping); });
}

template <class T>
bool Plan<T>::shares_tables(const Candidates& candidates) const {
  return std::none_of(candidates.varied.begin(), candidates.varied.end(),
                      [&](int slot) { return slot >= strand_.n_march_slots(); });
}

namespace {

// From the step on which a march failed, its fields are no numbers.
template <class T>
void blank_failures(const March<T>& march, const Outputs<T>& out, long count, int gradients) {
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const long row = march.n_steps + 1;
  for (long n = 0; n < count; ++n) {
    if (out.status[n] != int(Status::diverged)) continue;
    const long from = out.status_step[n];
    auto blank = [&](T* base, long series) {
      if (!base) return;
      for (long s = 0; s < series; ++s)
        std::fill(base + (n * series + s) * row + from, base + (n * series + s + 1) * row, nan);
    };
    blank(out.probe_temperature, march.n_probes);
    blank(out.probe_gradient, long(gradients) * march.n_probes);
    for (T* base :
         {out.centre_temperature, out.corner_temperature, out.solid_fraction, out.liquid_fraction, out.heat})
      blank(base, 1);
    for (T* base : {out.face_temperature, out.shell_thickness}) blank(base, 2);
    const long nodes = long(march.section.x.nodes) * march.section.y.nodes;
    for (int s = 0; out.section_temperature && s < march.n_snapshots; ++s)
      if (march.snapshots[s].step + 1 >= from) {
        T* shot = out.section_temperature + (n * march.n_snapshots + s) * nodes;
        std::fill(shot, shot + nodes, nan);
      }
    if (out.metallurgical_length) out.metallurgical_length[n] = nan;
    if (out.energy_imbalance) out.energy_imbalance[n] = nan;
    if (out.metallurgical_length_gradient)
      std::fill(out.metallurgical_length_gradient + n * gradients,
                out.metallurgical_length_gradient + (n + 1) * gradients, nan);
  }
}

}  // namespace

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
  const bool fits = options_.method == Method::adi &&
                    kernel.numbers(storage_.march, Carry::lanes) * long(sizeof(T)) <= most_bytes_of_lanes;
  const Carry carry = !gradient.empty()              ? Carry::dual
                      : fits && candidates.count > 1 ? Carry::lanes
                                                     : Carry::single;
  const int group = carry == Carry::lanes ? kernel.lanes : 1;
  const long blocks = gradient.empty() ? 1 : (long(gradient.size()) + kernel.tangents - 1) / kernel.tangents;
  const long groups = (candidates.count + group - 1) / group;

  bool stop = false;
  Workspace<T> own, &memory = workspace ? *workspace : own;
  memory.reserve(std::max(1, threads));
  auto task = [&](long n, int worker) {
    const long first = n / blocks * group;
    run_group(candidates, gradient, outputs, first, int(std::min<long>(group, candidates.count - first)),
              carry, int(n % blocks) * kernel.tangents, &stop, memory.of(worker));
  };
  auto poll = [&](long done) {
    const bool goes_on = !options.poll || options.poll(std::min(candidates.count, done / blocks * group));
    if (!goes_on) __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    return goes_on;
  };
  const bool finished = core::run_tasks(groups * blocks, threads, task, poll);
  if (finished) blank_failures(storage_.march, outputs, candidates.count, int(gradient.size()));
  return finished;
}
template class Plan<float>;
template class Plan<double>;

struct Stepper::Arrays : JobArrays<double> {};

Stepper::Stepper(Strand strand, const Grid& grid, const Options& options)
    : plan_(std::move(strand), grid, options),
      slots_(plan_.strand().slots()),
      arrays_(std::make_unique<Arrays>()) {
  const Steel& steel = plan_.strand().steel;
  const bool by_temperature = options.phase_change == PhaseChange::correction;
  const double pouring = plan_.strand().pouring_temperature;
  arrays_->begin(plan_.march(), Carry::single, Outputs<double>());
  arrays_->add_steel(steel.tabulate(pouring, by_temperature, {}),
                     by_temperature ? pouring : steel.property(Steel::Property::enthalpy, pouring), 0);
  arrays_->slots.assign(slots_.begin(), slots_.begin() + plan_.strand().n_march_slots());
  kernels().doubles.pour(arrays_->ready(plan_.strand().n_march_slots()));
}
Stepper::~Stepper() = default;

bool Stepper::step() {
  if (at_end()) return false;
  Step<double> step = plan_.march().steps[next_];
  if (changed_) {  // the cooling has jumped: as at the start of a stretch, the past says nothing about it
    step.memory = 0;
    step.share = 1;
    changed_ = false;
  }
  std::copy(slots_.begin(), slots_.begin() + plan_.strand().n_march_slots(), arrays_->slots.begin());
  kernels().doubles.advance(arrays_->ready(plan_.strand().n_march_slots()), step, progress_);
  heat_ += slots_[slot_speed] * progress_.heat_of_step;
  ++next_;
  return true;
}

int Stepper::stretch() const {
  const March<double>& march = plan_.march();
  return march.steps[std::min(next_, march.n_steps - 1)].stretch;
}

void Stepper::temperature(double* out) const {
  kernels().doubles.temperatures(arrays_->ready(plan_.strand().n_march_slots()), out);
}

double Stepper::get(const std::string& name) const { return slots_[size_t(plan_.strand().slot(name))]; }

void Stepper::set(const std::map<std::string, double>& changes) {
  std::vector<double> slots = slots_;
  for (const auto& [name, value] : changes) {
    const int slot = plan_.strand().slot(name);
    if (slot >= plan_.strand().n_march_slots() || slot == slot_pouring_temperature)
      core::refuse(name, value,
                   "cannot change on the way down; only speed, ambient_temperature and the cooling can");
    slots[size_t(slot)] = value;
  }
  plan_.strand().with(slots);  // refuses what is impossible
  changed_ = changed_ || slots != slots_;
  slots_ = std::move(slots);
}

}  // namespace tundish::casting
