// The GPU's march (kernels/march.cu) with threads of this machine for the members of a block.
#pragma once
#include "casting/kernels.h"

// A job that carries one candidate; its memory is not used. `members` must be a power of two.
template <class T>
void run_on_block(const tundish::casting::MarchJob<T>& job, int members);
