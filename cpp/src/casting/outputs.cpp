#include "casting/outputs.h"

#include <algorithm>
#include <limits>

namespace tundish::casting {

template <class T>
Outputs<T> derivatives_of(const Outputs<T>& outputs) {
  Outputs<T> derivatives = {};
  derivatives.probe_gradient = outputs.probe_gradient;
  derivatives.metallurgical_length_gradient = outputs.metallurgical_length_gradient;
  return derivatives;
}

template <class T>
Outputs<T> OutputMemory<T>::like(const Outputs<T>& asked, const March<T>& march, const Place& place,
                                 bool with_centre) {
  const long row = march.n_steps + 1, nodes = long(march.section.x.nodes) * march.section.y.nodes;
  Outputs<T> made = {};
  long used = 0;
  auto lay = [&] {  // twice: to count, and then to hand addresses out
    used = 0;
    auto take = [&](T* Outputs<T>::* member, long count) {
      const bool is_centre = with_centre && member == &Outputs<T>::centre_temperature;
      if (!(asked.*member) && !is_centre) return;
      made.*member = numbers_.data() + used;
      used += count;
    };
    for_each_series<T>(march, place, [&](auto member, const Rows& rows) { take(member, rows.count * row); });
    take(&Outputs<T>::section_temperature, place.lanes * march.n_sections * nodes);
    take(&Outputs<T>::metallurgical_length, place.lanes);
    take(&Outputs<T>::energy_imbalance, place.lanes);
    take(&Outputs<T>::metallurgical_length_gradient, place.lanes * place.tangents);
  };
  lay();
  if (long(numbers_.size()) < used) numbers_.resize(size_t(used));
  lay();
  integers_.resize(size_t(2 * place.lanes));
  if (asked.status) {
    made.status = integers_.data();
    made.status_step = integers_.data() + place.lanes;
  }
  return made;
}

// The kernels go on behind a failure, for lanes beside it are still sound; what they wrote there is taken out
// afterwards. Single numbers of the march (length, imbalance) go as a whole.
template <class T>
void blank_failures(const March<T>& march, const Outputs<T>& out, long count, int gradients) {
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const long row = march.n_steps + 1;
  for (long n = 0; n < count; ++n) {
    if (out.status[n] != int(Status::diverged)) continue;
    const long from = out.status_step[n];
    const Place place = {n, 1, 0, gradients, gradients, nullptr};
    for_each_series<T>(march, place, [&](auto member, const Rows& rows) {
      T* base = out.*member;
      for (long r = rows.first; base && r < rows.first + rows.count; ++r)
        std::fill(base + r * row + from, base + (r + 1) * row, nan);
    });
    const long nodes = long(march.section.x.nodes) * march.section.y.nodes;
    for (int s = 0; out.section_temperature && s < march.n_sections; ++s)
      if (march.sections[s].step + 1 >= from) {
        T* section = out.section_temperature + (n * march.n_sections + s) * nodes;
        std::fill(section, section + nodes, nan);
      }
    auto blank = [&](T* base, long numbers) {
      if (base) std::fill(base + n * numbers, base + (n + 1) * numbers, nan);
    };
    blank(out.metallurgical_length, 1);
    blank(out.energy_imbalance, 1);
    blank(out.metallurgical_length_gradient, gradients);
    blank(out.error_estimate, n_error_fields);
  }
}

#define TUNDISH_INSTANTIATE(T)                           \
  template class OutputMemory<T>;                        \
  template Outputs<T> derivatives_of(const Outputs<T>&); \
  template void blank_failures(const March<T>&, const Outputs<T>&, long, int);
TUNDISH_INSTANTIATE(float)
TUNDISH_INSTANTIATE(double)
#undef TUNDISH_INSTANTIATE

}  // namespace tundish::casting
