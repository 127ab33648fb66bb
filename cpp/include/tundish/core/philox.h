// Compiles under: g++, clang++, nvcc, NVRTC. Uses no std headers.
//
// Random numbers that are a function of a key and a counter, with no state to share or to lose: Philox4x32-10
// of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11.
#pragma once
#include "tundish/core/macros.h"

TUNDISH_NAMESPACE_BEGIN

struct RandomWords {
  unsigned at[4];
};

TUNDISH_HD RandomWords philox(RandomWords counter, unsigned key_0, unsigned key_1) {
  for (int round = 0; round < 10; ++round) {
    const unsigned long long left = 0xD2511F53ull * counter.at[0], right = 0xCD9E8D57ull * counter.at[2];
    counter = {{unsigned(right >> 32) ^ counter.at[1] ^ key_0, unsigned(right),
                unsigned(left >> 32) ^ counter.at[3] ^ key_1, unsigned(left)}};
    key_0 += 0x9E3779B9u;
    key_1 += 0xBB67AE85u;
  }
  return counter;
}

// In [0, 1), a multiple of 2^-53.
TUNDISH_HD double unit_interval(unsigned high, unsigned low) {
  return double((unsigned long long)(high) << 21 | low >> 11) * (1.0 / 9007199254740992.0);
}
// One of 0 ... n - 1.
TUNDISH_HD int one_of(unsigned word, int n) { return int((unsigned long long)(word) * unsigned(n) >> 32); }

TUNDISH_NAMESPACE_END
