// The C++ half of json_bench: simdjson's DOM with a parser that is kept.
#include <simdjson.h>

extern "C" int simdjson_read(const char *padded, size_t len);

int simdjson_read(const char *padded, size_t len) {
    static simdjson::dom::parser parser;
    simdjson::dom::element root;

    return parser.parse(padded, len, false).get(root) != simdjson::SUCCESS;
}
