/* tundish: solvers for steelmaking and continuous casting, for every language that calls C.
 *
 * Units: SI and K everywhere.
 *
 * Arrays: contiguous, the last index running fastest. Their shapes stand beside them, (slowest, ...,
 * fastest).
 *
 * Ownership: arrays and texts handed in are copied before a function returns; arrays to be filled belong to
 * the caller. What a `create` function makes is given back with the `free` function of the same name, which
 * takes NULL too. A plan or stepper keeps what it needs: the steel it was made of may be freed before it.
 *
 * Errors: functions return a tundish_result. Unless it is TUNDISH_OK, tundish_last_error() names the
 * argument, its value and what is allowed. Arguments are checked before any work.
 *
 * Threads: a steel or a plan may be used by many threads at once, a stepper by one at a time.
 *
 * Structs are filled by their `default` function first; what has no default is then NaN or NULL, and refused
 * by name if it is left so. cpp/examples/embed/solve.c shows it all.
 */
#ifndef TUNDISH_TUNDISH_H
#define TUNDISH_TUNDISH_H

#include <stdint.h>

#if defined(__GNUC__)
#define TUNDISH_API __attribute__((visibility("default")))
#else
#define TUNDISH_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tundish_result {
  TUNDISH_OK = 0,
  TUNDISH_BAD_ARGUMENT = 1,
  TUNDISH_UNKNOWN_NAME = 2, /* no parameter has this name; the message lists those there are */
  TUNDISH_OUT_OF_MEMORY = 3,
  TUNDISH_STOPPED = 4, /* by the progress function */
  TUNDISH_INTERNAL_ERROR = 5
} tundish_result;

/* What went wrong in the last call that failed on this thread; "" if none did. It is valid until the next
 * failure on this thread. */
TUNDISH_API const char* tundish_last_error(void);

/* Such as "0.1.0". */
TUNDISH_API const char* tundish_version(void);

/* The build of the kernels in use: "x86-64-v2", "x86-64-v3", "x86-64-v4" or "scalar". The environment
 * variable TUNDISH_ISA overrides the choice; NULL if it names one that this machine does not run. */
TUNDISH_API const char* tundish_instruction_set(void);

/* What is cast. */
typedef struct tundish_steel tundish_steel;

/* Where Scheil's equation puts the latent heat that it has not released at the solidus. */
typedef enum tundish_residual {
  TUNDISH_RESIDUAL_NONE = 0,    /* nowhere: the literal equation, as published */
  TUNDISH_RESIDUAL_SOLIDUS = 1, /* all of it at the solidus */
  TUNDISH_RESIDUAL_RESCALE = 2  /* over the whole freezing range */
} tundish_residual;

enum { TUNDISH_MOST_CONDUCTIVITY_TERMS = 8 };

/* A steel that freezes by Scheil's equation (Energies 2020, 13, 2429, Eqs. (3)-(9)). */
typedef struct tundish_scheil {
  double solidus, liquidus, pure_iron_melting;      /* K, rising */
  double partition;                                 /* concentration in the solid over the liquid's, 0 to 1 */
  double latent_heat;                               /* J/kg */
  double specific_heat_solid, specific_heat_liquid; /* J/(kg K) */
  double density_solid, density_liquid;             /* kg/m3 */
  int n_conductivity;                               /* terms of the next field, 1 to 8 */
  /* Polynomial in K, W/(m K), W/(m K2), ..., up to the solidus. */
  double conductivity[TUNDISH_MOST_CONDUCTIVITY_TERMS];
  double liquid_conductivity_factor; /* liquid over solid at the solidus; default 1 */
  int residual;                      /* a tundish_residual; default TUNDISH_RESIDUAL_NONE */
} tundish_scheil;

/* A steel known at a few temperatures; its properties run straight between the rows. */
typedef struct tundish_table {
  int rows;                     /* at least 2 */
  const double* temperature;    /* (rows,) K, increasing */
  const double* solid_fraction; /* (rows,) 1 in the first row, 0 in the last, never rising */
  const double* density;        /* (rows,) kg/m3 */
  const double* specific_heat;  /* (rows,) J/(kg K), without latent heat */
  const double* conductivity;   /* (rows,) W/(m K) */
  double latent_heat;           /* J/kg; default 0, for a specific heat that contains it */
} tundish_table;

typedef enum tundish_property {
  TUNDISH_ENTHALPY = 0,       /* J/m3, latent heat included, 0 at the solidus */
  TUNDISH_HEAT_CAPACITY = 1,  /* J/(kg K), latent heat included */
  TUNDISH_SOLID_FRACTION = 2, /* volume share */
  TUNDISH_DENSITY = 3,        /* kg/m3 */
  TUNDISH_CONDUCTIVITY = 4,   /* W/(m K), effective in the liquid */
  TUNDISH_POTENTIAL = 5       /* W/m, the integral of the conductivity, 0 at the solidus */
} tundish_property;

TUNDISH_API int tundish_scheil_default(tundish_scheil* scheil);
TUNDISH_API int tundish_table_default(tundish_table* table);
TUNDISH_API int tundish_steel_create_scheil(const tundish_scheil* scheil, tundish_steel** steel);
TUNDISH_API int tundish_steel_create_table(const tundish_table* table, tundish_steel** steel);
TUNDISH_API void tundish_steel_free(tundish_steel* steel);

/* One property, a tundish_property, at n temperatures (K). */
TUNDISH_API int tundish_steel_evaluate(const tundish_steel* steel, int property, int64_t n,
                                       const double* temperature, double* values);

/* A part of the caster with one kind of cooling: a face loses heat_flux + htc (T - ambient_temperature).
 * Pairs are (face x at width/2, face y at thickness/2). */
typedef struct tundish_stretch {
  double end;          /* m from the meniscus */
  double heat_flux[2]; /* W/m2 */
  double htc[2];       /* W/(m2 K) */
} tundish_stretch;

typedef struct tundish_strand {
  const tundish_steel* steel;
  double width, thickness;          /* of the full rectangular section, m; a quarter of it is solved */
  double speed;                     /* of casting, m/s */
  double pouring_temperature;       /* K */
  double ambient_temperature;       /* K */
  const tundish_stretch* stretches; /* (n_stretches,) the mould, then the zones of secondary cooling */
  int n_stretches;                  /* at least 2; the last one ends the strand */
} tundish_strand;

/* x runs from the centre plane to the face at width/2, y to the face at thickness/2, z from the meniscus. */
typedef struct tundish_grid {
  int nx, ny;                /* nodes from the centre plane to the face, both included */
  double dz_mold;            /* largest step in the mould, m */
  double dz_spray;           /* and in the zones, m */
  const double* dz_of_zones; /* (n_stretches - 1,) instead of dz_spray; default NULL */
  double grading_x;          /* spacing at the centre over that at the face; 1 is uniform */
  double grading_y;
  double ramp; /* full step over the first one of every stretch, at least 1 */
} tundish_grid;

typedef enum tundish_method {
  TUNDISH_ADI = 0, /* alternating directions, second order */
  TUNDISH_SOR = 1  /* fully implicit by successive over-relaxation, as published */
} tundish_method;

typedef enum tundish_phase_change {
  TUNDISH_ENTHALPY_BALANCE = 0,      /* conservative to rounding */
  TUNDISH_TEMPERATURE_CORRECTION = 1 /* as published, Eqs. (18) and (19) */
} tundish_phase_change;

/* Of the unknowns within a sweep of SOR. */
typedef enum tundish_ordering { TUNDISH_LEXICOGRAPHIC = 0, TUNDISH_RED_BLACK = 1 } tundish_ordering;

typedef struct tundish_options {
  int method;             /* a tundish_method; default TUNDISH_ADI */
  int phase_change;       /* a tundish_phase_change; default TUNDISH_ENTHALPY_BALANCE */
  int ordering;           /* a tundish_ordering; default TUNDISH_LEXICOGRAPHIC */
  double relaxation;      /* of SOR, between 0 and 2; default 1.4 */
  double tolerance;       /* of SOR: largest change in the last sweep, K; default 1e-7 */
  int max_sweeps;         /* of SOR in one step; default 10000 */
  const double* probes;   /* (n_probes, 2) x and y in the quarter section, m */
  int n_probes;           /* default 0 */
  const double* sections; /* (n_sections,) z of the sections to be kept, m */
  int n_sections;         /* default 0 */
} tundish_options;

TUNDISH_API int tundish_strand_default(tundish_strand* strand);

/* One mesh: the finer one of the two that an accuracy of 0.5 K takes, with steps up to 0.24 s of casting in
 * the mould and 1.92 s in the zones. Reads the whole strand. Both meshes are marched where no grid is given.
 */
TUNDISH_API int tundish_grid_default(const tundish_strand* strand, tundish_grid* grid);

TUNDISH_API int tundish_options_default(tundish_options* options);

/* One strand on one grid, solved for any number of candidates. */
typedef struct tundish_plan tundish_plan;

typedef struct tundish_sizes {
  int nx, ny, nz; /* nodes; the steps down the strand are nz - 1 */
  int n_probes, n_sections;
  int n_parameters;
} tundish_sizes;

/* Candidates of a batch differ in the parameters named. Every field has a default: one candidate, nothing
 * varied. */
typedef struct tundish_batch {
  int64_t n_candidates;
  const char* const* names;    /* (n_names,) parameters that differ, each named once */
  const double* values;        /* (n_candidates, n_names) */
  const char* const* gradient; /* (n_gradient,) parameters to differentiate by */
  int n_names, n_gradient;
  int threads; /* 0: the environment variable TUNDISH_THREADS, or the processors this process may use */
  /* Called on the calling thread about every 50 ms; anything but 0 stops the run. NULL: not called. */
  int (*progress)(int64_t done, int64_t candidates, void* user);
  void* user;
} tundish_batch;

/* How the march of a candidate ended. */
typedef enum tundish_march_status {
  TUNDISH_CONVERGED = 0,
  TUNDISH_NOT_CONVERGED = 1, /* SOR ran into max_sweeps */
  TUNDISH_DIVERGED = 2       /* left the temperatures that the steel is known at; from there on all is NaN */
} tundish_march_status;

/* Where results go; `status` must be given, what else is NULL is not written. By default all are NULL. */
typedef struct tundish_outputs {
  int* status;                  /* (n_candidates,) a tundish_march_status each */
  int* status_step;             /* (n_candidates,) the first step to fail, from 1; -1 if none did */
  double* metallurgical_length; /* (n_candidates,) m; infinite where the centre has not solidified */
  double* energy_imbalance;     /* (n_candidates,) |heat out - enthalpy lost| / heat out */
  double* probe_temperature;    /* (n_candidates, n_probes, nz) K */
  double* centre_temperature;   /* (n_candidates, nz) K */
  double* corner_temperature;   /* (n_candidates, nz) K */
  double* face_temperature;     /* (n_candidates, 2, nz) K, middles of face x and face y */
  double* shell_thickness;      /* (n_candidates, 2, nz) m, on the axes behind face x and face y */
  double* solid_fraction;       /* (n_candidates, nz) share of the section's area below the solidus */
  double* liquid_fraction;      /* (n_candidates, nz) share above the liquidus */
  double* heat;                 /* (n_candidates, nz) given off by the quarter section up to z, W */
  double* section_temperature;  /* (n_candidates, n_sections, ny, nx) K */
  int* iterations;              /* (n_candidates, nz - 1) sweeps of each step; 1 for ADI */
  int* damping;                 /* (n_candidates,) always 0: steps need no damping any more */
  double* probe_gradient;       /* (n_candidates, n_gradient, n_probes, nz) K per unit of the parameter */
  /* (n_candidates, n_gradient) m per unit of the parameter; NaN where the length is infinite */
  double* metallurgical_length_gradient;
} tundish_outputs;

TUNDISH_API int tundish_batch_default(tundish_batch* batch);
TUNDISH_API int tundish_outputs_default(tundish_outputs* outputs);

/* `grid` and `options` may be NULL for their defaults: an accuracy of 0.5 K, and ADI. */
TUNDISH_API int tundish_plan_create(const tundish_strand* strand, const tundish_grid* grid,
                                    const tundish_options* options, tundish_plan** plan);
/* For another accuracy, K: two meshes are marched, on which the temperatures of the probes and of the middles
 * of the faces are off by about this, as the root mean square along the strand. Refused for TUNDISH_SOR and
 * TUNDISH_TEMPERATURE_CORRECTION, and where it takes more than 2e6 nodes of the section or 1e7 steps. */
TUNDISH_API int tundish_plan_create_accurate(const tundish_strand* strand, double accuracy,
                                             const tundish_options* options, tundish_plan** plan);
TUNDISH_API void tundish_plan_free(tundish_plan* plan);
TUNDISH_API int tundish_plan_sizes(const tundish_plan* plan, tundish_sizes* sizes);

/* Places of the nodes, m: x (nx,), y (ny,), z (nz,); NULL is not written. */
TUNDISH_API int tundish_plan_nodes(const tundish_plan* plan, double* x, double* y, double* z);

/* Parameter `n`, 0 to n_parameters - 1: its name, such as "zones.0.htc.x", valid as long as the plan, and its
 * value. Either pointer may be NULL. */
TUNDISH_API int tundish_plan_parameter(const tundish_plan* plan, int n, const char** name, double* value);

/* Solves for the strand as it is: one candidate, no derivatives. */
TUNDISH_API int tundish_plan_solve(const tundish_plan* plan, const tundish_outputs* outputs);

/* Solves for many candidates on many threads; the results do not depend on how many. After TUNDISH_STOPPED
 * the outputs are filled in part. */
TUNDISH_API int tundish_plan_solve_batch(const tundish_plan* plan, const tundish_batch* batch,
                                         const tundish_outputs* outputs);

/* As tundish_plan_solve_batch, with estimates of the errors that are left: (n_candidates, 5), of the probes,
 * the faces and the corner, K, of the shell and of the metallurgical length, m; NaN of outputs that are not
 * asked for. Refused for plans of one mesh. */
TUNDISH_API int tundish_plan_solve_estimated(const tundish_plan* plan, const tundish_batch* batch,
                                             const tundish_outputs* outputs, double* error_estimate);

/* One march that its caller drives. */
typedef struct tundish_stepper tundish_stepper;

typedef struct tundish_progress {
  double z;       /* m from the meniscus */
  double heat;    /* given off so far by the quarter section, W */
  int stretch;    /* that the next step lies in; 0 is the mould */
  int iterations; /* sweeps of the last step; 1 for ADI */
  int converged;  /* 0 if the last step ran into max_sweeps, or left the range of the steel */
  int at_end;     /* 1 at the end of the strand */
} tundish_progress;

/* `grid` and `options` may be NULL for their defaults; probes and sections are not used. One mesh is marched:
 * of no grid, the finer one of an accuracy of 0.5 K, without extrapolation. */
TUNDISH_API int tundish_stepper_create(const tundish_strand* strand, const tundish_grid* grid,
                                       const tundish_options* options, tundish_stepper** stepper);
TUNDISH_API void tundish_stepper_free(tundish_stepper* stepper);
TUNDISH_API int tundish_stepper_sizes(const tundish_stepper* stepper, tundish_sizes* sizes);
TUNDISH_API int tundish_stepper_nodes(const tundish_stepper* stepper, double* x, double* y, double* z);

/* Takes the next step; at the end of the strand it does nothing. */
TUNDISH_API int tundish_stepper_step(tundish_stepper* stepper);
TUNDISH_API int tundish_stepper_progress(const tundish_stepper* stepper, tundish_progress* progress);

/* (ny, nx) K. */
TUNDISH_API int tundish_stepper_temperature(const tundish_stepper* stepper, double* temperature);

/* Parameters of the steps to come: speed, ambient_temperature and the cooling may be changed. */
TUNDISH_API int tundish_stepper_set(tundish_stepper* stepper, const char* name, double value);
TUNDISH_API int tundish_stepper_get(const tundish_stepper* stepper, const char* name, double* value);

#ifdef __cplusplus
}
#endif

#endif
