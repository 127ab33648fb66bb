#include "casting/extrapolation.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tundish::casting {
namespace {

constexpr double richardson = extrapolation_weight_of_smooth,
                 infinite = std::numeric_limits<double>::infinity();

// The error that is left where the meshes differ by `mesh` and steps from twice the steps by `steps`: factors
// that cover it in 95 % of random strands (docs/numerics.md, "The error that is left").
struct Factors {
  double of_mesh, of_steps;
};
// By ErrorField; where probes and faces are not extrapolated, and where they are in full.
constexpr Factors plain[] = {{0.5, 0.75}, {0.4, 1.1}, {0.6, 1.3}, {1.1, 0.5}, {0.4, 1.2}};
constexpr Factors in_full[] = {{0.3, 0.6}, {0.2, 0.8}, {0.2, 1.1}, {1.1, 0.5}, {0.04, 1.2}};
constexpr double least_error_of_length = 2e-3;  // m; two lengths are close by accident in one strand of ten
// The share of the length that is left where the plan's steel is smooth and the candidate's is not: on the
// published mesh, freezing ranges of 3 to 18 K were 20 to 47 mm off 15 m.
constexpr double share_by_other_steel = 4e-3;
// The length is open where the centre is this near to the solidus at the strand's end: so far behind it, as a
// share of the strand, the last step's fall would bring it there. The fall speeds up to the last.
constexpr double near_the_end = 0.02;

double error_left(ErrorField field, double weight, double mesh, double steps) {
  const double full = weight / richardson, none = 1 - full;
  return (none * plain[field].of_mesh + full * in_full[field].of_mesh) * mesh +
         (none * plain[field].of_steps + full * in_full[field].of_steps) * steps;
}

std::vector<double> every_other(const std::vector<double>& nodes) {
  std::vector<double> kept;
  for (size_t n = 0; n < nodes.size(); n += 2) kept.push_back(nodes[n]);
  return kept;
}

// Two steps taken as one, stretch by stretch.
std::vector<Step<double>> joined(const std::vector<Step<double>>& steps) {
  std::vector<Step<double>> pairs;
  int place = 0;  // in the stretch
  for (size_t k = 0; k + 1 < steps.size(); k += 2, ++place) {
    if (pairs.empty() || pairs.back().stretch != steps[k].stretch) place = 0;
    const double before = place < starting_steps ? 0 : last_part(pairs.back());
    pairs.push_back(make_step(steps[k].size + steps[k + 1].size, before, steps[k].stretch));
  }
  return pairs;
}

Options without_sections(Options options) {
  options.sections.clear();
  return options;
}

template <class T>
T extrapolated(double weight, T fine, T coarse) {
  return T(double(fine) + weight * (double(fine) - double(coarse)));
}

// A candidate's surroundings and what is poured, the coldest and the hottest of them, K.
template <class T>
struct Surroundings {
  T coldest, hottest;
};
template <class T>
Surroundings<T> surroundings_of(const MarchJob<T>& job, long lane) {
  const int lanes = job.carry == Carry::lanes ? kernels().of<T>().lanes : 1;
  const T ambient = job.slots[slot_ambient_temperature * lanes + lane];
  const T poured = job.slots[slot_pouring_temperature * lanes + lane];
  return {std::min(ambient, poured), std::max(ambient, poured)};
}

// No temperature leaves the surroundings' range by extrapolation: where a face falls by a thousand kelvins at
// once, the meshes differ by more than is left to fall.
template <class T>
T extrapolated_temperature(double weight, T fine, T coarse, const Surroundings<T>& range) {
  return std::clamp(extrapolated(weight, fine, coarse), std::min({fine, coarse, range.coldest}),
                    std::max({fine, coarse, range.hottest}));
}

// The root of the mean square along z of what two series differ by; they have every so many of the steps.
template <class T>
double mean_difference(const std::vector<double>& z, const T* a, long every_a, const T* b, long every_b,
                       long rows) {
  const long step = std::max(every_a, every_b), steps = long(z.size()) - 1;
  const long row_a = steps / every_a + 1, row_b = steps / every_b + 1;
  double sum = 0;
  for (long r = 0; r < rows; ++r)
    for (long k = step; k <= steps; k += step) {
      const double difference = double(a[r * row_a + k / every_a]) - double(b[r * row_b + k / every_b]);
      sum += (z[size_t(k)] - z[size_t(k - step)]) * difference * difference;
    }
  return std::sqrt(sum / (double(rows) * z.back()));
}

// How far two lengths are apart: infinite where one of them alone is.
double apart(double a, double b) {
  if (std::isinf(a) && std::isinf(b)) return 0;
  return std::abs(a - b);
}

// How far behind the end of a series the last step's fall would bring it to `level`; infinite if never.
template <class T>
double distance_to(double level, const T* series, const std::vector<double>& z) {
  const size_t last = z.size() - 1;
  const double above = double(series[last]) - level, fall = double(series[last - 1]) - double(series[last]);
  return fall > 0 ? above / fall * (z[last] - z[last - 1]) : infinite;
}

}  // namespace

template <class T>
Extrapolation<T>::Extrapolation(const std::vector<double>& x, const std::vector<double>& y,
                                const std::vector<Step<double>>& steps, const Options& options, double weight)
    : coarse_(every_other(x), every_other(y), steps, options),
      check_(every_other(x), every_other(y), joined(steps), without_sections(options)),
      z_{0},
      weight_(weight) {
  for (const Step<double>& step : steps) z_.push_back(z_.back() + step.size);
}

// The check is of values alone: derivatives are not estimated.
template <class T>
void Extrapolation<T>::improve(JobArrays<T>& arrays, int n_slots) const {
  const Outputs<T> coarse = run_on(coarse_, false, n_slots, arrays.coarse, arrays);
  const MarchJob<T>& job = arrays.job;
  if (job.outputs.error_estimate) {
    const Outputs<T> check = run_on(check_, true, n_slots, arrays.check, arrays);
    estimate(job, coarse, check, arrays.weights);
  }
  extrapolate_series(job, coarse);
  if (job.outputs.section_temperature) extrapolate_sections(job, coarse);
  extrapolate_numbers(job, coarse);
}

// The job on another mesh; afterwards it is as it was.
template <class T>
Outputs<T> Extrapolation<T>::run_on(const MarchStorage<T>& mesh, bool values_only, int n_slots,
                                    OutputMemory<T>& memory, JobArrays<T>& arrays) const {
  MarchJob<T>& job = arrays.job;
  const March<T>* const march = job.march;
  const Outputs<T> outputs = job.outputs;
  const Place place = job.place;
  const Carry carry = job.carry;
  const int tangents = values_only ? 0 : place.tangents;
  job.place = {0, place.lanes, 0, tangents, tangents, place.stop};
  job.march = &mesh.march;
  if (values_only && carry == Carry::dual) job.carry = Carry::single;
  const bool with_centre = outputs.error_estimate && outputs.metallurgical_length;
  const Outputs<T> made = memory.like(outputs, mesh.march, job.place, with_centre);
  job.outputs = made;
  kernels().of<T>().run(arrays.ready(n_slots));
  job.march = march;
  job.outputs = outputs;
  job.place = place;
  job.carry = carry;
  return made;
}

// The corner, the centre and the heat are smooth in the spacing. Probes and faces are where the freezing
// range is wide. Shells and shares go in stairs, a node at a time, and stay as they are.
template <class T>
void Extrapolation<T>::extrapolate_series(const MarchJob<T>& fine, const Outputs<T>& coarse) const {
  typedef Outputs<T> O;
  const long row = fine.march->n_steps + 1;
  for_each_series<T>(*fine.march, fine.place, [&](auto member, const Rows& rows) {
    if (!(fine.outputs.*member)) return;
    if (member == &O::shell_thickness || member == &O::solid_fraction || member == &O::liquid_fraction)
      return;
    const bool smooth =
        member == &O::corner_temperature || member == &O::centre_temperature || member == &O::heat;
    const bool temperature = member != &O::heat && member != &O::probe_gradient;
    const double weight = smooth ? richardson : weight_;
    const long numbers = rows.count / fine.place.lanes * row;  // of a candidate
    for (long lane = 0; lane < fine.place.lanes; ++lane) {
      const Surroundings<T> range = surroundings_of(fine, lane);
      T* const a = fine.outputs.*member + rows.first * row + lane * numbers;
      const T* const b = coarse.*member + lane * numbers;
      for (long k = 0; k < numbers; ++k)
        a[k] = temperature ? extrapolated_temperature(weight, a[k], b[k], range)
                           : extrapolated(weight, a[k], b[k]);
    }
  });
}

// Whole sections: what the coarser mesh adds is known at every other node, and straight between these.
template <class T>
void Extrapolation<T>::extrapolate_sections(const MarchJob<T>& fine, const Outputs<T>& coarse) const {
  const int nx = fine.march->section.x.nodes, ny = fine.march->section.y.nodes, columns = (nx + 1) / 2;
  const long sections = fine.march->n_sections, nodes = long(nx) * ny, kept = long(columns) * ((ny + 1) / 2);
  std::vector<double> added(static_cast<size_t>(kept));
  for (long s = 0; s < fine.place.lanes * sections; ++s) {
    const Surroundings<T> range = surroundings_of(fine, s / sections);
    T* a = fine.outputs.section_temperature + (fine.place.candidate * sections + s) * nodes;
    const T* b = coarse.section_temperature + s * kept;
    for (int j = 0; j < ny; j += 2)
      for (int i = 0; i < nx; i += 2) {
        const size_t n = size_t(j / 2 * columns + i / 2);
        added[n] = weight_ * (double(a[long(j) * nx + i]) - double(b[n]));
      }
    for (int j = 0; j < ny; ++j)
      for (int i = 0; i < nx; ++i) {
        const size_t n = size_t(j / 2 * columns + i / 2);
        const size_t right = size_t(i % 2), below = size_t(j % 2 * columns);
        const double mean = (added[n] + added[n + right] + added[n + below] + added[n + right + below]) / 4;
        T& here = a[long(j) * nx + i];
        here =
            std::clamp(T(double(here) + mean), std::min(here, range.coldest), std::max(here, range.hottest));
      }
  }
}

// A length that is finite on one of the meshes alone is none. Heat is conserved on both.
template <class T>
void Extrapolation<T>::extrapolate_numbers(const MarchJob<T>& fine, const Outputs<T>& coarse) const {
  const Outputs<T>& out = fine.outputs;
  const Place& place = fine.place;
  for (long lane = 0; lane < place.lanes; ++lane) {
    const long n = place.candidate + lane;
    if (out.metallurgical_length) {
      T& length = out.metallurgical_length[n];
      const T other = coarse.metallurgical_length[lane];
      length =
          std::isinf(length) || std::isinf(other) ? T(infinite) : extrapolated(richardson, length, other);
    }
    if (out.energy_imbalance)
      out.energy_imbalance[n] = std::max(out.energy_imbalance[n], coarse.energy_imbalance[lane]);
    if (out.status && coarse.status[lane] > out.status[n]) {
      out.status[n] = coarse.status[lane];
      out.status_step[n] = coarse.status_step[lane];
    }
  }
  for (long k = 0; out.metallurgical_length_gradient && k < place.tangents; ++k) {
    T& slope = out.metallurgical_length_gradient[place.candidate * place.gradients + place.gradient + k];
    slope = extrapolated(richardson, slope, coarse.metallurgical_length_gradient[k]);
  }
}

// `weights` are those of the candidates' own steels: a narrower freezing range than the plan's leaves more. A
// march that failed leaves no estimate: its fields may be off by any amount.
template <class T>
void Extrapolation<T>::estimate(const MarchJob<T>& fine, const Outputs<T>& coarse, const Outputs<T>& check,
                                const double* weights) const {
  typedef Outputs<T> O;
  const Outputs<T>& out = fine.outputs;
  const long steps = fine.march->n_steps;
  const struct {
    ErrorField field;
    T* O::* member;
    long rows;
  } all[] = {{error_of_probes, &O::probe_temperature, fine.march->n_probes},
             {error_of_faces, &O::face_temperature, 2},
             {error_of_corner, &O::corner_temperature, 1},
             {error_of_shell, &O::shell_thickness, 2}};
  for (long lane = 0; lane < fine.place.lanes; ++lane) {
    T* to = out.error_estimate + (fine.place.candidate + lane) * n_error_fields;
    std::fill(to, to + n_error_fields, std::numeric_limits<T>::quiet_NaN());
    const double weight = std::min(weight_, weights[lane]);
    const bool failed = out.status && check.status[lane] == int(Status::diverged);
    for (const auto& [field, member, rows] : all) {
      if (!(out.*member) || rows == 0) continue;
      const T* a = out.*member + (fine.place.candidate + lane) * rows * (steps + 1);
      const T* b = coarse.*member + lane * rows * (steps + 1);
      const T* c = check.*member + lane * rows * (steps / 2 + 1);
      to[field] = T(failed ? infinite
                           : error_left(field, weight, mean_difference(z_, a, 1, b, 1, rows),
                                        mean_difference(z_, b, 1, c, 2, rows)));
    }
    if (out.metallurgical_length)
      to[error_of_length] = T(failed ? infinite : error_of_one_length(fine, coarse, check, lane, weight));
  }
}

// Infinite where the strand ends about where its centre solidifies: the length may be finite or not.
template <class T>
double Extrapolation<T>::error_of_one_length(const MarchJob<T>& fine, const Outputs<T>& coarse,
                                             const Outputs<T>& check, long lane, double weight) const {
  const double length = fine.outputs.metallurgical_length[fine.place.candidate + lane];
  const double on_coarse = coarse.metallurgical_length[lane];
  const double left = error_left(error_of_length, weight, apart(length, on_coarse),
                                 apart(on_coarse, check.metallurgical_length[lane]));
  if (std::isinf(left)) return infinite;
  if (std::isinf(length)) {
    const T* const centre = coarse.centre_temperature + lane * long(z_.size());
    const double solidus = fine.steel_numbers[lane];
    return distance_to(solidus, centre, z_) < near_the_end * z_.back() ? infinite : 0;
  }
  const double off =
      left + least_error_of_length + (weight_ - weight) / richardson * share_by_other_steel * length;
  return length + left < z_.back() ? off : infinite;
}

template class Extrapolation<float>;
template class Extrapolation<double>;

}  // namespace tundish::casting
