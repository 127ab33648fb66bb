// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// What is observed of a section on its way down, and where it is written.
#pragma once
#include "tundish/casting/marcher.h"

TUNDISH_NAMESPACE_BEGIN

// Writes to the rows of one job.
struct Writer {
  Place place;

  template <class Real, class T>
  TUNDISH_HD void write(T* base, long row, long offset, Real x) const {
    if (!base) return;
    for (int lane = 0; lane < place.lanes; ++lane)
      base[(place.candidate + lane) * row + offset] = T(Number<Real>::value(x, lane));
  }
  template <class Real, class T>
  TUNDISH_HD void write_gradient(T*, long, long, Real) const {}
  template <class S, int K, class T>
  TUNDISH_HD void write_gradient(T* base, long row, long offset, Dual<S, K> x) const {
    if (!base) return;
    for (int k = 0; k < place.tangents; ++k)
      base[(place.candidate * place.gradients + place.gradient + k) * row + offset] = x.tangent[k];
  }
};

// Everything that is observed of one candidate, step by step.
template <class Real, class Team, class Phase>
struct Observer {
  typedef typename Number<Real>::Scalar Scalar;
  typedef typename Number<Real>::Mask Mask;
  typedef Marcher<Real, Team, Phase> Marching;

  const Marching& m;
  const Outputs<Scalar>& out;
  Writer writer;
  Real z, length;
  Real enthalpy;  // of the centre, J/m3
  Mask solidified, failed;
  Real failed_step, unconverged_step;
  Real enthalpy_at_start;

  TUNDISH_HD Observer(const Marching& m, const Outputs<Scalar>& out, const Place& place)
      : m(m), out(out), writer{place} {}

  TUNDISH_HD bool writes() const { return m.team.rank() == 0; }

  TUNDISH_HD void start() {
    const Real zero = Real(Scalar(0));
    z = zero;
    length = Real(Scalar(1)) / zero;  // infinite, and no number its derivatives
    solidified = failed = Real(Scalar(1)) < zero;
    failed_step = unconverged_step = Real(Scalar(-1));
    enthalpy_at_start = section_enthalpy(m.march.section, m.phase, m.f);
    enthalpy = centre_enthalpy();
    observe(0);
  }

  // The fields of the section that has just been reached: step 0 is the meniscus.
  TUNDISH_HD_LARGE void observe(int step) {
    const auto& section = m.march.section;
    if (out.solid_fraction || out.liquid_fraction) observe_phases(step);
    if (writes()) {
      const long row = m.march.n_steps + 1;
      const int face_x = section.x.nodes - 1, face_y = section.y.nodes - 1;
      const Real centre = m.temperature(0, 0), corner = m.temperature(face_x, face_y);
      const Real middle_x = m.temperature(face_x, 0), middle_y = m.temperature(0, face_y);
      writer.write(out.centre_temperature, row, step, centre);
      writer.write(out.corner_temperature, row, step, corner);
      writer.write(out.face_temperature, 2 * row, step, middle_x);
      writer.write(out.face_temperature, 2 * row, row + step, middle_y);
      writer.write(out.heat, row, step, m.candidate.slots[slot_speed] * m.heat);
      if (out.shell_thickness) observe_shells(step);
      if (out.probe_temperature || out.probe_gradient) observe_probes(step);
      if (step > 0) {
        follow_centre(m.march.steps[step - 1].size);
        writer.write(out.iterations, m.march.n_steps, step - 1, m.sweeps);
        check(step, centre, corner, middle_x, middle_y);
      }
    }
    if (out.section_temperature) observe_sections(step);
    m.team.sync();
  }

  TUNDISH_HD_LARGE void observe_probes(int step) {
    const long row = m.march.n_steps + 1;
    for (int p = 0; p < m.march.n_probes; ++p) {
      const Real reading = m.reading(m.march.probes[p]);
      writer.write(out.probe_temperature, m.march.n_probes * row, p * row + step, reading);
      writer.write_gradient(out.probe_gradient, m.march.n_probes * row, p * row + step, reading);
    }
  }

  TUNDISH_HD_LARGE void observe_phases(int step) {
    const auto& section = m.march.section;
    const long row = m.march.n_steps + 1;
    measure_phases(m.team, section, m.candidate.steel, m.f);
    if (!writes()) return;
    Scalar height = Scalar(0), area = Scalar(0);  // summed in the order of the parts: all liquid is exactly 1
    for (int j = 0; j + 1 < section.y.nodes; ++j) height = height + section.y.spacing[j];
    Real solid = Real(Scalar(0)), liquid = Real(Scalar(0));
    for (int i = 0; i + 1 < section.x.nodes; ++i) {
      area = area + section.x.spacing[i] * height;
      solid = solid + section.x.spacing[i] * m.f.solid[i];
      liquid = liquid + section.x.spacing[i] * m.f.liquid[i];
    }
    writer.write(out.solid_fraction, row, step, solid / area);
    writer.write(out.liquid_fraction, row, step, liquid / area);
  }

  TUNDISH_HD_LARGE void observe_shells(int step) {
    const long row = m.march.n_steps + 1;
    const Shells<Real> shell = measure_shells(m.march.section, m.f);
    writer.write(out.shell_thickness, 2 * row, step, shell.x);
    writer.write(out.shell_thickness, 2 * row, row + step, shell.y);
  }

  TUNDISH_HD_LARGE void observe_sections(int step) {
    const auto& section = m.march.section;
    const long nodes = long(section.x.nodes) * section.y.nodes;
    for (int s = 0; s < m.march.n_sections; ++s) {
      const SectionOutput<Scalar>& output = m.march.sections[s];
      if (step != output.step && step != output.step + 1) continue;
      for (int j = m.team.rank(); j < section.y.nodes; j += m.team.size())
        for (int i = 0; i < section.x.nodes; ++i)
          add_to_section(s * nodes + long(j) * section.x.nodes + i, nodes * m.march.n_sections,
                         m.temperature(i, j), step == output.step ? 1 - output.weight : output.weight,
                         step == output.step);
    }
  }
  TUNDISH_HD void add_to_section(long offset, long row, Real temperature, Scalar weight, bool first) {
    for (int lane = 0; lane < writer.place.lanes; ++lane) {
      Scalar& kept = out.section_temperature[(writer.place.candidate + lane) * row + offset];
      const Scalar part = weight * Number<Real>::value(temperature, lane);
      kept = first ? part : kept + part;
    }
  }

  TUNDISH_HD Real centre_enthalpy() const { return m.phase.enthalpy(m.f.state[m.march.section.at(0, 0)]); }

  // The metallurgical length: where the centre's enthalpy falls to that of the solidus, 0, straight between
  // two steps. Its temperature has a kink there; the enthalpy has none, for it follows the flow of heat.
  TUNDISH_HD_LARGE void follow_centre(Scalar size) {
    const Real zero = Real(Scalar(0)), before = enthalpy;
    enthalpy = centre_enthalpy();
    const Mask now = (!solidified) & (enthalpy <= zero);
    const Real fall = select(now, before - enthalpy, Real(Scalar(1)));
    length = select(now, z + size * (before / fall), length);
    solidified = solidified | now;
    z = z + size;
  }

  // Whether the temperatures are still sound, and the sweeps converged.
  TUNDISH_HD_LARGE void check(int step, Real centre, Real corner, Real middle_x, Real middle_y) {
    const Mask sound = m.sound(centre, corner, middle_x, middle_y);
    const Real here = Real(Scalar(step));
    failed_step = select(!(sound | failed), here, failed_step);
    failed = failed | !sound;
    unconverged_step = select(m.unconverged & (unconverged_step < Real(Scalar(0))), here, unconverged_step);
  }

  // The heat balance, the metallurgical length and the status. A failure counts before slow sweeps.
  TUNDISH_HD_LARGE void finish() {
    if (!writes()) return;
    const Real lost = enthalpy_at_start - section_enthalpy(m.march.section, m.phase, m.f);
    const Real moved = select(absolute(m.heat) > Real(Scalar(0)), absolute(m.heat), Real(Scalar(1)));
    writer.write(out.energy_imbalance, 1, 0, absolute(m.heat - lost) / moved);
    writer.write(out.metallurgical_length, 1, 0, length);
    writer.write_gradient(out.metallurgical_length_gradient, 1, 0, length);
    for (int lane = 0; lane < writer.place.lanes; ++lane) {
      const int fail = int(Number<Real>::value(failed_step, lane));
      if (!out.status) continue;
      const int slow = int(Number<Real>::value(unconverged_step, lane));
      const Status status = fail >= 0   ? Status::diverged
                            : slow >= 0 ? Status::not_converged
                                        : Status::converged;
      out.status[writer.place.candidate + lane] = int(status);
      out.status_step[writer.place.candidate + lane] = fail >= 0 ? fail : slow;
    }
  }
};

TUNDISH_NAMESPACE_END
