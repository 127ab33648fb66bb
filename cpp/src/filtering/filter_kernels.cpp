// Built once per instruction set, with TUNDISH_KERNELS naming the function that hands the table out.
#define TUNDISH_INTERNAL_LINKAGE
#include "filtering/filter_kernels.h"

#include "tundish/filtering/mean_reverting.h"
#include "tundish/filtering/smoother.h"

namespace tundish::filtering {
namespace {

template <class T>
constexpr int lanes_of = Native<T>::lanes;
template <class T>
using Register = Pack<T, lanes_of<T>>;

// Hands out an arena piece by piece, each from a cache line on.
template <class T>
class Memory {
 public:
  explicit Memory(T* from) : next_(from) {}
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

// Asks for the cache lines that a row will be written to so many steps later: a store that waits for its line
// holds up all behind it. It takes two fifths off the time of 45 states when results go to memory.
constexpr long steps_ahead = 4;
template <class T>
void prefetch(const T* row, long numbers) {
  const char* from = reinterpret_cast<const char*>(row + steps_ahead * numbers);
  const long bytes = numbers * long(sizeof(T));
  for (long byte = 0; byte < bytes; byte += 64) __builtin_prefetch(from + byte, 1);
}

// ---- any model, a filter in every lane --------------------------------------------------------------------

template <class Real>
struct Any {
  typedef typename Number<Real>::Scalar T;
  static constexpr int lanes = Number<Real>::lanes;
  Kalman<Real> s;
  Real *y, *design, *noise, *intercept, *matrix, *less_one, *state_noise, *state_intercept;
  // Of a model that is not linear: the covariance's lower factor, and the values of its sigma points.
  Real *lower, *values;

  // A filter's numbers in memory; null measures.
  long lay_out(const FilterModel<T>& m, T* memory) {
    const long n = m.n, p = m.p, square = n * n;
    Memory<T> from(memory);
    from.template take<Any>(1);
    s.n = m.n;
    s.p = m.p;
    s.form = m.form;
    s.robust = m.robust;
    Real* state = from.template take<Real>(Kalman<Real>::numbers(m.n, m.p));
    s.lay_out(state);
    y = from.template take<Real>(p);
    design = from.template take<Real>(p * n);
    noise = from.template take<Real>(p * p);
    intercept = from.template take<Real>(p);
    matrix = from.template take<Real>(m.diagonal ? n : square);
    less_one = from.template take<Real>(m.diagonal ? n : square);
    state_noise = from.template take<Real>(m.diagonal_noise ? n : square);
    state_intercept = from.template take<Real>(n);
    lower = from.template take<Real>(square);
    values = from.template take<Real>((2 * n + 1) * p);
    return from.taken(memory);
  }
};

template <class Real>
Any<Real>& any_in(typename Number<Real>::Scalar* memory) {
  return *reinterpret_cast<Any<Real>*>(memory);
}

// The numbers of filters first, first + 1, ... into their lanes; those behind the last one repeat it.
template <class Real>
void gather(const Series<typename Number<Real>::Scalar>& from, long first, int count, long t, long numbers,
            Real* to) {
  typedef typename Number<Real>::Scalar T;
  if constexpr (Number<Real>::lanes == 1) {
    copy(from.at(first, t), numbers, to);
  } else if (from.filter == 0) {
    const T* data = from.at(first, t);
    for (long i = 0; i < numbers; ++i) to[i] = Real(data[i]);
  } else {
    T* lanes = reinterpret_cast<T*>(to);
    for (int lane = 0; lane < Number<Real>::lanes; ++lane) {
      const T* data = from.at(first + (lane < count ? lane : count - 1), t);
      for (long i = 0; i < numbers; ++i) lanes[i * Number<Real>::lanes + lane] = data[i];
    }
  }
}

// Numbers of the lanes back to their filters, `pitch` apart.
template <class Real, class T>
void scatter(const Real* from, int count, long numbers, T* to, long pitch) {
  if (!to) return;
  const T* lanes = reinterpret_cast<const T*>(from);
  for (int lane = 0; lane < count; ++lane) {
    prefetch(to + lane * pitch, numbers);
    for (long i = 0; i < numbers; ++i) to[lane * pitch + i] = lanes[i * Number<Real>::lanes + lane];
  }
}

template <class Real>
Transition<Real> transition_at(const FilterModel<typename Number<Real>::Scalar>& m, const Any<Real>& a) {
  return {a.matrix, a.less_one, a.state_intercept, a.state_noise, m.diagonal, m.diagonal_noise};
}

// The transition from step t on: what all steps share is read once.
template <class Real>
void read_transition(const FilterModel<typename Number<Real>::Scalar>& m, Any<Real>& a, long first, int count,
                     long t, bool all) {
  const long square = long(m.n) * m.n, numbers = m.diagonal ? m.n : square;
  if (all || m.transition.step) {
    gather(m.transition, first, count, t, numbers, a.matrix);
    gather(m.less_one, first, count, t, numbers, a.less_one);
  }
  if (all || m.state_intercept.step) gather(m.state_intercept, first, count, t, m.n, a.state_intercept);
  if (!all && !m.state_noise.step) return;
  gather(m.state_noise, first, count, t, m.diagonal_noise ? m.n : square, a.state_noise);
  if (m.form != Form::square_root) return;
  if (!m.diagonal_noise)
    factor(a.state_noise, m.n);
  else
    for (int i = 0; i < m.n; ++i) a.state_noise[i] = square_root(a.state_noise[i]);
}

template <class Real>
void read_observation(const FilterModel<typename Number<Real>::Scalar>& m, Any<Real>& a, long first,
                      int count, long t, bool all) {
  gather(m.y, first, count, t, m.p, a.y);
  if (all || m.design.step) gather(m.design, first, count, t, long(m.p) * m.n, a.design);
  if (all || m.noise.step) gather(m.noise, first, count, t, long(m.p) * m.p, a.noise);
  if (all || m.intercept.step) gather(m.intercept, first, count, t, m.p, a.intercept);
}

template <class Real>
Any<Real>& start_any(const FilterModel<typename Number<Real>::Scalar>& m, long first, int count,
                     typename Number<Real>::Scalar* memory) {
  Any<Real>& a = any_in<Real>(memory);
  a.lay_out(m, memory);
  gather(m.initial_mean, first, count, 0, m.n, a.s.mean);
  gather(m.initial_cov, first, count, 0, long(m.n) * m.n, a.s.covariance);
  if (m.form == Form::square_root) factor(a.s.covariance, m.n);
  read_transition(m, a, first, count, 0, true);
  return a;
}

// Whether a number is neither infinite nor NaN.
template <class T>
bool is_finite(T x) {
  return x - x == T(0);
}

template <class Real>
StepReport report(const Told<Real>& told, const Kalman<Real>& s, int lane) {
  typedef Number<Real> N;
  for (int k = 0; k < s.p; ++k)
    if (!is_finite(N::value(s.forecast_variance[k * (s.p + 1)], lane))) return {0, 0, 0, Failure::overflow};
  const Real lost = select(told.lost, Real(typename N::Scalar(1)), Real(typename N::Scalar(0)));
  const int number = int(N::value(told.number, lane));
  const bool failed = number > 0 && N::value(lost, lane) != 0;
  return {double(N::value(told.determinant, lane)), double(N::value(told.square, lane)), number,
          failed ? Failure::indefinite : Failure::none};
}

// The covariance of the lanes' filters, `pitch` numbers apart; through the workspace.
template <class Real, class T>
void write_covariance(const Kalman<Real>& s, int count, T* to, long pitch) {
  if (!to) return;
  for (int i = 0; i < s.n; ++i)
    for (int j = 0; j < s.n; ++j) s.work[long(i) * s.n + j] = covariance_of(s, i, j);
  scatter(s.work, count, long(s.n) * s.n, to, pitch);
}

template <class Real>
void run_any(const Stretch<typename Number<Real>::Scalar>& r) {
  typedef typename Number<Real>::Scalar T;
  const FilterModel<T>& m = *r.model;
  const FilterOutputs<T>& out = *r.outputs;
  const long n = m.n, p = m.p;
  const int count = r.count;
  Any<Real>& a = r.from == 0 ? start_any<Real>(m, r.first, count, r.memory) : any_in<Real>(r.memory);
  Kalman<Real>& s = a.s;
  for (long t = r.from; t < r.to; ++t) {
    read_observation(m, a, r.first, count, t, t == 0);
    const Told<Real> told = update(s, {a.design, a.noise, a.intercept, a.y});
    for (int lane = 0; lane < count; ++lane)
      r.reports[lane * (r.to - r.from) + t - r.from] = report(told, s, lane);
    const long at = r.first * m.steps + t;
    scatter(s.forecast, count, p, shifted(out.forecast, at * p), m.steps * p);
    scatter(s.forecast_variance, count, p * p, shifted(out.forecast_var, at * p * p), m.steps * p * p);
    scatter(s.innovation, count, p, shifted(out.innovation, at * p), m.steps * p);
    scatter(s.mean, count, n, shifted(out.mean, at * n), m.steps * n);
    if (out.std) {
      for (int i = 0; i < n; ++i) s.work[i] = square_root(maximum(variance_of(s, i), Real(T(0))));
      scatter(s.work, count, n, out.std + at * n, m.steps * n);
    }
    write_covariance(s, count, shifted(out.cov, at * n * n), m.steps * n * n);
    if (t + 1 == m.steps) {
      scatter(s.mean, count, n, shifted(out.final_mean, r.first * n), n);
      write_covariance(s, count, shifted(out.final_cov, r.first * n * n), n * n);
    }
    read_transition(m, a, r.first, count, t, false);
    predict(s, transition_at(m, a));
  }
  if (r.to != m.steps) return;
  scatter(s.mean, count, n, shifted(out.predicted_mean, r.first * n), n);
  write_covariance(s, count, shifted(out.predicted_cov, r.first * n * n), n * n);
}

// ---- mean-reverting states, one filter's rows in a register -----------------------------------------------

template <class T>
struct Rows {
  MeanReverting<T> s;
  T* designs;  // (4, pitch): of two pairs of observations
  T *transition, *less_one, *state_noise, *state_intercept;
  // Of the partition model.
  T *of_u, *weight_u, *product_u, *slope;
  T *lower, *across_s, *across_u, *values;  // the lower factor's columns by rows, and what they do to s and u
  Heat<T> heat;

  long lay_out(const FilterModel<T>& m, T* memory) {
    const bool partition = m.observes != Observes::linear, sigma = m.observes == Observes::sigma;
    Memory<T> from(memory);
    from.template take<Rows>(1);
    const long pitch = padded<T>(m.n);
    s.lay_out(m.n, from.template take<T>(MeanReverting<T>::numbers(m.n)));
    T** const vectors[] = {&transition, &less_one, &state_noise, &state_intercept};
    for (T** v : vectors) *v = from.template take<T>(pitch);
    designs = from.template take<T>(4 * pitch);
    T** const of_partition[] = {&of_u, &weight_u, &product_u, &slope, &across_s, &across_u};
    for (T** v : of_partition) *v = from.template take<T>(partition ? pitch : 0);
    lower = from.template take<T>(sigma ? m.n * pitch : 0);
    values = from.template take<T>(sigma ? 2 * pitch : 0);
    return from.taken(memory);
  }
  T* design(long t) { return designs + t % 4 * s.pitch; }
  int masses(const FilterModel<T>& m) const { return m.observes == Observes::linear ? m.n : m.n - 2; }
};

template <class T>
Rows<T>& rows_in(T* memory) {
  return *reinterpret_cast<Rows<T>*>(memory);
}

template <class T>
Rows<T>& start_rows(const FilterModel<T>& m, long filter, T* memory) {
  Rows<T> measured;
  zero(memory, measured.lay_out(m, memory));
  Rows<T>& r = rows_in(memory);
  r.lay_out(m, memory);
  MeanReverting<T>& s = r.s;
  start(s, m.initial_mean.at(filter, 0), m.initial_cov.at(filter, 0));
  for (int i = 0; i < s.pitch; ++i) r.transition[i] = T(1);
  copy(m.transition.at(filter, 0), m.n, r.transition);
  copy(m.less_one.at(filter, 0), m.n, r.less_one);
  copy(m.state_noise.at(filter, 0), m.n, r.state_noise);
  copy(m.state_intercept.at(filter, 0), m.n, r.state_intercept);
  s.transition = r.transition;
  s.transition_less_one = r.less_one;
  s.noise = r.state_noise;
  s.intercept = r.state_intercept;
  s.uniform = true;
  s.least_transition = s.largest_transition = absolute(r.transition[0]);
  for (int i = 1; i < m.n; ++i) {
    s.uniform = s.uniform && r.transition[i] == r.transition[0];
    s.least_transition = minimum(s.least_transition, absolute(r.transition[i]));
    s.largest_transition = maximum(s.largest_transition, absolute(r.transition[i]));
  }
  s.kept =
      s.least_transition >= least_kept_transition<T> && s.largest_transition <= largest_kept_transition<T>;
  return r;
}

// Whole registers where they fit.
template <class T>
void copy_row(const T* from, int numbers, T* to) {
  int i = 0;
  for (; i + lanes_of<T> <= numbers; i += lanes_of<T>) Register<T>::read(from + i).write(to + i);
  for (; i < numbers; ++i) to[i] = from[i];
}

template <class T>
void read_design(const FilterModel<T>& m, Rows<T>& r, long filter, long t) {
  if (t < m.steps)
    copy_row(m.design.at(filter, t), r.masses(m), r.design(t));
  else
    zero(r.design(t), r.masses(m));
}

// The weights of a pair that begins at t: the second one's scale is that of the step after.
template <class T>
void weigh_pair(Rows<T>& r, long t) {
  MeanReverting<T>& s = r.s;
  const T *first = r.design(t), *second = r.design(t + 1);
  for (int i = 0; i < s.pitch; i += lanes_of<T>) {
    const Register<T> scale = Register<T>::read(s.scale + i);
    weigh(s, 0, first, i);
    ((scale * Register<T>::read(s.transition + i)) * Register<T>::read(second + i)).write(s.weight[1] + i);
  }
}

// What is forecast of an observation: its covariance with the state becomes the pair's direction.
template <class T>
struct Foreseen {
  T mean, variance;  // without the measurement's noise
  Failure failure;
};

template <class T>
Foreseen<T> foresee_linear(Rows<T>& r, int k, const T* design, T intercept) {
  MeanReverting<T>& s = r.s;
  const T variance = complete(s, k, s.weight[k], s.product[k], s.direction[k]);
  return {dot(design, s.mean, s.pitch) + intercept, variance, Failure::none};
}

// The weight of u = c1 + f c2.
template <class T>
void weigh_u(Rows<T>& r, T iron_oxide) {
  const int n = r.s.n;
  r.of_u[n - 2] = T(1);
  r.of_u[n - 1] = iron_oxide;
  for (int i = n - 2; i < n; ++i) r.weight_u[i] = r.s.scale[i] * r.of_u[i];
}

template <class T>
Foreseen<T> foresee_projected(Rows<T>& r, int k, const T* design) {
  MeanReverting<T>& s = r.s;
  const int n = s.n, pitch = s.pitch;
  const T* row = s.matrix + long(n - 2) * pitch;
  const T first = r.weight_u[n - 2], second = r.weight_u[n - 1];
  for (int i = 0; i < pitch; ++i) r.product_u[i] = fused(second, row[pitch + i], first * row[i]);
  const T uu = complete(s, k, r.weight_u, r.product_u, r.product_u);
  const T ss = complete(s, k, s.weight[k], s.product[k], s.product[k]);
  const ScrapMoments<T> moments = {dot(design, s.mean, pitch), s.mean[n - 2] + r.of_u[n - 1] * s.mean[n - 1],
                                   ss, dot(s.weight[k], r.product_u, pitch), uu};
  const ScrapForecast<T> f = forecast(moments, r.heat);
  for (int i = 0; i < pitch; ++i) {
    s.direction[k][i] = fused(f.slope_u, r.product_u[i], f.slope_s * s.product[k][i]);
    r.slope[i] = fused(f.slope_u, r.of_u[i], f.slope_s * design[i]);
  }
  return {f.mean, f.variance, f.sound ? Failure::none : Failure::pole};
}

// The upper factor U of M, M = U' U, row by row; false where there is none.
template <class T>
bool factor_matrix(Rows<T>& r) {
  const MeanReverting<T>& s = r.s;
  const int n = s.n, pitch = s.pitch;
  T* u = r.lower;
  for (int i = 0; i < n; ++i) {
    for (int j = i; j < pitch; ++j) {
      T m = s.matrix[long(i) * pitch + j];
      for (int k = 0; k < s.observed; ++k) m = fused(s.direction[k][i], -s.direction[k][j], m);
      u[long(i) * pitch + j] = m;
    }
    u[long(i) * (pitch + 1)] = s.variance[i];
  }
  bool sound = true;
  for (int i = 0; i < n; ++i) {
    T* row = u + long(i) * pitch;
    const int from = i / lanes_of<T> * lanes_of<T>;
    for (int j = from; j < i; ++j) row[j] = T(0);
    const bool above = row[i] > T(0);  // a component that is known has nothing to vary
    sound = sound && (above || row[i] >= -variance_rounding<T> * s.variance[i]);
    const Register<T> inverse(above ? T(1) / square_root(row[i]) : T(0));
    for (int j = from; j < pitch; j += lanes_of<T>) (Register<T>::read(row + j) * inverse).write(row + j);
    for (int k = i + 1; k < n; ++k) {
      T* below = u + long(k) * pitch;
      const Register<T> minus(-row[k]);
      for (int j = k / lanes_of<T> * lanes_of<T>; j < pitch; j += lanes_of<T>)
        fused(minus, Register<T>::read(row + j), Register<T>::read(below + j)).write(below + j);
    }
  }
  return sound;
}

template <class T>
Foreseen<T> foresee_sigma(const FilterModel<T>& m, Rows<T>& r, int k, const T* design) {
  MeanReverting<T>& s = r.s;
  const int n = s.n, pitch = s.pitch;
  if (!factor_matrix(r)) return {T(0), T(0), Failure::indefinite};
  for (int i = 0; i < pitch; i += lanes_of<T>) weigh(s, k, design, i);
  const T mean_s = dot(design, s.mean, pitch), mean_u = s.mean[n - 2] + r.of_u[n - 1] * s.mean[n - 1];
  for (int i = 0; i < n; ++i) {
    const T* column = r.lower + long(i) * pitch;
    r.across_s[i] = m.sigma.spread * dot(s.weight[k], column, pitch);
    r.across_u[i] = m.sigma.spread * dot(r.weight_u, column, pitch);
  }
  bool sound = true;
  const T centre = steel_element(mean_s, mean_u, r.heat, sound);
  T *plus = r.values, *minus = r.values + pitch, sum = T(0), squares = T(0);
  for (int i = 0; i < n; ++i) {
    plus[i] = steel_element(mean_s + r.across_s[i], mean_u + r.across_u[i], r.heat, sound);
    minus[i] = steel_element(mean_s - r.across_s[i], mean_u - r.across_u[i], r.heat, sound);
    sum += plus[i] + minus[i];
  }
  const T mean = m.sigma.centre * centre + m.sigma.other * sum;
  for (int i = 0; i < n; ++i)
    squares += (plus[i] - mean) * (plus[i] - mean) + (minus[i] - mean) * (minus[i] - mean);
  const T variance = m.sigma.centre_covariance * (centre - mean) * (centre - mean) + m.sigma.other * squares;
  for (int i = 0; i < n; ++i) plus[i] = m.sigma.spread * m.sigma.other * (plus[i] - minus[i]);
  zero(s.direction[k], pitch);
  for (int i = 0; i < n; ++i) {
    const Register<T> weight(plus[i]);
    for (int j = i / lanes_of<T> * lanes_of<T>; j < pitch; j += lanes_of<T>)
      fused(weight, Register<T>::read(r.lower + long(i) * pitch + j), Register<T>::read(s.direction[k] + j))
          .write(s.direction[k] + j);
  }
  return {mean, variance, sound ? Failure::none : Failure::pole};
}

// The slope of a sigma-point update in the state: P slope is its covariance with the observation.
template <class T>
void find_sigma_slope(Rows<T>& r) {
  const MeanReverting<T>& s = r.s;
  for (int i = s.n - 1; i >= 0; --i) {
    T sum = r.values[i];
    for (int j = i + 1; j < s.n; ++j)
      sum = fused(-r.lower[long(i) * s.pitch + j], r.slope[j] * s.scale[j], sum);
    const T root = r.lower[long(i) * (s.pitch + 1)];
    r.slope[i] = root > T(0) ? sum / root / s.scale[i] : T(0);
  }
}

template <class T>
Foreseen<T> foresee(const FilterModel<T>& m, Rows<T>& r, long filter, long t, int k) {
  const T* design = r.design(t);
  if (m.observes == Observes::linear) return foresee_linear(r, k, design, *m.intercept.at(filter, t));
  r.heat = {*m.addition.at(filter, t), *m.slag_ratio.at(filter, t)};
  weigh_u(r, *m.iron_oxide.at(filter, t));
  return m.observes == Observes::projected ? foresee_projected(r, k, design) : foresee_sigma(m, r, k, design);
}

// Takes a reading in whose direction is known.
template <class T>
StepReport take_in(MeanReverting<T>& s, int k, const Foreseen<T>& f, T noise, T y, T robust, T& innovation,
                   T& variance) {
  variance = f.variance + noise;
  innovation = y - f.mean;
  const bool there = y == y;
  T raised = variance, inverse = T(1) / variance;
  const T square = innovation * innovation * inverse;
  if (robust > T(0)) {
    raised = variance * inflation(square, robust);
    inverse = T(1) / raised;
  }
  const T told = there ? inverse : T(0), root = there ? inverse * square_root(raised) : T(0);
  bool negative = false;
  for (int i = 0; i < s.pitch; i += lanes_of<T>) {
    const Register<T> before = Register<T>::read(s.variance + i);
    update(s, k, told, root, there ? innovation : T(0), i);
    negative = negative | any(Register<T>::read(s.variance + i) < before * -variance_rounding<T>);
  }
  s.observed = k + 1;
  StepReport report = {double(variance), double(square), there ? 1 : 0, f.failure};
  if (report.failure == Failure::none && there && (negative || !(variance > T(0))))
    report.failure = Failure::indefinite;
  if (!is_finite(variance)) report.failure = Failure::overflow;
  if (!there) report.determinant = report.square = 0;
  return report;
}

template <class T>
void run_rows(const Stretch<T>& stretch) {
  const FilterModel<T>& m = *stretch.model;
  const FilterOutputs<T>& out = *stretch.outputs;
  const long filter = stretch.first, base = filter * m.steps;
  const int n = m.n;
  Rows<T>& r = stretch.from == 0 ? start_rows(m, filter, stretch.memory) : rows_in(stretch.memory);
  MeanReverting<T>& s = r.s;
  const bool multiply = m.observes != Observes::sigma;
  auto multiply_next = [&](long t) {
    weigh_pair(r, t);
    if (multiply) sweep<false, true>(s, Nothing());
  };
  if (stretch.from == 0) {
    read_design(m, r, filter, 0);
    read_design(m, r, filter, 1);
    multiply_next(0);
  }
  const int at_once = s.kept ? 2 : 1;
  const bool alone = strips_of(s) == 1;
  for (long t = stretch.from; t < stretch.to; t += at_once) {
    read_design(m, r, filter, t + 2);
    read_design(m, r, filter, t + 3);
    const int observations = t + 1 < m.steps ? at_once : 1;
    for (int k = 0; k < observations; ++k) {
      const long at = base + t + k;
      const Foreseen<T> f = foresee(m, r, filter, t + k, k);
      const T y = *m.y.at(filter, t + k);
      T innovation, variance;
      const StepReport report =
          take_in(s, k, f, *m.noise.at(filter, t + k), y, m.robust, innovation, variance);
      stretch.reports[t + k - stretch.from] = report;
      out.forecast[at] = f.mean;
      out.forecast_var[at] = variance;
      out.innovation[at] = innovation;
      if (report.failure != Failure::none) return;
      if (out.mean) prefetch(out.mean + at * n, n);
      if (out.std) prefetch(out.std + at * n, n);
      if (out.mean)
        for (int i = 0; i < n; i += lanes_of<T>)
          write_row(out.mean + at * n, n, i, Register<T>::read(s.mean + i));
      if (out.slopes) {
        if (m.observes == Observes::sigma) find_sigma_slope(r);
        copy(r.slope, n, out.slopes + at * n);
      }
      if (out.gains) copy(s.gain, s.pitch, out.gains + (t + k) * s.pitch);
      if (out.cov) covariance(s, out.cov + at * n * n);
      if (t + k + 1 == m.steps) {
        copy(s.mean, n, out.final_mean + filter * n);
        covariance(s, out.final_cov + filter * n * n);
      }
      predict(s);
    }
    auto write_std = [&](int i, int k) TUNDISH_INLINE {
      const Register<T> variance = maximum(Register<T>::read(s.filtered[k] + i), Register<T>(T(0)));
      write_row(out.std + (base + t + k) * n, n, i, square_root(variance));
    };
    // Either strip of a sweep has one of the two to hide.
    auto hidden = [&](int i, int strip) TUNDISH_INLINE {
      if (!out.std) return;
      if (strip < 2) write_std(i, strip);
      if (alone) write_std(i, 1);
    };
    if (t + 2 < m.steps && s.kept && !rescales(s)) {
      refresh(s);
      weigh_pair(r, t + 2);
      if (multiply)
        sweep<true, true>(s, hidden);
      else
        sweep<true, false>(s, hidden);
      s.observed = 0;
    } else {
      for (int k = 0; out.std && k < observations; ++k)
        for (int i = 0; i < n; i += lanes_of<T>) write_std(i, k);
      if (s.kept) finish_pair(s);
      if (t + at_once < m.steps) multiply_next(t + at_once);
    }
  }
  if (stretch.to != m.steps) return;
  copy(s.mean, n, out.predicted_mean + filter * n);
  covariance(s, out.predicted_cov + filter * n * n);
}

// ---- means of filters that share their covariances --------------------------------------------------------

template <class T>
long mean_numbers(const FilterModel<T>& m, int count) {
  return (2l * count + 2) * padded<T>(m.n);
}

template <class T>
void run_means(const Stretch<T>& stretch) {
  const FilterModel<T>& m = *stretch.model;
  const FilterOutputs<T>& out = *stretch.outputs;
  const int n = m.n, pitch = padded<T>(n);
  T *design = stretch.memory, *less_one = design + pitch, *means = less_one + pitch;
  T* all_intercepts = means + long(stretch.count) * pitch;
  if (stretch.from == 0) {
    zero(stretch.memory, mean_numbers(m, stretch.count));
    copy(m.less_one.at(0, 0), n, less_one);
    for (int b = 0; b < stretch.count; ++b) {
      copy(m.initial_mean.at(stretch.first + b, 0), n, means + long(b) * pitch);
      copy(m.state_intercept.at(stretch.first + b, 0), n, all_intercepts + long(b) * pitch);
    }
  }
  for (long t = stretch.from; t < stretch.to; ++t) {
    copy_row(m.design.at(0, t), n, design);
    const T* gain = out.gains + t * pitch;
    const T variance = out.forecast_var[t], inverse = T(1) / variance;
    for (int b = 0; b < stretch.count; ++b) {
      const long filter = stretch.first + b, at = filter * m.steps + t;
      T *mean = means + long(b) * pitch, *intercepts = all_intercepts + long(b) * pitch;
      const T y = *m.y.at(filter, t), forecast = dot(design, mean, pitch) + *m.intercept.at(filter, t);
      const T innovation = y - forecast;
      const bool there = y == y;
      out.forecast[at] = forecast;
      out.innovation[at] = innovation;
      stretch.reports[b * (stretch.to - stretch.from) + t - stretch.from] = {
          there ? double(variance) : 0, there ? double(innovation * innovation * inverse) : 0, there ? 1 : 0,
          Failure::none};
      const Register<T> surprise(there ? innovation : T(0));
      T* to = out.mean ? out.mean + at * n : nullptr;
      if (to) prefetch(to, n);
      for (int i = 0; i < pitch; i += lanes_of<T>) {
        const Register<T> a = fused(Register<T>::read(gain + i), surprise, Register<T>::read(mean + i));
        if (to) write_row(to, n, i, a);
        if (t + 1 == m.steps && i < n) write_row(out.final_mean + filter * n, n, i, a);
        (a + fused(Register<T>::read(less_one + i), a, Register<T>::read(intercepts + i))).write(mean + i);
      }
      if (t + 1 == m.steps) copy(mean, n, out.predicted_mean + filter * n);
    }
  }
}

// ---- one filter, step by step -----------------------------------------------------------------------------

template <class T>
void start_one(const FilterModel<T>& m, long filter, T* memory) {
  if (m.rows)
    start_rows(m, filter, memory);
  else
    start_any<T>(m, filter, 1, memory);
}

template <class T>
StepReport update_rows(const FilterModel<T>& m, Rows<T>& r, const Reading<T>& reading, T* forecast,
                       T* forecast_var, T* innovation) {
  MeanReverting<T>& s = r.s;
  if (s.observed == 2) finish_pair(s);
  const int k = s.observed;
  copy(reading.design, m.n, r.design(0));
  for (int i = 0; i < s.pitch; i += lanes_of<T>) weigh(s, k, r.design(0), i);
  sweep<false, true>(s, Nothing());
  const Foreseen<T> f = foresee_linear(r, k, r.design(0), *reading.intercept);
  *forecast = f.mean;
  return take_in(s, k, f, *reading.noise, *reading.y, m.robust, *innovation, *forecast_var);
}

// By what a model says of the sigma points.
template <class T>
Told<T> update_by_values(const FilterModel<T>& m, Any<T>& a, const Reading<T>& reading) {
  const int n = m.n, p = m.p;
  Kalman<T>& s = a.s;
  copy(reading.values, (2l * n + 1) * p, a.values);
  moments_of_values(a.values, n, p, m.sigma, s.forecast, s.forecast_variance);
  covariance_with_values(a.lower, a.values + p, n, p, m.sigma, s.product);
  for (int k = 0; k < p; ++k) s.innovation[k] = reading.y[k] - s.forecast[k];
  for (int k = 0; k < p * p; ++k) s.forecast_variance[k] += reading.noise[k];
  return take_in(s, {nullptr, reading.noise, nullptr, reading.y});
}

template <class T>
StepReport update_one(const FilterModel<T>& m, long, const Reading<T>& reading, T* memory, T* forecast,
                      T* forecast_var, T* innovation) {
  if (m.rows) return update_rows(m, rows_in(memory), reading, forecast, forecast_var, innovation);
  Any<T>& a = any_in<T>(memory);
  const Told<T> told = reading.values
                           ? update_by_values(m, a, reading)
                           : update(a.s, {reading.design, reading.noise, reading.intercept, reading.y});
  copy(a.s.forecast, m.p, forecast);
  copy(a.s.forecast_variance, long(m.p) * m.p, forecast_var);
  copy(a.s.innovation, m.p, innovation);
  return report(told, a.s, 0);
}

template <class T>
void predict_one(const FilterModel<T>& m, long filter, long t, T* memory) {
  if (!m.rows) {
    Any<T>& a = any_in<T>(memory);
    read_transition(m, a, filter, 1, t, false);
    return predict(a.s, transition_at(m, a));
  }
  MeanReverting<T>& s = rows_in(memory).s;
  predict(s);
  // Only a host that predicts many steps without an observation leaves the scales to come so far.
  const T least = least_kept_transition<T> * least_kept_transition<T>;
  if (s.least < least * least || s.largest * (least * least) > T(1)) finish_pair(s);
}

template <class T>
void moments_of_one(const FilterModel<T>& m, const T* memory, T* mean, T* variance, T* cov) {
  const int n = m.n;
  if (m.rows) {
    const MeanReverting<T>& s = reinterpret_cast<const Rows<T>*>(memory)->s;
    if (mean) copy(s.mean, n, mean);
    for (int i = 0; variance && i < n; ++i) variance[i] = s.scale[i] * s.scale[i] * s.variance[i];
    if (cov) covariance(s, cov);
    return;
  }
  const Kalman<T>& s = reinterpret_cast<const Any<T>*>(memory)->s;
  if (mean) copy(s.mean, n, mean);
  for (int i = 0; variance && i < n; ++i) variance[i] = variance_of(s, i);
  for (int i = 0; cov && i < n; ++i)
    for (int j = 0; j < n; ++j) cov[long(i) * n + j] = covariance_of(s, i, j);
}

// By rows, vectors and matrix lie behind one another from `mean` on.
template <class T>
long state_numbers(const FilterModel<T>& m) {
  return m.rows ? 5 + MeanReverting<T>::numbers(m.n) : m.n + long(m.n) * m.n;
}
template <class T>
void save(const FilterModel<T>& m, const T* memory, T* state) {
  if (!m.rows) {
    const Kalman<T>& s = reinterpret_cast<const Any<T>*>(memory)->s;
    copy(s.mean, m.n, state);
    return copy(s.covariance, long(m.n) * m.n, state + m.n);
  }
  const MeanReverting<T>& s = reinterpret_cast<const Rows<T>*>(memory)->s;
  const T scalars[] = {s.least, s.largest, s.inverse_square, T(s.observed), T(s.pairs)};
  copy(scalars, 5, state);
  copy(s.mean, MeanReverting<T>::numbers(m.n), state + 5);
}
template <class T>
void restore(const FilterModel<T>& m, const T* state, T* memory) {
  if (!m.rows) {
    Kalman<T>& s = any_in<T>(memory).s;
    copy(state, m.n, s.mean);
    return copy(state + m.n, long(m.n) * m.n, s.covariance);
  }
  MeanReverting<T>& s = rows_in(memory).s;
  s.least = state[0];
  s.largest = state[1];
  s.inverse_square = state[2];
  s.observed = int(state[3]);
  s.pairs = int(state[4]);
  copy(state + 5, MeanReverting<T>::numbers(m.n), s.mean);
}

// Whether L L' is P, to rounding.
template <class T>
bool is_square_of(const T* lower, const T* covariance, int n) {
  for (int i = 0; i < n; ++i)
    for (int j = 0; j <= i; ++j) {
      T sum = covariance[long(i) * n + j];
      for (int k = 0; k <= j; ++k) sum -= lower[long(i) * n + k] * lower[long(j) * n + k];
      const T scale = square_root(absolute(covariance[long(i) * (n + 1)] * covariance[long(j) * (n + 1)]));
      if (!(absolute(sum) <= variance_rounding<T> * scale)) return false;
    }
  return true;
}

template <class T>
bool points_of_one(const FilterModel<T>& m, T* memory, T* points) {
  Any<T>& a = any_in<T>(memory);
  copy(a.s.covariance, long(m.n) * m.n, a.lower);
  // A component that is known exactly leaves a pivot of 0, and is no loss.
  if (factor(a.lower, m.n) && !is_square_of(a.lower, a.s.covariance, m.n)) return false;
  place_points(a.s.mean, a.lower, m.n, m.sigma.spread, points);
  return true;
}

// ---- smoother ---------------------------------------------------------------------------------------------

// Steps between two kept states: as many states as steps between them take the least memory.
long stride_of(long steps) {
  long stride = 1;
  while (stride * stride < steps) ++stride;
  return stride;
}

template <class T>
struct Smoothing {
  T* filter;               // of Any
  T *means, *covariances;  // predictions at every stride
  T* kept;                 // SmootherStep of every step of a stretch
  Smoother<T> back;

  long lay_out(const FilterModel<T>& m, T* memory) {
    Any<T> any;
    const long n = m.n, stride = stride_of(m.steps), states = (m.steps + stride - 1) / stride;
    Memory<T> from(memory);
    filter = from.template take<T>(any.lay_out(m, nullptr));
    means = from.template take<T>(states * n);
    covariances = from.template take<T>(states * n * n);
    kept = from.template take<T>(stride * SmootherStep<T>::numbers(m.n, m.p));
    back.n = m.n;
    back.p = m.p;
    back.lay_out(from.template take<T>(Smoother<T>::numbers(m.n, m.p)));
    return from.taken(memory);
  }
};

template <class T>
long smoother_numbers(const FilterModel<T>& m) {
  Smoothing<T> w;
  return w.lay_out(m, nullptr);
}

// Filters steps from ... to - 1 from the state that is in `a`; keeps what the way back needs in `kept`.
template <class T>
void filter_stretch(const FilterModel<T>& m, Any<T>& a, long filter, long from, long to, T* kept,
                    StepReport* reports) {
  for (long t = from; t < to; ++t) {
    read_observation(m, a, filter, 1, t, true);
    SmootherStep<T> step(m.n, m.p, kept ? kept + (t - from) * SmootherStep<T>::numbers(m.n, m.p) : nullptr);
    if (kept) step.keep_prediction(a.s);
    const Told<T> told = update(a.s, {a.design, a.noise, a.intercept, a.y});
    if (kept) step.keep_update(a.s, a.noise, a.y);
    if (reports) reports[t] = report(told, a.s, 0);
    read_transition(m, a, filter, 1, t, false);
    predict(a.s, transition_at(m, a));
  }
}

template <class T>
void smooth_one(const FilterModel<T>& m, const SmootherOutputs<T>& out, long filter, T* memory,
                StepReport* reports, bool (*stopped)(const void*), const void* asked) {
  const long n = m.n, p = m.p, stride = stride_of(m.steps), states = (m.steps + stride - 1) / stride;
  Smoothing<T> w;
  w.lay_out(m, memory);
  Any<T>& a = start_any<T>(m, filter, 1, w.filter);
  auto end_of = [&](long state) { return (state + 1) * stride < m.steps ? (state + 1) * stride : m.steps; };
  for (long state = 0; state < states && !stopped(asked); ++state) {
    copy(a.s.mean, n, w.means + state * n);
    copy(a.s.covariance, n * n, w.covariances + state * n * n);
    filter_stretch<T>(m, a, filter, state * stride, end_of(state), nullptr, reports);
  }
  Smoother<T>& back = w.back;
  begin(back);
  for (long state = states - 1; state >= 0 && !stopped(asked); --state) {
    const long from = state * stride;
    copy(w.means + state * n, n, a.s.mean);
    copy(w.covariances + state * n * n, n * n, a.s.covariance);
    filter_stretch<T>(m, a, filter, from, end_of(state), w.kept, nullptr);
    for (long t = end_of(state) - 1; t >= from; --t) {
      const long at = filter * m.steps + t;
      if (t + 1 < m.steps) {
        if (out.transition_sum) add_transition(back, out.transition_sum + filter * n * n);
        read_transition(m, a, filter, 1, t, false);
        step_back(back, transition_at(m, a));
      }
      const SmootherStep<T> step(m.n, m.p, w.kept + (t - from) * SmootherStep<T>::numbers(m.n, m.p));
      look_back(back, step, shifted(out.disturbance, at * p), shifted(out.disturbance_var, at * p * p));
      write_smoothed(back, step, shifted(out.mean, at * n), shifted(out.std, at * n),
                     shifted(out.cov, at * n * n));
    }
  }
}

// ---- the table --------------------------------------------------------------------------------------------

template <class T>
long numbers(const FilterModel<T>& m, bool lanes) {
  if (m.rows) return Rows<T>().lay_out(m, nullptr);
  if (lanes) return Any<Register<T>>().lay_out(m, nullptr);
  return Any<T>().lay_out(m, nullptr);
}

template <class T>
void run(const Stretch<T>& stretch) {
  if (stretch.model->rows) return run_rows(stretch);
  if (stretch.lanes) return run_any<Register<T>>(stretch);
  return run_any<T>(stretch);
}

template <class T>
constexpr FilterKernelsFor<T> kernels_for() {
  return {lanes_of<T>,  numbers<T>,    run<T>,           mean_numbers<T>,     run_means<T>,
          start_one<T>, update_one<T>, predict_one<T>,   moments_of_one<T>,   state_numbers<T>,
          save<T>,      restore<T>,    points_of_one<T>, smoother_numbers<T>, smooth_one<T>};
}

}  // namespace

const FilterKernels& TUNDISH_KERNELS() {
  static const FilterKernels table = {kernels_for<double>(), kernels_for<float>()};
  return table;
}

}  // namespace tundish::filtering
