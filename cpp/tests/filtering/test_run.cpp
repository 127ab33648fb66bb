// Runs of a batch: threads, long series, failures, and the end by a poll.
#include "checks.h"
#include "filtering/kernels.h"
#include "smoothed.h"

TEST_CASE_TEMPLATE("threads change nothing", T, double, float) {
  for (const int n : {3, 9}) {
    CAPTURE(n);
    const Batch<T> b = random_batch<T>({n, 1, 3 * filtering::kernels().of<T>().lanes + 1, 40, 0.9, 1}, 9);
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

TEST_CASE_TEMPLATE("many steps", T, double, float) {
  for (const int n : {2, 9})  // longer than the stretches of a run
    check_reference(random_batch<T>({n, 1, 1, 1301, 0.95, 1}, 15));
}

TEST_CASE("a covariance that is lost is reported with its step, and hurts no other filter") {
  const long step = 700, steps = 720;
  for (const Form form : forms)
    for (const int n : {2, 9}) {
      CAPTURE(int(form));
      CAPTURE(n);
      Batch<double> b = random_batch<double>({n, 1, 5, steps, 1, 1}, 23);
      b.form = form;
      b.state_cov.all.assign(b.state_cov.all.size(), 0.0);
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

TEST_CASE("a run is stopped by its poll") {
  Batch<double> b = random_batch<double>({1, 1, 1, 1, 0.9, 0.9}, 27);
  for (Numbers<double>* part : {&b.y, &b.design, &b.obs_cov, &b.obs_intercept})
    part->by_filter = part->by_step = false;
  b.filters = 3;
  b.steps = 2'000'000'000;  // minutes
  for (Numbers<double>* part : {&b.transition, &b.transition_minus_one, &b.state_cov, &b.state_intercept,
                                &b.initial_mean, &b.initial_cov})
    part->by_filter = false;
  std::vector<double> loglik(3);
  std::vector<filtering::FilterProblem> problems(3);
  long asked = 0;
  const filtering::FilterOptions options = {2, false, [&](long) { return ++asked < 2; }};
  CHECK_FALSE(filtering::run_filters(b.model(), {}, options, loglik.data(), problems));
  CHECK(asked == 2);
}
