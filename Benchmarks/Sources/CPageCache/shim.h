#include <stdint.h>

#ifdef __linux__
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

// Not in the headers of older C libraries, and Swift cannot call `syscall`.
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

// `O_DIRECT`, which the headers show only to those who ask for GNU extensions.
static const int32_t page_cache_bypass = __O_DIRECT;

// How many pages of an open file the system has in memory; negative before Linux 6.5.
static inline int64_t page_cache_count(int descriptor) {
  struct { uint64_t offset, length; } range = {0, 0};
  struct { uint64_t cached, dirty, writeback, evicted, recently_evicted; } counts = {0};
  if (syscall(SYS_cachestat, descriptor, &range, &counts, 0) != 0) return -1;
  return (int64_t)counts.cached;
}

#else
static inline int64_t page_cache_count(int descriptor) { return -1; }
#endif
