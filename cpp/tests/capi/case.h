// A strand, and what callers of the C ABI hold, for its tests.
#pragma once
#include <cstring>
#include <string>

#include "doctest/doctest.h"
#include "tundish/tundish.h"

struct FreeSteel {
  tundish_steel* handle = nullptr;
  ~FreeSteel() { tundish_steel_free(handle); }
};

inline tundish_scheil published_scheil() {
  tundish_scheil s;
  tundish_scheil_default(&s);
  s.solidus = 1672;
  s.liquidus = 1728;
  s.pure_iron_melting = 1809;
  s.partition = 0.84;
  s.latent_heat = 189e3;
  s.specific_heat_solid = 700;
  s.specific_heat_liquid = 800;
  s.density_solid = 7256;
  s.density_liquid = 7011;
  s.conductivity[0] = 12.3167;
  s.conductivity[1] = 0.0107534;
  s.conductivity[2] = 7.7098e-7;
  s.n_conductivity = 3;
  s.liquid_conductivity_factor = 3;
  return s;
}

// A short strand on a small grid.
struct Case {
  FreeSteel steel;
  tundish_stretch stretches[3] = {
      {0.2, {2.0e6, 1.85e6}, {0, 0}}, {0.4, {0, 0}, {1000, 900}}, {0.7, {0, 0}, {300, 280}}};
  double probes[4] = {0.031, 0.022, 0.05, 0.04}, sections[1] = {0.5};
  tundish_strand strand;
  tundish_grid grid;
  tundish_options options;

  Case() {
    const tundish_scheil scheil = published_scheil();
    REQUIRE(tundish_steel_create_scheil(&scheil, &steel.handle) == TUNDISH_OK);
    tundish_strand_default(&strand);
    strand.steel = steel.handle;
    strand.width = 0.1;
    strand.thickness = 0.08;
    strand.speed = 2.5 / 60;
    strand.pouring_temperature = 1823;
    strand.ambient_temperature = 303;
    strand.stretches = stretches;
    strand.n_stretches = 3;
    REQUIRE(tundish_grid_default(&strand, &grid) == TUNDISH_OK);
    grid.nx = 9;
    grid.ny = 7;
    grid.dz_mold = 0.02;
    tundish_options_default(&options);
    options.probes = probes;
    options.n_probes = 2;
    options.sections = sections;
    options.n_sections = 1;
  }
};

struct Plan {
  tundish_plan* handle = nullptr;
  tundish_sizes sizes;
  explicit Plan(const Case& c) {
    REQUIRE(tundish_plan_create(&c.strand, &c.grid, &c.options, &handle) == TUNDISH_OK);
    REQUIRE(tundish_plan_sizes(handle, &sizes) == TUNDISH_OK);
  }
  ~Plan() { tundish_plan_free(handle); }
  Plan(const Plan&) = delete;
};

inline tundish_batch batch_of(int64_t n_candidates) {
  tundish_batch batch;
  tundish_batch_default(&batch);
  batch.n_candidates = n_candidates;
  return batch;
}

inline tundish_outputs outputs_to(int* status) {
  tundish_outputs outputs;
  tundish_outputs_default(&outputs);
  outputs.status = status;
  return outputs;
}

inline bool message_has(const char* text) {
  return std::string(tundish_last_error()).find(text) != std::string::npos;
}
