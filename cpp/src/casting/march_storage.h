// The mesh, the steps and what is observed, in the numbers of a march.
#pragma once
#include <vector>

#include "casting/grid.h"
#include "casting/options.h"

namespace tundish::casting {

template <class T>
class MarchStorage {
 public:
  MarchStorage(const Strand& strand, const Grid& grid, const Options& options);
  // Nodes from the centre planes to the faces, m.
  MarchStorage(const std::vector<double>& x, const std::vector<double>& y,
               const std::vector<Step<double>>& steps, const Options& options);
  MarchStorage(const MarchStorage&) = delete;
  March<T> march;

 private:
  Axis<T> axis(const std::vector<double>& nodes);
  Axis<T> reversed(const Axis<T>& axis);
  std::vector<std::vector<T>> arrays_;
  std::vector<Step<T>> steps_;
  std::vector<Probe<T>> probes_;
  std::vector<SectionOutput<T>> sections_;
};

}  // namespace tundish::casting
