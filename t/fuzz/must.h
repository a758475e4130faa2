/*
 * What the fuzz targets share: the word for what holds whatever the input is,
 * and a reader of the input.
 */

#ifndef FAKA_FUZZ_MUST_H_INCLUDED_
#define FAKA_FUZZ_MUST_H_INCLUDED_


#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


/* Unlike assert(), not to be switched off. */

#define MUST(cond)                                                           \
    do {                                                                     \
        if (!(cond)) {                                                       \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);       \
            abort();                                                         \
        }                                                                    \
    } while (0)


typedef struct {
    const uint8_t  *data;
    size_t          size;
} fuzz_input_t;


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* A number of width bytes; what is not there counts as zeros. */
__attribute__((unused))
static uint64_t
fuzz_take(fuzz_input_t *in, size_t width)
{
    size_t    i;
    uint64_t  value;

    value = 0;

    for (i = 0; i < width && in->size > 0; i++) {
        value |= (uint64_t) *in->data++ << (8 * i);
        in->size--;
    }

    return value;
}


#endif /* FAKA_FUZZ_MUST_H_INCLUDED_ */
