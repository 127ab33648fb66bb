#include "casting/strand_spec.h"

#include <algorithm>
#include <cmath>

#include "casting/kernels.h"
#include "core/refusal.h"

namespace tundish::casting {
namespace {

constexpr const char* faces[2] = {"x", "y"};

}  // namespace

std::string stretch_name(size_t stretch) {
  return stretch == 0 ? "mold" : "zones." + std::to_string(stretch - 1);
}

// Names are those of Strand::slot_names(), so that a refusal can be traced to the argument of any language.
void Strand::check() const {
  core::require_positive("width", width);
  core::require_positive("thickness", thickness);
  core::require_positive("speed", speed);
  core::require_positive("pouring_temperature", pouring_temperature);
  core::require_not_negative("ambient_temperature", ambient_temperature);
  if (pouring_temperature <= steel.liquidus())
    core::refuse("pouring_temperature", pouring_temperature,
                 "must be above the liquidus, " + std::to_string(steel.liquidus()) + " K");
  if (pouring_temperature >= steel.highest_temperature())
    core::refuse("pouring_temperature", pouring_temperature, "must be less than 400 K above the liquidus");
  if (stretches.size() < 2) core::refuse("zones", "[]", "at least one zone must follow the mold");
  if (stretches.size() > max_stretches)
    core::refuse("zones", stretches.size() - 1,
                 "zones; at most " + std::to_string(max_stretches - 1) + " are allowed");
  double start = 0;
  for (size_t s = 0; s < stretches.size(); ++s) {
    const std::string name = stretch_name(s);
    core::require_positive(s == 0 ? "mold.length" : name + ".end", stretches[s].end);
    if (stretches[s].end <= start)
      core::refuse(name + ".end", stretches[s].end,
                   "must be beyond the end of what comes before, " + std::to_string(start) + " m");
    start = stretches[s].end;
    for (int face = 0; face < 2; ++face) {
      core::require_finite(name + ".heat_flux." + faces[face], stretches[s].heat_flux[face]);
      core::require_not_negative(name + ".htc." + faces[face], stretches[s].htc[face]);
    }
  }
}

std::vector<double> Strand::slots() const {
  std::vector<double> values = {speed, pouring_temperature, ambient_temperature};
  for (const Stretch& s : stretches)
    values.insert(values.end(), {s.heat_flux[0], s.heat_flux[1], s.htc[0], s.htc[1]});
  values.insert(values.end(), steel.parameters().begin(), steel.parameters().end());
  return values;
}

std::vector<std::string> Strand::slot_names() const {
  std::vector<std::string> names = {"speed", "pouring_temperature", "ambient_temperature"};
  for (size_t s = 0; s < stretches.size(); ++s)
    for (const char* kind : {".heat_flux.", ".htc."})
      for (const char* face : faces) names.push_back(stretch_name(s) + kind + face);
  for (const std::string& name : steel.names()) names.push_back("steel." + name);
  return names;
}

int Strand::slot(const std::string& name) const {
  const std::vector<std::string> names = slot_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return int(found - names.begin());
  std::string known;
  for (const std::string& n : names) known += (known.empty() ? "" : ", ") + n;
  throw core::unknown_name(name, "is no parameter of this strand; it has " + known);
}

Strand Strand::with(const std::vector<double>& v) const {
  Strand s = *this;
  s.speed = v[slot_speed];
  s.pouring_temperature = v[slot_pouring_temperature];
  s.ambient_temperature = v[slot_ambient_temperature];
  for (size_t n = 0; n < stretches.size(); ++n)
    for (size_t face = 0; face < 2; ++face) {
      s.stretches[n].heat_flux[face] = v[slot_first_stretch + slots_per_stretch * n + face];
      s.stretches[n].htc[face] = v[slot_first_stretch + slots_per_stretch * n + 2 + face];
    }
  const std::vector<double> of_steel(v.begin() + n_march_slots(), v.end());
  if (of_steel != steel.parameters()) s.steel = steel.with(of_steel);
  s.check();
  return s;
}

}  // namespace tundish::casting
