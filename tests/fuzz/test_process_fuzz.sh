#!/bin/sh
# timeout: 400
# What comes from other processes: frames between supervisor and task, log records and metrics of tasks, REST requests.
. "$(dirname "$0")/fuzz.sh"
build channel core/base/*.c -luv -lcjson -lm -lpthread
seed channel '\020\0\0\0{"type":"alive"}\020\0\0\0{"type":"\377alive"}'
seed channel '\377\377\377\177{"type":'
fuzz channel
build observe core/observe/*.c core/base/*.c -luv -lcjson -lm -lpthread
seed observe '0{"level":"WARN","scope":"a.b","text":"t\\u0001","ts":1.5,"fields":{"a":"b","n":1,"x":null}}'
seed observe '0{"level":"WARN","scope":"a","text":"t","ts":1e300,"fields":{"n":-1e300}}'
seed observe '1# HELP a_total text\n# TYPE a_total counter\na_total{x="\\"}",task="1"} 1\na_total 2 3\n%bb{le="+Inf"} 1\n' ''
fuzz observe
build request core/admin/request.c core/admin/respond.c core/admin/media.c core/admin/headers.c core/config/*.c core/observe/*.c core/base/*.c \
    -lmicrohttpd -luv -lcjson -lpcre2-8 -lm -lpthread
seed request '/connectors/a%%20b/topics;x=1?expand=info&expand=status&forward=true\n{"name":"a","config":{"a":"b","a":1}}'
fuzz request -dict=tests/fuzz/json.dict
