/* tundish from C: the published strand (Energies 2020, 13, 2429) solved for eight sprays at once, then
 * marched step by step with a spray that fails on the way. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tundish/tundish.h"

static void check(int result) {
  if (result == TUNDISH_OK) return;
  fprintf(stderr, "tundish: %s\n", tundish_last_error());
  exit(1);
}

static tundish_steel* make_steel(void) {
  tundish_scheil s;
  tundish_steel* steel;
  check(tundish_scheil_default(&s));
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
  check(tundish_steel_create_scheil(&s, &steel));
  return steel;
}

static const tundish_stretch stretches[4] = {
    {0.5, {2.0e6, 1.85e6}, {0, 0}}, /* the mould */
    {1.2, {0, 0}, {1000, 900}},     /* three zones of sprays */
    {3.0, {0, 0}, {700, 600}},
    {15.5, {0, 0}, {300, 280}},
};

static tundish_strand make_strand(const tundish_steel* steel) {
  tundish_strand strand;
  check(tundish_strand_default(&strand));
  strand.steel = steel;
  strand.width = strand.thickness = 0.16;
  strand.speed = 2.5 / 60;
  strand.pouring_temperature = 1823;
  strand.ambient_temperature = 303;
  strand.stretches = stretches;
  strand.n_stretches = 4;
  return strand;
}

enum { candidates = 8 };

/* Metallurgical lengths for eight coefficients of the last zone, with their derivatives; candidate 4 is the
 * published one. */
static void solve_batch(const tundish_strand* strand, double* length) {
  const char* const names[] = {"zones.2.htc.x"};
  double coefficient[candidates], gradient[candidates];
  int status[candidates];
  tundish_plan* plan;
  tundish_sizes sizes;
  tundish_batch batch;
  tundish_outputs outputs;
  check(tundish_plan_create(strand, NULL, NULL, &plan));
  check(tundish_plan_sizes(plan, &sizes));
  printf("grid: %d x %d nodes, %d steps\n", sizes.nx, sizes.ny, sizes.nz - 1);

  check(tundish_batch_default(&batch));
  check(tundish_outputs_default(&outputs));
  for (int n = 0; n < candidates; ++n) coefficient[n] = 280 + 5 * n;
  batch.n_candidates = candidates;
  batch.names = batch.gradient = names;
  batch.n_names = batch.n_gradient = 1;
  batch.values = coefficient;
  outputs.status = status;
  outputs.metallurgical_length = length;
  outputs.metallurgical_length_gradient = gradient;
  check(tundish_plan_solve_batch(plan, &batch, &outputs));
  for (int n = 0; n < candidates; ++n) {
    if (status[n] != TUNDISH_CONVERGED) exit(1);
    printf("%s = %.0f W/(m2 K): metallurgical length %.3f m, %+.2f mm per W/(m2 K)\n", names[0],
           coefficient[n], length[n], 1e3 * gradient[n]);
  }
  tundish_plan_free(plan);
}

/* Centre temperature at the end, K, when the last zone's sprays lose half of their water at 8 m, or do not.
 */
static double march(const tundish_strand* strand, int fails) {
  tundish_stepper* stepper;
  tundish_progress progress;
  tundish_sizes sizes;
  double *temperature, centre;
  int failed = 0;
  check(tundish_stepper_create(strand, NULL, NULL, &stepper));
  check(tundish_stepper_sizes(stepper, &sizes));
  for (;;) {
    check(tundish_stepper_progress(stepper, &progress));
    if (progress.at_end) break;
    if (fails && !failed && progress.z >= 8) {
      check(tundish_stepper_set(stepper, "zones.2.htc.x", 150));
      check(tundish_stepper_set(stepper, "zones.2.htc.y", 140));
      failed = 1;
    }
    check(tundish_stepper_step(stepper));
  }
  temperature = malloc(sizeof(double) * (size_t)sizes.nx * (size_t)sizes.ny);
  if (!temperature) exit(1);
  check(tundish_stepper_temperature(stepper, temperature));
  centre = temperature[0];
  printf("%s: %.0f kW taken out, centre at %.1f m %.1f K\n", fails ? "sprays fail at 8 m" : "as published",
         progress.heat / 1e3, progress.z, centre);
  free(temperature);
  tundish_stepper_free(stepper);
  return centre;
}

int main(void) {
  double length[candidates];
  tundish_steel* steel = make_steel();
  const tundish_strand strand = make_strand(steel);
  printf("tundish %s, %s\n", tundish_version(), tundish_instruction_set());
  solve_batch(&strand, length);
  const double published = march(&strand, 0), failing = march(&strand, 1);
  tundish_steel_free(steel);
  return fabs(length[4] - 15.22) < 0.03 && fabs(published - 1648.2) < 2 && failing > published + 5 ? 0 : 1;
}
