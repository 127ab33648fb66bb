// What filters must find, by plain formulas: dense matrices, inverses, no lanes.
#pragma once
#include <cmath>
#include <vector>

#include "batch.h"
#include "matrix.h"

inline std::vector<int> first_numbers(int count) {
  std::vector<int> all;
  for (int k = 0; k < count; ++k) all.push_back(k);
  return all;
}

// One filter of a batch, its arrays as matrices.
template <class T>
class Reference {
 public:
  explicit Reference(const Batch<T>& batch) : b(batch), m(b.model()), n(b.n), p(b.p) {}

  Matrix design(long t) const { return Matrix(p, n, m.design.at(0, t)); }
  Matrix obs_cov(long t) const { return Matrix(p, p, m.obs_cov.at(0, t)); }
  Matrix obs_intercept(long t) const { return Matrix(p, 1, m.obs_intercept.at(0, t)); }
  Matrix transition(long t) const { return square(m.transition, b.diagonal, t); }
  Matrix transition_minus_one(long t) const { return square(m.transition_minus_one, b.diagonal, t); }
  Matrix state_cov(long t) const { return square(m.state_cov, b.diagonal_state_cov, t); }
  Matrix state_intercept(long t) const { return Matrix(n, 1, m.state_intercept.at(0, t)); }
  Matrix initial_mean() const { return Matrix(n, 1, m.initial_mean.at(0, 0)); }
  Matrix initial_cov() const { return Matrix(n, n, m.initial_cov.at(0, 0)); }
  double y(long t, int k) const { return double(m.y.at(0, t)[k]); }

  // An observation's forecast, its variance, and its covariance with the state (p, n).
  struct Forecast {
    Matrix mean, variance, with_state;
  };
  Found<double> filter() const;

 private:
  Matrix square(const tundish::filtering::Series<T>& from, bool diagonal, long t) const {
    if (!diagonal) return Matrix(n, n, from.at(0, t));
    return Matrix::diagonal(std::vector<double>(from.at(0, t), from.at(0, t) + n));
  }
  Forecast forecast(const Matrix& a, const Matrix& cov, long t) const {
    if (b.observes == tundish::filtering::Observes::projected) return forecast_projected(a, cov, t);
    if (b.observes == tundish::filtering::Observes::sigma) return forecast_sigma(a, cov, t);
    const Matrix z = design(t), with_state = z * cov;
    return {z * a + obs_intercept(t), with_state * z.turned() + obs_cov(t), with_state};
  }
  // Eq. (4) of the state.
  double steel(const Matrix& state, long t) const {
    const double u = state(n - 2, 0) + double(*m.iron_oxide.at(0, t)) * state(n - 1, 0);
    double sum = double(*m.addition.at(0, t));
    for (int i = 0; i < n - 2; ++i) sum += double(m.design.at(0, t)[i]) * state(i, 0);
    return sum / (1 + u * double(*m.slag_ratio.at(0, t)));
  }
  Forecast forecast_projected(const Matrix& a, const Matrix& cov, long t) const;
  Forecast forecast_sigma(const Matrix& a, const Matrix& cov, long t) const;

  Batch<T> b;
  tundish::filtering::FilterModel<T> m;
  int n, p;
};

// By quadrature over u, in the moments of the whole state once u is known.
template <class T>
typename Reference<T>::Forecast Reference<T>::forecast_projected(const Matrix& a, const Matrix& cov,
                                                                 long t) const {
  Matrix of_u(n, 1), of_s(n, 1);
  of_u(n - 2, 0) = 1;
  of_u(n - 1, 0) = double(*m.iron_oxide.at(0, t));
  for (int i = 0; i < n - 2; ++i) of_s(i, 0) = double(m.design.at(0, t)[i]);
  const Matrix with_u = cov * of_u;
  const double uu = (of_u.turned() * with_u)(0, 0), u = (of_u.turned() * a)(0, 0);
  const Matrix known = cov - with_u * Matrix::diagonal({1 / uu}) * with_u.turned();
  const Matrix known_with_s = known * of_s;
  const double outer = std::sqrt(5 + std::sqrt(10.0)), inner = std::sqrt(5 - std::sqrt(10.0));
  const double far = (7 - 2 * std::sqrt(10.0)) / 60, near = (7 + 2 * std::sqrt(10.0)) / 60;
  const double points[] = {-outer, -inner, 0, inner, outer}, weights[] = {far, near, 8.0 / 15, near, far};
  double mean = 0, square = 0;
  Matrix product(n, 1);
  for (int k = 0; k < 5; ++k) {
    const double off = points[k] * std::sqrt(uu);
    const double share = 1 / (1 + (u + off) * double(*m.slag_ratio.at(0, t)));
    const Matrix state = a.plus(with_u, off / uu);
    const double y = ((of_s.turned() * state)(0, 0) + double(*m.addition.at(0, t))) * share;
    mean += weights[k] * y;
    square += weights[k] * (y * y + (of_s.turned() * known_with_s)(0, 0) * share * share);
    product = product.plus(state, weights[k] * y).plus(known_with_s, weights[k] * share);
  }
  const Matrix with_state = product.plus(a, -mean).turned();
  return {Matrix::diagonal({mean}), Matrix::diagonal({square - mean * mean}) + obs_cov(t), with_state};
}

// By all sigma points.
template <class T>
typename Reference<T>::Forecast Reference<T>::forecast_sigma(const Matrix& a, const Matrix& cov,
                                                             long t) const {
  const double s = n + b.kappa;
  const Matrix lower = cov.root();
  std::vector<Matrix> points = {a};
  for (int k = 0; k < n; ++k)
    for (const double side : {1.0, -1.0})
      points.push_back(a.plus(lower.part(first_numbers(n), {k}), side * std::sqrt(s)));
  double mean = 0, variance = 0;
  Matrix with_state(n, 1);
  for (size_t k = 0; k < points.size(); ++k) mean += (k ? 0.5 / s : 1 - n / s) * steel(points[k], t);
  for (size_t k = 0; k < points.size(); ++k) {
    const double off = steel(points[k], t) - mean;
    variance += (k ? 0.5 / s : 1 - n / s) * off * off;
    with_state = with_state.plus(points[k] - a, (k ? 0.5 / s : 1 - n / s) * off);
  }
  return {Matrix::diagonal({mean}), Matrix::diagonal({variance}) + obs_cov(t), with_state.turned()};
}

template <class T>
Found<double> Reference<T>::filter() const {
  Found<double> found;
  auto keep = [](const Matrix& from, std::vector<double>& to) {
    to.insert(to.end(), from.numbers.begin(), from.numbers.end());
  };
  Matrix a = initial_mean(), cov = initial_cov();
  double loglik = 0;
  for (long t = 0; t < b.steps; ++t) {
    const Forecast f = forecast(a, cov, t);
    keep(f.mean, found.forecast);
    keep(f.variance, found.forecast_var);
    if (b.observes != tundish::filtering::Observes::linear)
      keep(cov.inverse() * f.with_state.turned(), found.slopes);
    std::vector<int> there;
    for (int k = 0; k < p; ++k) {
      found.innovation.push_back(y(t, k) - f.mean(k, 0));
      if (!std::isnan(y(t, k))) there.push_back(k);
    }
    if (!there.empty()) {
      Matrix off(int(there.size()), 1);
      for (int k = 0; k < off.rows; ++k) off(k, 0) = y(t, there[size_t(k)]) - f.mean(there[size_t(k)], 0);
      double determinant;
      Matrix inverse = f.variance.part(there, there).inverse(&determinant);
      const double distance = std::sqrt((off.turned() * inverse * off)(0, 0)), bound = double(b.robust);
      const bool beyond = bound > 0 && distance > bound;
      loglik -= 0.5 * (off.rows * std::log(2 * M_PI) + std::log(determinant));
      loglik -= beyond ? bound * distance - 0.5 * bound * bound : 0.5 * distance * distance;
      if (bound > 0)  // of the density's integral
        loglik -= std::log(std::erf(bound / std::sqrt(2.0)) +
                           std::sqrt(2 / M_PI) * std::exp(-0.5 * bound * bound) / bound);
      if (beyond)
        for (double& x : inverse.numbers) x *= bound / distance;
      const Matrix with_state = f.with_state.part(there, first_numbers(n));
      a = a + with_state.turned() * inverse * off;
      cov = (cov - with_state.turned() * inverse * with_state).symmetric();
    }
    keep(a, found.mean);
    keep(cov, found.cov);
    for (int i = 0; i < n; ++i) found.std.push_back(std::sqrt(cov(i, i)));
    if (t + 1 == b.steps) {
      keep(a, found.final_mean);
      keep(cov, found.final_cov);
    }
    a = a + transition_minus_one(t) * a + state_intercept(t);
    cov = (transition(t) * cov * transition(t).turned() + state_cov(t)).symmetric();
  }
  keep(a, found.predicted_mean);
  keep(cov, found.predicted_cov);
  found.loglik = {loglik};
  return found;
}
