/*
 * The transition table, exhaustively: every payment x stock x delivery state,
 * every event, with and without stock left.  What is expected stands here as
 * lines of text, written from the rules and not from the table.
 */

#include "engine_shop.h"


static const char *const  payments[] = {
    "unpaid", "paid", "refunding", "refunded"
};

static const char *const  stocks[] = {
    "held", "released", "allocated", "short", "voided"
};

static const char *const  deliveries[] = {
    "none", "review", "ready", "shipped", "done"
};

/* event, stock left (+ yes, - no, * either), from, to */
static const char *const  allowed[] = {
    "pay * unpaid held none > paid allocated done",
    "pay + unpaid released none > paid allocated done",
    "pay - unpaid released none > paid short none",
    "pay * unpaid held review > paid allocated review",
    "pay * unpaid released review > paid released review",
    "pay_review * unpaid held none > paid allocated review",
    "pay_review * unpaid held review > paid allocated review",
    "pay_review * unpaid released none > paid released review",
    "pay_review * unpaid released review > paid released review",
    "mispay * unpaid held none > unpaid held review",
    "mispay * unpaid held review > unpaid held review",
    "mispay * unpaid released none > unpaid released review",
    "mispay * unpaid released review > unpaid released review",
    "expire * unpaid held none > unpaid released none",
    "expire * unpaid held review > unpaid released review",
    "cancel * unpaid held none > unpaid released none",
    "serve + paid short none > paid allocated done",
    "approve * unpaid held review > paid allocated done",
    "approve * paid held review > paid allocated done",
    "approve * paid allocated review > paid allocated done",
    "approve + unpaid released review > paid allocated done",
    "approve - unpaid released review > paid short none",
    "approve + paid released review > paid allocated done",
    "approve - paid released review > paid short none",
    "deny * unpaid held review > refunding released none",
    "deny * unpaid released review > refunding released none",
    "deny * unpaid allocated review > refunding released none",
    "deny * paid held review > refunding released none",
    "deny * paid released review > refunding released none",
    "deny * paid allocated review > refunding released none",
    "give_up * paid short none > refunding released none",
    "refunded * refunding released none > refunded released none",
    "refunded * refunding voided none > refunded voided none",
    "revoke * paid allocated review > refunding voided none",
    "revoke * paid allocated done > refunding voided none",
    "returned * paid short none > paid released review",
    "returned * unpaid held review > unpaid held review",
    "returned * unpaid released review > unpaid released review",
    "returned * unpaid allocated review > unpaid allocated review",
    "returned * paid held review > paid held review",
    "returned * paid released review > paid released review",
    "returned * paid allocated review > paid allocated review",
    "returned * paid allocated done > paid allocated done",
};

#define ALLOWED_COUNT  (sizeof(allowed) / sizeof(allowed[0]))

/* The one word, for the states that orders can be in. */
static const struct {
    const char  *axes;
    int          cancelled;
    const char  *word;
} words[] = {
    { "unpaid held none", 0, "awaiting_payment" },
    { "unpaid released none", 0, "expired" },
    { "unpaid released none", 1, "cancelled" },
    { "unpaid held review", 0, "under_review" },
    { "unpaid released review", 0, "under_review" },
    { "unpaid released review", 1, "under_review" },
    { "paid allocated review", 0, "under_review" },
    { "paid released review", 0, "under_review" },
    { "paid allocated done", 0, "delivered" },
    { "paid allocated done", 1, "delivered" },
    { "paid allocated ready", 0, "ready" },
    { "paid allocated shipped", 0, "shipped" },
    { "paid short none", 0, "waiting_for_stock" },
    { "refunding released none", 0, "refund_due" },
    { "refunded released none", 0, "refunded" },
    { "refunding voided none", 0, "refund_due" },
    { "refunded voided none", 0, "refunded" },
};


static fk_axes_t  all[FK_PAYMENT_COUNT * FK_STOCK_COUNT * FK_DELIVERY_COUNT];
static unsigned   all_count;


static void
axes_text(const fk_axes_t *axes, char *text, size_t size)
{
    snprintf(text, size, "%s %s %s", payments[axes->payment],
             stocks[axes->stock], deliveries[axes->delivery]);
}


/* The line that allows this, or NULL. */
static const char *
find_line(const fk_axes_t *from, fk_event_t event, int left)
{
    char      key[128], axes[64];
    size_t    size;
    unsigned  i, n;

    static const char  lefts[2][2] = { { '-', '*' }, { '+', '*' } };

    axes_text(from, axes, sizeof(axes));

    for (n = 0; n < 2; n++) {
        size = (size_t) snprintf(key, sizeof(key), "%s %c %s > ",
                                 fk_event_word[event], lefts[left][n], axes);

        for (i = 0; i < ALLOWED_COUNT; i++) {
            if (strncmp(allowed[i], key, size) == 0) {
                return allowed[i];
            }
        }
    }

    return NULL;
}


/* Returns whether the engine does what the lines say. */
static int
try_one(const fk_axes_t *from, fk_event_t event, int left, unsigned *moved)
{
    char         to[64];
    fk_axes_t    next;
    fk_code_t    code;
    const char  *line;

    memset(&next, 0xee, sizeof(next));
    code = fk_next_state(from, event, left, &next);
    line = find_line(from, event, left);

    if (line == NULL) {
        return code == FK_CONFLICT && next.payment == 0xee;
    }

    if (code != FK_OK) {
        return 0;
    }

    (*moved)++;
    axes_text(&next, to, sizeof(to));

    return strcmp(strchr(line, '>') + 2, to) == 0
           && next.cancelled == (event == FK_EVENT_CANCEL || from->cancelled);
}


static void
test_transitions(void)
{
    int         left, cancelled;
    unsigned    i, event, tried, moved, wrong;
    fk_axes_t   from;

    tried = 0;
    moved = 0;
    wrong = 0;

    for (i = 0; i < all_count; i++) {
        for (event = 0; event < FK_EVENT_COUNT; event++) {
            for (left = 0; left < 2; left++) {
                for (cancelled = 0; cancelled < 2; cancelled++) {
                    from = all[i];
                    from.cancelled = (uint8_t) cancelled;
                    tried++;

                    if (!try_one(&from, (fk_event_t) event, left, &moved)) {
                        wrong++;
                        printf("#   %s from %s %s %s, stock %d\n",
                               fk_event_word[event], payments[from.payment],
                               stocks[from.stock],
                               deliveries[from.delivery], left);
                    }
                }
            }
        }
    }

    EQ_INT(tried, 4 * 5 * 5 * 12 * 2 * 2, "every state, event and stock");
    EQ_INT(wrong, 0, "each does what the rules say");

    /* 7 lines name their stock, the others hold with and without. */
    EQ_INT(moved, (7 + (ALLOWED_COUNT - 7) * 2) * 2,
           "and every line of the rules was met");
}


/* Whatever happens to an order, it ends in a state with a word of its own. */
static void
test_reachable(void)
{
    int        left, found, grown;
    unsigned   i, n, event, count;
    fk_axes_t  next, reached[64];

    memset(reached, 0, sizeof(reached));
    count = 1;

    do {
        grown = 0;

        for (i = 0; i < count; i++) {
            for (event = 0; event < FK_EVENT_COUNT * 2; event++) {
                left = (int) (event & 1);

                if (fk_next_state(&reached[i], (fk_event_t) (event / 2), left,
                                  &next) != FK_OK)
                {
                    continue;
                }

                found = 0;
                for (n = 0; n < count; n++) {
                    found |= memcmp(&reached[n], &next, sizeof(next)) == 0;
                }

                if (!found && count < 64) {
                    reached[count++] = next;
                    grown = 1;
                }
            }
        }
    } while (grown);

    for (i = 0; i < count; i++) {
        char  text[64];

        axes_text(&reached[i], text, sizeof(text));
        found = 0;

        for (n = 0; n < sizeof(words) / sizeof(words[0]); n++) {
            found |= strcmp(words[n].axes, text) == 0;
        }

        OK(found, "reachable and named: %s, cancelled %d", text,
           reached[i].cancelled);
    }
}


static void
test_words(void)
{
    char         text[64];
    unsigned     i, n;
    fk_axes_t    axes;
    const char  *word;

    for (n = 0; n < sizeof(words) / sizeof(words[0]); n++) {
        for (i = 0; i < all_count; i++) {
            axes = all[i];
            axes.cancelled = (uint8_t) words[n].cancelled;
            axes_text(&axes, text, sizeof(text));

            if (strcmp(text, words[n].axes) == 0) {
                word = fk_status_word[fk_status_of(&axes)];
                EQ_STR(word, words[n].word, "%s is %s", text, word);
            }
        }
    }
}


int
main(void)
{
    unsigned  p, s, d;

    for (p = 0; p < FK_PAYMENT_COUNT; p++) {
        for (s = 0; s < FK_STOCK_COUNT; s++) {
            for (d = 0; d < FK_DELIVERY_COUNT; d++) {
                all[all_count++] = (fk_axes_t) { (uint8_t) p, (uint8_t) s,
                                                 (uint8_t) d, 0 };
            }
        }
    }

    test_transitions();
    test_reachable();
    test_words();

    return tap_done();
}
