// Compiles under: g++, clang++. Uses no std headers.
//
// Steels in closed form, over any Real that power() takes: double, or Dual for derivatives by the steel's
// own parameters. They are set-up: the march itself looks tabulated curves up (section.h).
// Enthalpy [J/m3] and Kirchhoff's potential [W/m] are 0 at the solidus.
#pragma once
#include "tundish/core/math.h"

TUNDISH_NAMESPACE_BEGIN

TUNDISH_HD double power(double x, double exponent) { return __builtin_pow(x, exponent); }
template <int K>
TUNDISH_HD Dual<double, K> power(Dual<double, K> x, Dual<double, K> exponent) {
  const double p = __builtin_pow(x.value, exponent.value);
  return Dual<double, K>(
      p, (p * exponent.value / x.value) * x.tangent + (p * __builtin_log(x.value)) * exponent.tangent);
}

// Where Scheil's equation puts the latent heat that it has not released at the solidus.
enum class Residual {
  none,     // nowhere: the literal equation, as published
  solidus,  // all of it at the solidus
  rescale   // over the whole freezing range: solid fraction divided by its value at the solidus
};

constexpr int max_conductivity_terms = 8;

// Energies 2020, 13, 2429, Eqs. (3)-(9).
template <class Real>
struct ScheilSteel {
  Real solidus_temperature, liquidus_temperature, pure_iron_melting, partition;  // K, K, K, -
  Real latent_heat;                                                              // J/kg
  Real specific_heat_solid, specific_heat_liquid;                                // J/(kg K)
  Real density_solid, density_liquid;                                            // kg/m3
  Real conductivity_terms[max_conductivity_terms];                               // W/(m K), W/(m K2), ...
  Real liquid_conductivity_factor;
  Residual residual;

  Real solidus() const { return solidus_temperature; }
  Real liquidus() const { return liquidus_temperature; }

  // Eq. (4): what Scheil leaves liquid at T.
  Real scheil_liquid(Real T) const {
    const Real span = pure_iron_melting - liquidus_temperature;
    return power((pure_iron_melting - T) / span, 1.0 / (partition - 1.0));
  }
  Real left_at_solidus() const { return scheil_liquid(solidus_temperature); }
  // Liquid fraction in the freezing range is shift + scale x scheil_liquid.
  Real scale() const { return residual == Residual::rescale ? 1.0 / (1.0 - left_at_solidus()) : Real(1.0); }
  Real shift() const { return residual == Residual::rescale ? -left_at_solidus() * scale() : Real(0.0); }

  Real liquid_fraction(Real T) const {
    if (T <= solidus_temperature) return Real(0.0);
    if (T >= liquidus_temperature) return Real(1.0);
    return shift() + scale() * scheil_liquid(T);
  }
  Real solid_fraction(Real T) const { return 1.0 - liquid_fraction(T); }
  // Eq. (7)
  Real density(Real T) const { return density_solid + (density_liquid - density_solid) * liquid_fraction(T); }
  // Eqs. (3), (5), (6): with latent heat in the freezing range, J/(kg K)
  Real heat_capacity(Real T) const {
    const Real g = liquid_fraction(T);
    const Real sensible = specific_heat_solid + (specific_heat_liquid - specific_heat_solid) * g;
    if (T <= solidus_temperature || T >= liquidus_temperature) return sensible;
    const Real exponent = 1.0 / (partition - 1.0);
    return sensible - latent_heat * scale() * exponent * scheil_liquid(T) / (pure_iron_melting - T);
  }
  // Eqs. (8), (9)
  Real solid_conductivity(Real T) const {
    Real k = conductivity_terms[max_conductivity_terms - 1];
    for (int n = max_conductivity_terms - 2; n >= 0; --n) k = k * T + conductivity_terms[n];
    return k;
  }
  Real conductivity(Real T) const {
    if (T <= solidus_temperature) return solid_conductivity(T);
    const Real at_solidus = solid_conductivity(solidus_temperature);
    if (T >= liquidus_temperature) return liquid_conductivity_factor * at_solidus;
    const Real s = (T - solidus_temperature) / (liquidus_temperature - solidus_temperature);
    return at_solidus * (1.0 + (liquid_conductivity_factor - 1.0) * s * s);
  }

  // Integral of Eq. (8) from the solidus.
  Real solid_potential(Real T) const {
    Real at_T(0.0), at_solidus(0.0);
    for (int n = max_conductivity_terms - 1; n >= 0; --n) {
      const Real term = conductivity_terms[n] / double(n + 1);
      at_T = (at_T + term) * T;
      at_solidus = (at_solidus + term) * solidus_temperature;
    }
    return at_T - at_solidus;
  }
  Real mush_potential(Real T) const {
    const Real range = liquidus_temperature - solidus_temperature;
    const Real s = (T - solidus_temperature) / range;
    return solid_conductivity(solidus_temperature) * range *
           (s + (liquid_conductivity_factor - 1.0) * s * s * s / 3.0);
  }
  Real liquid_potential(Real T) const {
    return mush_potential(liquidus_temperature) +
           liquid_conductivity_factor * solid_conductivity(solidus_temperature) * (T - liquidus_temperature);
  }
  Real potential(Real T) const {
    if (T <= solidus_temperature) return solid_potential(T);
    return T < liquidus_temperature ? mush_potential(T) : liquid_potential(T);
  }

  // Integral of Eq. (5) from the solidus.
  Real solid_enthalpy(Real T) const {
    return density_solid * specific_heat_solid * (T - solidus_temperature);
  }
  // Latent heat left at the solidus and released there, J/m3.
  Real latent_at_solidus() const {
    if (residual != Residual::solidus) return Real(0.0);
    const Real g = left_at_solidus();
    return latent_heat * (density_solid * g + (density_liquid - density_solid) * g * g * 0.5);
  }
  Real mush_enthalpy(Real T) const {
    return latent_at_solidus() + mush_integral(T) - mush_integral(solidus_temperature);
  }
  Real liquid_enthalpy(Real T) const {
    return mush_enthalpy(liquidus_temperature) +
           density_liquid * specific_heat_liquid * (T - liquidus_temperature);
  }
  Real enthalpy(Real T) const {
    if (T <= solidus_temperature) return solid_enthalpy(T);
    return T < liquidus_temperature ? mush_enthalpy(T) : liquid_enthalpy(T);
  }
  // Of rho (c - L dfs/dT), with liquid fraction g = a + b p, p = u^n, u = (Tf - T) / (Tf - TL).
  Real mush_integral(Real T) const {
    const Real span = pure_iron_melting - liquidus_temperature, u = (pure_iron_melting - T) / span;
    const Real n = 1.0 / (partition - 1.0), p = power(u, n);
    const Real a = shift(), b = scale(), g = a + b * p;
    const Real integral_p = -span * u * p / (n + 1.0), integral_pp = -span * u * p * p / (2.0 * n + 1.0);
    const Real integral_g = a * T + b * integral_p;
    const Real integral_gg = a * a * T + 2.0 * a * b * integral_p + b * b * integral_pp;
    const Real d_density = density_liquid - density_solid,
               d_heat = specific_heat_liquid - specific_heat_solid;
    const Real sensible = density_solid * specific_heat_solid * T +
                          (density_solid * d_heat + specific_heat_solid * d_density) * integral_g +
                          d_density * d_heat * integral_gg;
    return sensible + latent_heat * (density_solid * g + d_density * g * g * 0.5);
  }
};

// Properties at given temperatures, linear in between and constant outside: density, specific heat, and so
// on; the enthalpy and the potential are their exact integrals.
template <class Real>
struct TableSteel {
  int rows;
  const double *temperature, *solid_share, *density_at, *specific_heat_at, *conductivity_at;
  const double *sensible_at, *released_at, *potential_at;  // integrals up to each row, from the solidus
  double solidus_temperature, liquidus_temperature;
  Real latent_heat;  // J/kg

  Real solidus() const { return Real(solidus_temperature); }
  Real liquidus() const { return Real(liquidus_temperature); }

  // The interval that T lies in, and the place in it; outside the table, the one before or after it.
  int interval(Real T) const {
    int low = 0, high = rows - 2;
    while (low < high) {
      const int middle = (low + high + 1) / 2;
      if (T < temperature[middle])
        high = middle - 1;
      else
        low = middle;
    }
    return low;
  }
  Real place(Real T, int r) const { return (T - temperature[r]) / (temperature[r + 1] - temperature[r]); }
  Real inside(Real T) const {
    if (T < temperature[0]) return Real(temperature[0]);
    return T > temperature[rows - 1] ? Real(temperature[rows - 1]) : T;
  }
  Real linear(const double* y, Real T) const {
    const Real t = inside(T);
    const int r = interval(t);
    return y[r] + (y[r + 1] - y[r]) * place(t, r);
  }
  Real solid_fraction(Real T) const { return linear(solid_share, T); }
  Real density(Real T) const { return linear(density_at, T); }
  Real conductivity(Real T) const { return linear(conductivity_at, T); }
  Real heat_capacity(Real T) const {
    const Real sensible = linear(specific_heat_at, T);
    if (T < temperature[0] || T >= temperature[rows - 1]) return sensible;
    const int r = interval(T);
    return sensible -
           latent_heat * ((solid_share[r + 1] - solid_share[r]) / (temperature[r + 1] - temperature[r]));
  }
  Real potential(Real T) const {
    const Real t = inside(T);
    const int r = interval(t);
    const Real s = place(t, r);
    const double step = temperature[r + 1] - temperature[r],
                 rise = conductivity_at[r + 1] - conductivity_at[r];
    return potential_at[r] + step * s * (conductivity_at[r] + 0.5 * rise * s) + conductivity(t) * (T - t);
  }
  Real enthalpy(Real T) const {
    const Real t = inside(T);
    const int r = interval(t);
    const Real s = place(t, r);
    const double step = temperature[r + 1] - temperature[r];
    const double d = density_at[r], dd = density_at[r + 1] - d;
    const double c = specific_heat_at[r], dc = specific_heat_at[r + 1] - c;
    const double freed = solid_share[r] - solid_share[r + 1];
    const Real sensible =
        sensible_at[r] + step * s * (d * c + s * (0.5 * (d * dc + c * dd) + s * (dd * dc / 3.0)));
    const Real released = released_at[r] + freed * s * (d + 0.5 * dd * s);
    return sensible + latent_heat * released + density(t) * linear(specific_heat_at, t) * (T - t);
  }
  // One curve serves all three phases: its kinks are the table's.
  Real solid_enthalpy(Real T) const { return enthalpy(T); }
  Real mush_enthalpy(Real T) const { return enthalpy(T); }
  Real liquid_enthalpy(Real T) const { return enthalpy(T); }
  Real solid_potential(Real T) const { return potential(T); }
  Real mush_potential(Real T) const { return potential(T); }
  Real liquid_potential(Real T) const { return potential(T); }
};

TUNDISH_NAMESPACE_END
