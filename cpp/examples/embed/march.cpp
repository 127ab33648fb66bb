// tundish's headers by themselves: a steel in closed form, the derivative of its enthalpy, and a section
// marched by the kernels, with every array in the caller's hands. Nothing of the shared library is called.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <vector>

#include "tundish/casting/steel.h"
#include "tundish/casting/strand.h"

using namespace tundish;

namespace {

// The steel of Energies 2020, 13, 2429, over plain numbers or over numbers with derivatives.
template <class Real>
ScheilSteel<Real> published_steel(Real latent_heat) {
  return {1672.0, 1728.0,        1809.0, 0.84,   latent_heat,
          700.0,  800.0,         7256.0, 7011.0, {12.3167, 0.0107534, 7.7098e-7, 0.0, 0.0, 0.0, 0.0, 0.0},
          3.0,    Residual::none};
}

// The x in [low, high] where a rising f is y.
template <class F>
double inverse(F f, double y, double low, double high) {
  for (int halving = 0; halving < 60; ++halving) {
    const double middle = 0.5 * (low + high);
    (f(middle) < y ? low : high) = middle;
  }
  return low;
}

// What the kernels look up: a quadratic spline through f. Rows start at an address that registers load from.
class Curve {
 public:
  template <class F>
  Curve(F f, double low, double high, int cells) : numbers_(std::size_t(cells + 2) * spline_row) {
    const double width = (high - low) / cells;
    std::vector<double> c;
    for (int m = -1; m <= cells; ++m) c.push_back(f(low + (m + 0.5) * width));
    c.front() = 2 * c[1] - c[2];  // straight beyond the ends
    c.back() = 2 * c[std::size_t(cells)] - c[std::size_t(cells) - 1];
    double* row = numbers_.data();
    while (reinterpret_cast<std::uintptr_t>(row) % 64 != 0) ++row;
    spline = {row, low, 1 / width, double(cells)};
    for (std::size_t m = 0; m < std::size_t(cells); ++m, row += spline_row) {
      row[0] = 0.5 * (c[m] + c[m + 1]);
      row[1] = c[m + 1] - c[m];
      row[2] = 0.5 * (c[m + 2] - 2 * c[m + 1] + c[m]);
    }
  }
  Curve(const Curve&) = delete;
  Spline<double> spline;

 private:
  std::vector<double> numbers_;
};

// One direction of the mesh: evenly spaced nodes from the centre plane to the face, and zeros around them,
// since the kernels read whole registers.
class Mesh {
 public:
  Mesh(double half_length, int nodes) {
    for (auto& array : arrays_) array.assign(std::size_t(nodes + 2 * axis_padding), 0);
    double* a[9];
    for (int n = 0; n < 9; ++n) a[n] = arrays_[n].data() + axis_padding;
    const auto [inward, outward, both, product, drive, width, spacing, exposure, inside] = a;
    const double h = half_length / (nodes - 1);
    const std::size_t face = std::size_t(nodes) - 1;
    for (std::size_t i = 0; i <= face; ++i) {
      spacing[i] = h;
      width[i] = i == 0 || i == face ? h / 2 : h;  // half control volumes on the plane and the face
      inward[i] = i == 0 ? 0 : 1 / (h * width[i]);
      outward[i] = i == face ? 0 : 1 / (h * width[i]);
      both[i] = inward[i] + outward[i];
      product[i] = i == 0 ? 0 : inward[i] * outward[i - 1];
      drive[i] = 1 / (h * width[i]);
      inside[i] = 1;
    }
    exposure[face] = 1 / width[face];
    axis = {nodes, inward, outward, both, product, drive, width, spacing, exposure, inside};
  }
  Mesh(const Mesh&) = delete;
  Axis<double> axis;

 private:
  std::vector<double> arrays_[9];
};

// Steps of one size to the end of each stretch. The first two, where the cooling jumps, are taken as a few
// smaller ones each; the third continues the last of these.
std::vector<Step<double>> steps_down(const std::vector<double>& ends, const std::vector<double>& sizes) {
  std::vector<Step<double>> steps;
  double start = 0;
  for (std::size_t s = 0; s < ends.size(); start = ends[s++]) {
    const int count = int(std::ceil((ends[s] - start) / sizes[s] - 1e-9));
    const double size = (ends[s] - start) / count;
    for (int k = 0; k < count; ++k)
      steps.push_back(make_step(size, k < starting_steps ? 0 : last_part(steps.back()), int(s)));
  }
  return steps;
}

struct Marched {
  double metallurgical_length, energy_imbalance;
  int status, status_step;
};

// The published strand from the meniscus to 15.5 m.
Marched march_published(int nodes) {
  const ScheilSteel<double> steel = published_steel(189e3);
  const double low = lowest_temperature, high = steel.liquidus() + highest_superheat;
  auto enthalpy = [&](double T) { return steel.enthalpy(T); };
  auto potential = [&](double T) { return steel.potential(T); };
  const Curve potential_of_enthalpy([&](double H) { return potential(inverse(enthalpy, H, 1, 4000)); },
                                    enthalpy(low), enthalpy(high), 2000);
  const Curve temperature_of_potential([&](double p) { return inverse(potential, p, 1, 4000); },
                                       potential(low), potential(high), 2000);
  // Speed, pouring and ambient temperature; then heat fluxes and coefficients (x, y) of every stretch.
  const double slots[] = {2.5 / 60, 1823, 303, 2.0e6, 1.85e6, 0, 0, 0,   0,  1000,
                          900,      0,    0,   700,   600,    0, 0, 300, 280};
  Candidate<double> candidate = {};
  candidate.slots = slots;
  candidate.steel.potential_of_enthalpy = potential_of_enthalpy.spline;
  candidate.steel.temperature_of_potential = temperature_of_potential.spline;
  candidate.steel.solidus = steel.solidus();
  candidate.steel.liquidus = steel.liquidus();
  candidate.steel.liquidus_potential = steel.potential(steel.liquidus());
  // What the implicit half of a step has at least: the slopes dPhi/dH and dT/dH of the solid.
  for (double T = low; T < steel.solidus(); T += 10) {
    const double capacity = steel.density(T) * steel.heat_capacity(T);
    candidate.steel.solid_slope = steel.conductivity(T) / capacity;  // at last, that at the solidus
    candidate.steel.largest_solid_slope =
        std::fmax(candidate.steel.largest_solid_slope, steel.conductivity(T) / capacity);
    candidate.steel.solid_heating = std::fmax(candidate.steel.solid_heating, 1 / capacity);
  }
  candidate.pouring_state = steel.enthalpy(1823);

  const Mesh x(0.08, nodes), y(0.08, nodes);
  const std::vector<Step<double>> steps = steps_down({0.5, 1.2, 3.0, 15.5}, {1e-3, 1e-2, 1e-2, 2e-2});
  March<double> march = {};
  // Only relaxation goes by diagonals and would read y from the face inwards too.
  march.section = lay_section(x.axis, y.axis, Axis<double>(), Method::adi);
  march.steps = steps.data();
  march.n_steps = int(steps.size());
  march.method = Method::adi;
  march.phase_change = PhaseChange::enthalpy;

  Fields<double> fields;
  std::vector<double> memory(std::size_t(lay_out<double>(march.section, march.method, 1, nullptr, fields)));
  lay_out<double>(march.section, march.method, 1, memory.data(), fields);
  Marched result;
  Outputs<double> outputs = {};
  outputs.metallurgical_length = &result.metallurgical_length;
  outputs.energy_imbalance = &result.energy_imbalance;
  outputs.status = &result.status;
  outputs.status_step = &result.status_step;
  Place place = {};
  place.lanes = 1;
  run_march<double, SoleThread, EnthalpyBalance<double>>(SoleThread(), march, candidate, fields, outputs,
                                                         place);
  return result;
}

}  // namespace

int main() {
  // Enthalpy at 1700 K and its derivative by the latent heat.
  Dual<double, 1> latent_heat(189e3);
  latent_heat.tangent.set(0, 1);
  const Dual<double, 1> H = published_steel(latent_heat).enthalpy(1700.0);
  const double difference = published_steel(189e3 + 1).enthalpy(1700) - published_steel(189e3).enthalpy(1700);
  std::printf("H(1700 K) = %.6e J/m3, dH/dL = %.3f kg/m3 (by difference %.3f)\n", H.value, H.tangent[0],
              difference);

  const Marched r = march_published(40);
  std::printf("metallurgical length %.3f m, heat balance off by %.1e\n", r.metallurgical_length,
              r.energy_imbalance);
  const bool good = r.status == int(Status::converged) && std::fabs(r.metallurgical_length - 15.22) < 0.03 &&
                    r.energy_imbalance < 1e-9 && std::fabs(H.tangent[0] - difference) < 1e-3;
  return good ? 0 : 1;
}
