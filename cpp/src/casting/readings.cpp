#include "casting/readings.h"

#include <algorithm>
#include <limits>

#include "core/refusal.h"

namespace tundish::casting {
namespace {

// Buffers grow and never shrink: an optimiser calls with few candidates after many.
template <class Value>
Value* room(std::vector<Value>& buffer, long size) {
  buffer.resize(std::max(buffer.size(), size_t(size)));
  return buffer.data();
}

}  // namespace

template <class T>
Readings<T>::Readings(std::shared_ptr<const Plan<T>> plan, std::vector<Reading> readings)
    : plan_(std::move(plan)), readings_(std::move(readings)) {
  if (readings_.empty()) core::refuse("readings", "none", "at least one is needed");
  for (size_t n = 0; n < readings_.size(); ++n) places_.push_back(place(readings_[n], n));
}

template <class T>
typename Readings<T>::Place Readings<T>::place(const Reading& reading, size_t n) const {
  const std::string name = "readings[" + std::to_string(n) + "]";
  if (reading.probe < 0 || reading.probe >= plan_->march().n_probes)
    core::refuse(name + ".probe", reading.probe, "must be the number of a probe");
  core::require_finite(name + ".temperature", reading.temperature);
  core::require_not_negative(name + ".weight", reading.weight);
  const std::vector<double>& z = plan_->z();
  if (!(reading.z >= 0 && reading.z <= z.back() * (1 + 1e-9)))
    core::refuse(name + ".z", reading.z, "must lie between 0 and the strand's end");
  const long after = std::upper_bound(z.begin(), z.end(), reading.z) - z.begin();
  const long k = std::clamp(after - 1, 0l, long(z.size()) - 2);
  const double share = (reading.z - z[size_t(k)]) / (z[size_t(k + 1)] - z[size_t(k)]);
  return {reading.probe * long(z.size()) + k, std::min(share, 1.0)};
}

// The difference is taken in the numbers of the march, and the rest in double: derivatives in float then
// agree to the last bit with those of NumPy's arrays.
template <class T>
void Readings<T>::read(const T* probes, double* values) const {
  for (size_t n = 0; n < places_.size(); ++n) {
    const T above = probes[places_[n].before], below = probes[places_[n].before + 1];
    values[n] = double(above) + places_[n].share * double(below - above);
  }
}

template <class T>
void Readings<T>::write(const Memory& memory, long candidate, long gradients,
                        const ReadingOutputs& outputs) const {
  const long series = plan_->march().n_probes * long(plan_->z().size());
  const bool diverged = memory.status[size_t(candidate)] == int(Status::diverged);
  std::vector<double> temperature(places_.size(), std::numeric_limits<double>::quiet_NaN());
  if (!diverged) read(memory.temperature.data() + candidate * series, temperature.data());
  for (long n = 0; n < size(); ++n) {
    const double t = temperature[size_t(n)];
    if (outputs.temperature) outputs.temperature[candidate * size() + n] = t;
    if (outputs.residual) outputs.residual[candidate * size() + n] = t - readings_[size_t(n)].temperature;
  }
  for (long k = candidate * gradients; outputs.jacobian && k < (candidate + 1) * gradients; ++k)
    read(memory.gradient.data() + k * series, outputs.jacobian + k * size());
}

// One run of the plan gives the temperatures and, by the slots in `gradient`, their derivatives at the
// probes; both are read between the steps alike.
template <class T>
bool Readings<T>::run(const Candidates& candidates, const std::vector<int>& gradient,
                      const ReadingOutputs& outputs, const RunOptions& options, Memory& memory) const {
  const long series = plan_->march().n_probes * long(plan_->z().size());
  const long count = candidates.count, gradients = long(gradient.size());
  Outputs<T> march = {};
  march.probe_temperature = room(memory.temperature, count * series);
  if (gradients > 0) march.probe_gradient = room(memory.gradient, count * gradients * series);
  march.status = room(memory.status, count);
  march.status_step = room(memory.status_step, count);
  if (!plan_->run(candidates, gradient, march, options, &memory.workspace)) return false;
  for (long n = 0; n < count; ++n) write(memory, n, gradients, outputs);
  if (outputs.status) std::copy_n(march.status, count, outputs.status);
  return true;
}

template class Readings<float>;
template class Readings<double>;

}  // namespace tundish::casting
