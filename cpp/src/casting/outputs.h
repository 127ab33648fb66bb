// What a run writes.
#pragma once
#include <vector>

#include "tundish/casting/march.h"

namespace tundish::casting {

// The fields of `Outputs::error_estimate`, in this order.
enum ErrorField {
  error_of_probes,
  error_of_faces,
  error_of_corner,
  error_of_shell,
  error_of_length,
  n_error_fields
};

// Blocks of a candidate's tangents march side by side: the first one writes the values, the others these.
template <class T>
Outputs<T> derivatives_of(const Outputs<T>& outputs);

// Rows of (steps + 1) numbers that one job writes of an output: `count` of them, from number `first` on.
struct Rows {
  long first, count;
};

// Calls visit(member, rows) for every output that is made of such rows.
template <class T, class Visit>
void for_each_series(const March<T>& march, const Place& place, Visit visit) {
  typedef Outputs<T> O;
  const long probes = march.n_probes;
  auto values = [&](T* O::* member, long rows) {
    visit(member, Rows{place.candidate * rows, place.lanes * rows});
  };
  values(&O::probe_temperature, probes);
  for (T* O::* member :
       {&O::centre_temperature, &O::corner_temperature, &O::solid_fraction, &O::liquid_fraction, &O::heat})
    values(member, 1);
  for (T* O::* member : {&O::face_temperature, &O::shell_thickness}) values(member, 2);
  visit(&O::probe_gradient, Rows{(place.candidate * place.gradients + place.gradient) * probes,
                                 place.lanes * place.tangents * probes});
}

// Room for what a job writes on another mesh.
template <class T>
class OutputMemory {
 public:
  // The outputs that `asked` has, for one job at candidate 0; with the centre's temperature if that is so.
  Outputs<T> like(const Outputs<T>& asked, const March<T>& march, const Place& place, bool with_centre);

 private:
  std::vector<T> numbers_;
  std::vector<int> integers_;
};

// From the step on which a march failed, its fields are no numbers.
template <class T>
void blank_failures(const March<T>& march, const Outputs<T>& outputs, long candidates, int gradients);

}  // namespace tundish::casting
