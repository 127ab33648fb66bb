// The published strand (Energies 2020, 13, 2429), and a short one to march quickly.
#pragma once
#include "casting/stepper.h"

inline std::vector<double> published_steel_parameters() {
  return {1672, 1728, 1809, 0.84, 189e3, 700, 800, 7256, 7011, 3, 12.3167, 0.0107534, 7.7098e-7};
}

inline tundish::casting::Steel published_steel(tundish::Residual residual = tundish::Residual::none) {
  return tundish::casting::Steel::scheil(published_steel_parameters(), residual);
}

inline tundish::casting::Strand short_strand() {
  return {published_steel(),
          0.1,
          0.08,
          2.5 / 60,
          1823,
          303,
          {{0.2, {2.0e6, 1.85e6}, {0, 0}}, {0.4, {0, 0}, {1000, 900}}, {0.7, {0, 0}, {300, 280}}}};
}

// Not a multiple of any register in either direction.
inline tundish::casting::Grid small_grid() { return {9, 7, 0.02, {0.03}, 3, 2, 4}; }
