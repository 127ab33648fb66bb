// Words of Python as enumerators.
#pragma once
#include <initializer_list>
#include <string>
#include <utility>

#include "core/refusal.h"

// The enumerator of a word; a word that is not in the list is refused.
template <class Enum>
Enum choice(const char* name, const std::string& word,
            std::initializer_list<std::pair<const char*, Enum>> allowed) {
  std::string words;
  for (const auto& [text, value] : allowed) {
    if (word == text) return value;
    words += (words.empty() ? "must be '" : " or '") + std::string(text) + "'";
  }
  tundish::core::refuse(name, tundish::core::Word{word}, words);
}
