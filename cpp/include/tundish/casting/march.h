// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// What goes into a march and what comes out: plain data, the same for every instruction set.
#pragma once
#include "tundish/core/macros.h"

namespace tundish {

// Zeros before and after the numbers of an Axis: a register may begin before the first node and end after
// the last.
constexpr int axis_padding = 16;

// One direction of the mesh.
template <class T>
struct Axis {
  int nodes;
  const T* inward;    // 1 / (distance to the inner neighbour x control width), 1/m2; 0 at the centre plane
  const T* outward;   // the same to the outer neighbour; 0 at the face
  const T* both;      // their sum
  const T* product;   // inward x the inner neighbour's outward, 1/m4
  const T* drive;     // as outward, but at the face to a ghost node one spacing outside
  const T* width;     // of the control volumes, m
  const T* spacing;   // from each node to the next one outwards, m; at the face the last one again
  const T* exposure;  // cooled surface per volume, 1/m: 0 but at the face
  const T* inside;    // 1 at the nodes
};

// Node (i, j) is number origin + i step_x + j step_y of every field. Alternating directions store rows, with
// one more on either side; relaxation stores diagonals i + j, where step_x is one more than step_y.
template <class T>
struct Section {
  Axis<T> x, y;
  Axis<T> y_reversed;  // from the face to the centre plane
  int columns, rows;   // x.nodes and y.nodes, padded to whole registers
  long origin, step_x, step_y;
  long field_size;

  TUNDISH_HD long at(int i, int j) const { return origin + i * step_x + j * step_y; }
  TUNDISH_HD int diagonals() const { return x.nodes + y.nodes - 1; }
};

// A steel's curves reach from here to this far above its liquidus, K; a march that leaves them has diverged.
constexpr double lowest_temperature = 200;
constexpr double highest_superheat = 400;

enum class Method { adi, sor };

// The section over two axes, with its fields laid out for a method.
template <class T>
TUNDISH_HD Section<T> lay_section(const Axis<T>& x, const Axis<T>& y, const Axis<T>& y_reversed,
                                  Method method) {
  constexpr int lines = 64 / int(sizeof(T));  // of the widest register
  auto padded = [](int n) { return (n + lines - 1) / lines * lines; };
  Section<T> s = {x, y, y_reversed, padded(x.nodes), padded(y.nodes), 0, 0, 0, 0};
  if (method == Method::adi) {
    s.step_x = 1;
    s.step_y = padded(x.nodes + 1);  // with the ghost outside face x
    // Rows a power of two apart would share few sets of the nearest cache: with candidates in the lanes a
    // number takes a line of it, and a row of 64 cost a batch in float32 a third of its speed.
    if (s.step_y % 32 == 0) s.step_y += 8;
    s.origin = s.step_y + lines;
    s.field_size = (s.rows + 2) * s.step_y + 2 * lines;
  } else {  // a diagonal begins and ends with a whole register, and has a node's place to spare
    s.step_y = padded(x.nodes + 1);
    s.step_x = s.step_y + 1;
    s.origin = s.step_y + lines;
    s.field_size = (s.columns + s.rows + 1) * s.step_y + 2 * lines;  // padded lines have diagonals as well
  }
  return s;
}

enum class PhaseChange { enthalpy, correction };
// Of the unknowns within a sweep of successive over-relaxation.
enum class Ordering { lexicographic, red_black };
enum class Status { converged = 0, not_converged = 1, diverged = 2 };

// One step down the strand. With r the ratio of this step to the one before, the two-step backward formula
// (BDF2) on unequal steps has memory = r^2 / (1 + 2 r) and share = (1 + r) / (1 + 2 r); where r is beyond 1 +
// the root of 2, its limit of stability, the step is one of backward Euler, memory 0 and share 1. The first
// `starting_steps` of every stretch, where the cooling jumps, have ratio 0: each is taken as `starting_parts`
// steps of backward Euler, the last of which is what the next step's r refers to. With one of them alone
// faces held cold by coefficients of 1e5 W/(m2 K) and more fell up to 66 K below the ambient temperature.
constexpr int starting_steps = 2, starting_parts = 4;
template <class T>
struct Step {
  T size;  // m
  T memory, share, ratio;
  int stretch;  // the mould is 0, the zones follow
};

// The step of `size` that follows one of `before`; a first one follows 0.
template <class T>
TUNDISH_HD Step<T> make_step(T size, T before, int stretch) {
  if (!(before > 0)) return {size, 0, 1, 0, stretch};
  const T r = size / before;
  if (r > T(2.414)) return {size, 0, 1, r, stretch};
  return {size, r * r / (1 + 2 * r), (1 + r) / (1 + 2 * r), r, stretch};
}

// The last of the parts that a step is taken in.
template <class T>
TUNDISH_HD T last_part(const Step<T>& step) {
  return step.ratio > 0 ? step.size : step.size / starting_parts;
}

// Where a thermocouple reads: weights of the 4 x 4 nodes around it, applied to the Kirchhoff potential.
template <class T>
struct Probe {
  int i, j;
  T weight_x[4], weight_y[4];
};

// A section to be kept: temperatures between two steps, weighted linearly in z.
template <class T>
struct SectionOutput {
  int step;  // the step that passes it
  T weight;  // of the later end of that step
};

template <class T>
struct Relaxation {
  T factor;     // 1 to 2
  T tolerance;  // K
  int max_sweeps;
  Ordering ordering;
};

template <class T>
struct March {
  Section<T> section;
  const Step<T>* steps;
  int n_steps;
  const Probe<T>* probes;
  int n_probes;
  const SectionOutput<T>* sections;
  int n_sections;
  Method method;
  PhaseChange phase_change;
  Relaxation<T> relaxation;
};

// The parameters of a march, in this order; then, for every stretch, flux x, flux y, htc x and htc y.
enum Slot { slot_speed, slot_pouring_temperature, slot_ambient_temperature, slot_first_stretch };
constexpr int slots_per_stretch = 4;

// Where results go, by candidate; a null pointer is not written. `steps` is March::n_steps.
template <class T>
struct Outputs {
  T* probe_temperature;                        // (candidates, probes, steps + 1)
  T *centre_temperature, *corner_temperature;  // (candidates, steps + 1)
  T *face_temperature, *shell_thickness;       // (candidates, 2, steps + 1)
  T *solid_fraction, *liquid_fraction, *heat;  // (candidates, steps + 1)
  T* section_temperature;                      // (candidates, sections, y.nodes, x.nodes)
  T *metallurgical_length, *energy_imbalance;  // (candidates,)
  int* iterations;                             // (candidates, steps)
  int *status, *status_step;                   // (candidates,)
  int* damping;                                // (candidates,), always 0: steps need no damping any more
  T* probe_gradient;                           // (candidates, gradients, probes, steps + 1)
  T* metallurgical_length_gradient;            // (candidates, gradients)
  T* error_estimate;  // (candidates, 5): probes, faces and corner, K, shell and length, m; of two meshes
};

// Which rows of the outputs the lanes of a Real are.
struct Place {
  long candidate;
  int lanes;         // in use
  int gradient;      // first tangent
  int tangents;      // in use
  int gradients;     // of the whole run
  const bool* stop;  // set by another thread to end the march early; may be null
};

}  // namespace tundish
