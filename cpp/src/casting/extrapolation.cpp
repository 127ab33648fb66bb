#include "casting/extrapolation.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tundish::casting {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

// What is left of a difference between the meshes once it is extrapolated, and of one between steps and twice
// the steps; by ErrorField. docs/numerics.md says how they were found.
struct Weights {
  double mesh, steps;
};
constexpr Weights weights[n_error_fields] = {{0.3, 0.7}, {0.3, 0.7}, {0.3, 1.0}, {0.3, 0.7}, {0.5, 0.7}};

double error_left(ErrorField field, double mesh, double steps) {
  return std::hypot(weights[field].mesh * mesh, weights[field].steps * steps);
}

std::vector<double> every_other(const std::vector<double>& nodes) {
  std::vector<double> kept;
  for (size_t n = 0; n < nodes.size(); n += 2) kept.push_back(nodes[n]);
  return kept;
}

// Two steps taken as one, stretch by stretch.
std::vector<Step<double>> joined(const std::vector<Step<double>>& steps) {
  std::vector<Step<double>> pairs;
  for (size_t k = 0; k + 1 < steps.size(); k += 2) {
    const bool starts = pairs.empty() || pairs.back().stretch != steps[k].stretch;
    const double before = starts ? 0 : last_part(pairs.back());
    pairs.push_back(make_step(steps[k].size + steps[k + 1].size, before, steps[k].stretch));
  }
  return pairs;
}

Options without_sections(Options options) {
  options.sections.clear();
  return options;
}

template <class T>
T extrapolated(T fine, T coarse) {
  return T(double(fine) + (double(fine) - double(coarse)) / 3);
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

}  // namespace

template <class T>
Extrapolation<T>::Extrapolation(const std::vector<double>& x, const std::vector<double>& y,
                                const std::vector<Step<double>>& steps, const Options& options)
    : coarse_(every_other(x), every_other(y), steps, options),
      check_(every_other(x), every_other(y), joined(steps), without_sections(options)),
      z_{0},
      half_{x.back(), y.back()} {
  for (const Step<double>& step : steps) z_.push_back(z_.back() + step.size);
}

// The check is of values alone: derivatives are not estimated.
template <class T>
void Extrapolation<T>::improve(JobArrays<T>& arrays, int n_slots) const {
  const Outputs<T> coarse = run_on(coarse_, false, n_slots, arrays.coarse, arrays);
  const MarchJob<T>& job = arrays.job;
  if (job.outputs.error_estimate)
    estimate(job, coarse, run_on(check_, true, n_slots, arrays.check, arrays));
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
  const Outputs<T> made = memory.like(outputs, mesh.march, job.place);
  job.outputs = made;
  kernels().of<T>().run(arrays.ready(n_slots));
  job.march = march;
  job.outputs = outputs;
  job.place = place;
  job.carry = carry;
  return made;
}

// Temperatures, heats and derivatives go as they are. Shells and shares stay within their bounds, and rise (or
// fall) where they do so on both meshes.
template <class T>
void Extrapolation<T>::extrapolate_series(const MarchJob<T>& fine, const Outputs<T>& coarse) const {
  typedef Outputs<T> O;
  const long row = fine.march->n_steps + 1;
  for_each_series<T>(*fine.march, fine.place, [&](auto member, const Rows& rows) {
    if (!(fine.outputs.*member)) return;
    const bool shells = member == &O::shell_thickness;
    const bool bounded = shells || member == &O::solid_fraction || member == &O::liquid_fraction;
    for (long r = 0; r < rows.count; ++r) {
      T* a = fine.outputs.*member + (rows.first + r) * row;
      const T* b = coarse.*member + r * row;
      const T highest = shells ? T(half_[r % 2]) : T(1);
      T before = a[0];  // on the finer mesh
      for (long k = 0; k < row; ++k) {
        const T here = a[k];
        a[k] = extrapolated(here, b[k]);
        if (bounded) a[k] = std::min(std::max(a[k], T(0)), highest);
        if (bounded && k > 0) {
          if (here >= before && b[k] >= b[k - 1]) a[k] = std::max(a[k], a[k - 1]);
          if (here <= before && b[k] <= b[k - 1]) a[k] = std::min(a[k], a[k - 1]);
        }
        before = here;
      }
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
    T* a = fine.outputs.section_temperature + (fine.place.candidate * sections + s) * nodes;
    const T* b = coarse.section_temperature + s * kept;
    for (int j = 0; j < ny; j += 2)
      for (int i = 0; i < nx; i += 2) {
        const size_t n = size_t(j / 2 * columns + i / 2);
        added[n] = (double(a[long(j) * nx + i]) - double(b[n])) / 3;
      }
    for (int j = 0; j < ny; ++j)
      for (int i = 0; i < nx; ++i) {
        const size_t n = size_t(j / 2 * columns + i / 2);
        const size_t right = size_t(i % 2), below = size_t(j % 2 * columns);
        const double mean = (added[n] + added[n + right] + added[n + below] + added[n + right + below]) / 4;
        a[long(j) * nx + i] = T(double(a[long(j) * nx + i]) + mean);
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
      length = std::isinf(length) || std::isinf(other) ? T(infinite) : extrapolated(length, other);
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
    slope = extrapolated(slope, coarse.metallurgical_length_gradient[k]);
  }
}

template <class T>
void Extrapolation<T>::estimate(const MarchJob<T>& fine, const Outputs<T>& coarse,
                                const Outputs<T>& check) const {
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
    for (const auto& [field, member, rows] : all) {
      if (!(out.*member) || rows == 0) continue;
      const T* a = out.*member + (fine.place.candidate + lane) * rows * (steps + 1);
      const T* b = coarse.*member + lane * rows * (steps + 1);
      const T* c = check.*member + lane * rows * (steps / 2 + 1);
      to[field] = T(error_left(field, mean_difference(z_, a, 1, b, 1, rows) / 3,
                               mean_difference(z_, b, 1, c, 2, rows)));
    }
    if (out.metallurgical_length) {
      const double length = coarse.metallurgical_length[lane];
      to[error_of_length] =
          T(error_left(error_of_length, apart(out.metallurgical_length[fine.place.candidate + lane], length) / 3,
                       apart(length, check.metallurgical_length[lane])));
    }
  }
}

template class Extrapolation<float>;
template class Extrapolation<double>;

}  // namespace tundish::casting
