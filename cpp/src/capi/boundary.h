// The boundary of the C ABI (tundish/tundish.h): checks pointers and choices, and turns exceptions into
// results.
#pragma once
#include <cstdint>
#include <exception>
#include <new>
#include <string>

#include "core/refusal.h"
#include "tundish/tundish.h"

namespace tundish::capi {

// Keeps the message for tundish_last_error() of this thread.
int failed(tundish_result result, const char* message) noexcept;

struct Stopped : std::exception {
  const char* what() const noexcept override { return "stopped by the progress function"; }
};

// The boundary: no exception leaves the library.
template <class Call>
int guarded(Call call) noexcept {
  try {
    call();
    return TUNDISH_OK;
  } catch (const core::bad_argument& error) {
    return failed(TUNDISH_BAD_ARGUMENT, error.what());
  } catch (const core::unknown_name& error) {
    return failed(TUNDISH_UNKNOWN_NAME, error.what());
  } catch (const Stopped& stopped) {
    return failed(TUNDISH_STOPPED, stopped.what());
  } catch (const std::bad_alloc&) {
    return failed(TUNDISH_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return failed(TUNDISH_INTERNAL_ERROR, error.what());
  } catch (...) {
    return failed(TUNDISH_INTERNAL_ERROR, "unknown exception");
  }
}

template <class Value>
Value& given(Value* pointer, const char* name) {
  if (!pointer) core::refuse(name, "NULL", "must be given");
  return *pointer;
}

// `count` numbers of the caller's; only an empty array may be NULL.
template <class Value>
const Value* array(const Value* numbers, int64_t count, const char* name) {
  if (count < 0) core::refuse(name, count, "numbers; a count cannot be negative");
  if (count > 0) given(numbers, name);
  return numbers;
}

// An enumerator of the library from the caller's integer.
template <class Choice>
Choice choice(const char* name, int value, Choice last) {
  if (value < 0 || value > int(last))
    core::refuse(name, value, "must be one of its enumeration, 0 to " + std::to_string(int(last)));
  return Choice(value);
}

template <class Struct>
int set_default(Struct* to, const char* name, const Struct& from) {
  return guarded([&] { given(to, name) = from; });
}

// Hands a new object to the caller; NULL if it cannot be made.
template <class Handle, class Make>
int create(Handle** handle, const char* name, Make make) {
  return guarded([&] {
    given(handle, name) = nullptr;
    *handle = make();
  });
}

}  // namespace tundish::capi
