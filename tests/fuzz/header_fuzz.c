/* Fuzz target of the simple header converter. */
#define CONVERTER_PLAIN
#include "converter_fuzz.c"
