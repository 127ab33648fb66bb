// Filters that share their covariances.
#include "checks.h"

TEST_CASE_TEMPLATE("filters that share their covariances find the means of each alone", T, double, float) {
  for (const int n : {9, 21})
    for (const double decay : {0.95, 0.03}) {
      CAPTURE(n);
      CAPTURE(decay);
      const long filters = 19, steps = n == 9 ? 530 : 41;
      Batch<T> b = random_batch<T>({n, 1, filters, steps, decay, 1}, 17);
      for (Numbers<T>* shared :
           {&b.design, &b.obs_cov, &b.transition, &b.transition_minus_one, &b.state_cov, &b.initial_cov})
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
