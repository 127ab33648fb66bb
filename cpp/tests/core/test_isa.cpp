// The instruction set: one choice for all families.
#include "core/isa.h"

#include <string>

#include "casting/kernels.h"
#include "doctest/doctest.h"

using namespace tundish;

TEST_CASE("an instruction set is chosen once, and each family has a table for it") {
  CHECK(core::isa() == core::isa());
  CHECK(&casting::kernels() == &casting::kernels());
#if TUNDISH_X86_64_BUILDS
  CHECK(std::string(core::isa_name(core::isa())).substr(0, 8) == "x86-64-v");
#else
  CHECK(std::string(core::isa_name(core::isa())) == "scalar");
#endif
}
