// A function that an optimiser minimises with no Python in the loop.
#pragma once

namespace tundish::optimize {

class Objective {
 public:
  virtual ~Objective() = default;
  virtual int dimensions() const = 0;
  // Values f (count) of the points x (count, dimensions), all at once: threads and lanes are the objective's
  // own.
  virtual void evaluate(const double* x, int count, double* f) const = 0;
};

}  // namespace tundish::optimize
