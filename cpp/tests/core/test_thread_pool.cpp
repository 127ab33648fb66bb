#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/thread_pool.h"
#include "doctest/doctest.h"

using tundish::core::run_tasks;

namespace {

void sleep_a_little() { std::this_thread::sleep_for(std::chrono::milliseconds(2)); }

// Sums 0 ... tasks - 1 on the pool.
long sum(long tasks, int threads) {
  std::atomic<long> total{0};
  run_tasks(tasks, threads, [&](long n, int) { total += n; }, nullptr);
  return total;
}

}  // namespace

TEST_CASE("every task runs once, on a worker of its run") {
  for (const int threads : {1, 2, 7}) {
    std::vector<std::atomic<int>> runs(1000);
    std::atomic<bool> workers_in_range{true};
    auto task = [&](long n, int worker) {
      ++runs[size_t(n)];
      if (worker < 0 || worker >= threads) workers_in_range = false;
    };
    CHECK(run_tasks(1000, threads, task, nullptr));
    for (const auto& times : runs) CHECK(times == 1);
    CHECK(workers_in_range);
  }
  CHECK(run_tasks(0, 2, [](long, int) { FAIL("there is no task"); }, nullptr));
}

TEST_CASE("a run is over only when its tasks are") {
  for (int repeat = 0; repeat < 5000; ++repeat) {
    std::atomic<bool> finished{false};
    run_tasks(1, 1, [&](long, int) { finished = true; }, nullptr);
    REQUIRE(finished);
  }
}

TEST_CASE("the first exception of a task is rethrown, and no further task is started") {
  std::atomic<long> started{0};
  auto task = [&](long n, int) {
    ++started;
    if (n == 3) throw std::runtime_error("task 3");
    sleep_a_little();
  };
  CHECK_THROWS_WITH_AS(run_tasks(1000, 2, task, nullptr), "task 3", std::runtime_error);
  CHECK(started < 1000);
  CHECK(sum(100, 2) == 4950);
}

TEST_CASE("poll stops a run, and may throw") {
  std::atomic<long> started{0};
  auto task = [&](long, int) {
    ++started;
    sleep_a_little();
  };
  CHECK_FALSE(run_tasks(10000, 2, task, [](long) { return false; }));
  CHECK(started < 10000);
  CHECK_THROWS_WITH_AS(run_tasks(10000, 2, task, [](long) -> bool { throw std::runtime_error("poll"); }),
                       "poll", std::runtime_error);
}

TEST_CASE("poll is told how many tasks are done") {
  long last = 0;
  bool falls = false;
  auto poll = [&](long done) {
    falls |= done < last;
    last = done;
    return true;
  };
  CHECK(run_tasks(100, 2, [](long, int) { sleep_a_little(); }, poll));
  CHECK_FALSE(falls);
  CHECK(last > 0);
  CHECK(last <= 100);
}

TEST_CASE("many callers share the pool") {
  std::vector<long> totals(8);
  std::vector<std::thread> callers;
  for (long& total : totals)
    callers.emplace_back([&total] {
      for (int repeat = 0; repeat < 50; ++repeat) total = sum(200, 2);
    });
  for (std::thread& caller : callers) caller.join();
  for (const long total : totals) CHECK(total == 19900);
}

TEST_CASE("a task may start a run of its own") {
  std::atomic<long> total{0};
  CHECK(run_tasks(20, 2, [&](long, int) { total += sum(10, 2); }, nullptr));
  CHECK(total == 20 * 45);
}

TEST_CASE("a forked child has a pool of its own") {
  sum(100, 2);
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);  // a child that hangs fails
    _exit(sum(100, 2) == 4950 ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(sum(100, 2) == 4950);
}
