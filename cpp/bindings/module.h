// One function per family of kernels, and what they share.
#pragma once
#include <pybind11/pybind11.h>

// Raises core::bad_argument and core::unknown_name as the errors of tundish._common.refusals.
void translate_refusals();

void bind_casting(pybind11::module_& m);
void bind_plans(pybind11::module_& m);  // by bind_casting
void bind_filtering(pybind11::module_& m);
void bind_optimize(pybind11::module_& m);
