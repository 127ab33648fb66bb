// Numbers for the tests of packs and curves.
#pragma once
#include <limits>
#include <random>
#include <vector>

inline constexpr double no_number = std::numeric_limits<double>::quiet_NaN();

template <class T>
std::vector<T> random_numbers(int n, double low, double high) {
  std::mt19937 generator(7);
  std::uniform_real_distribution<double> distribution(low, high);
  std::vector<T> numbers;
  for (int k = 0; k < n; ++k) numbers.push_back(T(distribution(generator)));
  return numbers;
}

// Equal, or both no number.
template <class T>
bool same(T a, T b) {
  return a == b || (a != a && b != b);
}
