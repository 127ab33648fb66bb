// Refusals that name the argument, the value and what is allowed. They are thrown as data, so that a binding
// can hand the parts to its language; what() joins them to the one line "name = value: allowed".
#pragma once
#include <stdexcept>
#include <string>
#include <type_traits>
#include <variant>

namespace tundish::core {

// A word of the caller's; a message shows it in quotes.
struct Word {
  std::string text;
};

// What was given: nothing to show, a number, a text that is shown as it is ("4 dimensions"), or a word.
typedef std::variant<std::monostate, double, long long, std::string, Word> RefusedValue;

// An argument has a value that is not allowed.
class bad_argument : public std::invalid_argument {
 public:
  bad_argument(std::string name, RefusedValue value, std::string allowed, std::string place = "");
  const std::string name;
  const RefusedValue value;
  const std::string allowed;
  const std::string place;  // such as "candidate 3", which precedes the message; mostly empty
  bad_argument at(const std::string& of) const { return {name, value, allowed, of}; }
};

// A name is not among those that are known.
class unknown_name : public std::out_of_range {
 public:
  unknown_name(std::string name, std::string allowed);
  const std::string name;
  const std::string allowed;  // "is no parameter of this strand; it has speed, ..."
};

[[noreturn]] void refuse(const std::string& name, RefusedValue value, const std::string& allowed);
template <class Value>
[[noreturn]] void refuse(const std::string& name, const Value& value, const std::string& allowed) {
  if constexpr (std::is_integral_v<Value>)
    refuse(name, RefusedValue(static_cast<long long>(value)), allowed);
  else if constexpr (std::is_floating_point_v<Value>)
    refuse(name, RefusedValue(static_cast<double>(value)), allowed);
  else if constexpr (std::is_convertible_v<Value, std::string>)
    refuse(name, RefusedValue(std::string(value)), allowed);
  else
    refuse(name, RefusedValue(value), allowed);
}

// NaN is refused by all of them.
void require_finite(const std::string& name, double value);
void require_positive(const std::string& name, double value);
void require_not_negative(const std::string& name, double value);

}  // namespace tundish::core
