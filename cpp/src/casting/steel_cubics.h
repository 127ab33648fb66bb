// A steel's potential by enthalpy as Cubics (tundish/core/cubics.h), for the steels that so few pieces fit.
// The kinks are the solidus, where the enthalpy is 0, and the liquidus.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>

#include "casting/steel_curves.h"

namespace tundish::casting {

inline double value_of(double x) { return x; }
template <int K>
double value_of(Dual<double, K> x) {
  return x.value;
}

// Inverse is T(H) of the model, whose results carry the derivatives at a fixed H.
template <class Model, class Real, class Inverse>
class CubicFit {
 public:
  CubicFit(const Model& steel, Inverse& temperature)
      : steel_(steel),
        temperature_(temperature),
        width_(steel.liquid_enthalpy(steel.liquidus()) / double(equal_cubics)),
        per_cell_(1.0 / width_),
        depth_(steel.enthalpy(Real(lowest_temperature))) {
    fit_below();
    fit_between();
    fit_above();
    join(1, low_, piece_[0], piece_[2], 0);
    join(cubics - 2, high_ - double(equal_cubics), piece_[cubics - 1], piece_[cubics - 3], 1);
  }

  // Whether the pieces are within 0.01 K of the model and rise, also some way beyond the range. A table of
  // properties has kinks of its own, and latent heat released at the solidus makes one more.
  bool fits() const {
    if (value_of(steel_.mush_enthalpy(steel_.solidus())) > 0) return false;
    const double S = value_of(steel_.solidus()), L = value_of(steel_.liquidus());
    return fits_between(lowest_temperature, S, 32) && fits_between(S, L, 8 * equal_cubics) &&
           fits_between(L, L + highest_superheat, 4) && slope(1.5 * value_of(depth_)) > 0;
  }

  void keep(int gradients, Curve& curve, std::vector<double>& tangents) const {
    curve.origin = 0;
    curve.per_cell = value_of(per_cell_);
    curve.cells = numbers_of_cubics / spline_row;
    curve.rows.assign(numbers_of_cubics, 0.0);
    tangents.assign(size_t(numbers_of_cubics * gradients), 0.0);
    for (int r = 0; r < cubics; ++r) {
      const Piece c = at_fixed_enthalpy(r);
      for (int k = 0; k < 4; ++k) {
        curve.rows[size_t(4 * r + k)] = curve.rows[size_t(cubics_by_power + cubics * k + r)] = value_of(c[k]);
        if constexpr (!std::is_same_v<Real, double>)
          for (int g = 0; g < gradients; ++g) tangents[size_t((4 * r + k) * gradients + g)] = c[k].tangent[g];
      }
    }
    curve.rows[cubics_narrow] = value_of(low_);
    curve.rows[cubics_narrow + 1] = value_of(high_);
  }

 private:
  typedef std::array<Real, 4> Piece;
  static constexpr double tolerance = 0.01, narrow = 0.05;  // K

  static Real at(const Piece& c, Real t) { return c[0] + t * (c[1] + t * (c[2] + t * c[3])); }
  static Real slope_at(const Piece& c, Real t) { return c[1] + t * (2.0 * c[2] + t * (3.0 * c[3])); }
  // From values and slopes at 0 and 1.
  static Piece hermite(Real p0, Real s0, Real p1, Real s1) {
    const Real rise = p1 - p0;
    return {p0, s0, 3.0 * rise - 2.0 * s0 - s1, s0 + s1 - 2.0 * rise};
  }
  // dx/dT
  Real per_kelvin(Real T) const { return steel_.density(T) * steel_.heat_capacity(T) * per_cell_; }
  // dPhi/dx
  Real slope_of_model(Real T) const {
    return width_ * steel_.conductivity(T) / (steel_.density(T) * steel_.heat_capacity(T));
  }

  // Through four temperatures of the solid: exact where the conductivity is quadratic and the capacity
  // constant.
  void fit_below() {
    const Real top = steel_.solidus();
    Real x[4], d[4];
    for (int n = 0; n < 4; ++n) {
      const Real T = top - (top - lowest_temperature) * ((1.0 - std::cos((n + 0.5) * M_PI / 4)) / 2);
      x[n] = steel_.solid_enthalpy(T) * per_cell_;
      d[n] = steel_.solid_potential(T);
    }
    for (int order = 1; order < 4; ++order)
      for (int n = 3; n >= order; --n) d[n] = (d[n] - d[n - 1]) / (x[n] - x[n - order]);
    Piece& c = piece_[0];
    c = {d[3], Real(0.0), Real(0.0), Real(0.0)};
    for (int n = 2; n >= 0; --n) {  // c (x - x[n]) + d[n]
      for (int k = 3; k > 0; --k) c[size_t(k)] = c[size_t(k - 1)] - x[n] * c[size_t(k)];
      c[0] = d[n] - x[n] * c[0];
    }
    low_ = (-narrow) * per_kelvin(top - 1e-6);
  }
  // Values and slopes at the ends of the pieces. What a piece then misses has one sign: half of the error in
  // its middle is taken off the ends.
  void fit_between() {
    const Real S = steel_.solidus(), L = steel_.liquidus();
    Real p[equal_cubics + 1], s[equal_cubics + 1], missed[equal_cubics + 2];
    for (int k = 0; k <= equal_cubics; ++k) {
      Real T = k == 0 ? S : L;
      if (k > 0 && k < equal_cubics) T = temperature(double(k));
      p[k] = steel_.mush_potential(T);
      s[k] = slope_of_model(k == 0 ? S + 1e-6 * (L - S) : k == equal_cubics ? L - 1e-6 * (L - S) : T);
    }
    for (int k = 0; k < equal_cubics; ++k)
      missed[k + 1] = steel_.mush_potential(temperature(k + 0.5)) -
                      at(hermite(p[k], s[k], p[k + 1], s[k + 1]), Real(0.5));
    missed[0] = missed[1];
    missed[equal_cubics + 1] = missed[equal_cubics];
    for (int k = 0; k <= equal_cubics; ++k) p[k] = p[k] + 0.25 * (missed[k] + missed[k + 1]);
    for (int k = 0; k < equal_cubics; ++k) piece_[size_t(k + 2)] = hermite(p[k], s[k], p[k + 1], s[k + 1]);
  }
  void fit_above() {
    const Real L = steel_.liquidus();
    piece_[cubics - 1] = {steel_.liquid_potential(L), slope_of_model(L), Real(0.0), Real(0.0)};
    high_ = double(equal_cubics) + narrow * per_kelvin(L);
  }
  // The narrow piece between a kink, where `inner` is at its place `end`, and the place d of `outer`.
  void join(int row, Real d, const Piece& outer, const Piece& inner, double end) {
    const Real p = at(inner, Real(end)), s = slope_at(inner, Real(end));
    const Real chord = (at(outer, d) - p) / d, far = slope_at(outer, d);
    piece_[size_t(row)] = {p, s, (3.0 * chord - 2.0 * s - far) / d, (s + far - 2.0 * chord) / (d * d)};
  }
  // T at the place x between the kinks, whose enthalpy moves with the parameters.
  Real temperature(double x) const {
    const Real H = x * width_;
    const Real T = temperature_.temperature_of_enthalpy(value_of(H));
    return T + (H - value_of(H)) / (steel_.density(T) * steel_.heat_capacity(T));
  }

  int row(double x) const {
    const double k = std::clamp(std::floor(x), -1.0, double(equal_cubics));
    return int(k) + 1 + int(x >= value_of(low_)) + int(x >= value_of(high_));
  }
  double base(int row) const { return std::clamp(row - 2, 0, equal_cubics); }
  double potential(double H) const {
    const double x = H * value_of(per_cell_);
    return value_of(at(piece_[size_t(row(x))], Real(x - base(row(x)))));
  }
  double slope(double H) const {
    const double x = H * value_of(per_cell_);
    return value_of(slope_at(piece_[size_t(row(x))], Real(x - base(row(x)))));
  }
  bool fits_between(double low, double high, int samples) const {
    for (int n = 0; n < samples; ++n) {
      const Real T(low + (high - low) * ((n + 0.5) / samples));
      const double H = value_of(steel_.enthalpy(T));
      const double off = potential(H) - value_of(steel_.potential(T));
      if (!(std::abs(off) < tolerance * value_of(steel_.conductivity(T)) && slope(H) > 0)) return false;
    }
    return true;
  }
  // The coefficients with their derivatives at a fixed enthalpy, where x moves with per_cell:
  // dx = (t + base) dper_cell / per_cell.
  Piece at_fixed_enthalpy(int r) const {
    Piece c = piece_[size_t(r)];
    if constexpr (!std::is_same_v<Real, double>) {
      const double b = base(r), c1 = c[1].value, c2 = c[2].value, c3 = c[3].value;
      const double moved[4] = {c1 * b, c1 + 2 * c2 * b, 2 * c2 + 3 * c3 * b, 3 * c3};
      for (int k = 0; k < 4; ++k)
        c[size_t(k)].tangent = c[size_t(k)].tangent + (moved[k] / per_cell_.value) * per_cell_.tangent;
    }
    return c;
  }

  const Model& steel_;
  Inverse& temperature_;
  Real width_, per_cell_, depth_;  // of a piece, J/m3; its inverse; the enthalpy at the lowest temperature
  Real low_, high_;                // where the narrow pieces begin and end
  std::array<Piece, cubics> piece_;
};

}  // namespace tundish::casting
