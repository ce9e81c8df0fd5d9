#!/bin/sh
# timeout: 500
# What records are made from: spilled batches, JSON with schemas, and the small readers of plugins.
. "$(dirname "$0")/fuzz.sh"
host="core/plugin/ctx*.c core/config/*.c core/observe/*.c core/record/*.c core/base/*.c"
support=$(ls plugins/support/*.c | grep -v /compress) # what plugins are linked with
libraries="-luv -lcjson -lpcre2-8 -lm -lpthread -ldl"
# shellcheck disable=SC2086 # lists of files
build serial core/runtime/serial_*.c core/record/*.c core/base/*.c -luv -lcjson -lm -lpthread
seed serial '\0\0\0\0\0\0\0\0\0\0\0\0'
fuzz serial
# shellcheck disable=SC2086
build converter plugins/converters/json/*.c $support $host $libraries
seed converter '0{"schema":{"type":"struct","fields":[{"type":"int32","optional":true,"default":7,"field":"a"},{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"},"field":"d"},{"type":"array","items":{"type":"map","keys":{"type":"string"},"values":{"type":"double"}},"field":"m"}],"optional":false,"name":"n"},"payload":{"a":1,"d":"MDk=","m":[{"x":1.5}]}}'
seed converter '2{"schema":{"type":"int64","name":"org.apache.kafka.connect.data.Timestamp"},"payload":1}'
fuzz converter -dict=tests/fuzz/converter.dict
# shellcheck disable=SC2086
build number plugins/converters/number/*.c $support $host $libraries
seed number '1\001\002\003\004'
seed number '5\001'
fuzz number -max_len=16
# shellcheck disable=SC2086
build header plugins/converters/simple-header/*.c $(ls plugins/support/connect/*.c | grep -v /regex) $support \
    $host $libraries
seed header '0[1,2.5,"a\\"b",null,{"k":2024-01-31}]'
seed header '0{"a":1,"b":10:20:30.000Z,"c":[true,false]}'
seed header '02024-01-31T10:20:30.000Z'
seed header '0-1.5e300'
fuzz header -dict=tests/fuzz/converter.dict
# shellcheck disable=SC2086
build text sources/file/lines.c $support sinks/clickhouse/type.c sinks/s3/xml.c sources/postgres/offset.c \
    $host $(pkg-config --libs libcurl) $libraries
seed text '\000a,"b ""c"" \n",,d\n1,2\n'
seed text '\001{"topic":"t","partition":1,"key":null,"value":{"a":[1.5]},"headers":[{"key":"h","value":1}],"timestamp":5}'
seed text '\002LowCardinality(Nullable(FixedString(5)))'
seed text '\002Tuple(a Array(Map(String, Decimal(38, 5))), `b c` Enum8(%sx%s = 1), DateTime64(3, %sUTC%s))' "'" "'" "'" "'"
seed text '\003<Error><Code>No&amp;Such</Code></Error>'
seed text '\004{"lsn_proc":1,"messageType":"INSERT","lsn":22,"txId":7,"ts_usec":1,"snapshot":"INITIAL"}'
fuzz text
