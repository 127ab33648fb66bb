// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// Filters of a state whose components revert to their means independently of each other,
//
//     a(t+1) = F a(t) + c + eta(t),   F and Var eta = Q diagonal,
//
// with one observation a step: the scrap of arXiv:2504.11319, Eqs. (1) and (3). Observations are taken
// in pairs, so that the covariance is read and written once for two steps: one pass (`sweep`) subtracts the
// downdates of the last two observations and multiplies the result with the designs of the next two. That is
// four fused multiplications and additions for one read and one write of a number.
//
// A pass can serve two steps because a transition does not touch the matrix: the covariance is D M D with
// D = diag(scale), and the transition is scale *= F. Q adds to the diagonal alone, so the diagonal has a
// vector of its own, `variance`, and `pending` is what the diagonal of the matrix lacks; it is added there
// now and then.
#pragma once
#include "tundish/core/math.h"

TUNDISH_NAMESPACE_BEGIN

// The length of a vector of n numbers that is padded with zeros to whole registers.
template <class T>
TUNDISH_HD int padded(int n) {
  return (n + Native<T>::lanes - 1) / Native<T>::lanes * Native<T>::lanes;
}

// Writes a register of a row of n numbers at its place i, or the part of it that lies within the row.
template <class T>
TUNDISH_HD void write_row(T* to, int n, int i, Pack<T, Native<T>::lanes> values) {
  constexpr int lanes = Native<T>::lanes;
  if (i + lanes <= n) return values.write(to + i);
  for (int lane = 0; i + lane < n; ++lane) to[i + lane] = values[lane];
}

// a . b over `pitch` numbers, in two sums that do not wait for each other.
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
  // The model: F, F - 1, Q, c; whether all elements of F are equal, and whether F is kept out of the matrix.
  const T *transition, *transition_minus_one, *state_cov, *state_intercept;
  bool uniform, kept;
  T min_transition, max_transition;  // of the absolute values
  // The state.
  T* mean;
  T* scale;                // D
  T* variance;             // the diagonal of M
  T* pending;              // `variance` less the diagonal in `matrix`
  T* matrix;               // M without the open downdates, (n, pitch)
  T min_scale, max_scale;  // bounds of the scales' absolute values
  T inverse_square;        // of the first scale
  int downdates;  // open ones: observations of this pair that `matrix` does not contain yet, 0, 1 or 2
  int pairs;      // since `pending` was last added to the matrix
  // For either observation of a pair: D z of its design z; M D z; D^-1 times its covariance with the state,
  // which becomes the d of the downdate M - d d' (symmetric to the last bit); the filtered variances of the
  // state, scaled back.
  T *weight[2], *product[2], *direction[2], *filtered[2];
  T* gain;

  static constexpr int vectors = 13;
  static TUNDISH_HD long workspace_size(int n) { return long(padded<T>(n)) * (vectors + n); }
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

// Transitions outside of these bounds are multiplied into the matrix at every step. Scales that leave the
// bounds' squares are multiplied into it once and begin again at 1.
template <class T>
constexpr T min_kept_transition = T(1) / 32;
template <class T>
constexpr T max_kept_transition = T(32);

// Pairs after which `pending` is added to the matrix: that costs as much as an eighth of a sweep, and
// `pending` must not become much larger than the diagonal in the matrix.
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
  s.min_scale = s.max_scale = s.inverse_square = T(1);
  s.downdates = s.pairs = 0;
}

// No work to do between the registers of a sweep.
struct Nothing {
  TUNDISH_HD void operator()(int, int) const {}
};

// All rows of a strip of the matrix, `Width` registers wide from column `first` on: subtracts both downdates,
// and multiplies the result with both weights. `between(j)` runs before every register of rows j: work such
// as square roots, which do not need the multipliers, so that its time is hidden behind the sweep's.
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

  // Row by row: the strip's directions and sums stay in registers, and the rows are streamed.
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

// The registers of a strip. A strip uses four times as many at once, for its directions and sums, and
// compilers spill some of them before all registers of the processor are taken.
constexpr int max_strip_width = TUNDISH_REGISTER_BYTES == 64 ? 4 : 2;

// The number of strips of a sweep.
template <class T>
TUNDISH_HD int strips_of(const MeanReverting<T>& s) {
  return (s.pitch / Native<T>::lanes + max_strip_width - 1) / max_strip_width;
}

// The whole matrix, in strips of about the same width. The terms of a sum and their order do not depend on
// the width. `between(j, strip)` runs before every register of rows of every strip.
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

// The functions from here to `add_state_cov` are the parts of a step for one register of components, which
// begins at i; k is 0 or 1, the observation's number in its pair.

// The weight D z of a design z.
template <class T>
TUNDISH_HD void weigh(const MeanReverting<T>& s, int k, const T* z, int i) {
  typedef Pack<T, Native<T>::lanes> Lanes;
  (Lanes::read(s.scale + i) * Lanes::read(z + i)).write(s.weight[k] + i);
}

// Mean and variances after an observation, from its innovation, the inverse of its variance and the root of
// that inverse. Both are 0 for a missing observation.
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

// The prediction of mean and scale. The mean is predicted as a + ((F - 1) a + c): in single precision F a + c
// would lose the slow reversion.
template <class T>
TUNDISH_HD void predict(const MeanReverting<T>& s, int i) {
  typedef Pack<T, Native<T>::lanes> Lanes;
  const Lanes a = Lanes::read(s.mean + i);
  (a + fused(Lanes::read(s.transition_minus_one + i), a, Lanes::read(s.state_intercept + i)))
      .write(s.mean + i);
  (Lanes::read(s.scale + i) * Lanes::read(s.transition + i)).write(s.scale + i);
}

// Adds Q, in units of the predicted scales, to the variances.
template <class T>
TUNDISH_HD void add_state_cov(const MeanReverting<T>& s, int i) {
  typedef Pack<T, Native<T>::lanes> Lanes;
  Lanes inverse(s.inverse_square);
  if (!s.uniform) inverse = Lanes(T(1)) / (Lanes::read(s.scale + i) * Lanes::read(s.scale + i));
  const Lanes added = Lanes::read(s.state_cov + i) * inverse;
  (Lanes::read(s.pending + i) + added).write(s.pending + i);
  (Lanes::read(s.variance + i) + added).write(s.variance + i);
}

// The functions from here on are the parts of a step for the whole state.

// Completes the product of the matrix with a weight by what the sweep could not include: the pending
// diagonal, and for the second observation of a pair the downdate of the first. Returns the weight times that
// product.
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

  // The downdate d d' of the first observation takes d times (d . weight) off the product.
  const T* direction = s.direction[0];
  const Lanes share(-dot(direction, weight, pitch));
  for (int i = 0; i < pitch; i += Native<T>::lanes) {
    const Lanes w = Lanes::read(weight + i);
    const Lanes p = fused(Lanes::read(direction + i), share,
                          fused(w, Lanes::read(pending + i), Lanes::read(product + i)));
    p.write(completed + i);
    sum = fused(w, p, sum);
  }
  return total(sum);
}

// Before the downdates of a pair: stores the diagonal in the matrix when it is time. The downdates of the
// pair are added to it first, as the sweep will subtract them.
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

// Whether the scales must be multiplied into the matrix at the end of a pair.
template <class T>
TUNDISH_HD bool rescales(const MeanReverting<T>& s) {
  return s.min_scale < min_kept_transition<T> * min_kept_transition<T> ||
         s.max_scale > max_kept_transition<T> * max_kept_transition<T>;
}

// Multiplies the scales into the matrix.
template <class T>
TUNDISH_HD_LARGE void rescale(MeanReverting<T>& s) {
  for (int i = 0; i < s.n; ++i) {
    for (int j = 0; j < s.n; ++j) s.matrix[long(i) * s.pitch + j] *= s.scale[i] * s.scale[j];
    s.variance[i] *= s.scale[i] * s.scale[i];
    s.pending[i] *= s.scale[i] * s.scale[i];
  }
  for (int i = 0; i < s.pitch; ++i) s.scale[i] = T(1);
  s.min_scale = s.max_scale = s.inverse_square = T(1);
}

// Ends a pair by a sweep that only subtracts the open downdates: where the next designs are not known, or the
// scales must be multiplied into the matrix.
template <class T>
TUNDISH_HD void finish_pair(MeanReverting<T>& s) {
  for (int k = s.downdates; k < 2; ++k)
    for (int i = 0; i < s.pitch; ++i) s.direction[k][i] = T(0);
  refresh(s);
  sweep<true, false>(s, Nothing());
  s.downdates = 0;
  if (rescales(s) || !s.kept) rescale(s);
}

// The prediction of the whole state.
template <class T>
TUNDISH_HD void predict(MeanReverting<T>& s) {
  for (int i = 0; i < s.pitch; i += Native<T>::lanes) predict(s, i);
  s.min_scale *= s.min_transition;
  s.max_scale *= s.max_transition;
  if (s.kept)
    s.inverse_square = T(1) / (s.scale[0] * s.scale[0]);
  else
    finish_pair(s);
  for (int i = 0; i < s.pitch; i += Native<T>::lanes) add_state_cov(s, i);
}

// The covariance (n, n), with the open downdates subtracted.
template <class T>
TUNDISH_HD void covariance(const MeanReverting<T>& s, T* out) {
  for (int i = 0; i < s.n; ++i)
    for (int j = 0; j < s.n; ++j) {
      T m = s.matrix[long(i) * s.pitch + j];
      for (int k = 0; k < s.downdates; ++k) m = fused(s.direction[k][i], -s.direction[k][j], m);
      out[long(i) * s.n + j] = s.scale[i] * s.scale[j] * (i == j ? s.variance[i] : m);
    }
}

TUNDISH_NAMESPACE_END
