#include "casting/job.h"

#include <algorithm>

namespace tundish::casting {

template <class T>
void JobArrays<T>::begin(const March<T>& march, Carry carry, const Outputs<T>& outputs) {
  laid_out_for = nullptr;
  rows.clear();
  for (auto& r : tangent_rows) r.clear();
  job.march = &march;
  job.carry = carry;
  job.outputs = outputs;
}

template <class T>
void JobArrays<T>::add_steel(const SteelTables& tables, double pouring_state, int lane) {
  const int lanes = job.carry == Carry::lanes ? kernels().of<T>().lanes : 1;
  for (int c = 0; c < n_curves; ++c) {
    const Curve& curve = tables.curves[c];
    job.curves[c].offset[lane] = int(rows.size());
    rows.insert(rows.end(), curve.rows.begin(), curve.rows.end());
    job.curves[c].origin[lane] = T(curve.origin);
    job.curves[c].per_cell[lane] = T(curve.per_cell);
    job.curves[c].cells[lane] = T(curve.cells);
  }
  const double numbers[numbers_of_steel] = {
      tables.solidus,       tables.liquidus,    tables.liquidus_potential,
      pouring_state,        tables.solid_slope, tables.largest_solid_slope,
      tables.solid_heating, tables.liquid_slope};
  for (int n = 0; n < numbers_of_steel; ++n) job.steel_numbers[n * lanes + lane] = T(numbers[n]);
}

template <class T>
void JobArrays<T>::add_steel_tangents(const SteelTables& tables, const std::vector<double>& pouring_state,
                                      int gradients) {
  const int tangents = kernels().of<T>().tangents;
  // From (number, gradient) to (number, tangent of a job): what a job has more of is 0.
  auto spread = [&](const std::vector<double>& from, auto put) {
    for (size_t n = 0; n * size_t(gradients) < from.size(); ++n)
      for (int k = 0; k < tangents; ++k)
        put(n, k, k < gradients ? T(from[n * size_t(gradients) + size_t(k)]) : T(0));
  };
  for (int c = 0; c < n_curves; ++c) {
    tangent_rows[c].clear();
    spread(tables.tangents[c], [&](size_t, int, T x) { tangent_rows[c].push_back(x); });
  }
  std::fill(std::begin(job.steel_tangents), std::end(job.steel_tangents), T(0));
  const std::vector<double>* of[numbers_of_steel] = {&tables.solidus_tangent,
                                                     &tables.liquidus_tangent,
                                                     &tables.liquidus_potential_tangent,
                                                     &pouring_state,
                                                     &tables.solid_slope_tangent,
                                                     &tables.largest_solid_slope_tangent,
                                                     &tables.solid_heating_tangent,
                                                     &tables.liquid_slope_tangent};
  for (int n = 0; n < int(std::size(of)); ++n)
    spread(*of[n], [&](size_t, int k, T x) { job.steel_tangents[n * tangents + k] = x; });
}

template <class T>
void JobArrays<T>::copy_lane(int from, int to, int lanes) {
  for (auto& curve : job.curves) {
    curve.offset[to] = curve.offset[from];
    curve.origin[to] = curve.origin[from];
    curve.per_cell[to] = curve.per_cell[from];
    curve.cells[to] = curve.cells[from];
  }
  for (int n = 0; n < numbers_of_steel; ++n)
    job.steel_numbers[n * lanes + to] = job.steel_numbers[n * lanes + from];
}

template <class T>
const MarchJob<T>& JobArrays<T>::ready(int n_slots) {
  for (int c = 0; c < n_curves; ++c) {
    job.curves[c].rows = rows.data();
    job.curves[c].tangent_rows = tangent_rows[c].empty() ? nullptr : tangent_rows[c].data();
  }
  job.n_slots = n_slots;
  job.slots = slots.data();
  job.slot_tangents = slot_tangents.data();
  const auto needed = size_t(kernels().of<T>().workspace_size(*job.march, job.carry));
  if (laid_out_for != job.march || laid_out_as != job.carry) {
    memory.assign(needed, T(0));  // ghost nodes are never written, and count 0 times what stands there
    laid_out_for = job.march;
    laid_out_as = job.carry;
  }
  job.memory = memory.data();
  return job;
}
template struct JobArrays<float>;
template struct JobArrays<double>;

template <class T>
void Workspace<T>::reserve(int workers) {
  if (int(arrays_.size()) < workers) arrays_.resize(size_t(workers));
}
template <class T>
JobArrays<T>& Workspace<T>::of(int worker) {
  std::unique_ptr<JobArrays<T>>& arrays = arrays_[size_t(worker)];
  if (!arrays) arrays = std::make_unique<JobArrays<T>>();
  return *arrays;
}
template class Workspace<float>;
template class Workspace<double>;

}  // namespace tundish::casting
