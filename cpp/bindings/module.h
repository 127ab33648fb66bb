// One function per family of kernels.
#pragma once
#include <pybind11/pybind11.h>

void bind_casting(pybind11::module_& m);
void bind_filtering(pybind11::module_& m);
void bind_optimize(pybind11::module_& m);
