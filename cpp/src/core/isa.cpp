#include "core/isa.h"

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace tundish::core {
namespace {

#if TUNDISH_X86_64_BUILDS
struct Candidate {
  Isa isa;
  bool runs;
};

// The candidates from the widest down. A name in TUNDISH_ISA is taken or refused, never replaced: whoever
// compares instruction sets must get the one asked for.
Isa choose() {
  __builtin_cpu_init();
  const Candidate candidates[] = {{Isa::x86_64_v4, bool(__builtin_cpu_supports("x86-64-v4"))},
                                  {Isa::x86_64_v3, bool(__builtin_cpu_supports("x86-64-v3"))},
                                  {Isa::x86_64_v2, bool(__builtin_cpu_supports("x86-64-v2"))}};
  const char* asked = std::getenv("TUNDISH_ISA");
  if (asked && *asked) {
    for (const Candidate& c : candidates)
      if (std::string(isa_name(c.isa)) == asked) {
        if (c.runs) return c.isa;
        throw std::runtime_error("TUNDISH_ISA=" + std::string(asked) +
                                 ": this machine lacks these instructions");
      }
    throw std::runtime_error("TUNDISH_ISA=" + std::string(asked) +
                             ": must be x86-64-v2, x86-64-v3 or x86-64-v4");
  }
  for (const Candidate& c : candidates)
    if (c.runs) return c.isa;
  throw std::runtime_error("tundish needs a processor with the x86-64-v2 instructions (SSE4.2)");
}
#else
Isa choose() { return Isa::scalar; }
#endif

}  // namespace

Isa isa() {
  static const Isa chosen = choose();
  return chosen;
}

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::x86_64_v2: return "x86-64-v2";
    case Isa::x86_64_v3: return "x86-64-v3";
    case Isa::x86_64_v4: return "x86-64-v4";
    case Isa::scalar: break;
  }
  return "scalar";
}

}  // namespace tundish::core
