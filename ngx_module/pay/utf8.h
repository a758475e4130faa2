/*
 * Strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above
 * U+10FFFF, no cut sequences.  Runs of ASCII go eight bytes at a time,
 * because each line of an import of a million cards passes here.
 */

#ifndef FAKA_PAY_UTF8_H_INCLUDED_
#define FAKA_PAY_UTF8_H_INCLUDED_


#include "pay_str.h"


/* The empty text is valid; NUL (U+0000) is a character like any other. */

bool pay_utf8_valid(pay_str_t text);

/* How many bytes of the text are valid, before the first that are not. */

size_t pay_utf8_prefix(pay_str_t text);

/* Valid, and without control characters: U+0000-1F, U+007F-9F.  For names
 * and contacts, which end up in logs, mails and pages. */

bool pay_utf8_printable(pay_str_t text);


#endif /* FAKA_PAY_UTF8_H_INCLUDED_ */
