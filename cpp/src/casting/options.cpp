#include "casting/options.h"

#include <algorithm>
#include <limits>
#include <sstream>

#include "core/refusal.h"

namespace tundish::casting {

// Everything that can be refused without the numbers that the march will use; see check_tolerance().
void Options::check(const Strand& strand) const {
  if (!(relaxation > 0 && relaxation < 2)) core::refuse("relaxation", relaxation, "must be between 0 and 2");
  if (tolerance) core::require_positive("tolerance", *tolerance);
  if (max_sweeps < 1) core::refuse("max_sweeps", max_sweeps, "must be at least 1");
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
double min_tolerance(double relaxation) {
  return 4 * 1024 * double(std::numeric_limits<T>::epsilon()) / (2 - relaxation);
}
template <class T>
double default_tolerance(double relaxation) {
  return std::max(1e-7, min_tolerance<T>(relaxation));
}
template double default_tolerance<float>(double);
template double default_tolerance<double>(double);

template <class T>
void check_tolerance(const Options& options) {
  const double min = min_tolerance<T>(options.relaxation);
  if (options.method != Method::sor || !options.tolerance || *options.tolerance >= min) return;
  std::ostringstream allowed;
  allowed << "K; must be at least " << min << " in " << (sizeof(T) == 4 ? "float32" : "float64")
          << " with relaxation = " << options.relaxation << ", or left out";
  core::refuse("tolerance", *options.tolerance, allowed.str());
}

template void check_tolerance<float>(const Options&);
template void check_tolerance<double>(const Options&);

}  // namespace tundish::casting
