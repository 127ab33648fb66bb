// The C ABI of the strand (tundish/tundish.h): translates its structs, and calls the plan and the stepper.
#include <algorithm>
#include <limits>

#include "capi/boundary.h"
#include "casting/accuracy.h"
#include "casting/stepper.h"
#include "core/refusal.h"

namespace casting = tundish::casting;
namespace core = tundish::core;
using tundish::capi::array;
using tundish::capi::choice;
using tundish::capi::create;
using tundish::capi::given;
using tundish::capi::guarded;
using tundish::capi::set_default;
using tundish::capi::Stopped;

struct tundish_steel {
  casting::Steel steel;
};
struct tundish_plan {
  casting::Plan<double> plan;
  std::vector<std::string> names;
};
struct tundish_stepper {
  casting::Stepper stepper;
};

namespace {

// The integers of the header are the enumerators of the library.
static_assert(TUNDISH_RESIDUAL_SOLIDUS == int(tundish::Residual::solidus) &&
              TUNDISH_RESIDUAL_RESCALE == int(tundish::Residual::rescale));
static_assert(TUNDISH_HEAT_CAPACITY == int(casting::Steel::Property::heat_capacity) &&
              TUNDISH_SOLID_FRACTION == int(casting::Steel::Property::solid_fraction) &&
              TUNDISH_DENSITY == int(casting::Steel::Property::density) &&
              TUNDISH_CONDUCTIVITY == int(casting::Steel::Property::conductivity) &&
              TUNDISH_POTENTIAL == int(casting::Steel::Property::potential));
static_assert(TUNDISH_SOR == int(tundish::Method::sor) &&
              TUNDISH_RED_BLACK == int(tundish::Ordering::red_black) &&
              TUNDISH_TEMPERATURE_CORRECTION == int(tundish::PhaseChange::correction));
static_assert(TUNDISH_NOT_CONVERGED == int(tundish::Status::not_converged) &&
              TUNDISH_DIVERGED == int(tundish::Status::diverged));
static_assert(TUNDISH_MOST_CONDUCTIVITY_TERMS == tundish::max_conductivity_terms);

// The structs of the header as descriptions of the library; refusals name the struct and its field.
casting::Strand strand_of(const tundish_strand& s) {
  casting::Strand strand{given(s.steel, "strand.steel").steel,
                         s.width,
                         s.thickness,
                         s.speed,
                         s.pouring_temperature,
                         s.ambient_temperature,
                         {}};
  array(s.stretches, s.n_stretches, "strand.stretches");
  for (int n = 0; n < s.n_stretches; ++n) {
    const tundish_stretch& from = s.stretches[n];
    strand.stretches.push_back(
        {from.end, {from.heat_flux[0], from.heat_flux[1]}, {from.htc[0], from.htc[1]}});
  }
  strand.check();
  return strand;
}

// One mesh; its zones share the smallest of their steps, as the structure has no room for one each.
tundish_grid struct_of(const casting::Grid& g) {
  const double dz_spray = *std::min_element(g.dz_spray.begin(), g.dz_spray.end());
  return {g.nx, g.ny, g.dz_mold, dz_spray, nullptr, g.grading_x, g.grading_y, g.ramp};
}

// No grid is the default accuracy, or its finer mesh alone where one mesh is all there is.
casting::Grid grid_of(const tundish_grid* g, const casting::Strand& strand, const casting::Options& options) {
  if (!g) {
    casting::Grid grid = casting::grid_for(strand, casting::default_accuracy);
    if (!options.allows_accuracy()) grid.accuracy = 0;
    return grid;
  }
  std::vector<double> dz_spray = {g->dz_spray};
  if (g->dz_of_zones) dz_spray.assign(g->dz_of_zones, g->dz_of_zones + strand.stretches.size() - 1);
  return {g->nx, g->ny, g->dz_mold, dz_spray, g->grading_x, g->grading_y, g->ramp};
}

tundish_options default_options() {
  const casting::Options options;
  return {int(options.method),
          int(options.phase_change),
          int(options.ordering),
          options.relaxation,
          casting::default_tolerance<double>(options.relaxation),
          options.max_sweeps,
          nullptr,
          0,
          nullptr,
          0};
}

// NULL asks for the defaults, which are those of casting::Options.
casting::Options options_of(const tundish_options* asked) {
  const tundish_options from = asked ? *asked : default_options();
  casting::Options options;
  options.method = choice("options.method", from.method, tundish::Method::sor);
  options.phase_change = choice("options.phase_change", from.phase_change, tundish::PhaseChange::correction);
  options.ordering = choice("options.ordering", from.ordering, tundish::Ordering::red_black);
  options.relaxation = from.relaxation;
  options.tolerance = from.tolerance;
  options.max_sweeps = from.max_sweeps;
  array(from.probes, from.n_probes, "options.probes");
  for (int n = 0; n < from.n_probes; ++n)
    options.probes.emplace_back(from.probes[2 * n], from.probes[2 * n + 1]);
  array(from.sections, from.n_sections, "options.sections");
  options.sections.assign(from.sections, from.sections + from.n_sections);
  return options;
}

std::vector<int> slots_of(const casting::Strand& strand, const char* const* names, int count,
                          const char* list) {
  array(names, count, list);
  std::vector<int> slots;
  for (int n = 0; n < count; ++n) slots.push_back(strand.slot(&given(names[n], list)));
  return slots;
}

casting::Candidates candidates_of(const casting::Strand& strand, const tundish_batch& batch) {
  if (batch.n_candidates < 1) core::refuse("batch.n_candidates", batch.n_candidates, "must be at least 1");
  const std::vector<int> varied = slots_of(strand, batch.names, batch.n_names, "batch.names");
  for (size_t n = 0; n < varied.size(); ++n)
    if (std::find(varied.begin(), varied.begin() + long(n), varied[n]) != varied.begin() + long(n))
      core::refuse("batch.names", batch.names[n], "is named twice");
  array(batch.values, batch.n_candidates * batch.n_names, "batch.values");
  return {long(batch.n_candidates), varied, batch.values};
}

// Both list the same arrays; programs are compiled against the header's struct, and not the kernels' own.
tundish::Outputs<double> outputs_of(const tundish_outputs& from, int gradients) {
  given(from.status, "outputs.status");
  if (gradients == 0 && (from.probe_gradient || from.metallurgical_length_gradient))
    core::refuse("batch.n_gradient", gradients, "outputs.*_gradient need parameters to differentiate by");
  tundish::Outputs<double> to = {};
  to.status = from.status;
  to.status_step = from.status_step;
  to.metallurgical_length = from.metallurgical_length;
  to.energy_imbalance = from.energy_imbalance;
  to.probe_temperature = from.probe_temperature;
  to.centre_temperature = from.centre_temperature;
  to.corner_temperature = from.corner_temperature;
  to.face_temperature = from.face_temperature;
  to.shell_thickness = from.shell_thickness;
  to.solid_fraction = from.solid_fraction;
  to.liquid_fraction = from.liquid_fraction;
  to.heat = from.heat;
  to.section_temperature = from.section_temperature;
  to.iterations = from.iterations;
  to.damping = from.damping;
  to.probe_gradient = from.probe_gradient;
  to.metallurgical_length_gradient = from.metallurgical_length_gradient;
  return to;
}

void solve(const casting::Plan<double>& plan, const tundish_batch& batch, const tundish_outputs& asked,
           double* error_estimate = nullptr) {
  const casting::Candidates candidates = candidates_of(plan.strand(), batch);
  const std::vector<int> gradient =
      slots_of(plan.strand(), batch.gradient, batch.n_gradient, "batch.gradient");
  if (batch.threads < 0)
    core::refuse("batch.threads", batch.threads, "must be at least 1, or 0 for the default");
  tundish::Outputs<double> outputs = outputs_of(asked, batch.n_gradient);
  outputs.error_estimate = error_estimate;
  std::vector<int> status_step(outputs.status_step ? 0 : size_t(candidates.count));
  if (!outputs.status_step) outputs.status_step = status_step.data();
  casting::RunOptions options;
  options.threads = batch.threads;
  if (batch.progress)
    options.poll = [&](long done) { return batch.progress(done, candidates.count, batch.user) == 0; };
  if (!plan.run(candidates, gradient, outputs, options)) throw Stopped();
}

tundish_batch default_batch() { return {1, nullptr, nullptr, nullptr, 0, 0, 0, nullptr, nullptr}; }

tundish_sizes sizes_of(const casting::Plan<double>& plan) {
  return {int(plan.x().size()),  int(plan.y().size()),    int(plan.z().size()),
          plan.march().n_probes, plan.march().n_sections, int(plan.strand().slots().size())};
}

void copy_nodes(const casting::Plan<double>& plan, double* x, double* y, double* z) {
  if (x) std::copy(plan.x().begin(), plan.x().end(), x);
  if (y) std::copy(plan.y().begin(), plan.y().end(), y);
  if (z) std::copy(plan.z().begin(), plan.z().end(), z);
}

// Numbers that a caller must give: NaN is refused by its name.
constexpr double unset = std::numeric_limits<double>::quiet_NaN();

}  // namespace

int tundish_scheil_default(tundish_scheil* scheil) {
  return set_default(
      scheil, "scheil",
      {unset, unset, unset, unset, unset, unset, unset, unset, unset, 0, {}, 1, TUNDISH_RESIDUAL_NONE});
}

int tundish_table_default(tundish_table* table) {
  return set_default(table, "table", {0, nullptr, nullptr, nullptr, nullptr, nullptr, 0});
}

// Parameters in the order of casting::Steel::names().
int tundish_steel_create_scheil(const tundish_scheil* scheil, tundish_steel** steel) {
  return create(steel, "steel", [&] {
    const tundish_scheil& s = given(scheil, "scheil");
    if (s.n_conductivity < 1 || s.n_conductivity > TUNDISH_MOST_CONDUCTIVITY_TERMS)
      core::refuse("scheil.n_conductivity", s.n_conductivity, "must be between 1 and 8");
    std::vector<double> parameters = {s.solidus,
                                      s.liquidus,
                                      s.pure_iron_melting,
                                      s.partition,
                                      s.latent_heat,
                                      s.specific_heat_solid,
                                      s.specific_heat_liquid,
                                      s.density_solid,
                                      s.density_liquid,
                                      s.liquid_conductivity_factor};
    parameters.insert(parameters.end(), s.conductivity, s.conductivity + s.n_conductivity);
    const auto residual = choice("scheil.residual", s.residual, tundish::Residual::rescale);
    return new tundish_steel{casting::Steel::scheil(parameters, residual)};
  });
}

int tundish_steel_create_table(const tundish_table* table, tundish_steel** steel) {
  return create(steel, "steel", [&] {
    const tundish_table& t = given(table, "table");
    auto column = [&](const double* numbers, const char* name) {
      array(numbers, t.rows, name);
      return std::vector<double>(numbers, numbers + t.rows);
    };
    return new tundish_steel{casting::Steel::table(
        {column(t.temperature, "table.temperature"), column(t.solid_fraction, "table.solid_fraction"),
         column(t.density, "table.density"), column(t.specific_heat, "table.specific_heat"),
         column(t.conductivity, "table.conductivity")},
        t.latent_heat)};
  });
}

void tundish_steel_free(tundish_steel* steel) { delete steel; }

int tundish_steel_evaluate(const tundish_steel* steel, int property, int64_t n, const double* temperature,
                           double* values) {
  return guarded([&] {
    const casting::Steel& s = given(steel, "steel").steel;
    const auto which = choice("property", property, casting::Steel::Property::potential);
    array(temperature, n, "temperature");
    array(values, n, "values");
    for (int64_t k = 0; k < n; ++k)
      core::require_positive("temperature[" + std::to_string(k) + "]", temperature[k]);
    for (int64_t k = 0; k < n; ++k) values[k] = s.property(which, temperature[k]);
  });
}

int tundish_strand_default(tundish_strand* strand) {
  return set_default(strand, "strand", {nullptr, unset, unset, unset, unset, unset, nullptr, 0});
}

int tundish_grid_default(const tundish_strand* strand, tundish_grid* grid) {
  return guarded([&] {
    const casting::Strand s = strand_of(given(strand, "strand"));
    given(grid, "grid") = struct_of(casting::grid_for(s, casting::default_accuracy));
  });
}

int tundish_options_default(tundish_options* options) {
  return set_default(options, "options", default_options());
}

int tundish_batch_default(tundish_batch* batch) { return set_default(batch, "batch", default_batch()); }

int tundish_outputs_default(tundish_outputs* outputs) { return set_default(outputs, "outputs", {}); }

int tundish_plan_create(const tundish_strand* strand, const tundish_grid* grid,
                        const tundish_options* options, tundish_plan** plan) {
  return create(plan, "plan", [&] {
    const casting::Strand s = strand_of(given(strand, "strand"));
    const casting::Options o = options_of(options);
    return new tundish_plan{casting::Plan<double>(s, grid_of(grid, s, o), o), s.slot_names()};
  });
}

int tundish_plan_create_accurate(const tundish_strand* strand, double accuracy,
                                 const tundish_options* options, tundish_plan** plan) {
  return create(plan, "plan", [&] {
    const casting::Strand s = strand_of(given(strand, "strand"));
    const casting::Options o = options_of(options);
    if (!o.allows_accuracy())
      core::refuse("accuracy", accuracy, "K; only for TUNDISH_ADI with TUNDISH_ENTHALPY_BALANCE");
    return new tundish_plan{casting::Plan<double>(s, casting::grid_for(s, accuracy), o), s.slot_names()};
  });
}

void tundish_plan_free(tundish_plan* plan) { delete plan; }

int tundish_plan_sizes(const tundish_plan* plan, tundish_sizes* sizes) {
  return guarded([&] { given(sizes, "sizes") = sizes_of(given(plan, "plan").plan); });
}

int tundish_plan_nodes(const tundish_plan* plan, double* x, double* y, double* z) {
  return guarded([&] { copy_nodes(given(plan, "plan").plan, x, y, z); });
}

int tundish_plan_parameter(const tundish_plan* plan, int n, const char** name, double* value) {
  return guarded([&] {
    const std::vector<std::string>& names = given(plan, "plan").names;
    if (n < 0 || n >= int(names.size()))
      core::refuse("n", n, "must be between 0 and " + std::to_string(names.size() - 1));
    if (name) *name = names[size_t(n)].c_str();
    if (value) *value = plan->plan.strand().slots()[size_t(n)];
  });
}

int tundish_plan_solve(const tundish_plan* plan, const tundish_outputs* outputs) {
  return guarded([&] { solve(given(plan, "plan").plan, default_batch(), given(outputs, "outputs")); });
}

int tundish_plan_solve_batch(const tundish_plan* plan, const tundish_batch* batch,
                             const tundish_outputs* outputs) {
  return guarded([&] { solve(given(plan, "plan").plan, given(batch, "batch"), given(outputs, "outputs")); });
}

int tundish_plan_solve_estimated(const tundish_plan* plan, const tundish_batch* batch,
                                 const tundish_outputs* outputs, double* error_estimate) {
  return guarded([&] {
    const casting::Plan<double>& p = given(plan, "plan").plan;
    given(error_estimate, "error_estimate");
    if (!p.extrapolates())
      core::refuse("plan", core::Word{"(one mesh)"},
                   "gives no estimate; create the plan by tundish_plan_create_accurate");
    solve(p, given(batch, "batch"), given(outputs, "outputs"), error_estimate);
  });
}

int tundish_stepper_create(const tundish_strand* strand, const tundish_grid* grid,
                           const tundish_options* options, tundish_stepper** stepper) {
  return create(stepper, "stepper", [&] {
    const casting::Strand s = strand_of(given(strand, "strand"));
    const casting::Options o = options_of(options);
    return new tundish_stepper{casting::Stepper(s, grid_of(grid, s, o), o)};
  });
}

void tundish_stepper_free(tundish_stepper* stepper) { delete stepper; }

int tundish_stepper_sizes(const tundish_stepper* stepper, tundish_sizes* sizes) {
  return guarded([&] { given(sizes, "sizes") = sizes_of(given(stepper, "stepper").stepper.plan()); });
}

int tundish_stepper_nodes(const tundish_stepper* stepper, double* x, double* y, double* z) {
  return guarded([&] { copy_nodes(given(stepper, "stepper").stepper.plan(), x, y, z); });
}

int tundish_stepper_step(tundish_stepper* stepper) {
  return guarded([&] { given(stepper, "stepper").stepper.step(); });
}

int tundish_stepper_progress(const tundish_stepper* stepper, tundish_progress* progress) {
  return guarded([&] {
    const casting::Stepper& s = given(stepper, "stepper").stepper;
    given(progress, "progress") = {s.z(), s.heat(), s.stretch(), s.sweeps(), s.converged(), s.at_end()};
  });
}

int tundish_stepper_temperature(const tundish_stepper* stepper, double* temperature) {
  return guarded([&] { given(stepper, "stepper").stepper.temperature(&given(temperature, "temperature")); });
}

int tundish_stepper_set(tundish_stepper* stepper, const char* name, double value) {
  return guarded([&] { given(stepper, "stepper").stepper.set({{&given(name, "name"), value}}); });
}

int tundish_stepper_get(const tundish_stepper* stepper, const char* name, double* value) {
  return guarded(
      [&] { given(value, "value") = given(stepper, "stepper").stepper.get(&given(name, "name")); });
}
