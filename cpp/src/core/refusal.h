// Refusals that name the argument, the value and what is allowed.
#pragma once
#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string>

namespace tundish::core {

template <class Value>
[[noreturn]] void refuse(const std::string& name, const Value& value, const std::string& allowed) {
  std::ostringstream text;
  text << name << " = " << value << ": " << allowed;
  throw std::invalid_argument(text.str());
}
inline void require_finite(const std::string& name, double value) {
  if (!std::isfinite(value)) refuse(name, value, "must be a finite number");
}
inline void require_positive(const std::string& name, double value) {
  if (!(std::isfinite(value) && value > 0)) refuse(name, value, "must be finite and above 0");
}
inline void require_not_negative(const std::string& name, double value) {
  if (!(std::isfinite(value) && value >= 0)) refuse(name, value, "must be finite and not negative");
}

}  // namespace tundish::core
