#include "runtime/process.h"

#include <malloc.h>
#include <signal.h>

#define GIVE_BACK (2 * 1024 * 1024)

void sl_process_set_up(void) {
    signal(SIGINT, SIG_IGN);
    /* Many small threads in one small process: two arenas, and what is freed goes back; but not so
     * little that each batch and each request of a client library faults its pages in anew (a fault
     * for each 5 rows, a third of the CPU). */
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_TRIM_THRESHOLD, GIVE_BACK);
    mallopt(M_MMAP_THRESHOLD, GIVE_BACK);
}
