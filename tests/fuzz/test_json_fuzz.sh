#!/bin/sh
# timeout: 300
# The JSON reader and writer of core/record.
. "$(dirname "$0")/fuzz.sh"
build json core/record/*.c core/base/*.c -luv -lcjson -lm -lpthread
fuzz json -dict=tests/fuzz/json.dict
