#include "core/thread_pool.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>
#if defined(__linux__)
#include <sched.h>
#endif
#include <unistd.h>

namespace tundish::core {
namespace {

// What the threads of one run share; it outlives the run for as long as a thread still looks at it.
struct Run {
  long tasks;
  int threads;
  const std::function<void(long, int)>* task;
  std::atomic<long> next{0}, done{0};
  std::atomic<int> joined{0}, working{0};
  std::atomic<bool> stopped{false};
  std::mutex mutex;
  std::condition_variable finished;
  std::exception_ptr failure;

  // Takes tasks until there are none, or one has failed. The order of the counters matters to over(): a
  // thread counts as working before it takes its first task, and a task as done only when it has ended.
  void work() {
    const int worker = joined.fetch_add(1);
    if (worker >= threads) return;
    working.fetch_add(1);
    for (long n; !stopped && (n = next.fetch_add(1)) < tasks;) {
      try {
        (*task)(n, worker);
      } catch (...) {
        std::lock_guard<std::mutex> lock(mutex);
        if (!failure) failure = std::current_exception();
        stopped = true;
      }
      done.fetch_add(1);
    }
    std::lock_guard<std::mutex> lock(mutex);
    working.fetch_sub(1);
    finished.notify_all();
  }
  // In this order: a thread is working before it takes its first task.
  bool over() const { return (stopped || next >= tasks) && working == 0; }
};

// Whether this thread belongs to the pool.
thread_local bool serving = false;

class Pool {
 public:
  ~Pool() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      closing_ = true;
    }
    wake_.notify_all();
    for (std::thread& t : threads_) t.join();
  }
  void start(const std::shared_ptr<Run>& run, int helpers) {
    std::lock_guard<std::mutex> lock(mutex_);
    while (int(threads_.size()) < helpers) threads_.emplace_back([this] { serve(); });
    for (int n = 0; n < helpers; ++n) waiting_.push_back(run);
    wake_.notify_all();
  }

 private:
  void serve() {
    serving = true;
    for (;;) {
      std::shared_ptr<Run> run;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
        if (closing_) return;
        run = std::move(waiting_.back());
        waiting_.pop_back();
      }
      run->work();
    }
  }
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::shared_ptr<Run>> waiting_;
  std::vector<std::thread> threads_;
  bool closing_ = false;
};

// A forked child has the parent's memory but none of its threads: it starts a pool of its own, and leaves
// the parent's object alone.
Pool& pool() {
  static std::mutex mutex;
  static Pool* current = nullptr;
  static pid_t owner = 0;
  struct Closer {
    ~Closer() {
      if (owner == getpid()) delete current;
    }
  };
  static Closer closer;
  std::lock_guard<std::mutex> lock(mutex);
  if (owner != getpid()) {
    current = new Pool;
    owner = getpid();
  }
  return *current;
}

// For a run that a task starts: were it handed to the pool, all threads could be waiting for one another.
bool run_here(long tasks, const std::function<void(long, int)>& task,
              const std::function<bool(long done)>& poll) {
  for (long n = 0; n < tasks; ++n) {
    if (poll && !poll(n)) return false;
    task(n, 0);
  }
  return true;
}

}  // namespace

int default_threads() {
  if (const char* asked = std::getenv("TUNDISH_THREADS")) {
    const int threads = std::atoi(asked);
    if (threads > 0) return threads;
  }
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  const int threads = int(std::thread::hardware_concurrency());
  return threads > 0 ? threads : 1;
}

bool run_tasks(long tasks, int threads, const std::function<void(long, int)>& task,
               const std::function<bool(long done)>& poll) {
  if (tasks <= 0) return true;
  if (serving) return run_here(tasks, task, poll);
  const auto run = std::make_shared<Run>();
  run->tasks = tasks;
  run->threads = int(std::min<long>(threads, tasks));
  run->task = &task;
  // The caller only watches, so that it can report progress and be interrupted while the others work.
  pool().start(run, run->threads);
  std::unique_lock<std::mutex> lock(run->mutex);
  while (!run->finished.wait_for(lock, std::chrono::milliseconds(50), [&] { return run->over(); })) {
    lock.unlock();
    std::exception_ptr failure;
    try {
      if (poll && !poll(run->done)) run->stopped = true;
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure && !run->failure) run->failure = failure;
    if (failure) run->stopped = true;
  }
  if (run->failure) std::rethrow_exception(std::move(run->failure));
  return !run->stopped;
}

}  // namespace tundish::core
