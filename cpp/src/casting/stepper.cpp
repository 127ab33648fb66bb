#include "casting/stepper.h"

#include <algorithm>

#include "core/refusal.h"

namespace tundish::casting {

Stepper::Stepper(Strand strand, const Grid& grid, const Options& options)
    : plan_(std::move(strand), grid, options), slots_(plan_.strand().slots()) {
  const Steel& steel = plan_.strand().steel;
  const bool by_temperature = options.phase_change == PhaseChange::correction;
  const double pouring = plan_.strand().pouring_temperature;
  arrays_.begin(plan_.march(), Carry::single, Outputs<double>());
  arrays_.add_steel(*steel.tables(pouring, by_temperature),
                    by_temperature ? pouring : steel.property(Steel::Property::enthalpy, pouring), 0);
  arrays_.slots.assign(slots_.begin(), slots_.begin() + plan_.strand().n_march_slots());
  kernels().doubles.pour(arrays_.ready(plan_.strand().n_march_slots()));
}

bool Stepper::step() {
  if (at_end()) return false;
  const March<double>& march = plan_.march();
  Step<double> step = march.steps[next_];
  // Where the cooling has jumped the past is no guide to it: as at the start of a stretch.
  if (changed_ || next_ == 0 || step.stretch != march.steps[next_ - 1].stretch) place_ = 0;
  step = make_step(step.size, place_ < starting_steps ? 0 : before_, step.stretch);
  before_ = last_part(step);
  ++place_;
  changed_ = false;
  Step<double> next = {};
  if (next_ + 1 < march.n_steps && march.steps[next_ + 1].stretch == step.stretch && place_ >= starting_steps)
    next = make_step(march.steps[next_ + 1].size, before_, step.stretch);
  std::copy(slots_.begin(), slots_.begin() + plan_.strand().n_march_slots(), arrays_.slots.begin());
  kernels().doubles.advance(arrays_.ready(plan_.strand().n_march_slots()), step, &next, progress_);
  heat_ += slots_[slot_speed] * progress_.heat;
  ++next_;
  return true;
}

int Stepper::stretch() const {
  const March<double>& march = plan_.march();
  return march.steps[std::min(next_, march.n_steps - 1)].stretch;
}

void Stepper::temperature(double* out) const {
  kernels().doubles.temperatures(arrays_.ready(plan_.strand().n_march_slots()), out);
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
