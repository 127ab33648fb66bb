// The kernel of any linear model, alone and in the lanes of registers.
#include "checks.h"
#include "filtering/kernels.h"

TEST_CASE_TEMPLATE("any model, with one or more readings a step, in every form", T, double, float) {
  for (const Form form : forms)
    for (const int n : {1, 3, 8})
      for (const int p : {1, 2})
        for (const bool dense : {false, true})
          for (const bool by_step : {false, true}) {
            CAPTURE(int(form));
            CAPTURE(n);
            CAPTURE(p);
            CAPTURE(dense);
            CAPTURE(by_step);
            Batch<T> b = random_batch<T>({n, p, 1, 31, 0.5, 1, dense, by_step}, unsigned(10 * n + p));
            b.form = form;
            CHECK_FALSE(b.model().mean_reverting);
            check_reference(b);
          }
}

TEST_CASE_TEMPLATE("what decays to nothing stays a number in every form", T, double, float) {
  for (const Form form : forms)
    for (const double decay : {0.5, 0.03, 0.0}) {
      CAPTURE(int(form));
      CAPTURE(decay);
      Kind kind = {3, 2, 1, 700, decay, decay};
      kind.quiet = true;
      Batch<T> b = random_batch<T>(kind, 5);
      b.form = form;
      check_reference(b);
    }
}

TEST_CASE_TEMPLATE("filters in lanes find what each finds alone", T, double, float) {
  const long filters = 2 * filtering::kernels().of<T>().lanes + 3;
  for (const Form form : forms)
    for (const int n : {1, 3, 8})
      for (const int p : {1, 2}) {
        CAPTURE(int(form));
        CAPTURE(n);
        CAPTURE(p);
        Batch<T> b = random_batch<T>({n, p, filters, 23, 0.5, 1, n == 3, p == 2}, 7);
        b.form = form;
        check_alone(b, run(b));
        b.robust = T(1.5);
        check_alone(b, run(b));
        b.design = b.design.of(0, filters);  // one for all
        b.transition = b.transition.of(0, filters);
        b.transition_minus_one = b.transition_minus_one.of(0, filters);
        check_alone(b, run(b));
      }
}

TEST_CASE_TEMPLATE("an outlier's influence is bounded", T, double, float) {
  for (const Form form : forms)
    for (const int n : {3, 9})
      for (const int p : {1, 2}) {
        CAPTURE(int(form));
        CAPTURE(n);
        CAPTURE(p);
        Batch<T> b = random_batch<T>({n, p, 1, 40, 0.9, 1}, 13);
        b.form = form;
        b.robust = T(0.8);
        check_reference(b);
      }
}
