/*
 * What the files of faka-journal share: where a journal is read from, and the
 * commands that read it.
 *
 * Nothing here writes to Redis.  Errors go to stderr with what to do; the
 * program's status is one of JOURNAL_*.
 */

#ifndef JOURNAL_H_INCLUDED_
#define JOURNAL_H_INCLUDED_


#include <stdarg.h>
#include <stdio.h>

#include "../engine/fk_journal.h"


#define JOURNAL_KEY_SIZE_MAX  256
#define JOURNAL_FIELDS_MAX    16       /* of one entry */
#define JOURNAL_ADDRESSES_MAX 8
#define JOURNAL_ADDRESS_SIZE  256
#define JOURNAL_RESTARTS_MAX  3        /* a shop that sells cuts its journal */

/* Of the entry by which a dump says how far a stream went that lacks its last
 * one; it is deleted at once. */
#define JOURNAL_FIELD_TOP     "top"

/* The program's status. */
#define JOURNAL_GOOD          0
#define JOURNAL_BAD           1        /* damaged, or the sums differ */
#define JOURNAL_UNREADABLE    2        /* or asked for in the wrong way */
#define JOURNAL_NEWER         3        /* good, and of a newer version */


/* An id of a stream: <epoch>-<number>. */
typedef struct {
    uint64_t  epoch;
    uint64_t  number;
} journal_id_t;

typedef struct {
    const char     *name;              /* with a NUL behind it */
    const uint8_t  *value;
    size_t          size;
} journal_field_t;

typedef struct {
    journal_id_t     id;
    uint32_t         field_count;
    journal_field_t  field[JOURNAL_FIELDS_MAX];
} journal_entry_t;

/* 0 to go on, anything else ends the reading and is its result. */
typedef int (*journal_entry_pt)(void *data, const journal_entry_t *entry);


typedef struct journal_source_s  journal_source_t;

typedef struct {
    const char  *file;                 /* a dump; NULL: Redis */
    uint32_t     address_count;        /* servers, nodes or sentinels */
    const char  *address[JOURNAL_ADDRESSES_MAX];
    const char  *sentinel;             /* the master's name, or NULL */
    const char  *sentinel_user;
    const char  *sentinel_password_file;
    const char  *user;
    const char  *password_file;
    int          db;
    const char  *shop;
    uint64_t     from_seq;
    uint64_t     to_seq;
    const char  *order;                /* text of an id, or NULL */
    int          snapshot;             /* print its parts, too */
    const char  *live;                 /* file with an audit, "-" for stdin */
    size_t       memory;
} journal_options_t;


/* journal_connect.c */

/* A connection that reads the shop's journal, or the end of the program. */
struct redisContext *journal_connect(const journal_options_t *options);


/* journal_source.c */

/* Ends the program if the source cannot be opened. */
journal_source_t *journal_open(const journal_options_t *options);
void journal_close(journal_source_t *source);

/*
 * Calls fn for each entry of the stream behind the id, in order, and returns
 * what fn returned, or 0 at the end.  A key that is not there has no entries.
 */
int journal_read(journal_source_t *source, const char *key,
    const journal_id_t *after, journal_entry_pt fn, void *data);

/* The same for a hash, in no order: each entry is a field, and has no id.  One
 * may come twice. */
int journal_read_hash(journal_source_t *source, const char *key,
    journal_entry_pt fn, void *data);

/* 1: what is read may change meanwhile. */
int journal_is_live(const journal_source_t *source);

/*
 * The last id that the stream gave out, though the entry may be gone since: of
 * a journal that was cut to nothing it is all that says how far it went.  0-0:
 * there is no such stream.
 */
void journal_top(journal_source_t *source, const char *key,
    journal_id_t *top);

int journal_id_after(const journal_id_t *id, const journal_id_t *after);

/* The keys of a shop: part is "journal", "snapshots", "snapshot:NAME" or
 * "strays". */
void journal_key(char key[JOURNAL_KEY_SIZE_MAX], const char *shop,
    const char *part);

const journal_field_t *journal_field(const journal_entry_t *entry,
    const char *name);


/* journal_snapshot.c */

typedef struct {
    char          begun[64];           /* behind it, not done; or empty */
    char          name[64];            /* empty: there is none */
    journal_id_t  id;                  /* of its "done" in the index */
    uint64_t      begin_seq;
    uint64_t      end_seq;
    uint64_t      parts_count;
    uint64_t      bytes;
    int           heals;               /* a journal that had lost records */
} journal_snapshot_t;

/* The latest snapshot that is complete. */
void journal_snapshot_find(journal_source_t *source, const char *shop,
    journal_snapshot_t *out);

/* 1: another one counts by now, so what was read may not belong together. */
int journal_snapshot_replaced(journal_source_t *source, const char *shop,
    const journal_snapshot_t *was);

/*
 * 1: the journal ends before the snapshot does, which is said on stderr; no
 * shop opens with it.  The snapshot must have been found before.
 */
int journal_snapshot_cut(journal_source_t *source, const char *shop,
    const journal_snapshot_t *snapshot);

/* Ends the program if there is nothing of this shop. */
void journal_must_be(journal_source_t *source, const char *shop);


/* journal_check.c */

/* Where in the journal something was found. */
typedef struct {
    const char    *key;
    journal_id_t   id;
    size_t         offset;             /* in the entry's value */
} journal_place_t;

/* Says what is wrong with which byte of which entry. */
__attribute__((format(printf, 2, 3)))
void journal_complain(const journal_place_t *place, const char *fmt, ...);

/*
 * The records of one value, each with a good checksum.  fn as for
 * journal_read; bad bytes are complained about and end it with 1.
 */
typedef int (*journal_record_pt)(void *data, const journal_place_t *place,
    const fk_record_head_t *head, const uint8_t *bytes);

int journal_records(const journal_place_t *place, const uint8_t *value,
    size_t size, journal_record_pt fn, void *data);


/* What the code says of a record whose checksum is good, on stderr; returns
 * JOURNAL_BAD or JOURNAL_NEWER. */
int journal_judged(const journal_place_t *place, fk_code_t code,
    uint32_t image);


/* The commands; each returns the status of the program. */
int journal_cmd_info(journal_source_t *source,
    const journal_options_t *options);
int journal_cmd_print(journal_source_t *source,
    const journal_options_t *options);
int journal_cmd_check(journal_source_t *source,
    const journal_options_t *options);
int journal_cmd_audit(journal_source_t *source,
    const journal_options_t *options);
int journal_cmd_dump(journal_source_t *source,
    const journal_options_t *options);


/*
 * journal_source.c: the decimal digits at the beginning of text, 64 bits of
 * them; returns how many, 0 if there is no such number.
 */
size_t journal_decimal(const char *text, uint64_t *number);

/* journal_main.c: the message goes to stderr, the program ends with 2. */
__attribute__((format(printf, 1, 2), noreturn))
void journal_fail(const char *fmt, ...);


#endif /* JOURNAL_H_INCLUDED_ */
