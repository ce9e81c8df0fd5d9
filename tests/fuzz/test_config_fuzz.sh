#!/bin/sh
# timeout: 400
# Descriptors, connector JSON, references and properties files: core/config.
. "$(dirname "$0")/fuzz.sh"
for target in descriptor interpolate; do
    build $target core/config/*.c core/observe/*.c core/base/*.c -luv -lcjson -lpcre2-8 -lm -lpthread
    fuzz $target -dict=tests/fuzz/config.dict
done
