// The GPU's march beside the CPU's: the same job, line by line by the members of a block.
#include <algorithm>
#include <cstdint>

#include "casting/block.h"
#include "casting/published.h"
#include "doctest/doctest.h"

using namespace tundish;

namespace {

// One candidate as a job, and room for all that is observed of it.
template <class T>
struct Job {
  casting::MarchStorage<T> storage;
  std::vector<T> rows;  // of all curves: a lookup goes from one to another by their distance
  std::vector<std::vector<T>> results;
  std::vector<int> integers;
  std::vector<T> slots, memory;
  casting::MarchJob<T> job = {};

  Job(const casting::Strand& strand, const casting::Grid& grid, const casting::Options& options)
      : storage(strand, grid, options) {
    const bool by_temperature = options.phase_change == PhaseChange::correction;
    const double pouring = strand.pouring_temperature;
    const casting::SteelTables tables = strand.steel.tabulate(pouring, by_temperature, {});
    const double state = by_temperature ? pouring : tables.pouring_enthalpy;
    const double numbers[] = {tables.solidus,
                              tables.liquidus,
                              tables.liquidus_potential,
                              state,
                              tables.solid_slope,
                              tables.largest_solid_slope,
                              tables.solid_heating,
                              tables.liquid_slope};
    std::copy(std::begin(numbers), std::end(numbers), job.steel_numbers);
    keep_curves(tables.curves);
    for (const double slot : strand.slots()) slots.push_back(T(slot));
    job.march = &storage.march;
    job.carry = casting::Carry::single;
    job.slots = slots.data();
    job.n_slots = strand.n_march_slots();
    job.place.lanes = 1;
    make_outputs();
  }
  void run_ordinarily() {
    const auto& kernel = casting::kernels().of<T>();
    memory.resize(size_t(kernel.workspace_size(storage.march, job.carry)) + 64);
    job.memory = aligned(memory);
    kernel.run(job);
  }

 private:
  static T* aligned(std::vector<T>& numbers) {
    T* p = numbers.data();
    while (reinterpret_cast<std::uintptr_t>(p) % 64) ++p;
    return p;
  }
  template <class Curves>
  void keep_curves(const Curves& curves) {
    size_t count = 64;
    for (const casting::Curve& curve : curves) count += (curve.rows.size() + 63) / 64 * 64;
    rows.resize(count);
    T* start = aligned(rows);
    for (int c = 0; c < casting::n_curves; ++c) {
      const casting::Curve& from = curves[c];
      std::transform(from.rows.begin(), from.rows.end(), start, [](double x) { return T(x); });
      casting::CurveOfJob<T>& to = job.curves[c];
      to.rows = start;
      to.origin[0] = T(from.origin);
      to.per_cell[0] = T(from.per_cell);
      to.cells[0] = T(from.cells);
      start += (from.rows.size() + 63) / 64 * 64;
    }
  }
  void make_outputs() {
    const March<T>& m = storage.march;
    const int row = m.n_steps + 1, nodes = m.section.x.nodes * m.section.y.nodes;
    Outputs<T>& o = job.outputs;
    auto make = [&](T*& to, int count) {
      results.emplace_back(size_t(count), T(-1));
      to = results.back().data();
    };
    make(o.probe_temperature, m.n_probes * row);
    for (T** to :
         {&o.centre_temperature, &o.corner_temperature, &o.solid_fraction, &o.liquid_fraction, &o.heat})
      make(*to, row);
    make(o.face_temperature, 2 * row);
    make(o.shell_thickness, 2 * row);
    make(o.section_temperature, m.n_sections * nodes);
    make(o.metallurgical_length, 1);
    make(o.energy_imbalance, 1);
    integers.assign(size_t(m.n_steps) + 2, -1);
    o.status = integers.data();
    o.status_step = o.status + 1;
    o.iterations = o.status + 2;
  }
};

template <class T>
void compare(const casting::Options& options) {
  const casting::Strand strand = short_strand();
  const casting::Grid grid = small_grid();
  Job<T> ordinary(strand, grid, options);
  ordinary.run_ordinarily();
  CHECK(ordinary.integers[0] == int(Status::converged));
  for (const int members : {1, 2, 4}) {
    CAPTURE(members);
    Job<T> block(strand, grid, options);
    run_on_block(block.job, members);
    CHECK(block.integers == ordinary.integers);
    for (size_t n = 0; n < ordinary.results.size(); ++n) {
      CAPTURE(n);  // in the order of make_outputs()
      CHECK(block.results[n] == ordinary.results[n]);
    }
  }
}

}  // namespace

TEST_CASE_TEMPLATE("a block marches like a single thread, bit for bit", T, double, float) {
  for (const Method method : {Method::adi, Method::sor})
    for (const PhaseChange phase_change : {PhaseChange::enthalpy, PhaseChange::correction})
      for (const Ordering ordering : {Ordering::lexicographic, Ordering::red_black}) {
        if (method == Method::adi && ordering == Ordering::red_black) continue;
        CAPTURE(int(method));
        CAPTURE(int(phase_change));
        CAPTURE(int(ordering));
        casting::Options options;
        options.method = method;
        options.phase_change = phase_change;
        options.ordering = ordering;
        options.probes = {{0.03, 0.035}, {0.05, 0}};
        options.sections = {0.1, 0.63};
        compare<T>(options);
      }
}
