// A program may use both families of kernels: their headers, with names such as Kernels in both, are included
// into one file, as a C interface to the filters does.
#include "casting/plan.h"
#include "doctest/doctest.h"
#include "filtering/kernels.h"
#include "filtering/loglik.h"
#include "filtering/run.h"
#include "tundish/casting/march.h"
#include "tundish/filtering/kalman.h"
#include "tundish/filtering/mean_reverting.h"
#include "tundish/filtering/scrap.h"
#include "tundish/filtering/smoother.h"
#include "tundish/filtering/unscented.h"

TEST_CASE("filters and castings are used in one file") {
  using namespace tundish;
  CHECK(casting::kernels().of<double>().lanes >= 1);
  CHECK(filtering::kernels().of<double>().lanes >= 1);
  CHECK(filtering::kernels().of<float>().lanes >= filtering::kernels().of<double>().lanes);
}
