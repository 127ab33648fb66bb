// Arrays for results in memory that has been used before. The system hands new memory out in pages of zeros,
// which takes as long as a filter of 45 states needs for its heats; what is given back here is kept for the
// next run.
#pragma once
#include <pybind11/numpy.h>

#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>
#if defined(__linux__)
#include <sys/mman.h>
#endif

class ResultMemory {
 public:
  // An array whose contents are whatever was there.
  template <class T>
  static pybind11::array_t<T> array(const std::vector<pybind11::ssize_t>& shape) {
    size_t bytes = sizeof(T);
    for (const pybind11::ssize_t length : shape) bytes *= size_t(length);
    if (bytes < min_kept) return pybind11::array_t<T>(shape);
    auto* block = new Block(take(bytes));
    pybind11::capsule owner(block, [](void* p) {
      auto* freed = static_cast<Block*>(p);
      give_back(*freed);
      delete freed;
    });
    return pybind11::array_t<T>(shape, static_cast<T*>(block->data), owner);
  }

 private:
  struct Block {
    void* data;
    size_t bytes;
  };
  // Smaller ones come from the heap, which keeps them, too; more than this in all goes back to the system.
  static constexpr size_t min_kept = size_t(1) << 16, max_kept = size_t(1) << 27, huge_page = size_t(1) << 21;

  // A kept block of the same rounded size, the latest first, or new memory: in huge pages from 2 MiB on.
  static Block take(size_t bytes) {
    const size_t page = bytes < huge_page ? min_kept : huge_page;
    const size_t rounded = (bytes + page - 1) / page * page;
    {
      std::lock_guard<std::mutex> lock(mutex());
      std::vector<Block>& all = kept();
      for (size_t n = all.size(); n-- > 0;)
        if (all[n].bytes == rounded) {
          const Block found = all[n];
          all.erase(all.begin() + long(n));
          return found;
        }
    }
    // Not core/aligned.h: these blocks begin on a page, are kept, and outlive the vector that asked for them.
    void* data = std::aligned_alloc(page, rounded);
    if (!data) throw std::bad_alloc();
#if defined(__linux__)
    if (page == huge_page) madvise(data, rounded, MADV_HUGEPAGE);
#endif
    return {data, rounded};
  }
  static void give_back(const Block& block) {
    std::lock_guard<std::mutex> lock(mutex());
    std::vector<Block>& all = kept();
    all.push_back(block);
    size_t total = 0;
    for (const Block& b : all) total += b.bytes;
    while (total > max_kept) {  // the oldest first
      total -= all.front().bytes;
      std::free(all.front().data);
      all.erase(all.begin());
    }
  }
  // Never destroyed: arrays may outlive the module.
  static std::mutex& mutex() {
    static std::mutex* one = new std::mutex;
    return *one;
  }
  static std::vector<Block>& kept() {
    static auto* one = new std::vector<Block>;
    return *one;
  }
};
