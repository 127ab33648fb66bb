#include "core/refusal.h"

#include <cmath>
#include <sstream>

namespace tundish::core {
namespace {

// "place: name = value: allowed", less what there is none of. Numbers are shown with six digits, as Python's
// refusals show them (tundish._common.refusals).
std::string message(const std::string& name, const RefusedValue& value, const std::string& allowed,
                    const std::string& place) {
  std::ostringstream text;
  if (!place.empty()) text << place << ": ";
  text << name;
  std::visit(
      [&](const auto& v) {
        typedef std::decay_t<decltype(v)> V;
        if constexpr (std::is_same_v<V, Word>)
          text << " = '" << v.text << "'";
        else if constexpr (!std::is_same_v<V, std::monostate>)
          text << " = " << v;
      },
      value);
  text << ": " << allowed;
  return text.str();
}

}  // namespace

bad_argument::bad_argument(std::string name, RefusedValue value, std::string allowed, std::string place)
    : std::invalid_argument(message(name, value, allowed, place)),
      name(std::move(name)),
      value(std::move(value)),
      allowed(std::move(allowed)),
      place(std::move(place)) {}

unknown_name::unknown_name(std::string name, std::string allowed)
    : std::out_of_range("'" + name + "' " + allowed), name(std::move(name)), allowed(std::move(allowed)) {}

void refuse(const std::string& name, RefusedValue value, const std::string& allowed) {
  throw bad_argument(name, std::move(value), allowed);
}

void require_finite(const std::string& name, double value) {
  if (!std::isfinite(value)) refuse(name, value, "must be a finite number");
}
void require_positive(const std::string& name, double value) {
  if (!(std::isfinite(value) && value > 0)) refuse(name, value, "must be finite and above 0");
}
void require_not_negative(const std::string& name, double value) {
  if (!(std::isfinite(value) && value >= 0)) refuse(name, value, "must be finite and not negative");
}

}  // namespace tundish::core
