// The observation of an element that goes to steel and slag.
#include "checks.h"

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
