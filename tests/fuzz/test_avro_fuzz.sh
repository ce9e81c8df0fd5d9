#!/bin/sh
# timeout: 300
# Avro: schemas as texts, and records by them.
. "$(dirname "$0")/fuzz.sh"
mapping="node parse print names build defaults write_plan write read_plan read read_default compat"
# shellcheck disable=SC2046,SC2086 # lists of files
build avro $(for f in $mapping; do echo "plugins/converters/avro/$f.c"; done) plugins/support/java.c plugins/support/charset.c \
    plugins/support/utf8.c core/plugin/ctx*.c core/config/*.c core/observe/*.c core/record/*.c core/base/*.c \
    -luv -lcjson -lpcre2-8 -lm -lpthread -ldl
seed avro '\000{"type":"record","name":"a.R","fields":[{"name":"i","type":"int","default":5},{"name":"s","type":["null","string"],"default":null},{"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":5,"scale":2}},{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},{"name":"f","type":{"type":"fixed","name":"F","size":2}}]}\n\002\002\002x\002\005\002ab'
seed avro '\002{"type":"array","items":{"type":"record","name":"io.confluent.connect.avro.MapEntry","fields":[{"name":"key","type":"int"},{"name":"value","type":["int","string","null"]}]}}\n\002\002\000\004\000'
seed avro '\004["null","int",{"type":"map","values":{"type":"long","logicalType":"timestamp-millis"}}]\n\004\002\002k\010\000'
seed avro '\000{"type":"record","name":"io.confluent.connect.avro.Anything","fields":[{"name":"boolean","type":["null","boolean"]},{"name":"bytes","type":["null","bytes"]},{"name":"double","type":["null","double"]},{"name":"float","type":["null","float"]},{"name":"int","type":["null","int"]},{"name":"long","type":["null","long"]},{"name":"string","type":["null","string"]},{"name":"array","type":["null",{"type":"array","items":"io.confluent.connect.avro.Anything"}]},{"name":"map","type":["null",{"type":"array","items":{"type":"record","name":"MapEntry","fields":[{"name":"key","type":"Anything"},{"name":"value","type":"Anything"}]}}]}]}\n\000\000\000\000\000\000\000\002\002\000\000\000\000\002\012\000\000\000\000\000\000'
fuzz avro -dict=tests/fuzz/avro.dict
