// The steps by alternating directions (adi.h) written as dense matrices, node for node: nothing of the
// kernels' steps is used, only the mesh and the steel's curves.
#pragma once
#include "casting/small_section.h"

class DenseSteps {
 public:
  typedef std::vector<double> Vector;
  enum Direction { along_x, along_y };

  Vector state, before;       // enthalpies, and their last increments
  double heat_of_step, heat;  // J/m

  explicit DenseSteps(const SmallSection& small)
      : state(small.size(), small.pouring),
        before(small.size(), 0),
        heat_of_step(0),
        heat(0),
        small_(small) {}

  void advance(int k) {
    const Step<double>& step = small_.march().steps[k];
    cooling_ = cooling_of(small_.slots.data(), step.stretch);
    if (step.ratio > 0)
      take_two_passes(step);
    else
      start(step.size / small_.strand.speed);
  }

 private:
  const SmallSection& small_;
  Cooling<double> cooling_ = {};

  size_t size() const { return state.size(); }
  Found<double> potential(double H) const { return look_up(small_.candidate.steel.potential_of_enthalpy, H); }

  // Calls visit(node, i, j).
  template <class Visit>
  void for_each(Visit visit) const {
    for (int j = 0; j < small_.ny(); ++j)
      for (int i = 0; i < small_.nx(); ++i) visit(small_.number(i, j), i, j);
  }
  // The flux balance of a potential along one direction, without what the faces lose.
  Vector conducted(const Vector& of, Direction direction) const {
    Vector balance(size(), 0);
    for_each([&](size_t n, int i, int j) {
      for (const Neighbour& to : neighbours(small_.section(), i, j))
        if ((to.di != 0) == (direction == along_x))
          balance[n] += to.weight * (of[small_.number(i + to.di, j + to.dj)] - of[n]);
    });
    return balance;
  }
  // The solution of (D - s C K) u = rhs, D diagonal.
  Vector solved(const Vector& D, double s, const Vector& K, Direction direction, const Vector& rhs) const {
    Vector matrix(size() * size(), 0);
    for (size_t n = 0; n < size(); ++n) {
      Vector unit(size(), 0);
      unit[n] = K[n];
      const Vector column = conducted(unit, direction);
      for (size_t r = 0; r < size(); ++r) matrix[r * size() + n] = (r == n ? D[n] : 0) - s * column[r];
    }
    return solve_dense(matrix, rhs);
  }
  // Per volume: what the faces of one direction take at the enthalpies H, and its slope.
  void cool(const Vector& H, Direction direction, Vector& loss, Vector& slope) const {
    const Section<double>& section = small_.section();
    for_each([&](size_t n, int i, int j) {
      const bool x = direction == along_x;
      if (x ? i + 1 < small_.nx() : j + 1 < small_.ny()) return;
      const double width = x ? section.x.width[i] : section.y.width[j];
      const double flux = x ? cooling_.flux_x : cooling_.flux_y, htc = x ? cooling_.htc_x : cooling_.htc_y;
      const Found<double> phi = potential(H[n]);
      const Found<double> T = look_up(small_.candidate.steel.temperature_of_potential, phi.value);
      loss[n] += (flux + htc * (T.value - cooling_.ambient)) / width;
      slope[n] += htc * std::max(T.slope * phi.slope, small_.candidate.steel.solid_heating) / width;
    });
  }
  double over_section(const Vector& density) const {
    double total = 0;
    for_each([&](size_t n, int i, int j) {
      total += small_.section().x.width[i] * small_.section().y.width[j] * density[n];
    });
    return total;
  }
  // A flux may take a node anywhere below the pouring enthalpy, coefficients no further than the ambient one.
  double limited(double H, double u) const {
    const bool drains = cooling_.flux_x > 0 || cooling_.flux_y > 0;
    const double ambient = small_.strand.steel.property(casting::Steel::Property::enthalpy, cooling_.ambient);
    const double lowest = drains ? -1e30 : std::min(ambient, small_.pouring);
    return std::min(std::max(u, std::min(lowest - H, 0.0)), std::max(small_.pouring - H, 0.0));
  }

  // That of the solid, and in the mush 0.4 of the liquid's, which comes in over a tenth of the potential, and
  // 0.76 of it, which comes in over the last three tenths.
  double least(double phi) const {
    const auto& steel = small_.candidate.steel;
    const double place = 10 * phi / steel.liquidus_potential, solid = steel.solid_slope;
    const double lower = std::max(0.4 * steel.liquid_slope, solid);
    const double upper = std::max(0.76 * steel.liquid_slope, solid);
    return solid + std::clamp(place, 0.0, 1.0) * (lower - solid) +
           std::clamp((1.0 / 3) * place - 7.0 / 3, 0.0, 1.0) * (upper - lower);
  }

  void take_two_passes(const Step<double>& step) {
    const double s = step.share * step.size / small_.strand.speed, m = step.memory;
    Vector guess(size()), there(size()), phi(size()), K(size());
    for (size_t n = 0; n < size(); ++n) {
      guess[n] = limited(state[n], std::min(step.ratio, 1.0) * before[n]);
      there[n] = state[n] + guess[n];
      const Found<double> found = potential(there[n]);
      K[n] = std::max({potential(state[n]).slope, found.slope, least(found.value)});
      phi[n] = found.value - K[n] * guess[n];
    }
    Vector loss(size(), 0), slope(size(), 0), D(size()), rhs(size());
    cool(there, along_x, loss, slope);
    cool(there, along_y, loss, slope);
    const Vector x = conducted(phi, along_x), y = conducted(phi, along_y);
    for (size_t n = 0; n < size(); ++n) {
      D[n] = 1 + s * slope[n];
      rhs[n] = m * before[n] + s * (x[n] + y[n] - (loss[n] - slope[n] * guess[n]));
    }
    const Vector first = both(D, s, K, rhs);
    add_second_pass(step, first, D, K, slope);
  }
  void add_second_pass(const Step<double>& step, const Vector& first, const Vector& D, const Vector& K,
                       const Vector& slope) {
    const double s = step.share * step.size / small_.strand.speed, m = step.memory;
    Vector guess(size()), there(size()), phi(size()), rhs(size());
    for (size_t n = 0; n < size(); ++n) {
      guess[n] = limited(state[n], first[n]);
      there[n] = state[n] + guess[n];
      phi[n] = potential(there[n]).value;
    }
    Vector loss(size(), 0), unused(size(), 0);
    cool(there, along_x, loss, unused);
    cool(there, along_y, loss, unused);
    const Vector x = conducted(phi, along_x), y = conducted(phi, along_y);
    for (size_t n = 0; n < size(); ++n) rhs[n] = m * before[n] - guess[n] + s * (x[n] + y[n] - loss[n]);
    const Vector added = both(D, s, K, rhs);
    for (size_t n = 0; n < size(); ++n) {
      before[n] = guess[n] + added[n];
      state[n] += before[n];
      loss[n] += slope[n] * added[n];
    }
    heat_of_step = m * heat_of_step + s * over_section(loss);
    heat += heat_of_step;
  }
  Vector both(const Vector& D, double s, const Vector& K, const Vector& rhs) const {
    Vector half = solved(D, s, K, along_x, rhs);
    for (size_t n = 0; n < size(); ++n) half[n] *= D[n];
    return solved(D, s, K, along_y, half);
  }

  void start(double duration) {
    for (int quarter = 0; quarter < 4; ++quarter) {
      before.assign(size(), 0);
      heat_of_step = 0;
      take_half(duration / 4, quarter % 2 == 0 ? along_x : along_y);
      take_half(duration / 4, quarter % 2 == 0 ? along_y : along_x);
      heat += heat_of_step;
    }
  }
  void take_half(double s, Direction direction) {
    Vector phi(size()), K(size()), loss(size(), 0), slope(size(), 0), D(size()), rhs(size());
    for (size_t n = 0; n < size(); ++n) {
      const Found<double> found = potential(state[n]);
      phi[n] = found.value;
      K[n] = std::max(found.slope, 0.4 * small_.candidate.steel.largest_solid_slope);
    }
    cool(state, direction, loss, slope);
    const Vector balance = conducted(phi, direction);
    for (size_t n = 0; n < size(); ++n) {
      D[n] = 1 + s * slope[n];
      rhs[n] = s * (balance[n] - loss[n]);
    }
    const Vector u = solved(D, s, K, direction, rhs);
    for (size_t n = 0; n < size(); ++n) {
      state[n] += u[n];
      before[n] += u[n];
      loss[n] += slope[n] * u[n];
    }
    heat_of_step += s * over_section(loss);
  }
};
