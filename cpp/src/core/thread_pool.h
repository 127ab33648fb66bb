// A pool of threads that lives as long as the process. No OpenMP: its runtimes clash with those that other
// packages bring, and hang after a fork.
#pragma once
#include <functional>

namespace tundish::core {

// Threads that a run uses when it is not told: TUNDISH_THREADS, or the processors this process may use.
int default_threads();

// Calls task(n, worker) for n = 0 ... tasks - 1 on up to `threads` threads, worker < threads. While they run,
// `poll` is called on the calling thread about every 50 ms; once it returns false no further task is
// started. Rethrows the first exception of a task or of poll, when no task runs any more. Returns false when
// it was stopped. A run that a task starts stays on that task's thread.
bool run_tasks(long tasks, int threads, const std::function<void(long, int)>& task,
               const std::function<bool(long done)>& poll);

}  // namespace tundish::core
