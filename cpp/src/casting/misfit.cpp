#include "casting/misfit.h"

#include <algorithm>
#include <limits>

#include "core/refusal.h"

namespace tundish::casting {

template <class T>
Misfit<T>::Misfit(Strand strand, const Grid& grid, const Options& options, std::vector<int> varied,
                  const std::vector<Reading>& readings, int threads)
    : plan_(std::move(strand), grid, options), varied_(std::move(varied)), threads_(threads) {
  const int slots = int(plan_.strand().slots().size());
  for (const int slot : varied_)
    if (slot < 0 || slot >= slots) core::refuse("varied", slot, "must be the number of a slot");
  if (varied_.empty()) core::refuse("varied", "none", "at least one slot is needed");
  if (readings.empty()) core::refuse("readings", "none", "at least one is needed");
  for (size_t n = 0; n < readings.size(); ++n) places_.push_back(place(readings[n], n));
}

template <class T>
typename Misfit<T>::Place Misfit<T>::place(const Reading& reading, size_t n) const {
  const std::string name = "readings[" + std::to_string(n) + "]";
  if (reading.probe < 0 || reading.probe >= plan_.march().n_probes)
    core::refuse(name + ".probe", reading.probe, "must be the number of a probe");
  core::require_finite(name + ".temperature", reading.temperature);
  core::require_not_negative(name + ".weight", reading.weight);
  const std::vector<double>& z = plan_.z();
  if (!(reading.z >= 0 && reading.z <= z.back() * (1 + 1e-9)))
    core::refuse(name + ".z", reading.z, "must lie between 0 and the strand's end");
  const long after = std::upper_bound(z.begin(), z.end(), reading.z) - z.begin();
  const long k = std::clamp(after - 1, 0l, long(z.size()) - 2);
  const double share = (reading.z - z[size_t(k)]) / (z[size_t(k + 1)] - z[size_t(k)]);
  return {reading.probe * long(z.size()) + k, std::min(share, 1.0), reading.temperature, reading.weight};
}

template <class T>
double Misfit<T>::sum(const T* probe_temperature) const {
  double total = 0;
  for (const Place& p : places_) {
    const double above = double(probe_temperature[p.before]);
    const double below = double(probe_temperature[p.before + 1]);
    const double difference = above + p.share * (below - above) - p.temperature;
    total += p.weight * difference * difference;
  }
  return total;
}

template <class T>
void Misfit<T>::evaluate(const double* x, int count, double* f) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const size_t each = size_t(plan_.march().n_probes) * plan_.z().size();
  temperature_.resize(std::max(temperature_.size(), size_t(count) * each));
  status_.resize(std::max(status_.size(), size_t(count)));
  status_step_.resize(status_.size());
  Outputs<T> outputs = {};
  outputs.probe_temperature = temperature_.data();
  outputs.status = status_.data();
  outputs.status_step = status_step_.data();
  RunOptions options;
  options.threads = threads_;
  plan_.run({count, varied_, x}, {}, outputs, options, &workspace_);
  for (int n = 0; n < count; ++n) {
    const bool diverged = status_[size_t(n)] == int(Status::diverged);
    f[n] = diverged ? std::numeric_limits<double>::quiet_NaN() : sum(temperature_.data() + size_t(n) * each);
  }
}

template class Misfit<float>;
template class Misfit<double>;

}  // namespace tundish::casting
