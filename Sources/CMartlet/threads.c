#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "CMartlet.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#elif defined(__APPLE__)
#include <os/clock.h>
#include <os/os_sync_wait_on_address.h>
#endif

// Threads.

struct start {
  char name[16];
  void (*body)(void *);
  void *context;
};

static void *enter(void *opaque) {
  struct start start = *(struct start *)opaque;
  free(opaque);
#if defined(__linux__)
  (void)pthread_setname_np(pthread_self(), start.name);
#elif defined(__APPLE__)
  (void)pthread_setname_np(start.name);
#endif
  start.body(start.context);
  return NULL;
}

int martlet_thread_start(
    const char *name, size_t stack, void (*body)(void *), void *context, uintptr_t *thread) {
  struct start *start = calloc(1, sizeof *start);
  if (start == NULL) return ENOMEM;
  strncpy(start->name, name, sizeof start->name - 1);
  start->body = body;
  start->context = context;
  pthread_attr_t attributes;
  int error = pthread_attr_init(&attributes);
  if (error == 0) {
    (void)pthread_attr_setstacksize(&attributes, stack);
    pthread_t made;
    error = pthread_create(&made, &attributes, enter, start);
    if (error == 0) *thread = (uintptr_t)made;
    (void)pthread_attr_destroy(&attributes);
  }
  if (error != 0) free(start);
  return error;
}

void martlet_thread_join(uintptr_t thread) { (void)pthread_join((pthread_t)thread, NULL); }

void martlet_thread_detach(uintptr_t thread) { (void)pthread_detach((pthread_t)thread); }

uintptr_t martlet_thread_identity(void) { return (uintptr_t)pthread_self(); }

struct martlet_processors martlet_processors_narrow(void) {
  struct martlet_processors before = {{0}};
#if defined(__linux__)
  cpu_set_t allowed, here;
  int processor = sched_getcpu();
  if (processor < 0 || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return before;
  CPU_ZERO(&here);
  CPU_SET(processor, &here);
  if (sched_setaffinity(0, sizeof here, &here) == 0) memcpy(&before, &allowed, sizeof before);
#endif
  return before;
}

void martlet_processors_widen(struct martlet_processors before) {
#if defined(__linux__)
  _Static_assert(sizeof(cpu_set_t) == sizeof before, "the set of processors is 1024 bits");
  cpu_set_t allowed;
  memcpy(&allowed, &before, sizeof allowed);
  if (CPU_COUNT(&allowed) > 0) (void)sched_setaffinity(0, sizeof allowed, &allowed);
#else
  (void)before;
#endif
}

// Waiting on a word of memory.

void martlet_word_wait(uint32_t *word, uint32_t expected, uint64_t nanoseconds) {
  int saved = errno;
#if defined(__linux__)
  struct timespec limit = {
      .tv_sec = (time_t)(nanoseconds / 1000000000u), .tv_nsec = (long)(nanoseconds % 1000000000u)};
  (void)syscall(SYS_futex, word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, expected,
      nanoseconds == UINT64_MAX ? NULL : &limit, NULL, 0);
#elif defined(__APPLE__)
  if (nanoseconds == UINT64_MAX)
    (void)os_sync_wait_on_address(word, expected, 4, OS_SYNC_WAIT_ON_ADDRESS_NONE);
  else if (nanoseconds > 0)
    (void)os_sync_wait_on_address_with_timeout(word, expected, 4, OS_SYNC_WAIT_ON_ADDRESS_NONE,
        OS_CLOCK_MACH_ABSOLUTE_TIME, nanoseconds);
#endif
  errno = saved;
}

void martlet_word_wake(uint32_t *word) {
  int saved = errno;
#if defined(__linux__)
  (void)syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
#elif defined(__APPLE__)
  (void)os_sync_wake_by_address_any(word, 4, OS_SYNC_WAKE_BY_ADDRESS_NONE);
#endif
  errno = saved;
}

// Forks.

static uint32_t fork_depth = 0;

static void count_fork(void) { fork_depth++; }

__attribute__((constructor)) static void watch_forks(void) {
  (void)pthread_atfork(NULL, NULL, count_fork);
}

uint32_t martlet_fork_depth(void) { return fork_depth; }
