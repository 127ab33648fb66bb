// The C ABI as its callers see it: this test links the shared library.
#include <cmath>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "capi/case.h"
#include "doctest/doctest.h"
#include "tundish/tundish.h"

TEST_CASE("the library says what it is") {
  CHECK(std::strlen(tundish_version()) >= 5);
  REQUIRE(tundish_instruction_set() != nullptr);
  CHECK(std::strlen(tundish_instruction_set()) > 0);
}

TEST_CASE("the default grid steps by time, and never beyond a stretch") {
  Case c;
  c.strand.speed = 1.0 / 60;
  c.strand.width *= 5;
  REQUIRE(tundish_grid_default(&c.strand, &c.grid) == TUNDISH_OK);
  CHECK(c.grid.dz_mold == 0.24 / 60);
  CHECK(c.grid.dz_spray == 1.92 / 60);
  CHECK(c.grid.nx > c.grid.ny);  // as many as the section asks for
  c.strand.speed = 1;
  REQUIRE(tundish_grid_default(&c.strand, &c.grid) == TUNDISH_OK);
  CHECK(c.grid.dz_mold == 0.2);
  CHECK(c.grid.dz_spray == doctest::Approx(0.2));
}

TEST_CASE("a plan of two meshes estimates what its answer is off") {
  Case c;
  c.options.n_probes = c.options.n_sections = 0;
  int status = -1;
  double length, error[5] = {};
  tundish_outputs outputs = outputs_to(&status);
  outputs.metallurgical_length = &length;
  const tundish_batch batch = batch_of(1);
  const Plan one(c);
  CHECK(tundish_plan_solve_estimated(one.handle, &batch, &outputs, error) == TUNDISH_BAD_ARGUMENT);
  CHECK(message_has("one mesh"));

  tundish_plan* plan = nullptr;
  CHECK(tundish_plan_create_accurate(&c.strand, 0, &c.options, &plan) == TUNDISH_BAD_ARGUMENT);
  CHECK(message_has("accuracy"));
  REQUIRE(tundish_plan_create_accurate(&c.strand, 2, &c.options, &plan) == TUNDISH_OK);
  CHECK(tundish_plan_solve_estimated(plan, &batch, &outputs, nullptr) == TUNDISH_BAD_ARGUMENT);
  REQUIRE(tundish_plan_solve_estimated(plan, &batch, &outputs, error) == TUNDISH_OK);
  CHECK(std::isnan(error[0]));  // no probes, and the faces were not asked for
  CHECK(std::isnan(error[1]));
  CHECK(error[4] >= 0);
  tundish_plan_free(plan);
}

TEST_CASE("a steel in closed form and one from a table give the properties asked for") {
  const Case c;
  const double at[3] = {1600, 1700, 1728};
  double values[3];
  REQUIRE(tundish_steel_evaluate(c.steel.handle, TUNDISH_HEAT_CAPACITY, 3, at, values) == TUNDISH_OK);
  CHECK(values[1] == doctest::Approx(2410.095).epsilon(1e-6));
  REQUIRE(tundish_steel_evaluate(c.steel.handle, TUNDISH_ENTHALPY, 3, at, values) == TUNDISH_OK);
  CHECK(values[2] == doctest::Approx(1.589167e9).epsilon(1e-6));

  const double temperature[3] = {1500, 1550, 1600}, solid[3] = {1, 0.4, 0}, density[3] = {7400, 7200, 7000};
  const double heat[3] = {700, 720, 800}, conductivity[3] = {30, 32, 34};
  tundish_table table;
  tundish_table_default(&table);
  table.rows = 3;
  table.temperature = temperature;
  table.solid_fraction = solid;
  table.density = density;
  table.specific_heat = heat;
  table.conductivity = conductivity;
  FreeSteel steel;
  REQUIRE(tundish_steel_create_table(&table, &steel.handle) == TUNDISH_OK);
  const double middle = 1525;
  REQUIRE(tundish_steel_evaluate(steel.handle, TUNDISH_SOLID_FRACTION, 1, &middle, values) == TUNDISH_OK);
  CHECK(values[0] == doctest::Approx(0.7));
  table.density = nullptr;
  tundish_steel* none = steel.handle;
  CHECK(tundish_steel_create_table(&table, &none) == TUNDISH_BAD_ARGUMENT);
  CHECK(none == nullptr);
  CHECK(message_has("table.density"));
}

TEST_CASE("fields left at their defaults are refused by name") {
  tundish_scheil scheil;
  tundish_scheil_default(&scheil);
  tundish_steel* steel = nullptr;
  CHECK(tundish_steel_create_scheil(&scheil, &steel) == TUNDISH_BAD_ARGUMENT);
  CHECK(message_has("n_conductivity"));
  scheil = published_scheil();
  scheil.latent_heat = std::nan("");
  CHECK(tundish_steel_create_scheil(&scheil, &steel) == TUNDISH_BAD_ARGUMENT);
  CHECK(message_has("latent_heat = nan"));

  Case c;
  tundish_plan* plan = nullptr;
  const tundish_strand whole = c.strand;
  tundish_strand_default(&c.strand);
  CHECK(tundish_plan_create(&c.strand, nullptr, nullptr, &plan) == TUNDISH_BAD_ARGUMENT);
  CHECK(message_has("strand.steel"));
  c.strand = whole;
  c.strand.speed = std::nan("");
  CHECK(tundish_plan_create(&c.strand, nullptr, nullptr, &plan) == TUNDISH_BAD_ARGUMENT);
  CHECK(message_has("speed = nan"));
  CHECK(plan == nullptr);
}

TEST_CASE("null pointers, counts and choices are checked by name") {
  Case c;
  const Plan plan(c);
  int status = -1;
  tundish_outputs outputs = outputs_to(nullptr);
  CHECK(tundish_plan_create(nullptr, nullptr, nullptr, nullptr) == TUNDISH_BAD_ARGUMENT);
  CHECK(message_has("plan"));
  CHECK(tundish_plan_solve(nullptr, &outputs) == TUNDISH_BAD_ARGUMENT);
  CHECK(message_has("plan"));
  CHECK(tundish_plan_solve(plan.handle, nullptr) == TUNDISH_BAD_ARGUMENT);
  CHECK(message_has("outputs"));
  CHECK(tundish_plan_solve(plan.handle, &outputs) == TUNDISH_BAD_ARGUMENT);
  CHECK(message_has("outputs.status"));
  outputs = outputs_to(&status);
  double number = 0;
  outputs.metallurgical_length_gradient = &number;
  CHECK(tundish_plan_solve(plan.handle, &outputs) == TUNDISH_BAD_ARGUMENT);
  CHECK(message_has("gradient"));
  outputs = outputs_to(&status);
  tundish_batch batch = batch_of(0);
  CHECK(tundish_plan_solve_batch(plan.handle, &batch, &outputs) == TUNDISH_BAD_ARGUMENT);
  CHECK(message_has("n_candidates = 0"));
  batch = batch_of(1);
  const char* twice[2] = {"speed", "speed"};
  batch.names = twice;
  batch.n_names = 2;
  const double values[2] = {0.04, 0.05};
  batch.values = values;
  CHECK(tundish_plan_solve_batch(plan.handle, &batch, &outputs) == TUNDISH_BAD_ARGUMENT);
  CHECK(message_has("speed"));
  batch.n_names = 1;
  batch.values = nullptr;
  CHECK(tundish_plan_solve_batch(plan.handle, &batch, &outputs) == TUNDISH_BAD_ARGUMENT);
  CHECK(message_has("batch.values"));
  c.options.method = 7;
  tundish_plan* none = nullptr;
  CHECK(tundish_plan_create(&c.strand, &c.grid, &c.options, &none) == TUNDISH_BAD_ARGUMENT);
  CHECK(message_has("options.method = 7"));
  tundish_plan_free(nullptr);
  tundish_stepper_free(nullptr);
}

TEST_CASE("the last error is the thread's own") {
  CHECK(tundish_plan_sizes(nullptr, nullptr) == TUNDISH_BAD_ARGUMENT);
  CHECK_FALSE(std::string(tundish_last_error()).empty());
  std::string elsewhere = "not asked";
  std::thread([&] { elsewhere = tundish_last_error(); }).join();
  CHECK(elsewhere.empty());
}

TEST_CASE("parameters and nodes can be listed") {
  const Case c;
  const Plan plan(c);
  CHECK(plan.sizes.nx == 9);
  CHECK(plan.sizes.ny == 7);
  CHECK(plan.sizes.n_probes == 2);
  CHECK(plan.sizes.n_sections == 1);
  const char* name = nullptr;
  double value = 0;
  bool found = false;
  for (int n = 0; n < plan.sizes.n_parameters; ++n) {
    REQUIRE(tundish_plan_parameter(plan.handle, n, &name, &value) == TUNDISH_OK);
    if (std::strcmp(name, "zones.0.htc.y") != 0) continue;
    found = true;
    CHECK(value == 900);
  }
  CHECK(found);
  CHECK(tundish_plan_parameter(plan.handle, plan.sizes.n_parameters, &name, &value) == TUNDISH_BAD_ARGUMENT);
  std::vector<double> x(9), z(size_t(plan.sizes.nz));
  REQUIRE(tundish_plan_nodes(plan.handle, x.data(), nullptr, z.data()) == TUNDISH_OK);
  CHECK(x.front() == 0);
  CHECK(x.back() == 0.05);
  CHECK(z.front() == 0);
  CHECK(z.back() == 0.7);
}

TEST_CASE("a batch solves every candidate as if alone, with derivatives where they are asked for") {
  Case c;
  const Plan plan(c);
  const size_t nz = size_t(plan.sizes.nz);
  const int n = 3;
  const char* names[1] = {"zones.0.htc.x"};
  const double values[n] = {900, 1000, 1100};
  tundish_batch batch = batch_of(n);
  batch.names = batch.gradient = names;
  batch.n_names = 1;
  batch.values = values;
  int status[n];
  std::vector<double> probes(n * 2 * nz), gradient(n * 2 * nz), alone(2 * nz), section(n * 63);
  tundish_outputs outputs = outputs_to(status);
  outputs.probe_temperature = probes.data();
  outputs.section_temperature = section.data();
  REQUIRE(tundish_plan_solve_batch(plan.handle, &batch, &outputs) == TUNDISH_OK);
  for (const int s : status) CHECK(s == TUNDISH_CONVERGED);
  for (const double t : section) CHECK((t > 500 && t < 1823));

  batch.n_gradient = 1;
  outputs.probe_gradient = gradient.data();
  outputs.section_temperature = nullptr;
  const std::vector<double> plain = probes;
  REQUIRE(tundish_plan_solve_batch(plan.handle, &batch, &outputs) == TUNDISH_OK);
  CHECK(probes == plain);
  const double difference = (plain.back() - plain[2 * nz - 1]) / 200;
  CHECK(gradient[4 * nz - 1] == doctest::Approx(difference).epsilon(0.01));

  outputs = outputs_to(status);
  outputs.probe_temperature = alone.data();
  REQUIRE(tundish_plan_solve(plan.handle, &outputs) == TUNDISH_OK);
  CHECK(std::vector<double>(plain.begin() + long(2 * nz), plain.begin() + long(4 * nz)) == alone);
}

TEST_CASE("unknown names and impossible candidates are refused before any work") {
  const Case c;
  const Plan plan(c);
  int status[2] = {-1, -1};
  const char* names[1] = {"zones.9.htc.x"};
  double values[2] = {1000, -1};
  tundish_batch batch = batch_of(2);
  batch.names = names;
  batch.n_names = 1;
  batch.values = values;
  const tundish_outputs outputs = outputs_to(status);
  CHECK(tundish_plan_solve_batch(plan.handle, &batch, &outputs) == TUNDISH_UNKNOWN_NAME);
  CHECK(message_has("zones.9.htc.x"));
  names[0] = "zones.0.htc.x";
  CHECK(tundish_plan_solve_batch(plan.handle, &batch, &outputs) == TUNDISH_BAD_ARGUMENT);
  CHECK(message_has("candidate 1"));
  CHECK(status[0] == -1);
}

namespace {

struct Watch {
  int calls;
  int64_t candidates;
};

int stop(int64_t, int64_t candidates, void* user) {
  Watch* watch = static_cast<Watch*>(user);
  ++watch->calls;
  watch->candidates = candidates;
  return 1;
}

}  // namespace

TEST_CASE("the progress function stops a run") {
  Case c;
  c.grid.nx = c.grid.ny = 60;
  c.grid.dz_mold = c.grid.dz_spray = 0.002;
  const Plan plan(c);
  const int64_t n = 400;
  std::vector<double> values(n, 0.04);
  std::vector<int> status(n, -1);
  const char* names[1] = {"speed"};
  Watch watch = {0, 0};
  tundish_batch batch = batch_of(n);
  batch.names = names;
  batch.n_names = 1;
  batch.values = values.data();
  batch.progress = stop;
  batch.user = &watch;
  const tundish_outputs outputs = outputs_to(status.data());
  CHECK(tundish_plan_solve_batch(plan.handle, &batch, &outputs) == TUNDISH_STOPPED);
  CHECK(watch.calls >= 1);
  CHECK(watch.candidates == n);
  CHECK(status.back() == -1);
}

TEST_CASE("a stepper marches as the plan does, until its cooling is changed") {
  const Case c;
  const Plan plan(c);
  const size_t nz = size_t(plan.sizes.nz);
  int status = -1;
  std::vector<double> centre(nz), heat(nz);
  tundish_outputs outputs = outputs_to(&status);
  outputs.centre_temperature = centre.data();
  outputs.heat = heat.data();
  REQUIRE(tundish_plan_solve(plan.handle, &outputs) == TUNDISH_OK);

  tundish_stepper* stepper = nullptr;
  REQUIRE(tundish_stepper_create(&c.strand, &c.grid, &c.options, &stepper) == TUNDISH_OK);
  tundish_sizes sizes;
  REQUIRE(tundish_stepper_sizes(stepper, &sizes) == TUNDISH_OK);
  CHECK(sizes.nz == plan.sizes.nz);
  std::vector<double> temperature(63), z(nz);
  REQUIRE(tundish_stepper_nodes(stepper, nullptr, nullptr, z.data()) == TUNDISH_OK);
  tundish_progress progress;
  for (size_t k = 0; k < nz; ++k) {
    REQUIRE(tundish_stepper_progress(stepper, &progress) == TUNDISH_OK);
    REQUIRE(tundish_stepper_temperature(stepper, temperature.data()) == TUNDISH_OK);
    CHECK(progress.z == z[k]);
    CHECK(progress.heat == doctest::Approx(heat[k]).epsilon(1e-12));
    CHECK(temperature[0] == centre[k]);
    CHECK(progress.at_end == (k + 1 == nz));
    REQUIRE(tundish_stepper_step(stepper) == TUNDISH_OK);
  }
  tundish_stepper_free(stepper);

  REQUIRE(tundish_stepper_create(&c.strand, &c.grid, nullptr, &stepper) == TUNDISH_OK);
  CHECK(tundish_stepper_set(stepper, "zones.0.htc.x", 2000) == TUNDISH_OK);
  CHECK(tundish_stepper_set(stepper, "zones.0.htc.z", 2000) == TUNDISH_UNKNOWN_NAME);
  CHECK(tundish_stepper_set(stepper, nullptr, 2000) == TUNDISH_BAD_ARGUMENT);
  CHECK(tundish_stepper_set(stepper, "pouring_temperature", 1800) == TUNDISH_BAD_ARGUMENT);
  double now = 0;
  CHECK(tundish_stepper_get(stepper, "zones.0.htc.x", &now) == TUNDISH_OK);
  CHECK(now == 2000);
  for (size_t k = 0; k + 1 < nz; ++k) REQUIRE(tundish_stepper_step(stepper) == TUNDISH_OK);
  REQUIRE(tundish_stepper_progress(stepper, &progress) == TUNDISH_OK);
  CHECK(progress.heat > heat.back());
  tundish_stepper_free(stepper);
}
