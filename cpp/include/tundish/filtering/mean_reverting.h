// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// Filters of a state whose components revert to their means independently of each other,
//
//     a(t+1) = F a(t) + c + eta(t),   F and Var eta = Q diagonal,
//
// with one observation a step: the scrap of arXiv:2504.11319, Eqs. (1) and (3). Observations go in pairs: one
// pass over the covariance takes out what the last two have told and multiplies with the designs of the next
// two, so that it is read and written once for both.
//
// For that the transition is kept out of the matrix: the covariance is D M D with D = diag(scale), and the
// transition is scale *= F. The variances are kept in a vector of their own, to which Q is added; `pending`
// is what the matrix lacks on its diagonal, and is put there now and then.
#pragma once
#include "tundish/core/math.h"

TUNDISH_NAMESPACE_BEGIN

// The length of n numbers when they are padded with zeros to whole registers.
template <class T>
TUNDISH_HD int padded(int n) {
  return (n + Native<T>::lanes - 1) / Native<T>::lanes * Native<T>::lanes;
}

// The numbers of a row from i on: a register where it fits, what is left of the n where it does not.
template <class T>
TUNDISH_HD void write_row(T* to, int n, int i, Pack<T, Native<T>::lanes> values) {
  constexpr int lanes = Native<T>::lanes;
  if (i + lanes <= n) return values.write(to + i);
  for (int lane = 0; i + lane < n; ++lane) to[i + lane] = values[lane];
}

// a . b over `pitch` numbers.
template <class T>
TUNDISH_HD T dot(const T* a, const T* b, int pitch) {
  constexpr int lanes = Native<T>::lanes;
  typedef Pack<T, lanes> Lanes;
  Lanes even(T(0)), odd(T(0));
  int i = 0;
  for (; i + 2 * lanes <= pitch; i += 2 * lanes) {
    even = fused(Lanes::read(a + i), Lanes::read(b + i), even);
    odd = fused(Lanes::read(a + i + lanes), Lanes::read(b + i + lanes), odd);
  }
  if (i < pitch) even = fused(Lanes::read(a + i), Lanes::read(b + i), even);
  return total(even + odd);
}

// The moments of the state and what a step needs. Vectors have `pitch` numbers, zeros behind the first n.
template <class T>
struct MeanReverting {
  int n, pitch;
  // The model: F, F - 1, Q, c; whether all of F are alike, and whether F is kept out of the matrix.
  const T *transition, *transition_less_one, *noise, *intercept;
  bool uniform, kept;
  T least_transition, largest_transition;  // of the absolute values
  // The state.
  T* mean;
  T* scale;          // D
  T* variance;       // the diagonal that M should have
  T* pending;        // that less the one it has
  T* matrix;         // M but for its downdates to come, (n, pitch)
  T least, largest;  // that a scale may have become
  T inverse_square;  // of the first scale
  int observed;      // observations whose downdates are to come: 0, 1 or 2
  int pairs;         // since the diagonal was last put into the matrix
  // Of either observation of a pair: D z of its design z; M D z; D^-1 of its covariance with the state, which
  // becomes the d of M - d d', the matrix after it, symmetric to the last bit; the variances after it,
  // unscaled.
  T *weight[2], *product[2], *direction[2], *filtered[2];
  T* gain;

  static constexpr int vectors = 13;
  static TUNDISH_HD long numbers(int n) { return long(padded<T>(n)) * (vectors + n); }
  TUNDISH_HD void lay_out(int size, T* memory) {
    n = size;
    pitch = padded<T>(n);
    T** const all[vectors] = {&mean,         &scale,       &variance,   &pending,    &gain,
                              &weight[0],    &weight[1],   &product[0], &product[1], &direction[0],
                              &direction[1], &filtered[0], &filtered[1]};
    for (T** v : all) {
      *v = memory;
      memory += pitch;
    }
    matrix = memory;
  }
};

// Transitions beyond these are not kept out of the matrix, and scales beyond their squares do not stay so.
template <class T>
constexpr T least_kept_transition = T(1) / 32;
template <class T>
constexpr T largest_kept_transition = T(32);

// Pairs until the diagonal is put into the matrix again: storing it costs as much as an eighth of a sweep,
// and what is pending must not outgrow it.
constexpr int pairs_until_refresh = 8;

// Starts from a prediction: mean (n), covariance (n, n). The memory must be zero.
template <class T>
TUNDISH_HD void start(MeanReverting<T>& s, const T* mean, const T* covariance) {
  for (int i = 0; i < s.pitch; ++i) s.scale[i] = T(1);
  for (int i = 0; i < s.n; ++i) {
    s.mean[i] = mean[i];
    s.variance[i] = covariance[long(i) * (s.n + 1)];
    for (int j = 0; j < s.n; ++j) s.matrix[long(i) * s.pitch + j] = covariance[long(i) * s.n + j];
  }
  s.least = s.largest = s.inverse_square = T(1);
  s.observed = s.pairs = 0;
}

struct Nothing {
  TUNDISH_HD void operator()(int, int) const {}
};

// Registers from column `first` on, `Width` of them, of all rows: takes both downdates out, and multiplies
// what remains with both weights. `between(j)` runs before every register of rows j: work that hides behind
// this, such as roots, which leave the multipliers free.
template <int Width, bool Downdate, bool Multiply, class T, class Between>
TUNDISH_HD void sweep_strip(const MeanReverting<T>& s, int first, Between between) {
  constexpr int lanes = Native<T>::lanes;
  typedef Pack<T, lanes> Lanes;
  Lanes direction0[Width], direction1[Width], sum0[Width], sum1[Width];
  for (int w = 0; w < Width; ++w) {
    if (Downdate) {
      direction0[w] = -Lanes::read(s.direction[0] + first + w * lanes);
      direction1[w] = -Lanes::read(s.direction[1] + first + w * lanes);
    }
    sum0[w] = sum1[w] = Lanes(T(0));
  }
  const T *weights0 = s.weight[0], *weights1 = s.weight[1];
  const T *directions0 = s.direction[0], *directions1 = s.direction[1];
  T* row = s.matrix + first;
  const int n = s.n, pitch = s.pitch;
  for (int j = 0; j < n;) {
    between(j);
    for (const int end = j + lanes < n ? j + lanes : n; j < end; ++j, row += pitch) {
      const Lanes weight0(weights0[j]), weight1(weights1[j]);
      const Lanes across0(directions0[j]), across1(directions1[j]);
      for (int w = 0; w < Width; ++w) {
        Lanes m = Lanes::read(row + w * lanes);
        if (Downdate) {
          m = fused(across1, direction1[w], fused(across0, direction0[w], m));
          m.write(row + w * lanes);
        }
        if (Multiply) {
          sum0[w] = fused(weight0, m, sum0[w]);
          sum1[w] = fused(weight1, m, sum1[w]);
        }
      }
    }
  }
  if (Multiply)
    for (int w = 0; w < Width; ++w) {
      sum0[w].write(s.product[0] + first + w * lanes);
      sum1[w].write(s.product[1] + first + w * lanes);
    }
}

// Registers of a strip: four times as many numbers are in hand at once, and compilers spill before all are
// taken.
constexpr int widest_strip = TUNDISH_REGISTER_BYTES == 64 ? 4 : 2;

// How many strips a sweep takes.
template <class T>
TUNDISH_HD int strips_of(const MeanReverting<T>& s) {
  return (s.pitch / Native<T>::lanes + widest_strip - 1) / widest_strip;
}

// The whole matrix, strip by strip, all about as wide. What a sum is made of, and in which order, does not
// depend on their width. `between(j, strip)` runs before every register of rows of every strip.
template <bool Downdate, bool Multiply, class T, class Between>
TUNDISH_HD_LARGE void sweep(const MeanReverting<T>& s, Between between) {
  constexpr int lanes = Native<T>::lanes;
  const int registers = s.pitch / lanes, strips = strips_of(s);
  for (int strip = 0, done = 0; strip < strips; ++strip) {
    const int first = done * lanes, width = (registers - done + strips - strip - 1) / (strips - strip);
    const auto task = [&](int j) TUNDISH_INLINE { between(j, strip); };
    done += width;
    if (width == 1) sweep_strip<1, Downdate, Multiply>(s, first, task);
    if (width == 2) sweep_strip<2, Downdate, Multiply>(s, first, task);
#if TUNDISH_REGISTER_BYTES == 64
    if (width == 3) sweep_strip<3, Downdate, Multiply>(s, first, task);
    if (width == 4) sweep_strip<4, Downdate, Multiply>(s, first, task);
#endif
  }
}

// The parts of a step, each for the register of components that begins at i; k is 0 or 1, the observation's
// number in its pair.

// Weighs a design z.
template <class T>
TUNDISH_HD void weigh(const MeanReverting<T>& s, int k, const T* z, int i) {
  typedef Pack<T, Native<T>::lanes> Lanes;
  (Lanes::read(s.scale + i) * Lanes::read(z + i)).write(s.weight[k] + i);
}

// Mean and variances after an observation, from its innovation, the inverse of its variance and the root of
// that. An inverse of 0 is no observation.
template <class T>
TUNDISH_HD void update(const MeanReverting<T>& s, int k, T inverse, T root, T innovation, int i) {
  typedef Pack<T, Native<T>::lanes> Lanes;
  const Lanes covariance = Lanes::read(s.direction[k] + i), scale = Lanes::read(s.scale + i);
  const Lanes direction = covariance * Lanes(root), gain = scale * (covariance * Lanes(inverse));
  direction.write(s.direction[k] + i);
  gain.write(s.gain + i);
  fused(gain, Lanes(innovation), Lanes::read(s.mean + i)).write(s.mean + i);
  const Lanes variance = fused(direction, -direction, Lanes::read(s.variance + i));
  variance.write(s.variance + i);
  (scale * scale * variance).write(s.filtered[k] + i);
}

// The mean is predicted as a + ((F - 1) a + c): in single precision F a + c would lose the slow reversion.
template <class T>
TUNDISH_HD void predict(const MeanReverting<T>& s, int i) {
  typedef Pack<T, Native<T>::lanes> Lanes;
  const Lanes a = Lanes::read(s.mean + i);
  (a + fused(Lanes::read(s.transition_less_one + i), a, Lanes::read(s.intercept + i))).write(s.mean + i);
  (Lanes::read(s.scale + i) * Lanes::read(s.transition + i)).write(s.scale + i);
}

// Adds Q to the variances, after the scales' prediction.
template <class T>
TUNDISH_HD void add_noise(const MeanReverting<T>& s, int i) {
  typedef Pack<T, Native<T>::lanes> Lanes;
  Lanes inverse(s.inverse_square);
  if (!s.uniform) inverse = Lanes(T(1)) / (Lanes::read(s.scale + i) * Lanes::read(s.scale + i));
  const Lanes added = Lanes::read(s.noise + i) * inverse;
  (Lanes::read(s.pending + i) + added).write(s.pending + i);
  (Lanes::read(s.variance + i) + added).write(s.variance + i);
}

// The parts that look at the whole state.

// Completes the product of the matrix with a weight: what is pending, and what the pair's first observation
// has taken out. Returns the weight times that.
template <class T>
TUNDISH_HD T complete(const MeanReverting<T>& s, int k, const T* weight, const T* product, T* completed) {
  typedef Pack<T, Native<T>::lanes> Lanes;
  const int pitch = s.pitch;
  const T* pending = s.pending;
  Lanes sum(T(0));
  if (k == 0) {
    for (int i = 0; i < pitch; i += Native<T>::lanes) {
      const Lanes w = Lanes::read(weight + i);
      const Lanes p = fused(w, Lanes::read(pending + i), Lanes::read(product + i));
      p.write(completed + i);
      sum = fused(w, p, sum);
    }
    return total(sum);
  }
  const T* direction = s.direction[0];
  const Lanes told(-dot(direction, weight, pitch));
  for (int i = 0; i < pitch; i += Native<T>::lanes) {
    const Lanes w = Lanes::read(weight + i);
    const Lanes p =
        fused(Lanes::read(direction + i), told, fused(w, Lanes::read(pending + i), Lanes::read(product + i)));
    p.write(completed + i);
    sum = fused(w, p, sum);
  }
  return total(sum);
}

// Before the downdates of a pair: puts the diagonal into the matrix when it is time.
template <class T>
TUNDISH_HD void refresh(MeanReverting<T>& s) {
  if (++s.pairs < pairs_until_refresh) return;
  s.pairs = 0;
  for (int i = 0; i < s.n; ++i) {
    s.matrix[long(i) * (s.pitch + 1)] = fused(s.direction[0][i], s.direction[0][i],
                                              fused(s.direction[1][i], s.direction[1][i], s.variance[i]));
    s.pending[i] = T(0);
  }
}

// Whether scales must be multiplied into the matrix, of a pair that is over.
template <class T>
TUNDISH_HD bool rescales(const MeanReverting<T>& s) {
  return s.least < least_kept_transition<T> * least_kept_transition<T> ||
         s.largest > largest_kept_transition<T> * largest_kept_transition<T>;
}

template <class T>
TUNDISH_HD_LARGE void rescale(MeanReverting<T>& s) {
  for (int i = 0; i < s.n; ++i) {
    for (int j = 0; j < s.n; ++j) s.matrix[long(i) * s.pitch + j] *= s.scale[i] * s.scale[j];
    s.variance[i] *= s.scale[i] * s.scale[i];
    s.pending[i] *= s.scale[i] * s.scale[i];
  }
  for (int i = 0; i < s.pitch; ++i) s.scale[i] = T(1);
  s.least = s.largest = s.inverse_square = T(1);
}

// Takes out what is to come of a pair, where the next designs are not known or the scales must go.
template <class T>
TUNDISH_HD void finish_pair(MeanReverting<T>& s) {
  for (int k = s.observed; k < 2; ++k)
    for (int i = 0; i < s.pitch; ++i) s.direction[k][i] = T(0);
  refresh(s);
  sweep<true, false>(s, Nothing());
  s.observed = 0;
  if (rescales(s) || !s.kept) rescale(s);
}

template <class T>
TUNDISH_HD void predict(MeanReverting<T>& s) {
  for (int i = 0; i < s.pitch; i += Native<T>::lanes) predict(s, i);
  s.least *= s.least_transition;
  s.largest *= s.largest_transition;
  if (s.kept)
    s.inverse_square = T(1) / (s.scale[0] * s.scale[0]);
  else
    finish_pair(s);
  for (int i = 0; i < s.pitch; i += Native<T>::lanes) add_noise(s, i);
}

// The covariance (n, n), whatever downdates are to come.
template <class T>
TUNDISH_HD void covariance(const MeanReverting<T>& s, T* out) {
  for (int i = 0; i < s.n; ++i)
    for (int j = 0; j < s.n; ++j) {
      T m = s.matrix[long(i) * s.pitch + j];
      for (int k = 0; k < s.observed; ++k) m = fused(s.direction[k][i], -s.direction[k][j], m);
      out[long(i) * s.n + j] = s.scale[i] * s.scale[j] * (i == j ? s.variance[i] : m);
    }
}

TUNDISH_NAMESPACE_END
