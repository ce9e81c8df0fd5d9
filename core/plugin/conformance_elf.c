#include "plugin/conformance_host.h"
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Symbols that linkers and sanitizers add by themselves. */
static int is_linkers_own(const char *name) {
    return strncmp(name, "__", 2) == 0 || strcmp(name, "_init") == 0 ||
           strcmp(name, "_fini") == 0 || strcmp(name, "_edata") == 0 || strcmp(name, "_end") == 0;
}

static int is_exported(const ElfW(Sym) * symbol) {
    unsigned bind = ELF64_ST_BIND(symbol->st_info);

    return symbol->st_shndx != SHN_UNDEF && (bind == STB_GLOBAL || bind == STB_WEAK) &&
           ELF64_ST_VISIBILITY(symbol->st_other) == STV_DEFAULT;
}

static int collect(const char *base, const ElfW(Shdr) * table, const ElfW(Shdr) * texts,
                   char *names, size_t size) {
    const ElfW(Sym) *symbol = (const void *)(base + table->sh_offset);
    size_t i, n = table->sh_size / sizeof(*symbol), used = 0;
    int found = 0;

    names[0] = '\0';
    for (i = 0; i < n; i++) {
        const char *name = base + texts->sh_offset + symbol[i].st_name;
        if (!is_exported(&symbol[i]) || is_linkers_own(name) || strcmp(name, "sluice_module") == 0)
            continue;
        if (used < size)
            used += (size_t)snprintf(names + used, size - used, "%s%s", found ? ", " : "", name);
        found++;
    }
    return found;
}

/* The file has passed sl_elf_check, so its tables lie inside of it. */
int cf_other_exports(const char *path, char *names, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC), found = 0;
    const ElfW(Ehdr) * head;
    const ElfW(Shdr) * section;
    struct stat st;
    unsigned i;
    void *base;

    names[0] = '\0';
    if (fd < 0)
        return 0;
    base = fstat(fd, &st) == 0 ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
                               : MAP_FAILED;
    close(fd);
    if (base == MAP_FAILED)
        return 0;
    head = base;
    section = (const void *)((const char *)base + head->e_shoff);
    for (i = 0; i < head->e_shnum; i++)
        if (section[i].sh_type == SHT_DYNSYM && section[i].sh_link < head->e_shnum)
            found = collect(base, &section[i], &section[section[i].sh_link], names, size);
    munmap(base, (size_t)st.st_size);
    return found;
}
