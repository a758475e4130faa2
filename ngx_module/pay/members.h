/*
 * The members of a JSON object as the fields of a form: what is signed where
 * a gateway signs "name=value" of JSON.  Private to the protocols.
 */

#ifndef FAKA_PAY_MEMBERS_H_INCLUDED_
#define FAKA_PAY_MEMBERS_H_INCLUDED_


#include "form.h"
#include "json.h"


/* Whose text of a value that is no string. */

typedef enum {
    /* null and false are empty, true is 1, numbers are as they came, arrays
     * and objects are left out. */
    PAY_MEMBERS_OF_PHP,

    /* null is empty, numbers have no zeros at the end ("28.880" is 28.88);
     * all else, a minus and an exponent too, is refused. */
    PAY_MEMBERS_OF_GO
} pay_members_e;

typedef struct {
    pay_form_t     form;
    unsigned char  bytes[PAY_FORM_INPUT_SIZE_MAX];
    size_t         size;
} pay_members_t;


/*
 * All members of object, in the order received; they point into members and
 * the text that was read.  false: no object, a name that no field of a form
 * may have, or more than a form may hold.
 */

bool pay_members_read(const pay_json_token_t *object, pay_members_e whose,
    pay_members_t *members);


#endif /* FAKA_PAY_MEMBERS_H_INCLUDED_ */
