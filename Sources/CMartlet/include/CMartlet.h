// What Swift cannot reach well: CRC32C by instruction, spin hints, prefetch, thread-local state,
// and the file controls whose constants Swift does not import.
#ifndef CMARTLET_H
#define CMARTLET_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

/// Whether this processor has a CRC32C instruction.
bool martlet_crc32c_is_accelerated(void);

/// CRC32C (Castagnoli) of `length` bytes, continuing from `crc` (0 to begin).
/// Call only where `martlet_crc32c_is_accelerated()`.
uint32_t martlet_crc32c(uint32_t crc, const void *bytes, size_t length);

/// Tells the processor that this thread spins.
static inline void martlet_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// Asks for the cache lines of `[address, address + length)`, at most 1 KiB of them.
static inline void martlet_prefetch(const void *address, size_t length) {
  const char *cursor = (const char *)address;
  const char *end = cursor + (length < 1024 ? length : 1024);
  for (; cursor < end; cursor += 64) __builtin_prefetch(cursor, 0, 3);
}

/// A small number, stable for the life of the calling thread and reused after it: a hint for
/// spreading threads over slots, never an identity.
uint32_t martlet_thread_hint(void);

/// What the calling thread is in the middle of: a number, and whose it is. Both zero at first.
struct martlet_occupation {
  uintptr_t owner;
  uint64_t number;
};

struct martlet_occupation martlet_thread_occupation(void);

/// Replaces it and returns what was there.
struct martlet_occupation martlet_thread_occupy(struct martlet_occupation occupation);

/// Growing scratch memory of the calling thread, freed when the thread ends: at least `length`
/// bytes, aligned to 64. NULL when memory is exhausted. The next call may move it.
void *martlet_thread_scratch(size_t length);

/// `open` that asks for direct and data-synchronous I/O where the platform has them.
/// Returns the descriptor, or -1 with errno.
int martlet_open(const char *path, int flags, int mode, bool direct, bool data_synchronous);

/// Makes written data durable on the medium: fdatasync, or F_FULLFSYNC on Apple systems
/// (falls back to fsync where the volume answers ENOTSUP and `may_fall_back`). 0 or errno.
int martlet_sync_full(int descriptor, bool may_fall_back);

/// A write barrier: F_BARRIERFSYNC on Apple systems, fdatasync elsewhere. 0 or errno.
int martlet_sync_barrier(int descriptor);

/// fsync with metadata: for directories and created files. 0 or errno.
int martlet_sync_metadata(int descriptor);

/// Allocates blocks for `[offset, offset + length)` and extends the file. 0 or errno.
int martlet_allocate(int descriptor, int64_t offset, int64_t length);

/// Gives the blocks of `[offset, offset + length)` back to the file system. 0 or errno
/// (ENOTSUP where the file system cannot).
int martlet_punch_hole(int descriptor, int64_t offset, int64_t length);

/// Takes an exclusive whole-file lock that belongs to the open file description, without waiting.
/// 0, or EWOULDBLOCK when another description holds it, or another errno.
int martlet_lock_exclusive(int descriptor);

/// Gives the lock of an open file description back, for everybody who shares the description.
/// 0 or errno.
int martlet_unlock(int descriptor);

/// Marks `[address, address + length)` for huge pages. 0 or errno; advice only.
int martlet_advise_huge(void *address, size_t length);

/// Keeps freed blocks of any size for the next to ask, where the C library can be told so.
void martlet_keep_large_blocks(void);

/// Starts a thread under a name (cut to 15 bytes) with a stack of `stack` bytes. 0 or errno.
int martlet_thread_start(
    const char *name, size_t stack, void (*body)(void *), void *context, uintptr_t *thread);

/// Waits until the thread has ended.
void martlet_thread_join(uintptr_t thread);

/// Lets the thread clean up after itself when it ends.
void martlet_thread_detach(uintptr_t thread);

/// What `martlet_thread_start` gave for the calling thread; of any thread, its identity.
uintptr_t martlet_thread_identity(void);

/// On which processors a thread may run; nothing where the system does not say.
struct martlet_processors {
  uint64_t bits[16];
};

/// Keeps the calling thread, and all that it starts, on the processor where it is now. Gives back
/// where it was allowed before. Does nothing where the system cannot.
struct martlet_processors martlet_processors_narrow(void);

/// Allows the calling thread again what `martlet_processors_narrow` took.
void martlet_processors_widen(struct martlet_processors before);

/// Sleeps while `*word` is `expected`, for at most so many nanoseconds (UINT64_MAX: no limit). May
/// return early for no reason: the caller looks at the word again.
void martlet_word_wait(uint32_t *word, uint32_t expected, uint64_t nanoseconds);

/// Ends one wait on the word, if there is any.
void martlet_word_wake(uint32_t *word);

/// How many forks lie between the first process and this one: it grows in a child.
uint32_t martlet_fork_depth(void);

#endif
