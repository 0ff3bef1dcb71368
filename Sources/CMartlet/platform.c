#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "CMartlet.h"

#if defined(__linux__)
#include <malloc.h>
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// Thread state: a hint number taken from a free list, and scratch memory.

#define HINT_LIMIT 4096

static pthread_mutex_t hint_mutex = PTHREAD_MUTEX_INITIALIZER;
static bool hint_taken[HINT_LIMIT];
static pthread_key_t exit_key;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;

static _Thread_local uint32_t thread_hint = UINT32_MAX;
static _Thread_local void *thread_scratch = NULL;
static _Thread_local size_t thread_scratch_length = 0;

static void thread_exits(void *ignored) {
  (void)ignored;
  free(thread_scratch);
  thread_scratch = NULL;
  thread_scratch_length = 0;
  if (thread_hint < HINT_LIMIT) {
    pthread_mutex_lock(&hint_mutex);
    hint_taken[thread_hint] = false;
    pthread_mutex_unlock(&hint_mutex);
  }
  thread_hint = UINT32_MAX;
}

static void make_exit_key(void) { pthread_key_create(&exit_key, thread_exits); }

static void watch_thread_exit(void) {
  pthread_once(&exit_once, make_exit_key);
  pthread_setspecific(exit_key, (void *)1);
}

uint32_t martlet_thread_hint(void) {
  if (thread_hint != UINT32_MAX) return thread_hint;
  watch_thread_exit();
  pthread_mutex_lock(&hint_mutex);
  uint32_t hint = 0;
  while (hint < HINT_LIMIT - 1 && hint_taken[hint]) hint++;
  hint_taken[hint] = true;
  pthread_mutex_unlock(&hint_mutex);
  return thread_hint = hint;
}

void *martlet_thread_scratch(size_t length) {
  if (length <= thread_scratch_length) return thread_scratch;
  watch_thread_exit();
  size_t rounded = 65536;
  while (rounded < length) rounded *= 2;
  void *memory = NULL;
  if (posix_memalign(&memory, 64, rounded) != 0) return NULL;
  free(thread_scratch);
  thread_scratch = memory;
  thread_scratch_length = rounded;
  return memory;
}

int martlet_open(const char *path, int flags, int mode, bool direct, bool data_synchronous) {
#if defined(__linux__)
  if (direct) flags |= O_DIRECT;
  if (data_synchronous) flags |= O_DSYNC;
#else
  (void)data_synchronous;  // Darwin ignores O_DSYNC: the caller syncs.
#endif
  int descriptor = open(path, flags | O_CLOEXEC, mode);
#if defined(__linux__)
  // Some file systems refuse O_DIRECT: buffered I/O is slower and just as safe.
  if (descriptor < 0 && errno == EINVAL && direct)
    descriptor = open(path, (flags & ~O_DIRECT) | O_CLOEXEC, mode);
#endif
#if defined(__APPLE__)
  if (descriptor >= 0 && direct) (void)fcntl(descriptor, F_NOCACHE, 1);
#endif
  return descriptor;
}

int martlet_sync_full(int descriptor, bool may_fall_back) {
#if defined(__APPLE__)
  if (fcntl(descriptor, F_FULLFSYNC) == 0) return 0;
  if (!(may_fall_back && (errno == ENOTSUP || errno == EINVAL))) return errno;
  return fsync(descriptor) == 0 ? 0 : errno;
#else
  (void)may_fall_back;
  return fdatasync(descriptor) == 0 ? 0 : errno;
#endif
}

int martlet_sync_barrier(int descriptor) {
#if defined(__APPLE__)
  if (fcntl(descriptor, F_BARRIERFSYNC) == 0) return 0;
  return fsync(descriptor) == 0 ? 0 : errno;
#else
  return fdatasync(descriptor) == 0 ? 0 : errno;
#endif
}

int martlet_sync_metadata(int descriptor) {
#if defined(__APPLE__)
  if (fcntl(descriptor, F_FULLFSYNC) == 0) return 0;
#endif
  return fsync(descriptor) == 0 ? 0 : errno;
}

int martlet_allocate(int descriptor, int64_t offset, int64_t length) {
#if defined(__linux__)
  if (fallocate(descriptor, 0, offset, length) == 0) return 0;
  if (errno != EOPNOTSUPP && errno != ENOSYS) return errno;
#elif defined(__APPLE__)
  fstore_t store = {F_ALLOCATECONTIG | F_ALLOCATEALL, F_PEOFPOSMODE, 0, length, 0};
  if (fcntl(descriptor, F_PREALLOCATE, &store) != 0) {
    store.fst_flags = F_ALLOCATEALL;
    if (fcntl(descriptor, F_PREALLOCATE, &store) != 0 && errno != ENOTSUP) return errno;
  }
#endif
  struct stat status;
  if (fstat(descriptor, &status) != 0) return errno;
  if (status.st_size >= offset + length) return 0;
  return ftruncate(descriptor, offset + length) == 0 ? 0 : errno;
}

int martlet_punch_hole(int descriptor, int64_t offset, int64_t length) {
#if defined(__linux__)
  if (fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length) == 0)
    return 0;
  return errno == EOPNOTSUPP ? ENOTSUP : errno;
#elif defined(__APPLE__)
  struct fpunchhole hole = {0, 0, offset, length};
  return fcntl(descriptor, F_PUNCHHOLE, &hole) == 0 ? 0 : errno;
#else
  return ENOTSUP;
#endif
}

int martlet_lock_exclusive(int descriptor) {
#if defined(__linux__)
  struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
  if (fcntl(descriptor, F_OFD_SETLK, &whole) == 0) return 0;
  return (errno == EACCES || errno == EAGAIN) ? EWOULDBLOCK : errno;
#else
  return flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
#endif
}

int martlet_unlock(int descriptor) {
#if defined(__linux__)
  struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
  return fcntl(descriptor, F_OFD_SETLK, &whole) == 0 ? 0 : errno;
#else
  return flock(descriptor, LOCK_UN) == 0 ? 0 : errno;
#endif
}

int martlet_advise_huge(void *address, size_t length) {
#if defined(__linux__)
  return madvise(address, length, MADV_HUGEPAGE) == 0 ? 0 : errno;
#else
  (void)address;
  (void)length;
  return 0;
#endif
}

void martlet_keep_large_blocks(void) {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_ARENA_MAX, 2);
#endif
}

static _Thread_local struct martlet_occupation thread_occupation;

struct martlet_occupation martlet_thread_occupation(void) { return thread_occupation; }

struct martlet_occupation martlet_thread_occupy(struct martlet_occupation occupation) {
  struct martlet_occupation before = thread_occupation;
  thread_occupation = occupation;
  return before;
}
