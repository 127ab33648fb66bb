// What one ADI step of the package's headers takes, both of its passes, counted by running it on numbers that
// count; and what this machine can do at most. Compiled by roofline.py for the instruction set that the
// package uses.

#include <chrono>
#include <set>
#include <vector>

#include "tundish/casting/strand.h"
#include "tundish/filtering/mean_reverting.h"

namespace tundish {

// Additions and subtractions, multiplications, divisions, minima, maxima, choices and comparisons by
// themselves, and rows of tables read.
static struct Counts {
  double additions, multiplications, divisions, extremes, rows;
} counts;

// A number that counts what is done with it.
struct Counted {
  double x;

  Counted() = default;
  Counted(double x) : x(x) {}
  explicit operator int() const {  // a cell of a table
    ++counts.rows;
    return int(x);
  }
};
inline Counted operator+(Counted a, Counted b) { return ++counts.additions, a.x + b.x; }
inline Counted operator-(Counted a, Counted b) { return ++counts.additions, a.x - b.x; }
inline Counted operator*(Counted a, Counted b) { return ++counts.multiplications, a.x * b.x; }
inline Counted operator/(Counted a, Counted b) { return ++counts.divisions, a.x / b.x; }
inline Counted operator-(Counted a) { return ++counts.additions, -a.x; }
inline bool operator<(Counted a, Counted b) { return ++counts.extremes, a.x < b.x; }
inline bool operator>(Counted a, Counted b) { return ++counts.extremes, a.x > b.x; }
inline bool operator<=(Counted a, Counted b) { return ++counts.extremes, a.x <= b.x; }
inline bool operator>=(Counted a, Counted b) { return ++counts.extremes, a.x >= b.x; }
inline bool operator==(Counted a, Counted b) { return ++counts.extremes, a.x == b.x; }
inline Counted select(bool mask, Counted yes, Counted no) { return ++counts.extremes, mask ? yes : no; }
// One instruction each, not a comparison and a choice.
inline Counted minimum(Counted a, Counted b) { return ++counts.extremes, a.x < b.x ? a : b; }
inline Counted maximum(Counted a, Counted b) { return ++counts.extremes, a.x > b.x ? a : b; }

inline namespace kernels {

template <>
struct Number<Counted> {
  typedef double Scalar;
  typedef bool Mask;
  static constexpr int lanes = 1;
  static constexpr int lines = 1;
};
template <>
struct Rounder<Counted> : Rounder<double> {};

// Remembers which numbers are read and written. What a sweep has written itself is still in the nearest
// cache when it reads it, and does not count as read.
template <>
struct Lines<Counted> {
  static constexpr int count = 1;
  typedef Counted type;
  static inline std::set<const Counted*> read, written;

  static type load(const Counted* p, long) {
    if (!written.count(p)) read.insert(p);
    return *p;
  }
  static void store(type x, Counted* p, long) {
    written.insert(p);
    *p = x;
  }
  static type spread(const double* p) { return *p; }
};

}  // namespace kernels
}  // namespace tundish

namespace {

using namespace tundish;

// The sole member of a team, who adds up between barriers how many numbers of the fields were touched; the
// scratch of the lines in flight is not one of them.
struct Watch {
  const Counted *fields, *scratch;
  double *read, *written;

  int rank() const { return 0; }
  int size() const { return 1; }
  void sync() const {
    *read += of_fields(Lines<Counted>::read);
    *written += of_fields(Lines<Counted>::written);
    Lines<Counted>::read.clear();
    Lines<Counted>::written.clear();
  }
  double of_fields(const std::set<const Counted*>& touched) const {
    double found = 0;
    for (const Counted* p : touched) found += p >= fields && p < scratch;
    return found;
  }
};

// One step of counted numbers on n x n nodes, neither the first of a stretch nor its last, of a steel with
// tables. Values do not matter, but that predictions stay within their range.
struct Counting {
  std::vector<double> mesh;
  std::vector<Counted> memory, table;
  SteelCurves<Counted> steel = {};
  Section<double> section;
  Fields<Counted> fields;
  double read = 0, written = 0;

  explicit Counting(int n) : mesh(n + 2 * axis_padding, 1.0), table(2 * spline_row) {
    const double* numbers = mesh.data() + axis_padding;
    const Axis<double> axis{n,       numbers, numbers, numbers, numbers,
                            numbers, numbers, numbers, numbers, numbers};
    section = lay_section(axis, axis, axis, Method::adi);
    steel.potential_of_enthalpy = steel.temperature_of_potential = {table.data(), 0.0, 1.0, 2.0};
    memory.resize(lay_out<Counted>(section, Method::adi, 1, nullptr, fields));
    lay_out<Counted>(section, Method::adi, 1, memory.data(), fields);
  }
  void step() {
    const Watch team{memory.data(), fields.scratch, &read, &written};
    const StepSize<Counted> size{1.0, 1.0, 1.0};
    step_adi(team, section, EnthalpyBalance<Counted>(steel), Range<Counted>{-1e300, 1e300},
             Cooling<Counted>(), size, size, true, Counted(0.0), fields);
  }
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <class T>
using Packed = Pack<T, Native<T>::lanes>;

// Keeps a result from being optimised away.
template <class T>
void keep(Packed<T> x) {
  volatile T kept = x[0];
  (void)kept;
}
template <class T, int B>
void keep(Bundle<Packed<T>, B> x) {
  keep<T>(x.first);
  if constexpr (B > 1) keep<T>(x.rest);
}

// Starts chains that the compiler must take for different ones.
template <class T, int B>
void start_chains(Bundle<Packed<T>, B>& x) {
  volatile T start = T(1.25);
  x.first = Packed<T>(start);
  if constexpr (B > 1) start_chains<T>(x.rest);
}

// Seconds for one addition or multiplication of a pack: twelve independent chains of both.
template <class T>
double arithmetic(T scale, T shift) {
  constexpr int chains = 12, steps = 1 << 19;
  const Packed<T> m(scale), c(shift);
  Bundle<Packed<T>, chains> x;
  start_chains<T>(x);
  const double start = now();
  for (int k = 0; k < steps; ++k) x = x * m + c;
  const double seconds = now() - start;
  keep<T>(x);
  return seconds / (2.0 * chains * steps);
}

// Seconds for one division of a pack.
template <class T>
double division(T divisor) {
  constexpr int chains = 4, steps = 1 << 17;
  const Packed<T> c(divisor);
  Bundle<Packed<T>, chains> x;
  start_chains<T>(x);
  const double start = now();
  for (int k = 0; k < steps; ++k) x = c / x;
  const double seconds = now() - start;
  keep<T>(x);
  return seconds / (double(chains) * steps);
}

// Seconds for one pack of table lookups, as the march makes them: neighbouring candidates in the lanes, a
// line of nodes after each other, everything in the nearest cache.
template <class T>
double lookup() {
  constexpr int cells = 1024, nodes = 48, steps = 1 << 13;
  const std::vector<Pack<T, spline_row>> rows(cells, T(0.5));
  Spline<Packed<T>> curve{reinterpret_cast<const T*>(rows.data()), T(0), T(1), T(cells), {}};
  const int offset[Native<T>::lanes] = {};
  curve.start_at(offset);
  std::vector<Packed<T>> state(nodes), value(nodes), slope(nodes);
  for (int k = 0; k < nodes; ++k)
    for (int lane = 0; lane < Native<T>::lanes; ++lane) state[k].set(lane, T(400 + 12.3 * k + 1.7 * lane));
  const double start = now();
  for (int step = 0; step < steps; ++step) {
    for (int k = 0; k < nodes; ++k) curve.lookup(state[k], value[k], slope[k]);
    __asm__ volatile("" : : : "memory");
  }
  const double seconds = now() - start;
  keep<T>(value[0] + slope[0]);
  return seconds / (double(nodes) * steps);
}

// Seconds for a node of a pack of candidates to be moved as an ADI step moves it, with next to nothing done
// to it: nine fields of so many nodes, in the four sweeps of two passes, along the rows and the columns.
template <class T>
double moving(long nodes) {
  const int steps = int(1 + (1l << 20) / nodes);
  typedef std::vector<Packed<T>> Field;
  Field state(nodes, T(0)), potential = state, known = state, guess = state, linearised = state,
                            slope = state, solved = state, pivots_x = state, pivots_y = state;
  const auto barrier = [] { __asm__ volatile("" : : : "memory"); };
  const double start = now();
  for (int step = 0; step < steps; ++step) {
    for (long k = 0; k < nodes; ++k) pivots_x[k] = solved[k] = known[k] + linearised[k] + slope[k];
    barrier();
    for (long k = nodes - 1; k >= 0; --k)
      pivots_y[k] = guess[k] = linearised[k] = solved[k] + slope[k] + state[k];
    barrier();
    for (long k = 0; k < nodes; ++k) solved[k] = known[k] + guess[k] + linearised[k] + slope[k] + pivots_x[k];
    barrier();
    for (long k = nodes - 1; k >= 0; --k)
      known[k] = linearised[k] = slope[k] = potential[k] = state[k] =
          solved[k] + slope[k] + pivots_y[k] + guess[k] + state[k];
    barrier();
  }
  const double seconds = now() - start;
  keep<T>(state[0]);
  return seconds / (double(nodes) * steps);
}

// Seconds for a byte read or written in a = a + b over so many bytes.
template <class T>
double streaming(long bytes) {
  const long packs = bytes / long(2 * sizeof(Packed<T>));
  const int steps = int(1 + (1l << 22) / packs);
  std::vector<Packed<T>> a(packs, T(0)), b = a;
  const double start = now();
  for (int step = 0; step < steps; ++step) {
    for (long k = 0; k < packs; ++k) a[k] = a[k] + b[k];
    __asm__ volatile("" : : : "memory");
  }
  const double seconds = now() - start;
  keep<T>(a[0]);
  return seconds / (double(steps) * double(packs) * 3 * sizeof(Packed<T>));
}

// Seconds for one product with a sum of packs, fused where the machine fuses: twelve independent chains.
template <class T>
double fused_arithmetic(T scale, T shift) {
  constexpr int chains = 12, steps = 1 << 19;
  const Packed<T> m(scale), c(shift);
  Packed<T> x[chains];
  for (int k = 0; k < chains; ++k) x[k] = Packed<T>(T(1.25 + k));
  const double start = now();
  for (int step = 0; step < steps; ++step)
    for (int k = 0; k < chains; ++k) x[k] = fused(x[k], m, c);
  const double seconds = now() - start;
  for (int k = 0; k < chains; ++k) keep<T>(x[k]);
  return seconds / (double(chains) * steps);
}

// Seconds for a filter's pass over the covariance of so many states, a heat: a pass serves two.
template <class T>
double filter_pass(int states) {
  std::vector<T> storage(size_t(MeanReverting<T>::workspace_size(states)) + 64, T(1e-3));
  T* aligned = storage.data();
  while (reinterpret_cast<size_t>(aligned) % 64) ++aligned;
  MeanReverting<T> s = {};
  s.lay_out(states, aligned);
  for (int i = 0; i < s.pitch; ++i) s.direction[0][i] = s.direction[1][i] = T(1e-6);
  constexpr int steps = 1 << 11;
  const double start = now();
  for (int step = 0; step < steps; ++step) {
    sweep<true, true>(s, Nothing());
    __asm__ volatile("" : : : "memory");
  }
  const double seconds = now() - start;
  keep<T>(Packed<T>::read(s.product[0]));
  return seconds / (2.0 * steps);
}

template <class T>
double measured(int what, long size) {
  switch (what) {
    case 0: return arithmetic<T>(T(0.999), T(0.001));
    case 1: return division<T>(T(1.5));
    case 2: return lookup<T>();
    case 3: return moving<T>(size);
    case 5: return fused_arithmetic<T>(T(0.999), T(0.001));
    case 6: return filter_pass<T>(int(size));
    default: return streaming<T>(size);
  }
}

}  // namespace

// Counts for one node of a step on n x n nodes: additions, multiplications, divisions, minima, maxima,
// choices and comparisons, table rows, numbers of the fields read and written; then the first five again for
// one lookup.
extern "C" void roofline_counts(int n, double* per_node) {
  Counting counting(n);
  counts = {};
  counting.step();
  const double nodes = double(n) * n;
  const auto fill = [&per_node](double by) {
    for (double c :
         {counts.additions, counts.multiplications, counts.divisions, counts.extremes, counts.rows})
      *per_node++ = c / by;
  };
  fill(nodes);
  *per_node++ = counting.read / nodes;
  *per_node++ = counting.written / nodes;
  counts = {};
  Counted value, slope;
  counting.steel.potential_of_enthalpy.lookup(Counted(1.0), value, slope);
  fill(1);
}

// Seconds for one unit of what the functions above describe; `bytes` is the size of a number, 4 or 8.
extern "C" double roofline_measure(int what, int bytes, long size) {
  return bytes == 4 ? measured<float>(what, size) : measured<double>(what, size);
}

// Bytes of what a job marches n x n nodes in: a register of candidates, or one alone.
template <class T>
static double bytes_of_job(int n, bool in_lanes) {
  const std::vector<T> mesh(n + 2 * axis_padding);
  const T* numbers = mesh.data() + axis_padding;
  const Axis<T> axis{n, numbers, numbers, numbers, numbers, numbers, numbers, numbers, numbers, numbers};
  const Section<T> section = lay_section(axis, axis, axis, Method::adi);
  Fields<T> alone;
  Fields<Packed<T>> packed;
  return in_lanes ? double(lay_out<Packed<T>>(section, Method::adi, 1, nullptr, packed)) * sizeof(Packed<T>)
                  : double(lay_out<T>(section, Method::adi, 1, nullptr, alone)) * sizeof(T);
}
extern "C" double roofline_bytes(int n, int bytes, int in_lanes) {
  return bytes == 4 ? bytes_of_job<float>(n, in_lanes) : bytes_of_job<double>(n, in_lanes);
}

extern "C" int roofline_lanes(int bytes) { return TUNDISH_REGISTER_BYTES / bytes; }
