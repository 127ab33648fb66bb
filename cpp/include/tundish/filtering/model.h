// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// Options of a filter: plain data, the same for every instruction set.
#pragma once

namespace tundish {

// How the covariance P of the state is stored and updated: P itself by P - W' W; P itself by Joseph's
// (I - K Z) P (I - K Z)' + K H K', which rounding can make indefinite less easily; or its lower factor, whose
// square cannot be indefinite at all.
enum class Form { standard, joseph, square_root };

// The spread of the sigma points around the mean, s = alpha^2 (n + kappa), and their weights.
template <class T>
struct SigmaWeights {
  T spread;             // sqrt(s)
  T centre, other;      // of the mean: 1 - n/s, 1/(2s)
  T centre_covariance;  // of the covariance: the centre's + 1 - alpha^2 + beta
};

}  // namespace tundish
