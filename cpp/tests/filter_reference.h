// Batches of filters at random, and what they must find by plain formulas: dense matrices, inverses, no
// lanes.
#pragma once
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "filtering/filters.h"

// An array of a batch, with an axis of filters and one of steps where they differ.
template <class T>
struct Numbers {
  std::vector<T> all;
  bool by_filter = false, by_step = false;

  tundish::filtering::Series<T> series(long item, long steps) const {
    return {all.data(), by_filter ? (by_step ? steps : 1) * item : 0, by_step ? item : 0};
  }
  // Of one filter of the batch.
  Numbers of(long filter, long filters) const {
    if (!by_filter) return *this;
    const long each = long(all.size()) / filters;
    return {std::vector<T>(all.begin() + filter * each, all.begin() + (filter + 1) * each), false, by_step};
  }
};

template <class T>
struct Batch {
  long filters = 1, steps = 1;
  int n = 1, p = 1;
  tundish::Form form = tundish::Form::standard;
  tundish::filtering::Observes observes = tundish::filtering::Observes::linear;
  T robust = 0;
  double kappa = 0;
  bool diagonal = true, diagonal_noise = true;
  Numbers<T> y, design, noise, intercept, transition, less_one, state_noise, state_intercept, initial_mean,
      initial_cov, addition, slag_ratio, iron_oxide;

  // It looks at this batch's arrays.
  tundish::filtering::FilterModel<T> model() const {
    const long square = long(n) * n, masses = observes == tundish::filtering::Observes::linear ? n : n - 2;
    tundish::filtering::FilterModel<T> m = {};
    m.filters = filters;
    m.steps = steps;
    m.n = n;
    m.p = p;
    m.form = form;
    m.robust = robust;
    m.diagonal = diagonal;
    m.diagonal_noise = diagonal_noise;
    m.y = y.series(p, steps);
    m.design = design.series(p * masses, steps);
    m.noise = noise.series(p * p, steps);
    m.intercept = intercept.series(p, steps);
    m.transition = transition.series(diagonal ? n : square, steps);
    m.less_one = less_one.series(diagonal ? n : square, steps);
    m.state_noise = state_noise.series(diagonal_noise ? n : square, steps);
    m.state_intercept = state_intercept.series(n, steps);
    m.initial_mean = initial_mean.series(n, steps);
    m.initial_cov = initial_cov.series(square, steps);
    m.observes = observes;
    m.addition = addition.series(1, steps);
    m.slag_ratio = slag_ratio.series(1, steps);
    m.iron_oxide = iron_oxide.series(1, steps);
    m.sigma = tundish::sigma_weights<T>(n, kappa, 1, 0);
    m.rows = tundish::filtering::runs_by_rows(m);
    return m;
  }
  Batch alone(long filter) const {
    Batch one = *this;
    one.filters = 1;
    for (auto part : {&Batch::y, &Batch::design, &Batch::noise, &Batch::intercept, &Batch::transition,
                      &Batch::less_one, &Batch::state_noise, &Batch::state_intercept, &Batch::initial_mean,
                      &Batch::initial_cov, &Batch::addition, &Batch::slag_ratio, &Batch::iron_oxide})
      one.*part = (this->*part).of(filter, filters);
    return one;
  }
};

// All that filters write, one filter after the other.
template <class T>
struct Found {
  std::vector<T> mean, std, cov, forecast, forecast_var, innovation, final_mean, final_cov, predicted_mean,
      predicted_cov, slopes;
  std::vector<double> loglik;
  std::vector<tundish::filtering::FilterProblem> problems;
  bool finished = false;
};

class Dice {
 public:
  explicit Dice(unsigned seed) : generator_(seed) {}
  double between(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(generator_);
  }
  template <class T>
  std::vector<T> numbers(long count, double low, double high) {
    std::vector<T> drawn;
    for (long k = 0; k < count; ++k) drawn.push_back(T(between(low, high)));
    return drawn;
  }
  // Covariances (count, n, n) of standard deviations around `size`.
  template <class T>
  std::vector<T> covariances(long count, int n, double size) {
    std::vector<T> drawn;
    for (long k = 0; k < count; ++k) {
      const std::vector<double> a = numbers<double>(long(n) * n, -1, 1);
      for (int i = 0; i < n; ++i)
        for (int j = 0; j < n; ++j) {
          double sum = i == j ? 0.3 : 0;
          for (int c = 0; c < n; ++c) sum += a[size_t(i * n + c)] * a[size_t(j * n + c)] / n;
          drawn.push_back(T(size * size * sum));
        }
    }
    return drawn;
  }

 private:
  std::mt19937 generator_;
};

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

// What is asked of a random batch.
struct Kind {
  int n, p;
  long filters, steps;
  double least, largest;  // components of F, its diagonal alone where it is dense
  bool dense = false;     // F and Q
  bool by_step = false;   // F, Q and c
  bool quiet = false;     // Q is 0
};

template <class T>
Batch<T> random_batch(const Kind& kind, unsigned seed) {
  Dice dice(seed);
  Batch<T> b;
  b.filters = kind.filters;
  b.steps = kind.steps;
  b.n = kind.n;
  b.p = kind.p;
  b.diagonal = b.diagonal_noise = !kind.dense;
  const long n = kind.n, p = kind.p, readings = b.filters * b.steps;
  const long transitions = b.filters * (kind.by_step ? b.steps : 1);
  b.y = {dice.numbers<T>(readings * p, -3, 3), true, true};
  for (T& y : b.y.all)
    if (dice.between(0, 1) < 0.2) y = T(missing);
  b.design = {dice.numbers<T>(readings * p * n, -1, 2), true, true};
  b.noise = {dice.covariances<T>(readings, b.p, 0.7), true, true};
  b.intercept = {dice.numbers<T>(readings * p, -1, 1), true, true};
  std::vector<double> f;
  for (long k = 0; k < transitions; ++k)
    for (int i = 0; i < n; ++i)
      for (int j = kind.dense ? 0 : i; j < (kind.dense ? n : i + 1); ++j)
        f.push_back(i == j ? dice.between(kind.least, kind.largest) : dice.between(-0.2, 0.2) / double(n));
  b.transition = b.less_one = {{}, true, kind.by_step};
  for (size_t k = 0; k < f.size(); ++k) {
    const bool on_diagonal = !kind.dense || long(k) % (n * n) % (n + 1) == 0;
    b.transition.all.push_back(T(f[k]));
    b.less_one.all.push_back(T(f[k] - (on_diagonal ? 1 : 0)));
  }
  b.state_noise = {
      kind.dense ? dice.covariances<T>(transitions, b.n, 0.4) : dice.numbers<T>(transitions * n, 0, 0.2),
      true, kind.by_step};
  if (kind.quiet) b.state_noise.all.assign(b.state_noise.all.size(), T(0));
  b.state_intercept = {dice.numbers<T>(transitions * n, -0.2, 0.2), true, kind.by_step};
  b.initial_mean = {dice.numbers<T>(b.filters * n, -1, 1), true, false};
  b.initial_cov = {dice.covariances<T>(b.filters, b.n, 1.5), true, false};
  return b;
}

// Heats of arXiv:2504.11319 with n - 2 types of scrap: an element that goes to slag, c1 and c2 behind its
// fractions.
template <class T>
Batch<T> random_heats(int n, long filters, long steps, tundish::filtering::Observes observes, unsigned seed) {
  Dice dice(seed);
  Batch<T> b = random_batch<T>({n, 1, filters, steps, 0.99, 1}, seed);
  const long readings = filters * steps;
  b.observes = observes;
  b.kappa = 3.0 - n;
  b.design = {dice.numbers<T>(readings * (n - 2), 0, 140.0 / (n - 2)), true, true};
  b.noise = {dice.numbers<T>(readings, 0.2, 1), true, true};
  b.intercept = {std::vector<T>(1, T(0)), false, false};
  b.addition = {dice.numbers<T>(readings, 100, 200), true, true};
  b.slag_ratio = {dice.numbers<T>(readings, 0.05, 0.1), true, true};
  b.iron_oxide = {dice.numbers<T>(readings, 20, 30), true, true};
  for (long f = 0; f < filters; ++f) {
    T* mean = b.initial_mean.all.data() + f * n;
    T* noise = b.state_noise.all.data() + f * n;
    T* cov = b.initial_cov.all.data() + f * n * n;
    for (int i = 0; i < n; ++i) {
      const double deviation = i < n - 2 ? 2 : i == n - 2 ? 0.5 : 0.005;
      mean[i] = T(i < n - 2 ? dice.between(5, 10) : i == n - 2 ? 9.7 : 0.01);
      noise[i] = T(deviation * deviation * dice.between(0, 0.02));
      b.state_intercept.all[size_t(f * n + i)] = T(0);
      for (int j = 0; j < n; ++j) {
        const double other = j < n - 2 ? 2 : j == n - 2 ? 0.5 : 0.005;
        cov[i * n + j] = T(double(cov[i * n + j]) / 2.25 * deviation * other);
      }
    }
  }
  for (T& y : b.y.all) y = T(double(y) * 20 + 330);  // NaN stays
  return b;
}

struct Matrix {
  int rows, columns;
  std::vector<double> numbers;

  Matrix(int r, int c) : rows(r), columns(c), numbers(size_t(r * c)) {}
  template <class T>
  Matrix(int r, int c, const T* from) : rows(r), columns(c), numbers(from, from + r * c) {}
  static Matrix diagonal(const std::vector<double>& d) {
    Matrix m(int(d.size()), int(d.size()));
    for (int i = 0; i < m.rows; ++i) m(i, i) = d[size_t(i)];
    return m;
  }
  double& operator()(int i, int j) { return numbers[size_t(i * columns + j)]; }
  double operator()(int i, int j) const { return numbers[size_t(i * columns + j)]; }
  Matrix operator*(const Matrix& b) const {
    Matrix m(rows, b.columns);
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < b.columns; ++j)
        for (int k = 0; k < columns; ++k) m(i, j) += (*this)(i, k) * b(k, j);
    return m;
  }
  Matrix plus(const Matrix& b, double factor = 1) const {
    Matrix m = *this;
    for (size_t k = 0; k < numbers.size(); ++k) m.numbers[k] += factor * b.numbers[k];
    return m;
  }
  Matrix operator+(const Matrix& b) const { return plus(b); }
  Matrix operator-(const Matrix& b) const { return plus(b, -1); }
  Matrix turned() const {
    Matrix m(columns, rows);
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < columns; ++j) m(j, i) = (*this)(i, j);
    return m;
  }
  Matrix symmetric() const {
    Matrix m = plus(turned());
    for (double& x : m.numbers) x /= 2;
    return m;
  }
  // Of what rows and columns are given.
  Matrix part(const std::vector<int>& of_rows, const std::vector<int>& of_columns) const {
    Matrix m(int(of_rows.size()), int(of_columns.size()));
    for (int i = 0; i < m.rows; ++i)
      for (int j = 0; j < m.columns; ++j) m(i, j) = (*this)(of_rows[size_t(i)], of_columns[size_t(j)]);
    return m;
  }
  // The lower factor.
  Matrix root() const {
    Matrix l(rows, rows);
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j <= i; ++j) {
        double sum = (*this)(i, j);
        for (int k = 0; k < j; ++k) sum -= l(i, k) * l(j, k);
        l(i, j) = i == j ? std::sqrt(sum) : sum / l(j, j);
      }
    return l;
  }
  // By elimination with the largest pivots; the determinant beside it.
  Matrix inverse(double* determinant = nullptr) const {
    Matrix a = *this, b = diagonal(std::vector<double>(size_t(rows), 1.0));
    double product = 1;
    for (int c = 0; c < rows; ++c) {
      int pivot = c;
      for (int i = c + 1; i < rows; ++i)
        if (std::abs(a(i, c)) > std::abs(a(pivot, c))) pivot = i;
      if (pivot != c) product = -product;
      for (int j = 0; j < rows; ++j) {
        std::swap(a(c, j), a(pivot, j));
        std::swap(b(c, j), b(pivot, j));
      }
      product *= a(c, c);
      for (int i = 0; i < rows; ++i) {
        const double factor = a(i, c) / a(c, c);
        for (int j = 0; i != c && j < rows; ++j) {
          a(i, j) -= factor * a(c, j);
          b(i, j) -= factor * b(c, j);
        }
      }
    }
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < rows; ++j) b(i, j) /= a(i, i);
    if (determinant) *determinant = product;
    return b;
  }
};

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
  Matrix noise(long t) const { return Matrix(p, p, m.noise.at(0, t)); }
  Matrix intercept(long t) const { return Matrix(p, 1, m.intercept.at(0, t)); }
  Matrix transition(long t) const { return square(m.transition, b.diagonal, t); }
  Matrix less_one(long t) const { return square(m.less_one, b.diagonal, t); }
  Matrix state_noise(long t) const { return square(m.state_noise, b.diagonal_noise, t); }
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
    return {z * a + intercept(t), with_state * z.turned() + noise(t), with_state};
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
  return {Matrix::diagonal({mean}), Matrix::diagonal({square - mean * mean}) + noise(t), with_state};
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
  return {Matrix::diagonal({mean}), Matrix::diagonal({variance}) + noise(t), with_state.turned()};
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
    a = a + less_one(t) * a + state_intercept(t);
    cov = (transition(t) * cov * transition(t).turned() + state_noise(t)).symmetric();
  }
  keep(a, found.predicted_mean);
  keep(cov, found.predicted_cov);
  found.loglik = {loglik};
  return found;
}
