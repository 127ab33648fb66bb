// Functions that optimisers are measured with; all have their minimum, 0, in the usual box around 0.
#pragma once
#include <cmath>

namespace tundish::optimize {

inline double sphere(const double* x, int n) {
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += x[i] * x[i];
  return sum;
}
inline double rosenbrock(const double* x, int n) {
  double sum = 0;
  for (int i = 0; i + 1 < n; ++i) {
    const double valley = x[i + 1] - x[i] * x[i], along = 1 - x[i];
    sum += 100 * valley * valley + along * along;
  }
  return sum;
}
inline double rastrigin(const double* x, int n) {
  double sum = 10.0 * n;
  for (int i = 0; i < n; ++i) sum += x[i] * x[i] - 10 * std::cos(6.283185307179586 * x[i]);
  return sum;
}

}  // namespace tundish::optimize
