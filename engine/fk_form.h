/*
 * How an image's bytes are laid out: the fields of each type and version, for
 * fk_image.c, which writes and reads by them.  Private to these two.
 */

#ifndef FK_FORM_H_INCLUDED_
#define FK_FORM_H_INCLUDED_


#include "fk_journal.h"


typedef enum {
    FK_FIELD_NUMBER = 0,
    FK_FIELD_BYTES,                    /* always max of them */
    FK_FIELD_LIST                      /* count of them, at most max */
} fk_field_kind_t;


typedef struct {
    uint8_t   kind;                    /* fk_field_kind_t */
    uint8_t   width;                   /* of the number or element */
    uint16_t  offset;
    uint16_t  count_offset;            /* LIST: of its uint16_t count */
    uint16_t  max;
} fk_field_t;


typedef struct {
    const fk_field_t  *field;
    uint32_t           field_count;    /* 0: no such version */
} fk_form_t;


/* Versions count from 1, so the first form stands at 0. */
typedef struct {
    fk_form_t  form[FK_IMAGE_VERSIONS];
    uint32_t   newest;                 /* the version that is written */
    uint32_t   size_max;
} fk_kind_forms_t;


extern const fk_kind_forms_t  fk_forms[FK_IMAGE_LAST];


#endif /* FK_FORM_H_INCLUDED_ */
