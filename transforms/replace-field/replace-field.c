/*
 * The replace-field transforms: leave fields of the key, or of the value, out, or rename them, as
 * with Kafka Connect's ReplaceField.
 */
#include "support/connect/builder.h"
#include "support/connect/check.h"
#include "support/connect/map.h"
#include "support/connect/names.h"
#include "support/connect/smt.h"

#include <stdlib.h>

static const sluice_option_t options[] = {
    {.name = "exclude",
     .type = SLUICE_OPT_LIST,
     .flags = SLUICE_OPT_UNGROUPED,
     .default_text = "",
     .importance = SLUICE_MEDIUM,
     .doc = "Fields to exclude. This takes precedence over the fields to include."},
    {.name = "include",
     .type = SLUICE_OPT_LIST,
     .flags = SLUICE_OPT_UNGROUPED,
     .default_text = "",
     .importance = SLUICE_MEDIUM,
     .doc = "Fields to include. If specified, only these fields will be used."},
    {.name = "renames",
     .type = SLUICE_OPT_LIST,
     .flags = SLUICE_OPT_UNGROUPED,
     .default_text = "",
     .importance = SLUICE_MEDIUM,
     .doc = "Field rename mappings: old:new."},
    CONNECT_NULL_OPTION,
};

enum { LIKE_MAX = 64 }; /* members of maps whose names are noted */

typedef struct rename_pair {
    sluice_str_t from;
    sluice_str_t to;
} rename_pair_t;

typedef struct replace {
    smt_t smt;
    smt_list_t exclude;
    smt_list_t include;
    rename_pair_t *renames;
    size_t rename_count;
    uint64_t marks; /* of the names that may be left out or renamed: see mark_of */
    /* What became of a map of the names noted: its names, and the member that each value came from,
     * which stood in the same place or behind it. */
    uint32_t like_len;
    smt_bits_t like[LIKE_MAX];
    uint8_t from[LIKE_MAX];
    uint8_t moved[LIKE_MAX]; /* those that are not what stood there before, nor where it was */
    uint32_t moved_count;
} replace_t;

typedef struct plan {
    smt_plan_t head;
    int complete;  /* each field of the output comes from one of its schema */
    int64_t at[]; /* index in the input of each field of the output; -1: there is none */
} plan_t;

static int check(const sluice_api_t *api, sluice_ctx_t *ctx) {
    const char *const *items;
    size_t count = api->config_list(ctx, "renames", &items);
    sluice_str_t parts[2];
    char list[512];
    size_t i;

    for (i = 0; i < count && connect_split(sluice_str(items[i]), parts) == 2; i++) {}
    if (i == count)
        return SLUICE_OK;
    connect_list_text(api, ctx, "renames", list, sizeof(list));
    api->config_error(ctx, "renames",
                      "Invalid value %s for configuration renames: Invalid rename mapping: %s",
                      list, items[i]);
    return SLUICE_OK;
}

/* A later pair for the same field takes the place of an earlier one. */
static void add_rename(replace_t *p, sluice_str_t from, sluice_str_t to) {
    size_t i;

    for (i = 0; i < p->rename_count && !sluice_str_eq(p->renames[i].from, from); i++) {}
    p->renames[i] = (rename_pair_t){from, to};
    p->rename_count += i == p->rename_count;
}

/* One bit of 64, by length and first letter: names of another mark are other names. */
static uint64_t mark_of(const char *name, size_t len) {
    return (uint64_t)1 << ((8 * len + (len > 0 ? (unsigned char)*name : 0)) & 63);
}

static void add_mark(replace_t *p, sluice_str_t name) {
    p->marks |= mark_of(name.data, name.len);
}

static void note_marks(replace_t *p) {
    size_t i;

    if (p->include.count > 0)
        p->marks = UINT64_MAX;
    for (i = 0; i < p->exclude.count; i++)
        add_mark(p, p->exclude.items[i]);
    for (i = 0; i < p->rename_count; i++) {
        add_mark(p, p->renames[i].from);
        add_mark(p, p->renames[i].to);
    }
}

static int configure(void *self) {
    replace_t *p = self;
    int status = SLUICE_OK;
    const smt_list_t renames = smt_keep_list(&p->smt, "renames", &status);
    sluice_str_t parts[2];
    size_t i;

    p->exclude = smt_keep_list(&p->smt, "exclude", &status);
    p->include = smt_keep_list(&p->smt, "include", &status);
    p->renames = calloc(renames.count + 1, sizeof(*p->renames));
    if (p->renames == NULL || status != SLUICE_OK)
        return SLUICE_NO_MEMORY;
    for (i = 0; i < renames.count; i++)
        if (connect_split(renames.items[i], parts) == 2)
            add_rename(p, parts[0], parts[1]);
    note_marks(p);
    return SLUICE_OK;
}

static void release(void *self) {
    free(((replace_t *)self)->renames);
}

static int is_in(const smt_list_t *names, sluice_str_t name) {
    size_t i;

    for (i = 0; i < names->count; i++)
        if (sluice_str_eq(name, names->items[i]))
            return 1;
    return 0;
}

static int is_kept(const replace_t *p, sluice_str_t name) {
    return !is_in(&p->exclude, name) && (p->include.count == 0 || is_in(&p->include, name));
}

static sluice_str_t renamed(const replace_t *p, sluice_str_t name) {
    size_t i;

    for (i = 0; i < p->rename_count; i++)
        if (sluice_str_eq(p->renames[i].from, name))
            return p->renames[i].to;
    return name;
}

/* Whether a rename has to do with a name: others are as different as they were. */
static int is_touched(const replace_t *p, sluice_str_t name) {
    size_t i;

    for (i = 0; i < p->rename_count; i++)
        if (sluice_str_eq(p->renames[i].from, name) || sluice_str_eq(p->renames[i].to, name))
            return 1;
    return 0;
}

/* Where a field of the output comes from, as Connect looks it up: by its new name alone. */
static sluice_str_t old_name(const replace_t *p, sluice_str_t name) {
    size_t i;

    for (i = p->rename_count; i > 0; i--)
        if (sluice_str_eq(p->renames[i - 1].to, name))
            return p->renames[i - 1].from;
    return name;
}

/* The place of the member that this one becomes; -1: none. */
static int64_t replace_member(const replace_t *p, smt_map_t *map, const sluice_value_t *member) {
    const sluice_str_t name = sluice_value_str(member);
    sluice_value_t *place;

    if (!is_kept(p, name))
        return -1;
    if (!is_touched(p, name)) {
        smt_map_add(map, member);
        return map->len - 1;
    }
    place = smt_map_place(map, renamed(p, name));
    *place = member[1];
    return (place - map->items) / 2;
}

static void note_names(replace_t *p, const smt_map_t *map) {
    uint32_t i;

    p->moved_count = 0;
    for (i = 0; i < map->len; i++) {
        memcpy(&p->like[i], &map->items[2 * (size_t)i], sizeof(p->like[i]));
        if (p->from[i] != i ||
            memcmp(&p->like[i], &p->smt.names.keys[i], sizeof(p->like[i])) != 0)
            p->moved[p->moved_count++] = (uint8_t)i;
    }
    p->like_len = map->len;
}

/* The map may lie where the value does: what is written never passes what is read. */
static void replace_members(replace_t *p, const apply_t *a, const sluice_value_t *value,
                            smt_map_t *map) {
    uint32_t i;

    smt_map_note(&p->smt, a, value);
    if (value->len > LIKE_MAX)
        smt_map_forget(&p->smt);
    for (i = 0; i < value->len; i++) {
        const sluice_value_t member[2] = {value->as.items[2 * (size_t)i],
                                          value->as.items[2 * (size_t)i + 1]};
        int64_t to = map->len;

        if (member->kind != SLUICE_STRING)
            continue;
        if ((p->marks & mark_of(member->as.s, member->len)) == 0)
            smt_map_add(map, member); /* nothing that the configuration names */
        else
            to = replace_member(p, map, member);
        if (to >= 0 && i < LIKE_MAX)
            p->from[to] = (uint8_t)i;
    }
    if (p->smt.names.len > 0)
        note_names(p, map);
}

static inline void put_like(const replace_t *p, const sluice_value_t *items, uint32_t i,
                            smt_map_t *map) {
    memcpy(&map->items[2 * (size_t)i], &p->like[i], sizeof(p->like[i]));
    map->items[2 * (size_t)i + 1] = items[2 * (size_t)p->from[i] + 1];
}

static void replace_alike(const replace_t *p, const sluice_value_t *value, smt_map_t *map) {
    uint32_t i;

    map->len = p->like_len;
    for (i = 0; map->items == value->as.items && i < p->moved_count; i++)
        put_like(p, value->as.items, p->moved[i], map);
    for (i = 0; map->items != value->as.items && i < map->len; i++)
        put_like(p, value->as.items, i, map);
}

static int replace_in_map(replace_t *p, apply_t *a, sluice_value_t *value) {
    smt_map_t map;
    int status = smt_require_map(&p->smt, value);

    if (status == SLUICE_OK)
        status = smt_map_rebuild(&p->smt, a, value, &map);
    if (status != SLUICE_OK)
        return status;
    if (smt_map_is_like(&p->smt, a, value))
        replace_alike(p, value, &map);
    else
        replace_members(p, a, value, &map);
    smt_map_end_like(&map, &p->smt, value);
    return APPLY_CHANGED;
}

static plan_t *make_plan(replace_t *p, const sluice_schema_t *from) {
    plan_t *plan = calloc(1, sizeof(*plan) + from->field_count * sizeof(plan->at[0]));
    smt_builder_t b;
    uint32_t i;

    if (plan == NULL)
        return NULL;
    smt_builder_init(&b, &p->smt, SLUICE_STRUCT);
    smt_builder_copy(&b, from);
    for (i = 0; i < from->field_count; i++)
        if (is_kept(p, from->fields[i].name))
            smt_builder_field(&b, renamed(p, from->fields[i].name), from->fields[i].schema);
    plan->head.to = smt_builder_build(&b);
    if (plan->head.to == NULL) {
        free(plan);
        return NULL;
    }
    plan->complete = 1;
    for (i = 0; i < plan->head.to->field_count; i++) {
        const sluice_field_t *to = &plan->head.to->fields[i];

        plan->at[i] = p->smt.api->schema_field(from, old_name(p, to->name));
        if (plan->at[i] < 0 || from->fields[plan->at[i]].schema != to->schema)
            plan->complete = 0;
    }
    smt_plan_keep(&p->smt, from, &plan->head);
    return plan;
}

/* The same where each field suits the schema that it had, and so the same in the output. */
static int fill_plain(const plan_t *plan, const apply_t *a, const sluice_struct_t *old,
                      sluice_struct_t *st) {
    const smt_fit_t *fits = plan->head.fits;
    uint32_t i, count = st->schema->field_count;
    const int sound = smt_is_sound(a, old);
    int odd = 0;

    if (fits == NULL || !plan->complete || old->schema != plan->head.from)
        return 0;
    for (i = 0; sound && i < count; i++)
        st->fields[i] = old->fields[plan->at[i]];
    for (i = 0; !sound && i < count; i++) {
        const sluice_value_t *v = &old->fields[plan->at[i]];
        const smt_fit_t fit = fits[plan->at[i]];

        st->fields[i] = *v;
        odd |= (v->kind != fit.kind) & (v->kind != fit.other);
    }
    smt_set_sound(a, st, !odd);
    return !odd;
}

static int fill(replace_t *p, const apply_t *a, const plan_t *plan, const sluice_struct_t *old,
                sluice_struct_t *st) {
    const sluice_field_t *fields = st->schema->fields;
    uint32_t i;

    if (fill_plain(plan, a, old, st))
        return SLUICE_OK;
    for (i = 0; i < st->schema->field_count; i++) {
        const int64_t at = plan->at[i];
        sluice_str_t name;

        if (at >= 0 && smt_put(&p->smt, st, i,
                               smt_field(&p->smt, &old->fields[at],
                                         old->schema->fields[at].schema)) == SLUICE_OK)
            continue;
        if (at >= 0)
            return SLUICE_BAD_RECORD;
        name = old_name(p, fields[i].name);
        return smt_fail(&p->smt, DATA_EXCEPTION, "%.*s is not a valid field name", (int)name.len,
                        name.data);
    }
    return SLUICE_OK;
}

static int replace_in_struct(replace_t *p, apply_t *a, smt_side_t side) {
    plan_t *plan;
    sluice_struct_t *st;

    if (smt_require_struct(&p->smt, side.value) != SLUICE_OK)
        return SLUICE_BAD_RECORD;
    plan = (plan_t *)smt_plan_of(&p->smt, side.value->as.st->schema);
    if (plan == NULL && (plan = make_plan(p, side.value->as.st->schema)) == NULL)
        return SLUICE_BAD_RECORD;
    st = smt_struct(&p->smt, a, plan->head.to);
    if (st == NULL)
        return SLUICE_NO_MEMORY;
    if (fill(p, a, plan, side.value->as.st, st) != SLUICE_OK)
        return SLUICE_BAD_RECORD;
    *side.value = smt_struct_value(st);
    *side.schema = plan->head.to;
    return APPLY_CHANGED;
}

static int replace_record(void *self, apply_t *a, sluice_record_t *r) {
    replace_t *p = self;
    smt_side_t side = smt_side(&p->smt, r);

    if (side.value->kind == SLUICE_NULL)
        return APPLY_SAME;
    return *side.schema == NULL ? replace_in_map(p, a, side.value) : replace_in_struct(p, a, side);
}

static const smt_class_t replace_class = {.size = sizeof(replace_t),
                                          .purpose = "field replacement",
                                          .configure = configure,
                                          .release = release,
                                          .apply = replace_record};
SMT_DEFINE(replace_class);
SMT_DEFINE_KEY(replace_class);

static const sluice_plugin_t plugins[] = {
    SMT_PLUGIN("replace-field", "ReplaceField$Value", "Leaves out or renames fields of the value.",
               options, check, smt_on_value),
    SMT_PLUGIN("replace-field-key", "ReplaceField$Key", "Leaves out or renames fields of the key.",
               options, check, smt_on_key),
};

SLUICE_DEFINE_MODULE("replace-field", SLUICE_VERSION, "Apache-2.0", plugins);
