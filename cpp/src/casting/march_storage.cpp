#include "casting/march_storage.h"

#include <algorithm>

namespace tundish::casting {
namespace {

// Weights of Lagrange's cubic through the four nodes around x (all nodes, when there are fewer).
template <class T>
int cubic_weights(const std::vector<double>& nodes, double x, T (&weight)[4]) {
  const int n = int(nodes.size()), used = std::min(n, 4);
  const int above = int(std::upper_bound(nodes.begin(), nodes.end(), x) - nodes.begin());
  const int first = std::clamp(above - 2, 0, n - used);
  for (int a = 0; a < 4; ++a) {
    double w = a < used ? 1 : 0;
    for (int b = 0; b < used && a < used; ++b)
      if (b != a) w *= (x - nodes[size_t(first + b)]) / (nodes[size_t(first + a)] - nodes[size_t(first + b)]);
    weight[a] = T(w);
  }
  return first;
}

}  // namespace

// The flux balances of the rows along one axis: control volumes reach halfway to the neighbours, and a face
// drives its half volume through a ghost node one spacing outside (docs/numerics.md, "In the section").
template <class T>
Axis<T> MarchStorage<T>::axis(const std::vector<double>& nodes) {
  const size_t n = nodes.size();
  std::vector<double> spacing(n), width(n, 0.0), inward(n, 0.0), outward(n, 0.0), exposure(n, 0.0);
  std::vector<double> both(n), product(n, 0.0);
  for (size_t i = 0; i + 1 < n; ++i) {
    spacing[i] = nodes[i + 1] - nodes[i];
    width[i] += spacing[i] / 2;
    width[i + 1] += spacing[i] / 2;
  }
  spacing[n - 1] = spacing[n - 2];
  for (size_t i = 0; i < n; ++i) {
    if (i > 0) inward[i] = 1 / (spacing[i - 1] * width[i]);
    if (i + 1 < n) outward[i] = 1 / (spacing[i] * width[i]);
  }
  for (size_t i = 0; i < n; ++i) {
    both[i] = inward[i] + outward[i];
    if (i > 0) product[i] = inward[i] * outward[i - 1];
  }
  std::vector<double> drive = outward;
  drive[n - 1] = 1 / (spacing[n - 1] * width[n - 1]);
  exposure[n - 1] = 1 / width[n - 1];
  auto keep = [&](const std::vector<double>& a) {
    arrays_.emplace_back(axis_padding + n + axis_padding, T(0));
    std::copy(a.begin(), a.end(), arrays_.back().begin() + axis_padding);
    return const_cast<const T*>(arrays_.back().data() + axis_padding);
  };
  return Axis<T>{int(n),      keep(inward), keep(outward), keep(both),     keep(product),
                 keep(drive), keep(width),  keep(spacing), keep(exposure), keep(std::vector<double>(n, 1.0))};
}

// The same axis from the face inwards, for relaxation: it goes by diagonals, on which the nodes along y come
// in the other order.
template <class T>
Axis<T> MarchStorage<T>::reversed(const Axis<T>& axis) {
  auto turn = [&](const T* a) {
    arrays_.emplace_back(axis_padding + size_t(axis.nodes) + axis_padding, T(0));
    std::reverse_copy(a, a + axis.nodes, arrays_.back().begin() + axis_padding);
    return const_cast<const T*>(arrays_.back().data() + axis_padding);
  };
  return Axis<T>{axis.nodes,          turn(axis.inward), turn(axis.outward), turn(axis.both),
                 turn(axis.product),  turn(axis.drive),  turn(axis.width),   turn(axis.spacing),
                 turn(axis.exposure), turn(axis.inside)};
}

template <class T>
MarchStorage<T>::MarchStorage(const Strand& strand, const Grid& grid, const Options& options)
    : MarchStorage(graded_nodes(strand.width / 2, grid.nx, grid.grading_x),
                   graded_nodes(strand.thickness / 2, grid.ny, grid.grading_y), march_steps(strand, grid),
                   options) {}

template <class T>
MarchStorage<T>::MarchStorage(const std::vector<double>& x, const std::vector<double>& y,
                              const std::vector<Step<double>>& steps, const Options& options) {
  arrays_.reserve(3 * 9);  // their addresses are handed out
  const Axis<T> axis_y = axis(y);
  march.section = lay_section(axis(x), axis_y, reversed(axis_y), options.method);
  for (const Step<double>& s : steps)
    steps_.push_back({T(s.size), T(s.memory), T(s.share), T(s.ratio), s.stretch});
  for (const auto& [px, py] : options.probes) {
    Probe<T> p;
    p.i = cubic_weights(x, px, p.weight_x);
    p.j = cubic_weights(y, py, p.weight_y);
    probes_.push_back(p);
  }
  for (const double at : options.sections) {
    double start = 0;
    int k = 0;
    while (k + 1 < int(steps_.size()) && start + double(steps_[size_t(k)].size) < at)
      start += double(steps_[size_t(k++)].size);
    sections_.push_back({k, T(std::clamp((at - start) / double(steps_[size_t(k)].size), 0.0, 1.0))});
  }
  march.steps = steps_.data();
  march.n_steps = int(steps_.size());
  march.probes = probes_.data();
  march.n_probes = int(probes_.size());
  march.sections = sections_.data();
  march.n_sections = int(sections_.size());
  march.method = options.method;
  march.phase_change = options.phase_change;
  const double tolerance = options.tolerance.value_or(default_tolerance<T>(options.relaxation));
  march.relaxation = {T(options.relaxation), T(tolerance), options.max_sweeps, options.ordering};
}
template class MarchStorage<float>;
template class MarchStorage<double>;

}  // namespace tundish::casting
