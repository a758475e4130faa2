/*
 * Short texts for people (what is wrong, and where) into a buffer of a fixed
 * size: always with a NUL, cut off where the buffer ends.
 */

#ifndef FK_TEXT_H_INCLUDED_
#define FK_TEXT_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


typedef struct {
    char    *at;
    size_t   left;                     /* with the NUL */
} fk_text_t;


/* size is 1 or more. */
void fk_text_init(fk_text_t *text, char *buf, size_t size);
void fk_text_add(fk_text_t *text, const char *words);
void fk_text_num(fk_text_t *text, int64_t n);


#endif /* FK_TEXT_H_INCLUDED_ */
