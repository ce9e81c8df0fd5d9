#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static ssize_t read_at(int fd, char *to, size_t len, int64_t offset) {
    size_t done = 0;
    ssize_t n = 1;

    while (done < len && n > 0) {
        n = pread(fd, to + done, len - done, (off_t)(offset + (int64_t)done));
        if (n < 0)
            return -1;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

/* Reads the CSV header of the open file. Not there yet: stays without. */
static void read_header(file_source_t *f) {
    size_t room = f->line_max < 1 << 20 ? f->line_max : 1 << 20;
    char *text = malloc(room);
    ssize_t n = text == NULL ? -1 : read_at(f->fd, text, room, 0);
    size_t len = n <= 0 ? 0 : line_length(FORMAT_CSV, text, (size_t)n);
    int columns;

    free(f->header);
    f->header = text;
    f->header_len = f->name_count = 0;
    if (len == 0)
        return;
    f->header_len = len;
    for (len--; len > 0 && text[len - 1] == '\r';)
        len--;
    columns = csv_split(text, len, f->delimiter, f->names);
    f->name_count = columns < 0 ? 0 : (uint32_t)columns;
    if (columns < 0)
        f->error = EBADMSG;
}

static void open_file(file_source_t *f) {
    f->fd = open(f->path, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0)
        f->error = errno;
    else if (f->format == FORMAT_CSV)
        read_header(f);
}

/* Whether the path leads to another file by now, or the file is shorter than what was read. */
static int was_replaced(const file_source_t *f) {
    struct stat opened, named;

    if (fstat(f->fd, &opened) != 0)
        return 0;
    if (opened.st_size < f->offset)
        return 1;
    return f->follow && stat(f->path, &named) == 0 &&
           (named.st_ino != opened.st_ino || named.st_dev != opened.st_dev);
}

void file_read_piece(void *self) {
    file_source_t *f = self;
    ssize_t n;

    f->len = 0;
    f->error = 0;
    f->replaced = 0;
    if (f->fd < 0)
        open_file(f);
    if (f->fd < 0 || f->error != 0)
        return;
    if (f->format == FORMAT_CSV && f->header_len == 0)
        read_header(f);
    if (f->format == FORMAT_CSV && f->offset < (int64_t)f->header_len)
        f->offset = (int64_t)f->header_len;
    if (f->data == NULL)
        f->data = malloc(f->piece);
    n = f->data == NULL ? -1 : read_at(f->fd, f->data, f->piece, f->offset);
    if (n < 0)
        f->error = f->data == NULL ? ENOMEM : errno;
    else
        f->len = (size_t)n;
    if (n >= 0 && (size_t)n < f->piece)
        f->replaced = was_replaced(f);
}
