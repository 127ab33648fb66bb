// Steps of a section against dense solutions, and what is measured of a section.
#include "casting/dense_steps.h"
#include "doctest/doctest.h"

// From the meniscus on, so that starts, the steps that continue them and ordinary steps are all met, each
// from the states before it: the mould and two zones, in which all of the section passes through the freezing
// range.
TEST_CASE("steps by alternating directions solve their factored equations and lose no heat") {
  SmallSection small({});
  auto marching = small.poured();
  DenseSteps dense(small);
  double largest = 0, off = 0;
  for (int k = 0; k < small.march().n_steps; ++k) {
    CAPTURE(k);
    small.advance(marching, k);
    dense.advance(k);
    const std::vector<double> state = small.field(small.f.state);
    for (size_t n = 0; n < small.size(); ++n) {
      largest = std::max(largest, std::abs(dense.before[n]));
      off = std::max(off, std::abs(state[n] - dense.state[n]));
    }
    CHECK(off < 1e-9 * largest);
    CHECK(marching.heat == doctest::Approx(dense.heat).epsilon(1e-11));
    const double lost = small.pouring * small.strand.width * small.strand.thickness / 4 -
                        section_enthalpy(small.section(), marching.phase, small.f);
    CHECK(marching.heat == doctest::Approx(lost).epsilon(1e-12));
    dense.state = state;  // rounding must not grow from step to step
  }
}

TEST_CASE("derivatives of steps by alternating directions are those of central differences") {
  typedef SmallSectionOf<Dual<double, 2>> Differentiated;
  const int by_flux = slot_first_stretch, by_htc = slot_first_stretch + slots_per_stretch + 2;  // on face x
  Differentiated exact({});
  const double seeds[] = {1, 0, 0, 1};
  exact.slots[size_t(by_flux)].tangent = Pack<double, 2>::read(seeds);
  exact.slots[size_t(by_htc)].tangent = Pack<double, 2>::read(seeds + 2);
  auto marching = exact.poured();
  int steps = 3;  // into the first zone
  while (exact.march().steps[steps - 3].stretch == 0) ++steps;
  for (int k = 0; k < steps; ++k) exact.advance(marching, k);
  const auto state = exact.field(exact.f.state);

  const int slots[] = {by_flux, by_htc};
  const double changes[] = {20.0, 0.01};
  for (int p = 0; p < 2; ++p) {
    std::vector<double> shifted[2];
    double heat[2];
    for (int side = 0; side < 2; ++side) {
      SmallSection small({});
      small.slots[size_t(slots[p])] += (side == 0 ? -1 : 1) * changes[p];
      auto there = small.poured();
      for (int k = 0; k < steps; ++k) small.advance(there, k);
      shifted[side] = small.field(small.f.state);
      heat[side] = there.heat;
    }
    double largest = 0;
    for (size_t n = 0; n < state.size(); ++n) largest = std::max(largest, std::abs(state[n].tangent.v[p]));
    REQUIRE(largest > 0);
    for (size_t n = 0; n < state.size(); ++n) {
      const double difference = (shifted[1][n] - shifted[0][n]) / (2 * changes[p]);
      CHECK(std::abs(state[n].tangent.v[p] - difference) < 1e-5 * largest);
    }
    CHECK(marching.heat.tangent.v[p] ==
          doctest::Approx((heat[1] - heat[0]) / (2 * changes[p])).epsilon(1e-5));
  }
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
