#include "core/refusal.h"

#include "module.h"

namespace py = pybind11;
namespace core = tundish::core;

namespace {

struct ToPython {
  const py::module_& refusals;
  py::object operator()(std::monostate) const { return refusals.attr("MISSING"); }
  py::object operator()(double x) const { return py::float_(x); }
  py::object operator()(long long n) const { return py::int_(n); }
  py::object operator()(const std::string& text) const { return refusals.attr("Text")(text); }
  py::object operator()(const core::Word& word) const { return py::str(word.text); }
};

// An import that fails is raised in place of the refusal.
void raise(const char* type, const std::string& argument, const core::RefusedValue& value,
           const std::string& allowed, const std::string& place) {
  const py::module_ refusals = py::module_::import("tundish._common.refusals");
  py::object error = refusals.attr(type)(argument, std::visit(ToPython{refusals}, value), allowed);
  if (!place.empty()) error = error.attr("at")(place);
  PyErr_SetObject(py::type::handle_of(error).ptr(), error.ptr());
}

}  // namespace

void translate_refusals() {
  py::register_local_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const core::bad_argument& error) {
      raise("ArgumentError", error.name, error.value, error.allowed, error.place);
    } catch (const core::unknown_name& error) {
      raise("UnknownNameError", "name", core::Word{error.name}, error.allowed, "");
    }
  });
}
