// march.cu as a C++ compiler sees it once CUDA's words mean something: a block's members are threads, its
// shared memory is static, and they meet at a barrier.
#include <cmath>  // what CUDA has without being asked
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace {

class Barrier {
 public:
  explicit Barrier(int members) : members_(members), missing_(members) {}
  void wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    const long round = round_;
    if (--missing_ == 0) {
      missing_ = members_;
      ++round_;
      all_here_.notify_all();
    } else {
      all_here_.wait(lock, [&] { return round_ != round; });
    }
  }

 private:
  const int members_;
  int missing_;
  long round_ = 0;
  std::mutex mutex_;
  std::condition_variable all_here_;
};

struct Index {
  int x;
};
thread_local Index threadIdx;
thread_local Barrier* barrier;
Index blockDim, blockIdx;
inline void __syncthreads() { barrier->wait(); }

}  // namespace

#define __CUDACC__
#define __host__
#define __device__
#define __global__
#define __shared__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ inline __attribute__((noinline))
#define TUNDISH_INTERNAL_LINKAGE
#include "../../kernels/march.cu"
#include "casting/block.h"

template <class T>
void run_on_block(const tundish::casting::MarchJob<T>& job, int members) {
  using namespace tundish;
  std::vector<Curve<T>> curves;
  for (const auto& c : job.curves)
    curves.push_back({c.rows, nullptr, c.origin[0], c.per_cell[0], c.cells[0]});
  Fields<T> fields;
  const long numbers =
      job.n_slots + lay_out<T>(job.march->section, job.march->method, members, nullptr, fields);
  std::vector<T> memory(size_t(numbers), T(0));
  MarchJobs<T> jobs = {};
  jobs.march = *job.march;
  jobs.outputs = job.outputs;
  jobs.jobs = jobs.jobs_per_candidate = 1;
  jobs.n_slots = job.n_slots;
  jobs.slots = job.slots;
  jobs.curves = curves.data();
  jobs.steel_numbers = job.steel_numbers;
  jobs.memory = memory.data();
  jobs.bytes_per_job = numbers * long(sizeof(T));

  blockDim.x = members;
  Barrier meeting(members);
  std::vector<std::thread> block;
  for (int rank = 0; rank < members; ++rank)
    block.emplace_back([&, rank] {
      threadIdx.x = rank;
      barrier = &meeting;
      run_job<T>(jobs);
    });
  for (std::thread& member : block) member.join();
}
template void run_on_block(const tundish::casting::MarchJob<double>&, int);
template void run_on_block(const tundish::casting::MarchJob<float>&, int);
