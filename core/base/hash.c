#include "base/hash.h"

#include <string.h>

/* Odd constants of splitmix64; a multiply-and-fold step as in wyhash and its kin. */
#define MULTIPLIER 0x9e3779b97f4a7c15u
#define MIXER      0xbf58476d1ce4e5b9u

static uint64_t fold(uint64_t a, uint64_t b) {
    __extension__ unsigned __int128 wide = (unsigned __int128)a * b;

    return (uint64_t)wide ^ (uint64_t)(wide >> 64);
}

uint64_t sl_hash(uint64_t seed, const void *data, size_t len) {
    const unsigned char *p = data;
    uint64_t h = fold(seed ^ MULTIPLIER, MIXER + len);
    uint64_t word;

    for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        h = fold(h ^ word, MULTIPLIER) + MIXER;
    }
    word = 0;
    if (len > 0)
        memcpy(&word, p, len);
    return fold(fold(h ^ word, MULTIPLIER) + MIXER, MULTIPLIER);
}
