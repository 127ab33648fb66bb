// Which build of the march's kernels runs.
#include "casting/kernels.h"
#include "core/isa.h"

namespace tundish::casting {

const Kernels& kernels() {
#if TUNDISH_X86_64_BUILDS
  switch (core::isa()) {
    case core::Isa::x86_64_v4: return x86_64_v4_kernels();
    case core::Isa::x86_64_v3: return x86_64_v3_kernels();
    default: return x86_64_v2_kernels();
  }
#else
  return scalar_kernels();
#endif
}

}  // namespace tundish::casting
