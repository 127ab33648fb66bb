// Filters and smoothers against plain formulas; alone, in lanes, on threads, with shared covariances and
// stepwise.
#include <algorithm>
#include <cstring>
#include <string>

#include "doctest/doctest.h"
#include "filter_reference.h"

using namespace tundish;

namespace {

template <class T>
Found<T> run(const Batch<T>& b, const filtering::FilterOptions& options = {1, false, nullptr}) {
  const filtering::FilterModel<T> model = b.model();
  const long filters = b.filters, readings = filters * b.steps, n = b.n, p = b.p;
  const long of_covariances = options.shared ? 1 : filters, covariances = of_covariances * b.steps;
  Found<T> found;
  filtering::FilterOutputs<T> out = {};
  auto make = [](std::vector<T>& v, long size) {
    v.assign(size_t(size), T(-12345));
    return v.data();
  };
  out.mean = make(found.mean, readings * n);
  out.std = make(found.std, covariances * n);
  out.cov = make(found.cov, covariances * n * n);
  out.forecast = make(found.forecast, readings * p);
  out.forecast_var = make(found.forecast_var, covariances * p * p);
  out.innovation = make(found.innovation, readings * p);
  out.final_mean = make(found.final_mean, filters * n);
  out.final_cov = make(found.final_cov, of_covariances * n * n);
  out.predicted_mean = make(found.predicted_mean, filters * n);
  out.predicted_cov = make(found.predicted_cov, of_covariances * n * n);
  if (b.observes != filtering::Observes::linear) out.slopes = make(found.slopes, readings * n);
  std::vector<T> gains(size_t(b.steps * (n + 15)));
  if (options.shared) out.gains = gains.data();
  found.loglik.assign(size_t(filters), -12345);
  found.problems.resize(size_t(filters));
  found.finished = filtering::run_filters(model, out, options, found.loglik.data(), found.problems);
  return found;
}

// Bit for bit, NaN too.
template <class T>
bool identical(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

// What batches and single filters must have alike, in the order of `names`.
template <class T>
std::vector<std::vector<T>> fields(const Found<T>& f) {
  return {f.mean, f.innovation, f.forecast,     f.final_mean, f.predicted_mean, f.slopes,
          f.std,  f.cov,        f.forecast_var, f.final_cov,  f.predicted_cov};
}
const std::string names[] = {"mean", "innovation", "forecast",     "final_mean", "predicted_mean", "slopes",
                             "std",  "cov",        "forecast_var", "final_cov",  "predicted_cov"};
constexpr size_t fields_of_means = 6;

template <class T>
std::vector<T> part(const std::vector<T>& all, long filter, long filters) {
  const long each = long(all.size()) / filters;
  return std::vector<T>(all.begin() + filter * each, all.begin() + (filter + 1) * each);
}

// Every filter of the batch is that filter alone; covariances that all share are those of each.
template <class T>
void check_alone(const Batch<T>& b, const Found<T>& found, bool shared = false) {
  CHECK(found.finished);
  const auto all = fields(found);
  for (long filter = 0; filter < b.filters; ++filter) {
    CAPTURE(filter);
    const Found<T> alone = run(b.alone(filter));
    const auto expected = fields(alone);
    for (size_t k = 0; k < all.size(); ++k) {
      CAPTURE(names[k]);
      if (shared && k >= fields_of_means)
        CHECK(identical(all[k], expected[k]));
      else
        CHECK(identical(part(all[k], filter, b.filters), expected[k]));
    }
    CHECK(found.loglik[size_t(filter)] == alone.loglik[0]);
  }
}

// How far numbers are apart, as a share of the largest of their block of `item`, or of a hundredth of the
// largest of all, or of what single precision knows; infinite where one is NaN and the other is not.
template <class T>
double apart(const std::vector<T>& found, const std::vector<double>& expected, long item) {
  REQUIRE(found.size() == expected.size());
  auto largest = [&](size_t from, size_t to) {
    double all = 0;
    for (size_t k = from; k < to; ++k)
      if (std::abs(expected[k]) > all) all = std::abs(expected[k]);
    return all;
  };
  const double least_scale = std::max(largest(0, expected.size()) / 100, 1e-30);
  double furthest = 0;
  for (size_t from = 0; from < expected.size(); from += size_t(item)) {
    const double scale = std::max(largest(from, from + size_t(item)), least_scale);
    for (size_t k = from; k < from + size_t(item); ++k) {
      const double x = double(found[k]);
      if (std::isnan(x) != std::isnan(expected[k])) return std::numeric_limits<double>::infinity();
      if (x != expected[k] && !std::isnan(x))
        furthest = std::max(furthest, std::abs(x - expected[k]) / scale);
    }
  }
  return furthest;
}

template <class T>
constexpr double tolerance = sizeof(T) == 8 ? 1e-10 : 2e-4;

// The first filter of a batch is what the plain formulas make of it.
template <class T>
void check_reference(const Batch<T>& b, double allowed = tolerance<T>) {
  const Batch<T> one = b.alone(0);
  const Found<T> found = run(one);
  const Found<double> expected = Reference<T>(one).filter();
  CHECK(found.problems[0].failure == filtering::Failure::none);
  const auto all = fields(found);
  const auto wanted = fields(expected);
  const long n = b.n, p = b.p, items[] = {n, p, p, n, n, n, n, n * n, p * p, n * n, n * n};
  for (size_t k = 0; k < all.size(); ++k) {
    CAPTURE(names[k]);
    CHECK(apart(all[k], wanted[k], items[k]) < allowed);
  }
  CHECK(found.loglik[0] == doctest::Approx(expected.loglik[0]).epsilon(allowed));
}

const Form forms[] = {Form::standard, Form::joseph, Form::square_root};

}  // namespace

TEST_CASE_TEMPLATE("states by rows, of any size, over even and odd numbers of steps", T, double, float) {
  for (const int n : {9, 17, 45})
    for (const long steps : {1, 2, 40, 43}) {
      CAPTURE(n);
      CAPTURE(steps);
      const Batch<T> b = random_batch<T>({n, 1, 1, steps, 0.9, 1}, unsigned(n + steps));
      CHECK(b.model().rows);
      check_reference(b);
    }
}

TEST_CASE_TEMPLATE("states by rows of any decay, whether their scales stay out of the matrix or not", T,
                   double, float) {
  const struct {
    double least, largest;
    long steps;
  } decays[] = {{1, 1, 61},       {0.5, 0.5, 61}, {0.04, 0.04, 61}, {0.03, 0.03, 61}, {0, 0, 61},
                {-0.9, -0.9, 61}, {0, 0.5, 61},   {0.2, 1.05, 61},  {20, 20, 4},      {40, 40, 4}};
  for (const auto& decay : decays)
    for (const bool quiet : {false, true}) {
      CAPTURE(decay.least);
      CAPTURE(decay.largest);
      CAPTURE(quiet);
      Kind kind = {9, 1, 1, decay.steps, decay.least, decay.largest};
      kind.quiet = quiet;
      check_reference(random_batch<T>(kind, 3));
    }
}

// A matrix that has lost its symmetry drifts away from the covariance where nothing decays, and faster where
// it grows.
TEST_CASE("states by rows that grow, or begin unknown, keep the symmetry of their covariance") {
  const struct {
    double decay, size;
    long steps;
    double allowed;
  } cases[] = {{1.1, 1, 300, 1e-10}, {1.2, 1, 150, 1e-9}, {1.5, 1, 60, 1e-5}, {1, 100, 1000, 1e-9}};
  for (const auto& it : cases) {
    CAPTURE(it.decay);
    Batch<double> b = random_batch<double>({9, 1, 1, it.steps, it.decay, it.decay}, 3);
    for (double& x : b.initial_cov.all) x *= it.size * it.size;
    check_reference(b, it.allowed);
    const Found<double> found = run(b);
    for (int i = 0; i < b.n; ++i)
      for (int j = 0; j < i; ++j)
        CHECK(found.predicted_cov[size_t(i * b.n + j)] == found.predicted_cov[size_t(j * b.n + i)]);
  }
}

TEST_CASE_TEMPLATE("any model, with one or more readings a step, in every form", T, double, float) {
  for (const Form form : forms)
    for (const int n : {1, 3, 8})
      for (const int p : {1, 2})
        for (const bool dense : {false, true})
          for (const bool by_step : {false, true}) {
            CAPTURE(int(form));
            CAPTURE(n);
            CAPTURE(p);
            CAPTURE(dense);
            CAPTURE(by_step);
            Batch<T> b = random_batch<T>({n, p, 1, 31, 0.5, 1, dense, by_step}, unsigned(10 * n + p));
            b.form = form;
            CHECK_FALSE(b.model().rows);
            check_reference(b);
          }
}

TEST_CASE_TEMPLATE("what decays to nothing stays a number in every form", T, double, float) {
  for (const Form form : forms)
    for (const double decay : {0.5, 0.03, 0.0}) {
      CAPTURE(int(form));
      CAPTURE(decay);
      Kind kind = {3, 2, 1, 700, decay, decay};
      kind.quiet = true;
      Batch<T> b = random_batch<T>(kind, 5);
      b.form = form;
      check_reference(b);
    }
}

TEST_CASE_TEMPLATE("filters in lanes find what each finds alone", T, double, float) {
  const long filters = 2 * filtering::filter_kernels().of<T>().lanes + 3;
  for (const Form form : forms)
    for (const int n : {1, 3, 8})
      for (const int p : {1, 2}) {
        CAPTURE(int(form));
        CAPTURE(n);
        CAPTURE(p);
        Batch<T> b = random_batch<T>({n, p, filters, 23, 0.5, 1, n == 3, p == 2}, 7);
        b.form = form;
        check_alone(b, run(b));
        b.robust = T(1.5);
        check_alone(b, run(b));
        b.design = b.design.of(0, filters);  // one for all
        b.transition = b.transition.of(0, filters);
        b.less_one = b.less_one.of(0, filters);
        check_alone(b, run(b));
      }
}

TEST_CASE_TEMPLATE("threads change nothing", T, double, float) {
  for (const int n : {3, 9}) {
    CAPTURE(n);
    const Batch<T> b =
        random_batch<T>({n, 1, 3 * filtering::filter_kernels().of<T>().lanes + 1, 40, 0.9, 1}, 9);
    const Found<T> once = run(b);
    for (const int threads : {2, 3}) {
      CAPTURE(threads);
      const Found<T> again = run(b, {threads, false, nullptr});
      const auto all = fields(again), expected = fields(once);
      for (size_t k = 0; k < all.size(); ++k) CHECK(identical(all[k], expected[k]));
      CHECK(identical(again.loglik, once.loglik));
    }
  }
}

TEST_CASE_TEMPLATE("an outlier's influence is bounded", T, double, float) {
  for (const Form form : forms)
    for (const int n : {3, 9})
      for (const int p : {1, 2}) {
        CAPTURE(int(form));
        CAPTURE(n);
        CAPTURE(p);
        Batch<T> b = random_batch<T>({n, p, 1, 40, 0.9, 1}, 13);
        b.form = form;
        b.robust = T(0.8);
        check_reference(b);
      }
}

TEST_CASE_TEMPLATE("many steps", T, double, float) {
  for (const int n : {2, 9})  // longer than the stretches of a run
    check_reference(random_batch<T>({n, 1, 1, 1301, 0.95, 1}, 15));
}

TEST_CASE_TEMPLATE("filters that share their covariances find the means of each alone", T, double, float) {
  for (const int n : {9, 21})
    for (const double decay : {0.95, 0.03}) {
      CAPTURE(n);
      CAPTURE(decay);
      const long filters = 19, steps = n == 9 ? 530 : 41;
      Batch<T> b = random_batch<T>({n, 1, filters, steps, decay, 1}, 17);
      for (Numbers<T>* shared :
           {&b.design, &b.noise, &b.transition, &b.less_one, &b.state_noise, &b.initial_cov})
        *shared = shared->of(0, filters);
      for (long filter = 1; filter < filters; ++filter)
        for (long t = 0; t < steps; ++t) {
          T& y = b.y.all[size_t(filter * steps + t)];
          const bool there = !std::isnan(b.y.all[size_t(t)]);
          y = !there ? T(missing) : std::isnan(y) ? T(1) : y;
        }
      check_alone(b, run(b, {2, true, nullptr}), true);
    }
}

TEST_CASE_TEMPLATE("the partition model, projected and by all sigma points", T, double, float) {
  for (const filtering::Observes observes : {filtering::Observes::projected, filtering::Observes::sigma})
    for (const int n : {3, 10, 19})
      for (const long steps : {40, 43}) {
        CAPTURE(int(observes));
        CAPTURE(n);
        CAPTURE(steps);
        Batch<T> b = random_heats<T>(n, 3, steps, observes, unsigned(n));
        check_reference(b, sizeof(T) == 8 ? 1e-8 : 1e-2);
        check_alone(b, run(b, {2, false, nullptr}));
        b.robust = T(1);
        check_reference(b, sizeof(T) == 8 ? 1e-8 : 1e-2);
      }
}

namespace {

template <class T>
struct Smoothed {
  std::vector<T> mean, std, cov, disturbance, disturbance_var, transition_sum;
  std::vector<double> loglik;
  std::vector<filtering::FilterProblem> problems;
};

template <class T>
Smoothed<T> smooth(const Batch<T>& b, int threads = 1) {
  filtering::FilterModel<T> model = b.model();
  const long readings = b.filters * b.steps, n = b.n, p = b.p;
  Smoothed<T> s;
  for (auto part : {&s.mean, &s.std}) part->resize(size_t(readings * n));
  s.cov.resize(size_t(readings * n * n));
  s.disturbance.resize(size_t(readings * p));
  s.disturbance_var.resize(size_t(readings * p * p));
  s.transition_sum.resize(size_t(b.filters * n * n));
  s.loglik.resize(size_t(b.filters));
  s.problems.resize(size_t(b.filters));
  const filtering::SmootherOutputs<T> out = {
      s.mean.data(),          s.std.data(), s.cov.data(), s.disturbance.data(), s.disturbance_var.data(),
      s.transition_sum.data()};
  CHECK(filtering::run_smoother(model, out, {threads, false, nullptr}, s.loglik.data(), s.problems));
  return s;
}

// All that is unknown is one normal vector, and is conditioned at once on all readings: the first state, the
// disturbances of every transition, and those of every reading.
template <class T>
Smoothed<double> posterior(const Batch<T>& b) {
  const Reference<T> r(b);
  const int n = b.n, p = b.p, steps = int(b.steps), all = steps * (n + p);
  auto place = [](const Matrix& from, int i, int j, Matrix& to) {
    for (int k = 0; k < from.rows; ++k)
      for (int l = 0; l < from.columns; ++l) to(i + k, j + l) = from(k, l);
  };
  Matrix mean(all, 1), cov(all, all);
  place(r.initial_mean(), 0, 0, mean);
  place(r.initial_cov(), 0, 0, cov);
  for (int t = 0; t < steps; ++t) {
    if (t) place(r.state_noise(t - 1), t * n, t * n, cov);
    place(r.noise(t), steps * n + t * p, steps * n + t * p, cov);
  }
  // States as sums of what is unknown, and the readings as sums of it.
  std::vector<Matrix> states, constants;
  Matrix looks(steps * p, all), off(steps * p, 1);
  Matrix state(n, all), constant(n, 1);
  for (int t = 0; t < steps; ++t) {
    if (t) {
      state = r.transition(t - 1) * state;
      constant = r.transition(t - 1) * constant + r.state_intercept(t - 1);
    }
    for (int i = 0; i < n; ++i) state(i, t * n + i) = 1;
    states.push_back(state);
    constants.push_back(constant);
    place(r.design(t) * state, t * p, 0, looks);
    const Matrix known = r.design(t) * (constant + state * mean) + r.intercept(t);
    for (int k = 0; k < p; ++k) {
      looks(t * p + k, steps * n + t * p + k) = 1;
      off(t * p + k, 0) = r.y(t, k) - known(k, 0);
    }
  }
  std::vector<int> there;
  for (int k = 0; k < steps * p; ++k)
    if (!std::isnan(off(k, 0))) there.push_back(k);
  const Matrix seen = looks.part(there, first_numbers(all)), across = cov * seen.turned();
  double determinant;
  const Matrix inverse = (seen * across).inverse(&determinant), innovation = off.part(there, {0});
  const Matrix known_mean = mean + across * inverse * innovation;
  const Matrix known_cov = cov - across * inverse * across.turned();

  Smoothed<double> s;
  auto keep = [](const Matrix& from, std::vector<double>& to) {
    to.insert(to.end(), from.numbers.begin(), from.numbers.end());
  };
  Matrix sum(n, n);
  for (int t = 0; t < steps; ++t) {
    const Matrix& of = states[size_t(t)];
    keep(of * known_mean + constants[size_t(t)], s.mean);
    const Matrix variance = of * known_cov * of.turned();
    keep(variance, s.cov);
    for (int i = 0; i < n; ++i) s.std.push_back(std::sqrt(variance(i, i)));
    std::vector<int> noise, moved;
    for (int k = 0; k < p; ++k) noise.push_back(steps * n + t * p + k);
    for (int i = 0; i < n; ++i) moved.push_back(t * n + i);
    keep(known_mean.part(noise, {0}), s.disturbance);
    keep(known_cov.part(noise, noise), s.disturbance_var);
    if (!t) continue;
    const Matrix eta = known_mean.part(moved, {0}), q = r.state_noise(t - 1).inverse();
    sum = sum + q * (eta * eta.turned() + known_cov.part(moved, moved) - r.state_noise(t - 1)) * q;
  }
  keep(sum, s.transition_sum);
  s.loglik = {-0.5 * (double(there.size()) * std::log(2 * M_PI) + std::log(determinant) +
                      (innovation.turned() * inverse * innovation)(0, 0))};
  return s;
}

}  // namespace

TEST_CASE_TEMPLATE("a smoother finds the posterior of everything", T, double, float) {
  for (const Form form : forms)
    for (const int n : {1, 2, 3})
      for (const int p : {1, 2, 3})
        for (const bool dense : {false, true}) {
          CAPTURE(int(form));
          CAPTURE(n);
          CAPTURE(p);
          CAPTURE(dense);
          Batch<T> b = random_batch<T>({n, p, 3, 7, 0.5, 1, dense, n == 2}, unsigned(19 + n));
          for (T& q : b.state_noise.all) q += T(b.diagonal_noise ? 0.1 : 0);
          b.form = form;
          const Smoothed<T> found = smooth(b, 2);
          for (long filter = 0; filter < b.filters; ++filter) {
            const Smoothed<T> alone = smooth(b.alone(filter));
            CHECK(identical(part(found.mean, filter, b.filters), alone.mean));
            CHECK(identical(part(found.cov, filter, b.filters), alone.cov));
            CHECK(found.loglik[size_t(filter)] == alone.loglik[0]);
            const Smoothed<double> expected = posterior(b.alone(filter));
            CHECK(apart(alone.mean, expected.mean, n) < tolerance<T>);
            CHECK(apart(alone.std, expected.std, n) < tolerance<T>);
            CHECK(apart(alone.cov, expected.cov, n * n) < tolerance<T>);
            CHECK(apart(alone.disturbance, expected.disturbance, p) < 3 * tolerance<T>);
            CHECK(apart(alone.disturbance_var, expected.disturbance_var, p * p) < tolerance<T>);
            CHECK(apart(alone.transition_sum, expected.transition_sum, n * n) < 10 * tolerance<T>);
            CHECK(alone.loglik[0] == doctest::Approx(expected.loglik[0]).epsilon(tolerance<T>));
          }
        }
}

TEST_CASE("the last smoothed state is the filtered one, for states by rows as well") {
  for (const int n : {3, 9}) {
    const Batch<double> b = random_batch<double>({n, 1, 1, 600, 0.9, 1}, 21);
    const Found<double> filtered = run(b);
    const Smoothed<double> smoothed = smooth(b);
    const std::vector<double> last(smoothed.mean.end() - n, smoothed.mean.end());
    const std::vector<double> last_cov(smoothed.cov.end() - n * n, smoothed.cov.end());
    CHECK(apart(last, filtered.final_mean, n) < 1e-10);
    CHECK(apart(last_cov, filtered.final_cov, n * n) < 1e-10);
    CHECK(smoothed.loglik[0] == doctest::Approx(filtered.loglik[0]).epsilon(1e-12));
  }
}

TEST_CASE("a covariance that is lost is reported with its step, and hurts no other filter") {
  const long step = 700, steps = 720;
  for (const Form form : forms)
    for (const int n : {2, 9}) {
      CAPTURE(int(form));
      CAPTURE(n);
      Batch<double> b = random_batch<double>({n, 1, 5, steps, 1, 1}, 23);
      b.form = form;
      b.state_noise.all.assign(b.state_noise.all.size(), 0.0);
      const Batch<double> sound = b;
      // Of filter 3 nothing is seen until two states are that hang together more closely than they can.
      double *design = b.design.all.data() + 3 * steps * n, *cov = b.initial_cov.all.data() + 3 * n * n;
      std::fill(design, design + steps * n, 0.0);
      design[step * n] = 1;
      design[step * n + 1] = -1;
      b.y.all[size_t(3 * steps + step)] = 1;
      std::fill(cov, cov + n * n, 0.0);
      for (int i = 0; i < n; ++i) cov[i * (n + 1)] = 1;
      cov[1] = cov[n] = 9;
      const Found<double> found = run(b);
      CHECK(found.finished);
      for (long filter = 0; filter < b.filters; ++filter) {
        CAPTURE(filter);
        const filtering::FilterProblem& problem = found.problems[size_t(filter)];
        if (filter == 3) {
          // A factor is always that of a covariance.
          CHECK(problem.failure ==
                (form == Form::square_root ? filtering::Failure::none : filtering::Failure::indefinite));
          if (form != Form::square_root) CHECK(problem.step == step);
        } else {
          CHECK(problem.failure == filtering::Failure::none);
          CHECK(identical(part(found.mean, filter, b.filters), run(sound.alone(filter)).mean));
        }
      }
      if (n == 2) {
        const Smoothed<double> smoothed = smooth(b);
        CHECK(smoothed.problems[2].failure == filtering::Failure::none);
        if (form != Form::square_root) {
          CHECK(smoothed.problems[3].failure == filtering::Failure::indefinite);
          CHECK(smoothed.problems[3].step == step);
        }
      }
    }
}

TEST_CASE("the partition's pole is reported with its step, and so is a covariance without a factor") {
  const long steps = 540, step = 531;
  for (const filtering::Observes observes : {filtering::Observes::projected, filtering::Observes::sigma}) {
    CAPTURE(int(observes));
    Batch<double> b = random_heats<double>(10, 3, steps, observes, 25);
    b.slag_ratio.all[size_t(steps + step)] = -0.2;
    b.y.all[size_t(steps + step)] = 300;
    const Found<double> found = run(b, {2, false, nullptr});
    CHECK(found.finished);
    CHECK(found.problems[1].failure == filtering::Failure::pole);
    CHECK(found.problems[1].step == step);
    for (const size_t filter : {0, 2}) CHECK(found.problems[filter].failure == filtering::Failure::none);

    Batch<double> lost = random_heats<double>(10, 1, 4, observes, 25);
    lost.y.all.assign(4, 330.0);
    std::fill(lost.initial_cov.all.begin(), lost.initial_cov.all.end(), 0.0);
    for (int i = 0; i < 10; ++i) lost.initial_cov.all[size_t(11 * i)] = i < 8 ? -4 : 1e-6;
    const filtering::FilterProblem problem = run(lost).problems[0];
    CHECK(problem.failure == filtering::Failure::indefinite);
    CHECK(problem.step == 0);
  }
}

TEST_CASE("a run is stopped by its poll") {
  Batch<double> b = random_batch<double>({1, 1, 1, 1, 0.9, 0.9}, 27);
  for (Numbers<double>* part : {&b.y, &b.design, &b.noise, &b.intercept})
    part->by_filter = part->by_step = false;
  b.filters = 3;
  b.steps = 2'000'000'000;  // minutes
  for (Numbers<double>* part :
       {&b.transition, &b.less_one, &b.state_noise, &b.state_intercept, &b.initial_mean, &b.initial_cov})
    part->by_filter = false;
  std::vector<double> loglik(3);
  std::vector<filtering::FilterProblem> problems(3);
  long asked = 0;
  const filtering::FilterOptions options = {2, false, [&](long) { return ++asked < 2; }};
  CHECK_FALSE(filtering::run_filters(b.model(), {}, options, loglik.data(), problems));
  CHECK(asked == 2);
}

namespace {

// A filter that the test steps.
template <class T>
class Stepped {
 public:
  explicit Stepped(const Batch<T>& b)
      : batch_(b), model_(batch_.model()), memory_(kernels().numbers(model_, false)) {
    kernels().start(model_, 0, memory_.data());
  }
  void update(long t, Found<T>& found) {
    const size_t p = size_t(model_.p);
    std::vector<T> forecast(p), variance(p * p), innovation(p);
    const filtering::Reading<T> reading = {model_.y.at(0, t), model_.design.at(0, t), model_.noise.at(0, t),
                                           model_.intercept.at(0, t), nullptr};
    const filtering::StepReport report = kernels().update(model_, t, reading, memory_.data(), forecast.data(),
                                                          variance.data(), innovation.data());
    CHECK(report.failure == filtering::Failure::none);
    sum_.add(report);
    append(forecast, found.forecast);
    append(variance, found.forecast_var);
    append(innovation, found.innovation);
    moments(found.mean, found.cov, &found.std);
    found.loglik = {sum_.value()};
  }
  void predict(long t) { kernels().predict(model_, 0, t, memory_.data()); }
  void moments(std::vector<T>& mean, std::vector<T>& cov, std::vector<T>* deviations = nullptr) const {
    const size_t n = size_t(model_.n);
    std::vector<T> a(n), v(n), c(n * n);
    kernels().moments(model_, memory_.data(), a.data(), v.data(), c.data());
    append(a, mean);
    append(c, cov);
    for (T& x : v) x = std::sqrt(std::max(x, T(0)));
    if (deviations) append(v, *deviations);
  }
  std::vector<T> state() const {
    std::vector<T> kept(size_t(kernels().state_numbers(model_)));
    kernels().save(model_, memory_.data(), kept.data());
    return kept;
  }
  void restore(const Stepped& from) {
    kernels().restore(model_, from.state().data(), memory_.data());
    sum_.restore(from.sum_.state()[0], from.sum_.state()[1]);
  }

 private:
  static const filtering::FilterKernelsFor<T>& kernels() { return filtering::filter_kernels().of<T>(); }
  static void append(const std::vector<T>& from, std::vector<T>& to) {
    to.insert(to.end(), from.begin(), from.end());
  }
  const Batch<T> batch_;
  const filtering::FilterModel<T> model_;
  core::AlignedVector<T> memory_;
  filtering::LogLikelihood sum_;
};

template <class T>
std::vector<Batch<T>> batches_to_step() {
  std::vector<Batch<T>> all;
  for (const double decay : {0.95, 0.04, 0.03, 1.3})
    all.push_back(random_batch<T>({9, 1, 1, 45, decay, decay}, 29));
  all.push_back(random_batch<T>({17, 1, 1, 46, 0.5, 1}, 29));
  for (const Form form : forms)
    for (const bool dense : {false, true}) {
      all.push_back(random_batch<T>({3, 2, 1, 45, 0.5, 1, dense, true}, 31));
      all.back().form = form;
    }
  return all;
}

}  // namespace

TEST_CASE_TEMPLATE("steps add up to the run, bit for bit, and go on elsewhere", T, double, float) {
  for (const Batch<T>& b : batches_to_step<T>()) {
    CAPTURE(b.n);
    CAPTURE(int(b.form));
    CAPTURE(b.transition.all[0]);
    const Found<T> expected = run(b);
    for (const long moves :
         {long(-1), 10l, 11l}) {  // where another object takes over: before or behind an update
      for (const bool before : {true, false}) {
        Stepped<T> first(b), second(b);
        Stepped<T>* stepped = &first;
        auto move = [&] {
          second.restore(first);
          stepped = &second;
        };
        Found<T> found;
        for (long t = 0; t < b.steps; ++t) {
          if (t == moves && before) move();
          stepped->update(t, found);
          if (t == moves && !before) move();
          if (t + 1 == b.steps) stepped->moments(found.final_mean, found.final_cov);
          stepped->predict(t);
        }
        stepped->moments(found.predicted_mean, found.predicted_cov);
        CHECK(found.loglik[0] == expected.loglik[0]);
        const auto all = fields(found), wanted = fields(expected);
        for (size_t k = 0; k < all.size(); ++k) {
          CAPTURE(names[k]);
          CHECK(identical(all[k], wanted[k]));
        }
      }
    }
  }
}

TEST_CASE("predictions and updates come in any order") {
  for (const int n : {3, 9}) {
    CAPTURE(n);
    Batch<double> b = random_batch<double>({n, 1, 1, 90, 0.4, 0.9}, 33);
    for (double& y : b.y.all)
      if (std::isnan(y)) y = 1;
    Batch<double> sparse = b;  // a step without a reading is a prediction alone
    for (size_t t = 0; t < sparse.y.all.size(); ++t)
      if (t % 29) sparse.y.all[t] = missing;
    Stepped<double> stepped(b);
    Found<double> found;
    for (long t = 0; t < b.steps; ++t) {
      if (t % 29 == 0) stepped.update(t, found);
      stepped.predict(t);
    }
    stepped.moments(found.predicted_mean, found.predicted_cov);
    const Found<double> expected = Reference<double>(sparse).filter();
    CHECK(apart(found.predicted_mean, expected.predicted_mean, n) < 1e-10);
    CHECK(apart(found.predicted_cov, expected.predicted_cov, n * n) < 1e-10);
    CHECK(found.loglik[0] == doctest::Approx(expected.loglik[0]).epsilon(1e-11));

    // Two readings at once, one after the other, are two of one step.
    Batch<double> pair = random_batch<double>({n, 2, 1, 8, 0.7, 0.9, false, false, true}, 35);
    for (long t = 0; t < pair.steps; ++t)
      pair.noise.all[size_t(4 * t + 1)] = pair.noise.all[size_t(4 * t + 2)] = 0;
    Batch<double> single = pair;
    single.p = 1;
    single.steps = 2 * pair.steps;
    single.noise.all.clear();
    for (size_t k = 0; k < pair.noise.all.size(); k += 4)
      single.noise.all.insert(single.noise.all.end(), {pair.noise.all[k], pair.noise.all[k + 3]});
    Stepped<double> one_by_one(single);
    Found<double> of_pairs;
    for (long t = 0; t < single.steps; ++t) {
      one_by_one.update(t, of_pairs);
      if (t % 2) one_by_one.predict(t);
    }
    one_by_one.moments(of_pairs.predicted_mean, of_pairs.predicted_cov);
    const Found<double> together = Reference<double>(pair).filter();
    CHECK(apart(of_pairs.predicted_mean, together.predicted_mean, n) < 1e-10);
    CHECK(apart(of_pairs.predicted_cov, together.predicted_cov, n * n) < 1e-10);
    CHECK(of_pairs.loglik[0] == doctest::Approx(together.loglik[0]).epsilon(1e-10));
  }
}

// By what a model says of the sigma points, all of it in plain sums.
TEST_CASE_TEMPLATE("an update by sigma points", T, double, float) {
  const filtering::FilterKernelsFor<T>& kernels = filtering::filter_kernels().of<T>();
  const int n = 3, p = 2, points = 2 * n + 1;
  for (const double kappa : {0.0, 1.0})
    for (const double alpha : {0.7, 1.0})
      for (const double bend : {0.0, 0.2}) {  // without it, the Kalman filter's
        CAPTURE(kappa);
        CAPTURE(alpha);
        CAPTURE(bend);
        Batch<T> b = random_batch<T>({n, p, 1, 1, 0.5, 1}, 37);
        b.y.all = {T(0.4), T(-0.3)};
        b.intercept.all = {T(0), T(0)};
        filtering::FilterModel<T> model = b.model();
        model.sigma = sigma_weights<T>(n, kappa, alpha, 2);
        core::AlignedVector<T> memory(kernels.numbers(model, false));
        kernels.start(model, 0, memory.data());
        std::vector<T> x(size_t(points * n)), values(size_t(points * p)), forecast(p), variance(p * p),
            innovation(p);
        REQUIRE(kernels.points(model, memory.data(), x.data()));
        const Reference<T> reference(b);
        const Matrix a = reference.initial_mean(), lower = reference.initial_cov().root(),
                     z = reference.design(0);
        const double s = alpha * alpha * (n + kappa);
        Matrix mean(p, 1), with_state(p, n), state_mean = a, cov = reference.noise(0);
        std::vector<Matrix> said;
        auto weight = [&](int k) { return k ? 0.5 / s : 1 - n / s; };
        for (int k = 0; k < points; ++k) {
          const Matrix at(n, 1, x.data() + k * n);
          for (int i = 0; k && i < n; ++i) {
            const double step = std::sqrt(s) * lower(i, (k - 1) % n);
            CHECK(at(i, 0) == doctest::Approx(a(i, 0) + (k <= n ? step : -step)).epsilon(tolerance<T>));
          }
          Matrix value = z * at;
          value(0, 0) += bend * at(0, 0) * at(1, 0);
          for (int i = 0; i < p; ++i) values[size_t(k * p + i)] = T(value(i, 0));
          mean = mean.plus(value, weight(k));
          said.push_back(value);
        }
        for (int k = 0; k < points; ++k) {
          const Matrix off = said[size_t(k)] - mean, moved = Matrix(n, 1, x.data() + k * n) - a;
          cov = cov.plus(off * off.turned(), weight(k) + (k ? 0 : 1 - alpha * alpha + 2));
          with_state = with_state.plus(off * moved.turned(), weight(k));
        }
        const filtering::Reading<T> reading = {b.y.all.data(), nullptr, b.noise.all.data(), nullptr,
                                               values.data()};
        const filtering::StepReport report = kernels.update(model, 0, reading, memory.data(), forecast.data(),
                                                            variance.data(), innovation.data());
        CHECK(report.failure == filtering::Failure::none);
        const Matrix gain = with_state.turned() * cov.inverse();
        state_mean = a + gain * (Matrix(p, 1, b.y.all.data()) - mean);
        const Matrix state_cov = reference.initial_cov() - gain * with_state;
        std::vector<T> found_mean(n), found_variance(n), found_cov(n * n);
        kernels.moments(model, memory.data(), found_mean.data(), found_variance.data(), found_cov.data());
        CHECK(apart(forecast, mean.numbers, p) < tolerance<T>);
        CHECK(apart(variance, cov.numbers, p * p) < tolerance<T>);
        CHECK(apart(found_mean, state_mean.numbers, n) < tolerance<T>);
        CHECK(apart(found_cov, state_cov.numbers, n * n) < tolerance<T>);
        if (bend == 0) CHECK(apart(found_mean, reference.filter().mean, n) < tolerance<T>);
      }
  Batch<T> lost = random_batch<T>({n, p, 1, 1, 0.5, 1}, 37);
  lost.initial_cov.all[1] = lost.initial_cov.all[size_t(n)] = 100;
  const filtering::FilterModel<T> model = lost.model();
  core::AlignedVector<T> memory(kernels.numbers(model, false));
  kernels.start(model, 0, memory.data());
  std::vector<T> x(size_t(points * n));
  CHECK_FALSE(kernels.points(model, memory.data(), x.data()));
}
