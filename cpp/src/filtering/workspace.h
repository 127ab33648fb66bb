// Compiled as part of filter_kernels.cpp, once per instruction set.
//
// What the engines share: the widest register, an arena for a filter's arrays, and copies.
#pragma once
#include "filtering/model.h"
#include "tundish/core/pack.h"

namespace tundish::filtering {
namespace {

template <class T>
constexpr int lanes_of = Native<T>::lanes;
template <class T>
using Register = Pack<T, lanes_of<T>>;

// The first component of the register that holds component i.
template <class T>
int register_start(int i) {
  return int(unsigned(i) / unsigned(lanes_of<T>) * unsigned(lanes_of<T>));
}

// Gives out a block of memory piece by piece, each from a cache line on. Started from null, it only measures
// the size of the block.
template <class T>
class Arena {
 public:
  explicit Arena(T* from) : next_(from) {}
  template <class Value>
  Value* take(long count) {
    Value* place = reinterpret_cast<Value*>(next_);
    next_ += (count * long(sizeof(Value)) + 63) / 64 * 64 / long(sizeof(T));
    return place;
  }
  long taken(T* from) const { return next_ - from; }

 private:
  T* next_;
};

// A pointer moved by so many numbers; null stays null.
template <class T>
T* shifted(T* to, long by) {
  return to ? to + by : to;
}

template <class T>
void zero(T* to, long count) {
  for (long i = 0; i < count; ++i) to[i] = T(0);
}

template <class T>
void copy(const T* from, long count, T* to) {
  for (long i = 0; i < count; ++i) to[i] = from[i];
}

// A copy in whole registers where they fit.
template <class T>
void copy_row(const T* from, int count, T* to) {
  int i = 0;
  for (; i + lanes_of<T> <= count; i += lanes_of<T>) Register<T>::read(from + i).write(to + i);
  for (; i < count; ++i) to[i] = from[i];
}

// Whether a number is neither infinite nor NaN.
template <class T>
bool is_finite(T x) {
  return x - x == T(0);
}

// Prefetches the cache lines of a result's row that is written so many steps later: a store that misses the
// cache stalls everything behind it. With 45 states and results that go to memory this saves two fifths of
// the time.
constexpr long steps_ahead = 4;
template <class T>
void prefetch(const T* row, long numbers) {
  const char* from = reinterpret_cast<const char*>(row + steps_ahead * numbers);
  const long bytes = numbers * long(sizeof(T));
  for (long byte = 0; byte < bytes; byte += 64) __builtin_prefetch(from + byte, 1);
}

}  // namespace
}  // namespace tundish::filtering
