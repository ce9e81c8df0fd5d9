#!/bin/sh
# timeout: 300
# The PostgreSQL source's readers of pgoutput, COPY and column texts.
. "$(dirname "$0")/fuzz.sh"
build pgoutput sources/postgres/decode*.c sources/postgres/pgoutput.c core/record/*.c core/base/*.c core/observe/*.c \
    core/config/*.c core/plugin/*.c $(pkg-config --libs libpq libpcre2-8 libuv libcjson) -lm -lpthread -ldl
seed pgoutput '\001U\0\0\022\064K\0\002t\0\0\0\0017nN\0\002t\0\0\0\00242u'
seed pgoutput '\001R\0\0\0\001public\0t\0d\0\001\001id\0\0\0\0\027\377\377\377\377'
seed pgoutput '\101a\\tb\t\\N\tx\\x41\n'
for i in $(seq 96 127); do
    for text in '2016-11-04 13:51:30.123456+00 BC' '1 year 2 mons -3 days +04:05:06.7' '{1,"a\"b",{2},NULL}' \
        '"k"=>"v", "n"=>NULL' '-12.50'; do
        seed pgoutput "\\$(printf %o "$i")%s" "$text"
    done
done
fuzz pgoutput -max_len=2048
