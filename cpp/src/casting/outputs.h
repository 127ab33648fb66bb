// What a run writes.
#pragma once
#include "tundish/casting/march.h"

namespace tundish::casting {

// Blocks of a candidate's tangents march side by side: the first one writes the values, the others these.
template <class T>
Outputs<T> derivatives_of(const Outputs<T>& outputs);

// From the step on which a march failed, its fields are no numbers.
template <class T>
void blank_failures(const March<T>& march, const Outputs<T>& outputs, long candidates, int gradients);

}  // namespace tundish::casting
