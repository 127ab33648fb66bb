// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// How a filter is to work: plain data, the same for every instruction set.
#pragma once

namespace tundish {

// How the covariance P of the state is carried: itself, updated by P - W' W; itself, updated by Joseph's
// (I - K Z) P (I - K Z)' + K H K', which rounding cannot make indefinite as easily; or its lower factor,
// whose square cannot be indefinite at all.
enum class Form { standard, joseph, square_root };

template <class T>
struct SigmaWeights {
  T spread;             // sqrt(s)
  T centre, other;      // of the mean: 1 - n/s, 1/(2s)
  T centre_covariance;  // of the covariance: the centre's + 1 - alpha^2 + beta
};

}  // namespace tundish
