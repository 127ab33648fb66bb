// The kernel of mean-reverting states, with the components of one filter in a register.
#include "checks.h"

TEST_CASE_TEMPLATE("states by rows, of any size, over even and odd numbers of steps", T, double, float) {
  for (const int n : {9, 17, 45})
    for (const long steps : {1, 2, 40, 43}) {
      CAPTURE(n);
      CAPTURE(steps);
      const Batch<T> b = random_batch<T>({n, 1, 1, steps, 0.9, 1}, unsigned(n + steps));
      CHECK(b.model().mean_reverting);
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
