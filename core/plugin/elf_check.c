#include "plugin/elf_check.h"

#include "sluice/error.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#elif defined(__riscv)
#define OWN_MACHINE EM_RISCV
#elif defined(__i386__)
#define OWN_MACHINE EM_386
#elif defined(__arm__)
#define OWN_MACHINE EM_ARM
#elif defined(__powerpc64__)
#define OWN_MACHINE EM_PPC64
#elif defined(__s390x__)
#define OWN_MACHINE EM_S390
#else
#error "add the ELF machine of this architecture"
#endif
#define OWN_CLASS (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32)
#define OWN_DATA  (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB)

typedef struct elf {
    const char *path;
    int fd;
    uint64_t size;
    char *error;
    size_t error_size;
} elf_t;

__attribute__((format(printf, 2, 3))) static int refuse(elf_t *e, const char *fmt, ...) {
    int n = snprintf(e->error, e->error_size, "%s: ", e->path);
    va_list args;

    va_start(args, fmt);
    if (n >= 0 && (size_t)n < e->error_size)
        vsnprintf(e->error + n, e->error_size - (size_t)n, fmt, args);
    va_end(args);
    return SLUICE_INVALID;
}

static const char *machine_name(unsigned machine) {
    static const struct {
        unsigned machine;
        const char *name;
    } names[] = {
        {EM_X86_64, "x86-64"}, {EM_AARCH64, "aarch64"}, {EM_RISCV, "riscv"}, {EM_386, "x86"},
        {EM_ARM, "arm"},       {EM_PPC64, "ppc64"},     {EM_S390, "s390"},
    };
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].machine == machine)
            return names[i].name;
    return "another machine";
}

static int incomplete(elf_t *e, uint64_t expected) {
    return refuse(e,
                  "incomplete: its ELF headers promise %llu bytes, the file has %llu. Copy it "
                  "again (to a temporary name, then rename)",
                  (unsigned long long)expected, (unsigned long long)e->size);
}

static int read_at(elf_t *e, void *to, size_t size, uint64_t offset) {
    if (offset > e->size || size > e->size - offset)
        return incomplete(e, offset > UINT64_MAX - size ? UINT64_MAX : offset + size);
    if (pread(e->fd, to, size, (off_t)offset) != (ssize_t)size)
        return refuse(e, "cannot be read: %s", strerror(errno));
    return SLUICE_OK;
}

static int check_head(elf_t *e, const ElfW(Ehdr) * head) {
    if (memcmp(head->e_ident, ELFMAG, SELFMAG) != 0)
        return refuse(e, "no shared object: expected an ELF file, found something else. Put only "
                         "compiled plugins (.so) into the plugin path");
    if (head->e_ident[EI_CLASS] != OWN_CLASS || head->e_ident[EI_DATA] != OWN_DATA ||
        head->e_machine != OWN_MACHINE)
        return refuse(e, "built for %s (%s), this machine is %s (%s): build the plugin for %s",
                      head->e_ident[EI_DATA] == OWN_DATA ? machine_name(head->e_machine)
                                                         : "another byte order",
                      head->e_ident[EI_CLASS] == ELFCLASS64 ? "64 bit" : "32 bit",
                      machine_name(OWN_MACHINE), OWN_CLASS == ELFCLASS64 ? "64 bit" : "32 bit",
                      machine_name(OWN_MACHINE));
    if (head->e_type != ET_DYN)
        return refuse(e, "expected a shared object, found ELF type %u: link it with -shared",
                      (unsigned)head->e_type);
    if (head->e_phentsize != sizeof(ElfW(Phdr)) || head->e_phnum == 0 ||
        (head->e_shnum > 0 && head->e_shentsize != sizeof(ElfW(Shdr))))
        return refuse(e, "damaged: its ELF header has impossible sizes. Build or copy it again");
    return SLUICE_OK;
}

static int check_segments(elf_t *e, const ElfW(Ehdr) * head) {
    unsigned i;

    for (i = 0; i < head->e_phnum; i++) {
        ElfW(Phdr) segment;
        int status = read_at(e, &segment, sizeof(segment), head->e_phoff + i * sizeof(segment));
        if (status != SLUICE_OK)
            return status;
        if (segment.p_type == PT_INTERP)
            return refuse(e, "is a program, expected a shared object: link it with -shared");
        if (segment.p_filesz > e->size || segment.p_offset > e->size - segment.p_filesz)
            return incomplete(e, (uint64_t)segment.p_offset + segment.p_filesz);
    }
    return SLUICE_OK;
}

/* The section table stands at the end of what linkers write: a file cut short misses it, or part of
 * it. */
static int check_sections(elf_t *e, const ElfW(Ehdr) * head) {
    uint64_t table = (uint64_t)head->e_shnum * sizeof(ElfW(Shdr));
    unsigned i;

    if (head->e_shoff > e->size || table > e->size - head->e_shoff)
        return incomplete(e, (uint64_t)head->e_shoff + table);
    for (i = 0; i < head->e_shnum; i++) {
        ElfW(Shdr) section;
        int status = read_at(e, &section, sizeof(section), head->e_shoff + i * sizeof(section));
        if (status != SLUICE_OK)
            return status;
        if (section.sh_type != SHT_NOBITS && section.sh_type != SHT_NULL &&
            (section.sh_size > e->size || section.sh_offset > e->size - section.sh_size))
            return incomplete(e, (uint64_t)section.sh_offset + section.sh_size);
    }
    return SLUICE_OK;
}

static int check_open_file(elf_t *e) {
    ElfW(Ehdr) head;
    struct stat st;
    int status;

    if (fstat(e->fd, &st) != 0)
        return refuse(e, "cannot be read: %s", strerror(errno));
    if (!S_ISREG(st.st_mode))
        return refuse(e, "no regular file");
    e->size = (uint64_t)st.st_size;
    if (e->size == 0)
        return refuse(e, "is empty: copy it again");
    if (e->size < sizeof(head)) {
        char magic[SELFMAG] = {0};
        if (pread(e->fd, magic, SELFMAG, 0) != SELFMAG || memcmp(magic, ELFMAG, SELFMAG) != 0)
            return refuse(e,
                          "no shared object: expected an ELF file, found %llu bytes of "
                          "something else",
                          (unsigned long long)e->size);
        return incomplete(e, sizeof(head));
    }
    if ((status = read_at(e, &head, sizeof(head), 0)) != SLUICE_OK)
        return status;
    if ((status = check_head(e, &head)) != SLUICE_OK)
        return status;
    if ((status = check_segments(e, &head)) != SLUICE_OK)
        return status;
    return check_sections(e, &head);
}

int sl_elf_check(const char *path, char *error, size_t error_size) {
    elf_t e = {.path = path, .fd = -1, .error = error, .error_size = error_size};
    int status;

    e.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (e.fd < 0)
        return refuse(&e, "cannot be opened: %s", strerror(errno));
    status = check_open_file(&e);
    close(e.fd);
    return status;
}
