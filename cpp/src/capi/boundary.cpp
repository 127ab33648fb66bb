#include "capi/boundary.h"

#include "core/isa.h"

namespace tundish::capi {
namespace {

thread_local std::string last_error;
thread_local const char* last_message = "";

}  // namespace

int failed(tundish_result result, const char* message) noexcept {
  try {
    last_error = message;
    last_message = last_error.c_str();
  } catch (...) {
    last_message = "out of memory";
  }
  return result;
}

}  // namespace tundish::capi

const char* tundish_last_error(void) { return tundish::capi::last_message; }
const char* tundish_version(void) { return TUNDISH_VERSION; }

const char* tundish_instruction_set(void) {
  const char* name = nullptr;
  tundish::capi::guarded([&] { name = tundish::core::isa_name(tundish::core::isa()); });
  return name;
}
