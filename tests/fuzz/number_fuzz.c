/* Fuzz target of the converters of numbers: the first byte says which. */
#define CONVERTER_PLAIN
#include "converter_fuzz.c"
