#include "module.h"

#include "core/isa.h"
#include "core/thread_pool.h"

PYBIND11_MODULE(_core, m) {
  m.doc() = "C++ kernels of tundish. Use the packages above it.";
  m.attr("__version__") = TUNDISH_VERSION;
  m.def(
      "instruction_set", [] { return tundish::core::isa_name(tundish::core::isa()); },
      "The build of the kernels in use: x86-64-v2, -v3 or -v4.");
  m.def("default_threads", &tundish::core::default_threads, "Threads of a run that is not told how many.");
  translate_refusals();
  bind_optimize(m);  // first: objectives of other families derive from its own
  bind_casting(m);
  bind_filtering(m);
}
