/*
 * sluice/config.h: a plugin's options, declared once.
 *
 * What this is: one const table a plugin. The host parses, checks and documents from it: defaults,
 * ranges, nearest-name hints, `sluice validate`, the REST validate answer, `sluice plugins
 * describe` and the README table.
 * Ownership: static data of the plugin, resident until the process ends. Threads: read-only, any.
 */
#ifndef SLUICE_CONFIG_H
#define SLUICE_CONFIG_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How the text of an option is understood. Names of the first nine are those of Connect's
 * ConfigDef.Type. */
typedef enum sluice_option_type {
    SLUICE_OPT_STRING = 0,
    SLUICE_OPT_INT = 1,      /* 32 bit */
    SLUICE_OPT_LONG = 2,     /* 64 bit */
    SLUICE_OPT_SHORT = 3,
    SLUICE_OPT_DOUBLE = 4,
    SLUICE_OPT_BOOLEAN = 5,  /* true | false, any case */
    /* comma separated, blanks around items dropped; a JSON array of strings in a descriptor */
    SLUICE_OPT_LIST = 6,
    SLUICE_OPT_CLASS = 7,    /* the name or alias of a plugin */
    SLUICE_OPT_PASSWORD = 8, /* as STRING, never shown */
    SLUICE_OPT_DURATION = 9, /* milliseconds, or a number with ms, s, m, h, d */
    SLUICE_OPT_BYTES = 10,   /* bytes, or a number with k, m, g (powers of 1024) */
    SLUICE_OPT_ENUM = 11,    /* one of values, exact case first, any case accepted */
    SLUICE_OPT_REGEX = 12,   /* a PCRE2 pattern; checked to compile */
    SLUICE_OPT_JSON = 13     /* a JSON value; in flat Connect configs its text */
} sluice_option_type_t;

typedef enum sluice_importance {
    SLUICE_HIGH = 0,
    SLUICE_MEDIUM = 1,
    SLUICE_LOW = 2
} sluice_importance_t;

/* Option flags */
#define SLUICE_OPT_REQUIRED 0x01u   /* no default, must be given */
#define SLUICE_OPT_SECRET 0x02u     /* shown as [hidden] everywhere; implied by PASSWORD */
#define SLUICE_OPT_DEPRECATED 0x04u /* accepted with a warning; doc says what replaces it */
#define SLUICE_OPT_HIDDEN 0x08u     /* works, but is not listed */
/* name ends with '.': every key that begins with it is accepted, as text */
#define SLUICE_OPT_PREFIX 0x10u
/* min and max are checked (in the option's unit, list: number of items) */
#define SLUICE_OPT_RANGE 0x20u
/* 1.1: in no group, order -1, as Connect shows keys declared without; width and display name NONE
 * and the name unless given; `group` is not looked at */
#define SLUICE_OPT_UNGROUPED 0x40u
/* 1.1: `order` counts; else an option's order is its place in its group, from 1 */
#define SLUICE_OPT_ORDERED 0x80u
#define SLUICE_OPT_EXACT 0x100u     /* 1.1: ENUM: only in the case of its values */
/* 1.1: describes a key below a PREFIX option; read as the PREFIX's, listed by validate only */
#define SLUICE_OPT_DEFINITION 0x200u
/* 1.1: the host fills it in; shown only by Connect's definitions, as required there */
#define SLUICE_OPT_HOST 0x400u

/* How wide UIs draw the field (1.1). */
typedef enum sluice_width {
    SLUICE_WIDTH_AUTO = 0, /* after the type */
    SLUICE_WIDTH_NONE = 1,
    SLUICE_WIDTH_SHORT = 2,
    SLUICE_WIDTH_MEDIUM = 3,
    SLUICE_WIDTH_LONG = 4
} sluice_width_t;

/* One option. A plugin's table is an array of these; new members only ever come at the end (see
 * option_size). */
typedef struct sluice_option {
    const char *name;
    uint32_t type;                /* sluice_option_type_t */
    uint32_t flags;               /* SLUICE_OPT_* */
    const char *default_text;     /* as a user would write it; NULL: null, or required */
    int64_t min;
    int64_t max;
    const char *const *values;    /* ENUM: NULL-terminated; STRING: recommended values or NULL */
    /* older names, accepted with a warning; NULL-terminated, or NULL */
    const char *const *aliases;
    const char *group;            /* heading under which UIs show it; NULL: "Common" */
    uint32_t importance;          /* sluice_importance_t */
    const char *doc;              /* one line: what it does, unit included */
    /* since 1.1: what forms drawn from the table show */
    const char *display_name;       /* NULL: made of the name */
    /* options whose meaning hangs on this one; NULL-terminated, or NULL */
    const char *const *dependents;
    uint32_t width;                 /* sluice_width_t */
    int32_t order;                  /* with ORDERED */
} sluice_option_t;

#ifdef __cplusplus
}
#endif
#endif
