#include "support/compress.h"

#include <lz4frame.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

enum { STEP = 65536 };

struct compressor {
    compress_kind_t kind;
    int level;
    z_stream gzip;
    ZSTD_CCtx *zstd;
    LZ4F_cctx *lz4;
    int started; /* lz4: the frame's head is written */
};

static int init(compressor_t *c) {
    switch (c->kind) {
    case COMPRESS_GZIP:
        return deflateInit2(&c->gzip, c->level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK
                   ? 0
                   : -1;
    case COMPRESS_ZSTD:
        c->zstd = ZSTD_createCCtx();
        if (c->zstd != NULL && c->level >= 0)
            ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel, c->level);
        return c->zstd != NULL ? 0 : -1;
    case COMPRESS_LZ4:
        return LZ4F_isError(LZ4F_createCompressionContext(&c->lz4, LZ4F_VERSION)) ? -1 : 0;
    default: return 0;
    }
}

compressor_t *compressor_create(compress_kind_t kind, int level) {
    compressor_t *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->kind = kind;
    c->level = level;
    if (init(c) != 0) {
        free(c);
        return NULL;
    }
    return c;
}

void compressor_destroy(compressor_t *c) {
    if (c == NULL)
        return;
    if (c->kind == COMPRESS_GZIP)
        deflateEnd(&c->gzip);
    ZSTD_freeCCtx(c->zstd);
    LZ4F_freeCompressionContext(c->lz4);
    free(c);
}

static int gzip(compressor_t *c, sluice_str_t data, int flush, sluice_buf_t *out) {
    int rc = Z_OK;

    c->gzip.next_in = (Bytef *)(uintptr_t)data.data;
    c->gzip.avail_in = (uInt)data.len;
    do {
        if (sluice_buf_reserve(out, STEP) != SLUICE_OK)
            return SLUICE_NO_MEMORY;
        c->gzip.next_out = (Bytef *)out->data + out->len;
        c->gzip.avail_out = STEP;
        rc = deflate(&c->gzip, flush);
        out->len += STEP - c->gzip.avail_out;
    } while (c->gzip.avail_in > 0 || c->gzip.avail_out == 0);
    return rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR ? SLUICE_OK : SLUICE_NO_MEMORY;
}

static int zstd(compressor_t *c, sluice_str_t data, ZSTD_EndDirective how, sluice_buf_t *out) {
    ZSTD_inBuffer in = {data.data, data.len, 0};
    size_t left;

    do {
        ZSTD_outBuffer room;

        if (sluice_buf_reserve(out, STEP) != SLUICE_OK)
            return SLUICE_NO_MEMORY;
        room = (ZSTD_outBuffer){out->data + out->len, out->cap - out->len, 0};
        left = ZSTD_compressStream2(c->zstd, &room, &in, how);
        if (ZSTD_isError(left))
            return SLUICE_NO_MEMORY;
        out->len += room.pos;
    } while (in.pos < in.size || (how == ZSTD_e_end && left > 0));
    return SLUICE_OK;
}

static int lz4_took(sluice_buf_t *out, size_t n) {
    if (LZ4F_isError(n))
        return SLUICE_NO_MEMORY;
    out->len += n;
    return SLUICE_OK;
}

static int lz4_begin(compressor_t *c, sluice_buf_t *out) {
    LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;

    preferences.compressionLevel = c->level < 0 ? 0 : c->level;
    preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
    if (sluice_buf_reserve(out, LZ4F_HEADER_SIZE_MAX) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    c->started = 1;
    return lz4_took(
        out, LZ4F_compressBegin(c->lz4, out->data + out->len, out->cap - out->len, &preferences));
}

static int lz4(compressor_t *c, sluice_str_t data, int end, sluice_buf_t *out) {
    size_t bound = LZ4F_compressBound(data.len, NULL);
    char *to;

    if (!c->started && lz4_begin(c, out) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    if (sluice_buf_reserve(out, bound) != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    to = out->data + out->len;
    if (end)
        return lz4_took(out, LZ4F_compressEnd(c->lz4, to, out->cap - out->len, NULL));
    return lz4_took(
        out, LZ4F_compressUpdate(c->lz4, to, out->cap - out->len, data.data, data.len, NULL));
}

int compressor_write(compressor_t *c, sluice_str_t data, sluice_buf_t *out) {
    if (data.len == 0)
        return SLUICE_OK;
    switch (c->kind) {
    case COMPRESS_GZIP: return gzip(c, data, Z_NO_FLUSH, out);
    case COMPRESS_ZSTD: return zstd(c, data, ZSTD_e_continue, out);
    case COMPRESS_LZ4: return lz4(c, data, 0, out);
    default: sluice_buf_put_str(out, data); return out->status;
    }
}

int compressor_finish(compressor_t *c, sluice_buf_t *out) {
    switch (c->kind) {
    case COMPRESS_GZIP: return gzip(c, sluice_str(""), Z_FINISH, out);
    case COMPRESS_ZSTD: return zstd(c, sluice_str(""), ZSTD_e_end, out);
    case COMPRESS_LZ4: return lz4(c, sluice_str(""), 1, out);
    default: return out->status;
    }
}
