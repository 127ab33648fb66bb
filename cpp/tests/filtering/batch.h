// Random batches of filters, and the arrays that filters fill.
#pragma once
#include <limits>
#include <random>
#include <vector>

#include "filtering/run.h"
#include "tundish/filtering/unscented.h"

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
  bool diagonal = true, diagonal_state_cov = true;
  Numbers<T> y, design, obs_cov, obs_intercept, transition, transition_minus_one, state_cov, state_intercept,
      initial_mean, initial_cov, addition, slag_ratio, iron_oxide;

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
    m.diagonal_transition = diagonal;
    m.diagonal_state_cov = diagonal_state_cov;
    m.y = y.series(p, steps);
    m.design = design.series(p * masses, steps);
    m.obs_cov = obs_cov.series(p * p, steps);
    m.obs_intercept = obs_intercept.series(p, steps);
    m.transition = transition.series(diagonal ? n : square, steps);
    m.transition_minus_one = transition_minus_one.series(diagonal ? n : square, steps);
    m.state_cov = state_cov.series(diagonal_state_cov ? n : square, steps);
    m.state_intercept = state_intercept.series(n, steps);
    m.initial_mean = initial_mean.series(n, steps);
    m.initial_cov = initial_cov.series(square, steps);
    m.observes = observes;
    m.addition = addition.series(1, steps);
    m.slag_ratio = slag_ratio.series(1, steps);
    m.iron_oxide = iron_oxide.series(1, steps);
    m.sigma = tundish::sigma_weights<T>(n, kappa, 1, 0);
    m.mean_reverting = tundish::filtering::suits_mean_reverting(m);
    return m;
  }
  Batch alone(long filter) const {
    Batch one = *this;
    one.filters = 1;
    for (auto part :
         {&Batch::y, &Batch::design, &Batch::obs_cov, &Batch::obs_intercept, &Batch::transition,
          &Batch::transition_minus_one, &Batch::state_cov, &Batch::state_intercept, &Batch::initial_mean,
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
  b.diagonal = b.diagonal_state_cov = !kind.dense;
  const long n = kind.n, p = kind.p, readings = b.filters * b.steps;
  const long transitions = b.filters * (kind.by_step ? b.steps : 1);
  b.y = {dice.numbers<T>(readings * p, -3, 3), true, true};
  for (T& y : b.y.all)
    if (dice.between(0, 1) < 0.2) y = T(missing);
  b.design = {dice.numbers<T>(readings * p * n, -1, 2), true, true};
  b.obs_cov = {dice.covariances<T>(readings, b.p, 0.7), true, true};
  b.obs_intercept = {dice.numbers<T>(readings * p, -1, 1), true, true};
  std::vector<double> f;
  for (long k = 0; k < transitions; ++k)
    for (int i = 0; i < n; ++i)
      for (int j = kind.dense ? 0 : i; j < (kind.dense ? n : i + 1); ++j)
        f.push_back(i == j ? dice.between(kind.least, kind.largest) : dice.between(-0.2, 0.2) / double(n));
  b.transition = b.transition_minus_one = {{}, true, kind.by_step};
  for (size_t k = 0; k < f.size(); ++k) {
    const bool on_diagonal = !kind.dense || long(k) % (n * n) % (n + 1) == 0;
    b.transition.all.push_back(T(f[k]));
    b.transition_minus_one.all.push_back(T(f[k] - (on_diagonal ? 1 : 0)));
  }
  b.state_cov = {
      kind.dense ? dice.covariances<T>(transitions, b.n, 0.4) : dice.numbers<T>(transitions * n, 0, 0.2),
      true, kind.by_step};
  if (kind.quiet) b.state_cov.all.assign(b.state_cov.all.size(), T(0));
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
  b.obs_cov = {dice.numbers<T>(readings, 0.2, 1), true, true};
  b.obs_intercept = {std::vector<T>(1, T(0)), false, false};
  b.addition = {dice.numbers<T>(readings, 100, 200), true, true};
  b.slag_ratio = {dice.numbers<T>(readings, 0.05, 0.1), true, true};
  b.iron_oxide = {dice.numbers<T>(readings, 20, 30), true, true};
  for (long f = 0; f < filters; ++f) {
    T* mean = b.initial_mean.all.data() + f * n;
    T* state_cov = b.state_cov.all.data() + f * n;
    T* cov = b.initial_cov.all.data() + f * n * n;
    for (int i = 0; i < n; ++i) {
      const double deviation = i < n - 2 ? 2 : i == n - 2 ? 0.5 : 0.005;
      mean[i] = T(i < n - 2 ? dice.between(5, 10) : i == n - 2 ? 9.7 : 0.01);
      state_cov[i] = T(deviation * deviation * dice.between(0, 0.02));
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
