// Which build of the kernels runs.
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "filter_kernels.h"
#include "march_kernels.h"

namespace tundish::host {
namespace {

#if defined(__x86_64__) && !defined(TUNDISH_SINGLE_BUILD)
struct Build {
  bool runs;
  const Kernels& (*table)();
  const FilterKernels& (*filters)();
};
Build choose() {
  __builtin_cpu_init();
  const Build builds[] = {
      {bool(__builtin_cpu_supports("x86-64-v4")), x86_64_v4_kernels, x86_64_v4_filter_kernels},
      {bool(__builtin_cpu_supports("x86-64-v3")), x86_64_v3_kernels, x86_64_v3_filter_kernels},
      {bool(__builtin_cpu_supports("x86-64-v2")), x86_64_v2_kernels, x86_64_v2_filter_kernels},
  };
  const char* asked = std::getenv("TUNDISH_ISA");
  if (asked && *asked) {
    for (const Build& b : builds)
      if (std::string(b.table().name) == asked) {
        if (b.runs) return b;
        throw std::runtime_error("TUNDISH_ISA=" + std::string(asked) +
                                 ": this machine lacks these instructions");
      }
    throw std::runtime_error("TUNDISH_ISA=" + std::string(asked) +
                             ": must be x86-64-v2, x86-64-v3 or x86-64-v4");
  }
  for (const Build& b : builds)
    if (b.runs) return b;
  throw std::runtime_error("tundish needs a processor with the x86-64-v2 instructions (SSE4.2)");
}
#else
struct Build {
  const Kernels& (*table)();
  const FilterKernels& (*filters)();
};
Build choose() { return {scalar_kernels, scalar_filter_kernels}; }
#endif

const Build& chosen() {
  static const Build build = choose();
  return build;
}

}  // namespace

const Kernels& kernels() { return chosen().table(); }
const FilterKernels& filter_kernels() { return chosen().filters(); }

}  // namespace tundish::host
