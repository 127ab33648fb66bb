// A curve for the tests of lookups.
#pragma once
#include "core/numbers.h"
#include "tundish/core/spline.h"

using namespace tundish;

// A rising curve on `cells` cells that starts at -3, as rows of a Spline.
template <class T>
struct Rising {
  static constexpr int cells = 20;
  alignas(64) T rows[2 * cells * spline_row];  // twice: a second curve follows the first
  Rising() {
    std::vector<T> c = {0, 1};
    for (const T rise : random_numbers<T>(cells, 0.1, 2)) c.push_back(c.back() + rise);
    c[0] = 2 * c[1] - c[2];
    c[cells + 1] = 2 * c[cells] - c[cells - 1];
    for (int m = 0; m < cells; ++m) {
      const T rise = c[size_t(m) + 1] - c[size_t(m)], next_rise = c[size_t(m) + 2] - c[size_t(m) + 1];
      const T row[spline_row] = {(c[size_t(m)] + c[size_t(m) + 1]) / 2, rise, (next_rise - rise) / 2, 0};
      for (int k = 0; k < spline_row; ++k) {
        rows[m * spline_row + k] = row[k];
        rows[(cells + m) * spline_row + k] = 2 * row[k];
      }
    }
  }
  Spline<T> spline() const { return {rows, T(-3), T(2), T(cells)}; }  // -3 to 7
};

template <class T>
struct Found {
  T value, slope;
};
template <class T>
Found<T> look_up(const Spline<T>& spline, T x) {
  Found<T> found;
  spline.lookup(x, found.value, found.slope);
  return found;
}
