// The instruction set that all families of kernels run on, chosen once a process. A family (a folder with
// kernels) is built once for each set and maps the choice to its own table beside its own code, such as
// casting/kernels.cpp.
#pragma once

#if defined(__x86_64__) && !defined(TUNDISH_SINGLE_BUILD)
#define TUNDISH_X86_64_BUILDS 1
#else
#define TUNDISH_X86_64_BUILDS 0
#endif

namespace tundish::core {

enum class Isa { scalar, x86_64_v2, x86_64_v3, x86_64_v4 };

// The best set that this machine runs and that the library was built for, or the one that TUNDISH_ISA names.
// Throws std::runtime_error when there is none.
Isa isa();

// As TUNDISH_ISA names it, such as "x86-64-v3"; "scalar" for the build that leaves nothing to choose.
const char* isa_name(Isa isa);

}  // namespace tundish::core
