// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// The observation of an element that goes to steel and slag (arXiv:2504.11319, Eq. (4)),
//
//     y = (m . alpha + addition) / (1 + (c1 + c2 f) r) + eps,   r = m_slag / m_steel,
//
// of the state (alpha, c1, c2). It sees the state only through s = m . alpha and u = c1 + f c2, and is linear
// in s once u is known: its moments are integrals over u alone.
#pragma once
#include "tundish/filtering/unscented.h"

TUNDISH_NAMESPACE_BEGIN

// The data of a heat beside its scrap.
template <class T>
struct Heat {
  T addition;    // m_hm f_hm, ppm t
  T slag_ratio;  // r
};

// Means and covariances of s and u.
template <class T>
struct ScrapMoments {
  T s, u, ss, su, uu;
};

// The forecast of a heat's observation: its moments, and its slopes in s and u. The covariance of y with any
// component of the state is slope_s times that of s plus slope_u times that of u.
template <class T>
struct ScrapForecast {
  T mean, variance;  // without the measurement's noise
  T slope_s, slope_u;
  bool sound;  // 1 + u r was above 0 at every point
};

// The five points of Gauss-Hermite quadrature over a standard normal distribution, and their weights.
constexpr int hermite_points = 5;
template <class T>
TUNDISH_HD T hermite_point(int k) {
  const double points[hermite_points] = {-2.8569700138728056, -1.3556261799742659, 0, 1.3556261799742659,
                                         2.8569700138728056};
  return T(points[k]);
}
template <class T>
TUNDISH_HD T hermite_weight(int k) {
  const double weights[hermite_points] = {0.011257411327720691, 0.22207592200561266, 0.53333333333333333,
                                          0.22207592200561266, 0.011257411327720691};
  return T(weights[k]);
}

// The projected forecast: exact in s, by quadrature in u. It differs from that of full sigma points by a few
// 1e-3 ppm of the steel, at a fraction of their cost (docs/filters.md).
template <class T>
TUNDISH_HD ScrapForecast<T> forecast(const ScrapMoments<T>& m, const Heat<T>& heat) {
  const T deviation = square_root(maximum(m.uu, T(0)));
  const T follows = m.uu > T(0) ? m.su / m.uu : T(0);  // slope of s in u
  const T own = m.ss - follows * m.su;                 // variance of s given u
  T share[hermite_points], value[hermite_points];      // 1 / (1 + u r), and the mean of y there
  ScrapForecast<T> f = {T(0), T(0), T(0), T(0), true};
  for (int k = 0; k < hermite_points; ++k) {
    const T off = deviation * hermite_point<T>(k), kept = T(1) + (m.u + off) * heat.slag_ratio;
    f.sound = f.sound & (kept > T(0));
    share[k] = T(1) / kept;
    value[k] = (m.s + follows * off + heat.addition) * share[k];
    f.mean += hermite_weight<T>(k) * value[k];
  }

  // The variance is that of the means given u, and the mean of the variances given u.
  T with_u = T(0);  // covariance of y and u
  for (int k = 0; k < hermite_points; ++k) {
    const T w = hermite_weight<T>(k), off = value[k] - f.mean;
    f.variance += w * (off * off + own * share[k] * share[k]);
    f.slope_s += w * share[k];
    with_u += w * off * (deviation * hermite_point<T>(k));
  }

  // Covariance of y and u = slope_s su + slope_u uu; that with s is then slope_s ss + slope_u su.
  f.slope_u = m.uu > T(0) ? (with_u - f.slope_s * m.su) / m.uu : T(0);
  return f;
}

// Eq. (4) without its noise.
template <class T>
TUNDISH_HD T steel_element(T s, T u, const Heat<T>& heat, bool& sound) {
  const T kept = T(1) + u * heat.slag_ratio;
  sound = sound & (kept > T(0));
  return (s + heat.addition) / kept;
}

TUNDISH_NAMESPACE_END
