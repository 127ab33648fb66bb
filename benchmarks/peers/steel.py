"""The steel of the published strand in plain NumPy, in closed form.

Source: Zielonka, Slota and Hetmaniok, Energies 2020, 13, 2429, equations 3 to 9 and section 5.
Between the solidus and the liquidus the solid fraction follows Scheil,
``fs = 1 - u**n`` with ``u = (T_f - T)/(T_f - T_L)`` and ``n = 1/(k_0 - 1)``, taken literally: fs is
0.9625 just above the solidus and the rest of the latent heat is never released.

Every function takes and returns arrays (or numbers) in SI units and K.
"""

import numpy as np
from numpy.typing import ArrayLike

SOLIDUS = 1672.0  # K
LIQUIDUS = 1728.0  # K
PURE_IRON_MELTING = 1809.0  # K
PARTITION = 0.84  # -
LATENT_HEAT = 189e3  # J/kg
SPECIFIC_HEAT = (700.0, 800.0)  # (solid, liquid), J/(kg K)
DENSITY = (7256.0, 7011.0)  # (solid, liquid), kg/m3
CONDUCTIVITY = (12.3167, 0.0107534, 7.7098e-7)  # polynomial in T [K] up to the solidus, W/(m K)
LIQUID_CONDUCTIVITY_FACTOR = 3.0  # k_c: conductivity of the liquid over that at the solidus

_EXPONENT = 1.0 / (PARTITION - 1.0)
_DEPTH = PURE_IRON_MELTING - LIQUIDUS  # K
_LOWEST, _HIGHEST = 200.0, 2000.0  # K, range of the inverse functions


def solid_fraction(temperature: ArrayLike) -> np.ndarray:
    """Volumetric solid fraction: 1 up to the solidus, Scheil above it, 0 from the liquidus on."""
    t = np.asarray(temperature, float)
    scheil = 1.0 - _undercooling(t) ** _EXPONENT
    return np.where(t <= SOLIDUS, 1.0, np.where(t >= LIQUIDUS, 0.0, scheil))


def density(temperature: ArrayLike) -> np.ndarray:
    """Density, kg/m3: the phases' densities weighted with the solid fraction (equation 7)."""
    return _blend(DENSITY, solid_fraction(temperature))


def heat_capacity(temperature: ArrayLike) -> np.ndarray:
    """Substitute heat capacity ``c - L dfs/dT``, J/(kg K) (equations 3, 5 and 6).

    The latent heat counts above the solidus and up to the liquidus, the liquidus included.
    """
    t = np.asarray(temperature, float)
    slope = _EXPONENT / _DEPTH * _undercooling(t) ** (_EXPONENT - 1.0)  # dfs/dT, 1/K
    mushy = (t > SOLIDUS) & (t <= LIQUIDUS)
    return _blend(SPECIFIC_HEAT, solid_fraction(t)) - np.where(mushy, LATENT_HEAT * slope, 0.0)


def conductivity(temperature: ArrayLike) -> np.ndarray:
    """Effective thermal conductivity, W/(m K) (equations 8 and 9)."""
    t = np.asarray(temperature, float)
    solid = np.polynomial.polynomial.polyval(np.minimum(t, SOLIDUS), CONDUCTIVITY)
    return solid * (1.0 + (LIQUID_CONDUCTIVITY_FACTOR - 1.0) * _mush_share(t) ** 2)


def enthalpy(temperature: ArrayLike) -> np.ndarray:
    """Volumetric enthalpy ``integral of rho C dT``, J/m3, 0 at the solidus."""
    t = np.asarray(temperature, float)
    mush = _mush_integral(np.clip(t, SOLIDUS, LIQUIDUS)) - _mush_integral(SOLIDUS)
    solid = DENSITY[0] * SPECIFIC_HEAT[0] * np.minimum(t - SOLIDUS, 0.0)
    liquid = DENSITY[1] * SPECIFIC_HEAT[1] * np.maximum(t - LIQUIDUS, 0.0)
    return solid + mush + liquid


def kirchhoff(temperature: ArrayLike) -> np.ndarray:
    """Kirchhoff potential ``integral of k dT``, W/m, 0 at the solidus."""
    t = np.asarray(temperature, float)
    integral = np.polynomial.Polynomial(CONDUCTIVITY).integ()
    share, excess = _mush_share(t), LIQUID_CONDUCTIVITY_FACTOR - 1.0
    at_solidus = float(conductivity(SOLIDUS))
    mush = at_solidus * (LIQUIDUS - SOLIDUS) * (share + excess * share**3 / 3.0)
    liquid = at_solidus * LIQUID_CONDUCTIVITY_FACTOR * np.maximum(t - LIQUIDUS, 0.0)
    return integral(np.minimum(t, SOLIDUS)) - integral(SOLIDUS) + mush + liquid


def temperature_from_enthalpy(volumetric_enthalpy: ArrayLike) -> np.ndarray:
    """Inverse of `enthalpy`, K: exact in solid and liquid, a fine table in the mush (1e-7 K)."""
    h = np.asarray(volumetric_enthalpy, float)
    solid = SOLIDUS + h / (DENSITY[0] * SPECIFIC_HEAT[0])
    liquid = LIQUIDUS + (h - _MUSH_ENTHALPY[-1]) / (DENSITY[1] * SPECIFIC_HEAT[1])
    mush = np.interp(h, _MUSH_ENTHALPY, _MUSH_TEMPERATURE)
    return np.where(h <= 0.0, solid, np.where(h >= _MUSH_ENTHALPY[-1], liquid, mush))


def temperature_from_kirchhoff(potential: ArrayLike) -> np.ndarray:
    """Inverse of `kirchhoff`, K, by a fine table (1e-6 K)."""
    return np.interp(potential, _TABLE_POTENTIAL, _TABLE_TEMPERATURE)


def _blend(solid_liquid: tuple[float, float], fraction: np.ndarray) -> np.ndarray:
    """Mean of a solid's and a liquid's value, weighted with the solid fraction."""
    solid, liquid = solid_liquid
    return liquid + (solid - liquid) * fraction


def _undercooling(t: np.ndarray) -> np.ndarray:
    """``u = (T_f - T)/(T_f - T_L)``, held at its values at the ends of the mush outside it."""
    return (PURE_IRON_MELTING - np.clip(t, SOLIDUS, LIQUIDUS)) / _DEPTH


def _mush_share(t: np.ndarray) -> np.ndarray:
    """``(T - T_S)/(T_L - T_S)``, held between 0 and 1."""
    return (np.clip(t, SOLIDUS, LIQUIDUS) - SOLIDUS) / (LIQUIDUS - SOLIDUS)


def _mush_integral(t: ArrayLike) -> np.ndarray:
    """Antiderivative of ``rho (c - L dfs/dT)`` in the mush, J/m3, with rho and c linear in fs."""
    t = np.asarray(t, float)
    u = (PURE_IRON_MELTING - t) / _DEPTH
    g = u**_EXPONENT
    g_integral = -_DEPTH * u * g / (_EXPONENT + 1.0)
    g2_integral = -_DEPTH * u * g**2 / (2.0 * _EXPONENT + 1.0)
    fs, fs_integral, fs2_integral = 1.0 - g, t - g_integral, t - 2.0 * g_integral + g2_integral
    (rho_s, rho_l), (c_s, c_l) = DENSITY, SPECIFIC_HEAT
    sensible = rho_l * c_l * t + (rho_l * (c_s - c_l) + c_l * (rho_s - rho_l)) * fs_integral
    sensible += (rho_s - rho_l) * (c_s - c_l) * fs2_integral
    return sensible - LATENT_HEAT * (rho_l * fs + 0.5 * (rho_s - rho_l) * fs**2)


_MUSH_TEMPERATURE = np.linspace(SOLIDUS, LIQUIDUS, 100_001)
_MUSH_ENTHALPY = enthalpy(_MUSH_TEMPERATURE)
_TABLE_TEMPERATURE = np.unique(np.concatenate([np.linspace(_LOWEST, _HIGHEST, 180_001), _MUSH_TEMPERATURE]))
_TABLE_POTENTIAL = kirchhoff(_TABLE_TEMPERATURE)


def main() -> None:
    """Print the figures by which this steel is checked."""
    mush = float(enthalpy(LIQUIDUS) - enthalpy(SOLIDUS))
    print(f"H(T_L) - H(T_S) = {mush:.6e} J/m3 (1.589167e9)")
    print(f"C(1700 K) = {float(heat_capacity(1700.0)):.3f} J/(kg K) (2410.095)")
    t = np.linspace(300.0, 1823.0, 9973)
    back_h = np.abs(temperature_from_enthalpy(enthalpy(t)) - t).max()
    back_phi = np.abs(temperature_from_kirchhoff(kirchhoff(t)) - t).max()
    print(f"inverses agree to {back_h:.1e} K (enthalpy) and {back_phi:.1e} K (potential)")


if __name__ == "__main__":
    main()
