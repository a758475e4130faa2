/*
 * Base64 (RFC 4648, section 4), as strict as a signature deserves: one text
 * for one run of bytes and no other.
 */

#ifndef FAKA_PAY_BASE64_H_INCLUDED_
#define FAKA_PAY_BASE64_H_INCLUDED_


#include "pay_str.h"


#define PAY_BASE64_SIZE(bytes)  (((bytes) + 2) / 3 * 4)


/*
 * Decodes text into out.  false: out_size is too small, or text has anything
 * but A-Z a-z 0-9 + /, exact padding, and zeroes in the bits that the padding
 * leaves over; *size is 0 then.  Nothing is skipped, no line break either.
 */

bool pay_base64_decode(pay_str_t text, unsigned char *out, size_t out_size,
    size_t *size);

/* Writes PAY_BASE64_SIZE(size) characters, not terminated. */

void pay_base64_encode(const unsigned char *data, size_t size, char *out);


#endif /* FAKA_PAY_BASE64_H_INCLUDED_ */
