/*
 * Writes the URL that takes a buyer to the gateway.
 *
 * A bounded writer: after the first text that does not fit, full is set and
 * nothing more is written.
 */

#ifndef FAKA_PAY_URL_H_INCLUDED_
#define FAKA_PAY_URL_H_INCLUDED_


#include "form.h"


typedef struct {
    char    *data;
    size_t   size;
    size_t   room_size;
    bool     full;
} pay_url_t;


/* An empty one; room_size > 0 is that of data, the NUL included. */

void pay_url_begin(pay_url_t *url, char *data, size_t room_size);

void pay_url_text(pay_url_t *url, pay_str_t text);

/* A gateway's base without the slashes at its end: "https://pay.example" and
 * "https://pay.example/" are one. */

void pay_url_base(pay_url_t *url, pay_str_t base);

/* Percent-encoded: all but the unreserved characters of RFC 3986, without
 * "~", which PHP escaped for long. */

void pay_url_encoded(pay_url_t *url, pay_str_t value);

/* name=value with "&" behind it, for each field. */

void pay_url_fields(pay_url_t *url, const pay_form_t *form);

/* What was written from here on, as long as the writer's memory lives. */

pay_str_t pay_url_since(const pay_url_t *url, size_t from);

/* The path of an http(s) URL without a query: "/gateway.do"; "/" without
 * one. */

pay_str_t pay_url_path(pay_str_t url);

/* Terminates it; *length is 0 and data "" if it did not fit (false). */

bool pay_url_end(pay_url_t *url, size_t *length);


#endif /* FAKA_PAY_URL_H_INCLUDED_ */
