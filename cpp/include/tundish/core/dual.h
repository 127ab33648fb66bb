// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// Dual<T, K>: a number and its derivatives with respect to K parameters. The value goes through exactly
// the operations a plain T would, so asking for derivatives never changes the answer.
#pragma once
#include "tundish/core/pack.h"

TUNDISH_NAMESPACE_BEGIN

template <class T, int K>
struct Dual {
  typedef bool Mask;
  T value;
  Pack<T, K> tangent;

  TUNDISH_HD Dual() {}
  TUNDISH_HD Dual(T x) : value(x), tangent(T(0)) {}
  TUNDISH_HD Dual(T x, Pack<T, K> dx) : value(x), tangent(dx) {}
};

template <class T, int K>
TUNDISH_HD Dual<T, K> operator-(Dual<T, K> a) {
  return Dual<T, K>(-a.value, -a.tangent);
}
template <class T, int K>
TUNDISH_HD Dual<T, K> operator+(Dual<T, K> a, Dual<T, K> b) {
  return Dual<T, K>(a.value + b.value, a.tangent + b.tangent);
}
template <class T, int K>
TUNDISH_HD Dual<T, K> operator+(T a, Dual<T, K> b) {
  return Dual<T, K>(a + b.value, b.tangent);
}
template <class T, int K>
TUNDISH_HD Dual<T, K> operator+(Dual<T, K> a, T b) {
  return Dual<T, K>(a.value + b, a.tangent);
}
template <class T, int K>
TUNDISH_HD Dual<T, K> operator-(Dual<T, K> a, Dual<T, K> b) {
  return Dual<T, K>(a.value - b.value, a.tangent - b.tangent);
}
template <class T, int K>
TUNDISH_HD Dual<T, K> operator-(T a, Dual<T, K> b) {
  return Dual<T, K>(a - b.value, -b.tangent);
}
template <class T, int K>
TUNDISH_HD Dual<T, K> operator-(Dual<T, K> a, T b) {
  return Dual<T, K>(a.value - b, a.tangent);
}
template <class T, int K>
TUNDISH_HD Dual<T, K> operator*(Dual<T, K> a, Dual<T, K> b) {
  return Dual<T, K>(a.value * b.value, a.value * b.tangent + b.value * a.tangent);
}
template <class T, int K>
TUNDISH_HD Dual<T, K> operator*(T a, Dual<T, K> b) {
  return Dual<T, K>(a * b.value, a * b.tangent);
}
template <class T, int K>
TUNDISH_HD Dual<T, K> operator*(Dual<T, K> a, T b) {
  return Dual<T, K>(a.value * b, b * a.tangent);
}
template <class T, int K>
TUNDISH_HD Dual<T, K> operator/(Dual<T, K> a, Dual<T, K> b) {
  T q = a.value / b.value;
  return Dual<T, K>(q, (a.tangent - q * b.tangent) * (T(1) / b.value));
}
template <class T, int K>
TUNDISH_HD Dual<T, K> operator/(T a, Dual<T, K> b) {
  T q = a / b.value;
  return Dual<T, K>(q, b.tangent * (-q / b.value));
}
template <class T, int K>
TUNDISH_HD Dual<T, K> operator/(Dual<T, K> a, T b) {
  return Dual<T, K>(a.value / b, a.tangent * (T(1) / b));
}

#define TUNDISH_DUAL_COMPARISON(op)                         \
  template <class T, int K>                                 \
  TUNDISH_HD bool operator op(Dual<T, K> a, Dual<T, K> b) { \
    return a.value op b.value;                              \
  }                                                         \
  template <class T, int K>                                 \
  TUNDISH_HD bool operator op(Dual<T, K> a, T b) {          \
    return a.value op b;                                    \
  }
TUNDISH_DUAL_COMPARISON(<)
TUNDISH_DUAL_COMPARISON(<=)
TUNDISH_DUAL_COMPARISON(>)
TUNDISH_DUAL_COMPARISON(>=)
TUNDISH_DUAL_COMPARISON(==)
#undef TUNDISH_DUAL_COMPARISON

template <class T, int K>
TUNDISH_HD Dual<T, K> select(bool mask, Dual<T, K> yes, Dual<T, K> no) {
  return mask ? yes : no;
}

TUNDISH_NAMESPACE_END
