// One step of a section against a dense solution, and what is measured of a section.
#include "casting/small_section.h"
#include "doctest/doctest.h"

TEST_CASE("a step by alternating directions solves its factored equations and loses no heat") {
  SmallSection small({});
  auto marching = small.poured();
  const int steps = 7;  // the mould's later ones remember the increment before
  for (int k = 0; k < steps; ++k) small.advance(marching, k);
  const Step<double>& step = small.march().steps[steps];
  REQUIRE(step.memory > 0);
  const std::vector<double> state = small.field(small.f.state), before = small.field(small.f.increment);
  const std::vector<double> potential = small.field(small.f.potential), slope = small.field(small.f.slope);
  small.advance(marching, steps);

  const Section<double>& section = small.section();
  const Cooling<double> cooling = cooling_of(small.slots.data(), step.stretch);
  const double span = step.share * step.size / small.strand.speed;
  const size_t n = small.size();
  // Of each direction: 1 - span x (flux balance of slope x increment, cooling included).
  std::vector<double> along_x(n * n, 0.0), along_y(n * n, 0.0), balance(n, 0.0);
  for (int j = 0; j < small.ny(); ++j)
    for (int i = 0; i < small.nx(); ++i) {
      const size_t here = small.number(i, j);
      along_x[here * n + here] = along_y[here * n + here] = 1;
      for (const Neighbour& to : neighbours(section, i, j)) {
        const size_t there = small.number(i + to.di, j + to.dj);
        std::vector<double>& matrix = to.di != 0 ? along_x : along_y;
        matrix[here * n + here] += span * to.weight * slope[here];
        matrix[here * n + there] -= span * to.weight * slope[there];
        balance[here] += to.weight * (potential[there] - potential[here]);
      }
      const Found<double> surface = look_up(small.candidate.steel.temperature_of_potential, potential[here]);
      auto cool = [&](std::vector<double>& matrix, double flux, double coefficient, double width) {
        balance[here] -= (flux + coefficient * (surface.value - cooling.ambient)) / width;
        matrix[here * n + here] += span * coefficient * surface.slope * slope[here] / width;
      };
      if (i + 1 == small.nx()) cool(along_x, cooling.flux_x, cooling.htc_x, section.x.width[i]);
      if (j + 1 == small.ny()) cool(along_y, cooling.flux_y, cooling.htc_y, section.y.width[j]);
    }
  std::vector<double> driven(n);
  for (size_t k = 0; k < n; ++k) driven[k] = step.memory * before[k] + span * balance[k];
  const std::vector<double> expected = solve_dense(along_y, solve_dense(along_x, driven));
  const std::vector<double> now = small.field(small.f.state);
  for (size_t k = 0; k < n; ++k) CHECK(now[k] - state[k] == doctest::Approx(expected[k]).epsilon(1e-7));

  const double lost = small.pouring * small.strand.width * small.strand.thickness / 4 -
                      section_enthalpy(section, marching.phase, small.f);
  CHECK(marching.heat == doctest::Approx(lost).epsilon(1e-10));
}

TEST_CASE("shares of a section that runs straight are exact, and its shell ends where they do") {
  SmallSection small({});
  const Section<double>& section = small.section();
  const double liquidus = small.candidate.steel.liquidus_potential;
  double width = 0, height = 0;
  for (int i = 0; i + 1 < small.nx(); ++i) width += section.x.spacing[i];
  for (int j = 0; j + 1 < small.ny(); ++j) height += section.y.spacing[j];
  // Potential falls from `centre` to `corner`, along x, along y, or along both alike: solid is a stripe at
  // the face, or a triangle in the corner.
  auto solid_share = [&](bool along_x, bool along_y, double centre, double corner) {
    double y = 0;
    for (int j = 0; j < small.ny(); y += section.y.spacing[j++]) {
      double x = 0;
      for (int i = 0; i < small.nx(); x += section.x.spacing[i++]) {
        const double place = (along_x ? x / width : 0) + (along_y ? y / height : 0);
        small.f.potential[section.at(i, j)] = centre + (corner - centre) * place / (along_x + along_y);
      }
    }
    measure_phases(SoleThread(), section, small.candidate.steel, small.f);
    double solid = 0, liquid = 0;
    for (int i = 0; i + 1 < small.nx(); ++i) {
      solid += section.x.spacing[i] * small.f.solid[i];
      liquid += section.x.spacing[i] * small.f.liquid[i];
    }
    CHECK(liquid == 0);
    return solid / (width * height);
  };
  for (const double edge : {0.03, 0.2, 0.46, 0.5}) {
    CAPTURE(edge);  // the share of the way that is not solid
    const double centre = 0.9 * liquidus * edge, corner = centre - 0.9 * liquidus;
    CHECK(solid_share(true, false, centre, corner) == doctest::Approx(1 - edge));
    CHECK(measure_shells(section, small.f).x == doctest::Approx((1 - edge) * width));
    CHECK(solid_share(false, true, centre, corner) == doctest::Approx(1 - edge));
    CHECK(measure_shells(section, small.f).y == doctest::Approx((1 - edge) * height));
    CHECK(solid_share(true, true, centre, corner) == doctest::Approx(1 - 2 * edge * edge));
  }
}

TEST_CASE("a step by over-relaxation solves the implicit equations") {
  for (const Ordering ordering : {Ordering::lexicographic, Ordering::red_black}) {
    casting::Options options;
    options.method = Method::sor;
    options.ordering = ordering;
    options.tolerance = 1e-11;
    SmallSection small(options);
    auto marching = small.poured();
    const int steps = 12;
    for (int k = 0; k < steps; ++k) small.advance(marching, k);
    const Step<double>& step = small.march().steps[steps];
    const std::vector<double> state = small.field(small.f.state), potential = small.field(small.f.potential);
    small.advance(marching, steps);
    CHECK_FALSE(marching.unconverged);
    CHECK(marching.sweeps > 5);

    const Section<double>& section = small.section();
    const Cooling<double> cooling = cooling_of(small.slots.data(), step.stretch);
    const double duration = step.size / small.strand.speed;
    const size_t n = small.size();
    std::vector<double> matrix(n * n, 0.0), driven(n), capacity(n);
    for (int j = 0; j < small.ny(); ++j)
      for (int i = 0; i < small.nx(); ++i) {
        const size_t here = small.number(i, j);
        const auto& curve = small.candidate.steel.temperature_of_potential;
        const Found<double> now = look_up(curve, potential[here]);
        const double slope = look_up(small.candidate.steel.potential_of_enthalpy, state[here]).slope;
        capacity[here] = 1 / now.slope / slope;
        const double storage = capacity[here] / duration;
        matrix[here * n + here] += storage;
        driven[here] += storage * now.value;
        for (const Neighbour& to : neighbours(section, i, j)) {
          const size_t there = small.number(i + to.di, j + to.dj);
          const double mean = (1 / now.slope + 1 / look_up(curve, potential[there]).slope) / 2;
          matrix[here * n + here] += to.weight * mean;
          matrix[here * n + there] -= to.weight * mean;
        }
        auto cool = [&](double flux, double coefficient, double width) {
          matrix[here * n + here] += coefficient / width;
          driven[here] += (coefficient * cooling.ambient - flux) / width;
        };
        if (i + 1 == small.nx()) cool(cooling.flux_x, cooling.htc_x, section.x.width[i]);
        if (j + 1 == small.ny()) cool(cooling.flux_y, cooling.htc_y, section.y.width[j]);
      }
    const std::vector<double> solved = solve_dense(matrix, driven), now = small.field(small.f.state);
    for (size_t k = 0; k < n; ++k) {
      const double before = look_up(small.candidate.steel.temperature_of_potential, potential[k]).value;
      CHECK(now[k] - state[k] == doctest::Approx(capacity[k] * (solved[k] - before)).epsilon(1e-6));
    }
  }
}
