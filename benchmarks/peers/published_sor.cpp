// One step of the published scheme: Zielonka, Slota and Hetmaniok, Energies 2020, 13, 2429, section 3.
//
// Implicit differences on n x n nodes of a quarter section, node (i, j) at x = i h, y = j h, half
// control volumes at the sides; the coefficients are those of the temperature before the step;
// successive over-relaxation; then the published correction of the temperature at nodes that have
// passed the liquidus or the solidus. Plain scalar code. SI units and K.

#include <algorithm>
#include <cmath>
#include <vector>

extern "C" struct Step {
  int n;              // nodes along either side
  int red_black;      // 0: lexicographic, from the centre to the faces; 1: red-black
  double spacing;     // m
  double duration;    // s
  double flux[2];     // face x, face y, W/m2
  double htc[2];      // face x, face y, W/(m2 K)
  double ambient;     // K
  double relaxation;  // over-relaxation factor
  double tolerance;   // stop when no node changes by this in a sweep, K
};

namespace {

constexpr double kSolidus = 1672, kLiquidus = 1728, kIron = 1809, kPartition = 0.84;
constexpr double kLatent = 189e3, kHeatSolid = 700, kHeatLiquid = 800;
constexpr double kDensitySolid = 7256, kDensityLiquid = 7011, kLiquidFactor = 3;
constexpr int kMostSweeps = 10000;

struct Properties {
  double capacity;  // density times substitute heat capacity, J/(m3 K)
  double conductivity;
};

double solid_conductivity(double t) { return 12.3167 + t * (0.0107534 + t * 7.7098e-7); }

// Equations 3 to 9; the liquidus counts as mush, the solidus as solid.
Properties steel(double t) {
  const double at_solidus = solid_conductivity(kSolidus);
  if (t > kLiquidus) return {kHeatLiquid * kDensityLiquid, kLiquidFactor * at_solidus};
  if (t <= kSolidus) return {kHeatSolid * kDensitySolid, solid_conductivity(t)};
  const double exponent = 1 / (kPartition - 1);
  const double u = (kIron - t) / (kIron - kLiquidus);
  const double liquid = std::pow(u, exponent), solid = 1 - liquid;
  const double solid_rise = exponent * liquid / (kIron - t);  // d(solid)/dT, negative
  const double heat = kHeatLiquid * liquid + kHeatSolid * solid - kLatent * solid_rise;
  const double density = kDensityLiquid * liquid + kDensitySolid * solid;
  const double share = (t - kSolidus) / (kLiquidus - kSolidus);
  return {heat * density, at_solidus * (1 + (kLiquidFactor - 1) * share * share)};
}

// A node's equation, multiplied by relaxation / diagonal; west and east are i - 1 and i + 1, south
// and north j - 1 and j + 1. The rim around the nodes stays at zero.
struct Equation {
  double right = 0, west = 0, east = 0, south = 0, north = 0;
};

double width(const Step& s, int k) { return k == 0 || k == s.n - 1 ? 0.5 * s.spacing : s.spacing; }

Equation assemble(const Step& s, const Properties* node, double before, int i, int j) {
  const double wx = width(s, i), wy = width(s, j);
  const auto link = [&](int neighbour, double across) {
    return across / s.spacing * 0.5 * (node->conductivity + node[neighbour].conductivity);
  };
  Equation e;
  if (i > 0) e.west = link(-s.n, wy);
  if (i < s.n - 1) e.east = link(s.n, wy);
  if (j > 0) e.south = link(-1, wx);
  if (j < s.n - 1) e.north = link(1, wx);
  const double storage = node->capacity * wx * wy / s.duration;
  double diagonal = storage + e.west + e.east + e.south + e.north;
  e.right = storage * before;
  const double cooled[2] = {i == s.n - 1 ? wy : 0, j == s.n - 1 ? wx : 0};
  for (int face = 0; face < 2; ++face) {
    diagonal += cooled[face] * s.htc[face];
    e.right += cooled[face] * (s.htc[face] * s.ambient - s.flux[face]);
  }
  const double gain = s.relaxation / diagonal;
  return {gain * e.right, gain * e.west, gain * e.east, gain * e.south, gain * e.north};
}

// Sweeps until nothing changes by the tolerance; the number of sweeps, -1 if there is no end.
int over_relax(const Step& s, const Equation* equations, double* t) {
  const int row = s.n + 2, stride = 1 + s.red_black;
  const double keep = 1 - s.relaxation;
  double change;
  const auto relax = [&](int k) {
    const Equation& e = equations[k];
    const double others = keep * t[k] + e.right + e.west * t[k - row] + e.east * t[k + row];
    const double next = others + e.north * t[k + 1] + e.south * t[k - 1];
    change = std::max(change, std::fabs(next - t[k]));
    t[k] = next;
  };
  for (int sweeps = 1; sweeps <= kMostSweeps; ++sweeps) {
    change = 0;
    for (int colour = 0; colour < stride; ++colour)
      for (int i = 1; i <= s.n; ++i)
        for (int j = 1 + s.red_black * ((i + colour) % 2); j <= s.n; j += stride) relax(i * row + j);
    if (change < s.tolerance) return sweeps;
  }
  return -1;
}

// Heat through both faces in the step, J per metre of strand.
double heat_given_off(const Step& s, const double* t) {
  const int row = s.n + 2;
  double heat = 0;
  for (int k = 0; k < s.n; ++k) {
    const double at_x = t[s.n * row + k + 1], at_y = t[(k + 1) * row + s.n];
    const double out_x = s.flux[0] + s.htc[0] * (at_x - s.ambient);
    const double out_y = s.flux[1] + s.htc[1] * (at_y - s.ambient);
    heat += s.duration * width(s, k) * (out_x + out_y);
  }
  return heat;
}

// The published correction (end of section 3): the mush's capacity is that at the liquidus for a
// node that leaves the liquid, the lagged one for a node that leaves the mush.
double corrected(double before, double after, double lagged_capacity) {
  const double liquid = kHeatLiquid * kDensityLiquid, solid = kHeatSolid * kDensitySolid;
  if (before > kLiquidus && after <= kLiquidus)
    return kLiquidus - liquid / steel(kLiquidus).capacity * (kLiquidus - after);
  if (before > kSolidus && before <= kLiquidus && after <= kSolidus)
    return kSolidus - lagged_capacity / solid * (kSolidus - after);
  return after;
}

}  // namespace

// Advances temperature (n * n, K). Adds the heat given off, J per metre of strand, to *heat.
// Returns the number of sweeps, or -1 if they did not converge.
extern "C" int published_sor_step(double* temperature, const Step* step, double* heat) {
  const Step& s = *step;
  const int row = s.n + 2;
  std::vector<Properties> node(s.n * s.n);
  std::vector<Equation> equations(row * row);
  std::vector<double> t(row * row, 0.0);
  for (int k = 0; k < s.n * s.n; ++k) node[k] = steel(temperature[k]);
  for (int i = 0; i < s.n; ++i) {
    for (int j = 0; j < s.n; ++j) {
      const int k = i * s.n + j, padded = (i + 1) * row + j + 1;
      equations[padded] = assemble(s, &node[k], temperature[k], i, j);
      t[padded] = temperature[k];
    }
  }
  const int sweeps = over_relax(s, equations.data(), t.data());
  *heat += heat_given_off(s, t.data());
  for (int k = 0; k < s.n * s.n; ++k) {
    const double after = t[(k / s.n + 1) * row + k % s.n + 1];
    temperature[k] = corrected(temperature[k], after, node[k].capacity);
  }
  return sweeps;
}
