#include "pgoutput.h"

#define EPOCH_SHIFT_US 946684800000000LL /* from 1970 to 2000 */

static int has(pgo_reader_t *r, size_t n) {
    if (!r->bad && (size_t)(r->end - r->at) >= n)
        return 1;
    r->bad = 1;
    return 0;
}

static uint64_t number(pgo_reader_t *r, size_t bytes) {
    uint64_t n = 0;
    if (!has(r, bytes))
        return 0;
    for (size_t i = 0; i < bytes; i++)
        n = n << 8 | (uint8_t)r->at[i];
    r->at += bytes;
    return n;
}

static uint8_t u8(pgo_reader_t *r) {
    return (uint8_t)number(r, 1);
}

static uint16_t u16(pgo_reader_t *r) {
    return (uint16_t)number(r, 2);
}

uint32_t pgo_u32(pgo_reader_t *r) {
    return (uint32_t)number(r, 4);
}

static uint64_t u64(pgo_reader_t *r) {
    return number(r, 8);
}

static int64_t instant(pgo_reader_t *r) {
    return (int64_t)(u64(r) + (uint64_t)EPOCH_SHIFT_US);
}

/* A NUL-terminated string; "" when the message ends before the NUL. */
static const char *string(pgo_reader_t *r) {
    const char *text = r->at, *nul;
    if (!has(r, 1))
        return "";
    nul = memchr(r->at, '\0', (size_t)(r->end - r->at));
    if (nul == NULL) {
        r->bad = 1;
        return "";
    }
    r->at = nul + 1;
    return text;
}

static void cell(pgo_reader_t *r, pgo_cell_t *c) {
    c->kind = (char)u8(r);
    c->data = r->at;
    c->len = 0;
    if (c->kind == 'n' || c->kind == 'u')
        return;
    if (c->kind != 't') { /* 'b' would be binary mode, which we never ask for */
        r->bad = 1;
        return;
    }
    c->len = pgo_u32(r);
    c->data = r->at;
    if (has(r, c->len))
        r->at += c->len;
}

static void tuple(pgo_reader_t *r, pgo_tuple_t *t) {
    uint16_t n = u16(r);
    t->count = 0;
    if (n > PGO_COLUMNS_MAX) {
        r->bad = 1;
        return;
    }
    while (t->count < n && !r->bad)
        cell(r, &t->cells[t->count++]);
}

static void relation(pgo_reader_t *r, pgo_event_t *e) {
    pgo_reader_t check;

    e->as.relation.relid = pgo_u32(r);
    e->as.relation.schema = string(r);
    e->as.relation.name = string(r);
    e->as.relation.identity = (char)u8(r);
    e->as.relation.count = u16(r);
    e->as.relation.columns = check = *r;
    if (e->as.relation.count > PGO_COLUMNS_MAX)
        r->bad = 1;
    for (uint16_t i = 0; i < e->as.relation.count && !check.bad; i++)
        pgo_relation_column(&check);
    r->bad |= check.bad;
}

pgo_column_t pgo_relation_column(pgo_reader_t *r) {
    pgo_column_t c;
    c.key = u8(r) & 1;
    c.name = string(r);
    c.type = pgo_u32(r);
    c.typmod = (int32_t)pgo_u32(r);
    return c;
}

/* I: 'N' tuple. U: ['K'|'O' tuple] 'N' tuple. D: 'K'|'O' tuple. */
static void change(pgo_reader_t *r, pgo_event_t *e, pgo_tuple_t *old_row, pgo_tuple_t *new_row) {
    char mark;

    e->as.change.relid = pgo_u32(r);
    e->as.change.old_kind = 0;
    mark = (char)u8(r);
    if (e->kind != 'I' && (mark == 'K' || mark == 'O')) {
        e->as.change.old_kind = mark;
        tuple(r, old_row);
        if (e->kind == 'D')
            return;
        mark = (char)u8(r);
    }
    if (mark != 'N' || e->kind == 'D')
        r->bad = 1;
    else
        tuple(r, new_row);
}

static void truncation(pgo_reader_t *r, pgo_event_t *e) {
    e->as.truncate.count = pgo_u32(r);
    e->as.truncate.flags = u8(r);
    e->as.truncate.relids = *r;
    if (e->as.truncate.count > (size_t)(r->end - r->at) / 4)
        r->bad = 1;
}

static void message(pgo_reader_t *r, pgo_event_t *e) {
    uint32_t len;

    e->as.message.transactional = u8(r) & 1;
    e->as.message.lsn = u64(r);
    e->as.message.prefix = string(r);
    len = pgo_u32(r);
    e->as.message.content = sluice_str_n(r->at, has(r, len) ? len : 0);
}

int pgo_parse(sluice_str_t text, pgo_event_t *e, pgo_tuple_t *old_row, pgo_tuple_t *new_row) {
    pgo_reader_t r = {text.data, text.data + text.len, 0};

    e->kind = (char)u8(&r);
    old_row->count = new_row->count = 0;
    switch (e->kind) {
    case 'B':
        e->as.begin.final_lsn = u64(&r);
        e->as.begin.commit_us = instant(&r);
        e->as.begin.xid = pgo_u32(&r);
        break;
    case 'C':
        u8(&r);
        e->as.commit.lsn = u64(&r);
        e->as.commit.end_lsn = u64(&r);
        e->as.commit.commit_us = instant(&r);
        break;
    case 'R': relation(&r, e); break;
    case 'I':
    case 'U':
    case 'D': change(&r, e, old_row, new_row); break;
    case 'T': truncation(&r, e); break;
    case 'M': message(&r, e); break;
    case 'O':
        e->as.origin.lsn = u64(&r);
        e->as.origin.name = string(&r);
        break;
    case 'Y': break;
    default: return SLUICE_BAD_RECORD;
    }
    return r.bad ? SLUICE_BAD_RECORD : SLUICE_OK;
}

int pgo_frame(sluice_str_t data, pgo_frame_t *f) {
    pgo_reader_t r = {data.data, data.data + data.len, 0};

    f->kind = (char)u8(&r);
    f->reply = 0;
    f->start = f->end = 0;
    if (f->kind == 'w') {
        f->start = u64(&r);
        f->end = u64(&r);
        f->sent_us = instant(&r);
        f->payload = sluice_str_n(r.at, (size_t)(r.end - r.at));
    } else if (f->kind == 'k') {
        f->end = u64(&r);
        f->sent_us = instant(&r);
        f->reply = u8(&r);
    } else {
        return SLUICE_BAD_RECORD;
    }
    return r.bad ? SLUICE_BAD_RECORD : SLUICE_OK;
}

/* ---- COPY text ---- */

static int digit_of(char c, int base) {
    int d = c >= '0' && c <= '9'                 ? c - '0'
            : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                 : 99;
    return d < base ? d : -1;
}

/* Undoes one escape that begins behind a backslash at *at; answers the byte. */
static char escape(const char **at, const char *end) {
    char c = *(*at)++;
    int value = 0, n = 0, d;

    switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    case 'x':
        for (; n < 2 && *at < end && (d = digit_of(**at, 16)) >= 0; n++, (*at)++)
            value = value * 16 + d;
        return n == 0 ? 'x' : (char)value;
    default:
        if (digit_of(c, 8) < 0)
            return c;
        for ((*at)--; n < 3 && *at < end && (d = digit_of(**at, 8)) >= 0; n++, (*at)++)
            value = value * 8 + d;
        return (char)value;
    }
}

int pgo_copy_row(char *line, size_t len, pgo_tuple_t *row) {
    const char *at = line, *end = line + len;
    char *out;
    pgo_cell_t *c;

    if (len > 0 && end[-1] == '\n')
        end--;
    row->count = 0;
    for (;;) {
        if (row->count == PGO_COLUMNS_MAX)
            return SLUICE_BAD_RECORD;
        c = &row->cells[row->count++];
        c->kind = 't';
        c->data = out = line + (at - line);
        if (end - at >= 2 && at[0] == '\\' && at[1] == 'N') {
            c->kind = 'n';
            at += 2;
        }
        while (at < end && *at != '\t') {
            char b = *at++;
            *out++ = b == '\\' && at < end ? escape(&at, end) : b;
        }
        c->len = (uint32_t)(out - c->data);
        if (at == end)
            return SLUICE_OK;
        at++;
    }
}
