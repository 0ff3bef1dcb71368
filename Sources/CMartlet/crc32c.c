#include "CMartlet.h"

#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>

bool martlet_crc32c_is_accelerated(void) { return __builtin_cpu_supports("sse4.2"); }

// Three streams hide the three-cycle latency of the instruction; they are joined by multiplying
// the partial checksums with x^(8*lane) modulo the polynomial, read from tables built once.
#define LANE 1344

static uint32_t shift_one_lane[4][256];
static uint32_t shift_two_lanes[4][256];

// The product of two reflected polynomials: the highest bit stands for x^0.
static uint32_t multiply_modulo(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t mask = 0x80000000u; mask != 0; mask >>= 1) {
    if (a & mask) product ^= b;
    b = (b >> 1) ^ ((b & 1) ? 0x82F63B78u : 0);
  }
  return product;
}

static uint32_t power_of_x(size_t bits) {
  uint32_t result = 0x80000000u, square = 0x40000000u;  // 1 and x
  for (; bits != 0; bits >>= 1) {
    if (bits & 1) result = multiply_modulo(result, square);
    square = multiply_modulo(square, square);
  }
  return result;
}

__attribute__((constructor)) static void build_tables(void) {
  uint32_t one = power_of_x(8 * (size_t)LANE), two = power_of_x(16 * (size_t)LANE);
  for (int byte = 0; byte < 4; byte++)
    for (uint32_t value = 0; value < 256; value++) {
      shift_one_lane[byte][value] = multiply_modulo(one, value << (8 * byte));
      shift_two_lanes[byte][value] = multiply_modulo(two, value << (8 * byte));
    }
}

static inline uint32_t shift(uint32_t table[4][256], uint32_t crc) {
  return table[0][crc & 255] ^ table[1][(crc >> 8) & 255] ^ table[2][(crc >> 16) & 255] ^
         table[3][crc >> 24];
}

static inline uint64_t word_at(const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, 8);
  return word;
}

__attribute__((target("sse4.2")))
uint32_t martlet_crc32c(uint32_t crc, const void *data, size_t length) {
  const uint8_t *bytes = (const uint8_t *)data;
  uint64_t a = crc ^ 0xFFFFFFFFu;
  while (length >= 3 * LANE) {
    uint64_t b = 0, c = 0;
    for (size_t offset = 0; offset < LANE; offset += 8) {
      a = _mm_crc32_u64(a, word_at(bytes + offset));
      b = _mm_crc32_u64(b, word_at(bytes + LANE + offset));
      c = _mm_crc32_u64(c, word_at(bytes + 2 * LANE + offset));
    }
    a = shift(shift_two_lanes, (uint32_t)a) ^ shift(shift_one_lane, (uint32_t)b) ^ (uint32_t)c;
    bytes += 3 * LANE;
    length -= 3 * LANE;
  }
  while (length >= 8) {
    a = _mm_crc32_u64(a, word_at(bytes));
    bytes += 8;
    length -= 8;
  }
  while (length-- > 0) a = _mm_crc32_u8((uint32_t)a, *bytes++);
  return (uint32_t)a ^ 0xFFFFFFFFu;
}

#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>

bool martlet_crc32c_is_accelerated(void) { return true; }

uint32_t martlet_crc32c(uint32_t crc, const void *data, size_t length) {
  const uint8_t *bytes = (const uint8_t *)data;
  crc = ~crc;
  for (; length >= 8; bytes += 8, length -= 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    crc = __crc32cd(crc, word);
  }
  for (; length > 0; bytes++, length--) crc = __crc32cb(crc, *bytes);
  return ~crc;
}

#else

bool martlet_crc32c_is_accelerated(void) { return false; }

uint32_t martlet_crc32c(uint32_t crc, const void *bytes, size_t length) {
  (void)bytes;
  (void)length;
  return crc;
}

#endif
