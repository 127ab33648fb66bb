// Filters that are stepped from outside.
#include "checks.h"
#include "core/aligned.h"
#include "filtering/kernels.h"
#include "filtering/loglik.h"

namespace {

// A filter that the test steps.
template <class T>
class Stepped {
 public:
  explicit Stepped(const Batch<T>& b)
      : batch_(b), model_(batch_.model()), memory_(kernels().workspace_size(model_, false)) {
    kernels().start(model_, 0, memory_.data());
  }
  void update(long t, Found<T>& found) {
    const size_t p = size_t(model_.p);
    std::vector<T> forecast(p), variance(p * p), innovation(p);
    const filtering::StepObservation<T> reading = {model_.y.at(0, t), model_.design.at(0, t),
                                                   model_.obs_cov.at(0, t), model_.obs_intercept.at(0, t),
                                                   nullptr};
    const filtering::StepReport report = kernels().update(model_, reading, memory_.data(), forecast.data(),
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
    std::vector<T> kept(size_t(kernels().state_size(model_)));
    kernels().save(model_, memory_.data(), kept.data());
    return kept;
  }
  void restore(const Stepped& from) {
    kernels().restore(model_, from.state().data(), memory_.data());
    sum_.restore(from.sum_.state()[0], from.sum_.state()[1]);
  }

 private:
  static const filtering::KernelsFor<T>& kernels() { return filtering::kernels().of<T>(); }
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
      pair.obs_cov.all[size_t(4 * t + 1)] = pair.obs_cov.all[size_t(4 * t + 2)] = 0;
    Batch<double> single = pair;
    single.p = 1;
    single.steps = 2 * pair.steps;
    single.obs_cov.all.clear();
    for (size_t k = 0; k < pair.obs_cov.all.size(); k += 4)
      single.obs_cov.all.insert(single.obs_cov.all.end(), {pair.obs_cov.all[k], pair.obs_cov.all[k + 3]});
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
  const filtering::KernelsFor<T>& kernels = filtering::kernels().of<T>();
  const int n = 3, p = 2, points = 2 * n + 1;
  for (const double kappa : {0.0, 1.0})
    for (const double alpha : {0.7, 1.0})
      for (const double bend : {0.0, 0.2}) {  // without it, the Kalman filter's
        CAPTURE(kappa);
        CAPTURE(alpha);
        CAPTURE(bend);
        Batch<T> b = random_batch<T>({n, p, 1, 1, 0.5, 1}, 37);
        b.y.all = {T(0.4), T(-0.3)};
        b.obs_intercept.all = {T(0), T(0)};
        filtering::FilterModel<T> model = b.model();
        model.sigma = sigma_weights<T>(n, kappa, alpha, 2);
        core::AlignedVector<T> memory(kernels.workspace_size(model, false));
        kernels.start(model, 0, memory.data());
        std::vector<T> x(size_t(points * n)), values(size_t(points * p)), forecast(p), variance(p * p),
            innovation(p);
        REQUIRE(kernels.points(model, memory.data(), x.data()));
        const Reference<T> reference(b);
        const Matrix a = reference.initial_mean(), lower = reference.initial_cov().root(),
                     z = reference.design(0);
        const double s = alpha * alpha * (n + kappa);
        Matrix mean(p, 1), with_state(p, n), state_mean = a, cov = reference.obs_cov(0);
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
        const filtering::StepObservation<T> reading = {b.y.all.data(), nullptr, b.obs_cov.all.data(), nullptr,
                                                       values.data()};
        const filtering::StepReport report = kernels.update(model, reading, memory.data(), forecast.data(),
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
}

TEST_CASE_TEMPLATE("an indefinite covariance has no sigma points", T, double, float) {
  const filtering::KernelsFor<T>& kernels = filtering::kernels().of<T>();
  const int n = 3, p = 2, points = 2 * n + 1;
  Batch<T> lost = random_batch<T>({n, p, 1, 1, 0.5, 1}, 37);
  lost.initial_cov.all[1] = lost.initial_cov.all[size_t(n)] = 100;
  const filtering::FilterModel<T> model = lost.model();
  core::AlignedVector<T> memory(kernels.workspace_size(model, false));
  kernels.start(model, 0, memory.data());
  std::vector<T> x(size_t(points * n));
  CHECK_FALSE(kernels.points(model, memory.data(), x.data()));
}
