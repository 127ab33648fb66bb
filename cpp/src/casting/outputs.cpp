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

// The kernels go on behind a failure, for lanes beside it are still sound; what they wrote there is taken out
// afterwards. Single numbers of the march (length, imbalance) go as a whole.
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
    for (int s = 0; out.section_temperature && s < march.n_sections; ++s)
      if (march.sections[s].step + 1 >= from) {
        T* section = out.section_temperature + (n * march.n_sections + s) * nodes;
        std::fill(section, section + nodes, nan);
      }
    if (out.metallurgical_length) out.metallurgical_length[n] = nan;
    if (out.energy_imbalance) out.energy_imbalance[n] = nan;
    if (out.metallurgical_length_gradient)
      std::fill(out.metallurgical_length_gradient + n * gradients,
                out.metallurgical_length_gradient + (n + 1) * gradients, nan);
  }
}

#define TUNDISH_INSTANTIATE(T)                           \
  template Outputs<T> derivatives_of(const Outputs<T>&); \
  template void blank_failures(const March<T>&, const Outputs<T>&, long, int);
TUNDISH_INSTANTIATE(float)
TUNDISH_INSTANTIATE(double)
#undef TUNDISH_INSTANTIATE

}  // namespace tundish::casting
