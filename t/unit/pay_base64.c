/*
 * Base64 as strict as a signature deserves: whatever decodes, encodes to the
 * same text again.  The counterparty is base64(1).
 */

#include "../../ngx_module/pay/base64.h"

#include "tap.h"

#include <unistd.h>


#define SIZES_MAX   64
#define FIRST_OF_4  "Aw/"              /* as good as any other */


static const char  alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789+/=";


/* --- known texts --------------------------------------------------------- */

static const struct {
    const char  *bytes;
    const char  *text;
} vectors[] = {
    { "", "" },
    { "f", "Zg==" },
    { "fo", "Zm8=" },
    { "foo", "Zm9v" },
    { "foob", "Zm9vYg==" },
    { "fooba", "Zm9vYmE=" },
    { "foobar", "Zm9vYmFy" }
};


static void
test_vectors(void)
{
    char           text[16];
    size_t         i, size, text_size;
    unsigned char  out[16];

    for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        size = strlen(vectors[i].bytes);
        text_size = PAY_BASE64_SIZE(size);
        EQ_INT(text_size, strlen(vectors[i].text), "RFC 4648: \"%s\"",
               vectors[i].bytes);

        pay_base64_encode((const unsigned char *) vectors[i].bytes, size,
                          text);
        EQ_MEM(text, text_size, vectors[i].text, text_size, "  encoded");

        OK(pay_base64_decode(pay_str(text, text_size), out, sizeof(out),
                             &size),
           "  decodes");
        EQ_MEM(out, size, vectors[i].bytes, strlen(vectors[i].bytes),
               "  to itself");
    }
}


/* Bytes with all bits in them, of every size, as base64(1) writes them. */

static void
test_sizes(void)
{
    int            fd;
    char           path[] = "/tmp/faka-base64-XXXXXX", command[256];
    char           line[128], text[PAY_BASE64_SIZE(SIZES_MAX)];
    FILE          *pipe;
    size_t         i, size, wrong;
    unsigned char  bytes[SIZES_MAX], out[SIZES_MAX];

    for (i = 0; i < SIZES_MAX; i++) {
        bytes[i] = (unsigned char) (0xff - i * 37);
    }

    fd = mkstemp(path);
    (void) snprintf(command, sizeof(command), "for i in $(seq 0 %d); do "
                    "head -c $i %s | base64 -w 0; echo; done", SIZES_MAX,
                    path);

    if (fd == -1 || write(fd, bytes, sizeof(bytes)) != SIZES_MAX
        || close(fd) == -1 || (pipe = popen(command, "r")) == NULL)
    {
        printf("Bail out! cannot run base64\n");
        exit(EXIT_FAILURE);
    }

    wrong = 0;

    for (i = 0; i <= SIZES_MAX && fgets(line, sizeof(line), pipe); i++) {
        line[strcspn(line, "\n")] = '\0';
        pay_base64_encode(bytes, i, text);
        wrong += strlen(line) != PAY_BASE64_SIZE(i)
                 || memcmp(line, text, strlen(line)) != 0;

        wrong += !pay_base64_decode(pay_str(line, strlen(line)), out,
                                    sizeof(out), &size)
                 || size != i || memcmp(out, bytes, size) != 0;
    }

    EQ_INT(pclose(pipe), 0, "base64(1) ran");
    EQ_INT(i, SIZES_MAX + 1, "  over each size");
    EQ_INT(wrong, 0, "  and both directions agree with it");
    (void) unlink(path);
}


/* --- strictness ---------------------------------------------------------- */

/* Is it refused, or the one text of what it decodes to? */

static bool
is_canonical(const char *text, size_t text_size, bool *decodes)
{
    char           again[64];
    size_t         size;
    unsigned char  out[64];

    *decodes = pay_base64_decode(pay_str(text, text_size), out, sizeof(out),
                                 &size);
    if (!*decodes) {
        return size == 0;
    }

    pay_base64_encode(out, size, again);

    return PAY_BASE64_SIZE(size) == text_size
           && memcmp(again, text, text_size) == 0;
}


/* Each character of these texts becomes each byte. */

static void
test_substitutions(void)
{
    int     c;
    bool    decodes;
    char    text[64];
    size_t  i, at, size, wrong, accepted;

    static const struct {
        const char  *text;
        size_t       accepted;
    } cases[] = {
        /* 64 each; "=" too where it is the last of four and fits */
        { "Zm9v", 4 * 64 },
        { "Zm8A", 4 * 64 + 1 },
        { "AAAA", 4 * 64 + 1 },
        /* a group "xyz=": 64, 64, 16, and 64 + "=" */
        { "Zm8=", 64 + 64 + 16 + 65 },
        /* a group "xy==": 64, 4, 16 + "=", and none but "=" */
        { "Zg==", 64 + 4 + 17 + 1 },
        { "Zm9vYmE=", 4 * 64 + 64 + 64 + 16 + 65 },
        { "////+/+/", 8 * 64 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size = strlen(cases[i].text);
        wrong = 0;
        accepted = 0;

        for (at = 0; at < size; at++) {
            for (c = 0; c < 256; c++) {
                memcpy(text, cases[i].text, size);
                text[at] = (char) c;
                wrong += !is_canonical(text, size, &decodes);
                accepted += decodes;
            }
        }

        EQ_INT(wrong, 0, "%s with any one byte in it", cases[i].text);
        EQ_INT(accepted, cases[i].accepted, "  is accepted so many times");
    }
}


/* All groups of four that begin with one of a few letters: 24 bits have one
 * text, and so have 16 and 8. */

static void
test_all_groups(void)
{
    bool         decodes;
    char         text[4];
    size_t       i, j, k, wrong, accepted;
    const char  *first;

    for (first = FIRST_OF_4; *first != '\0'; first++) {
        wrong = 0;
        accepted = 0;
        text[0] = *first;

        for (i = 0; i < 65; i++) {
            for (j = 0; j < 65; j++) {
                for (k = 0; k < 65; k++) {
                    text[1] = alphabet[i];
                    text[2] = alphabet[j];
                    text[3] = alphabet[k];
                    wrong += !is_canonical(text, 4, &decodes);
                    accepted += decodes;
                }
            }
        }

        EQ_INT(wrong, 0, "each group %c...", *first);
        EQ_INT(accepted, (1 << 18) + (1 << 10) + (1 << 2),
               "  one text for each run of bytes");
    }
}


static void
test_refusals(void)
{
    size_t         i, size;
    unsigned char  out[64];

#define T(text)   text, sizeof(text) - 1

    static const struct {
        const char  *what;
        const char  *text;
        size_t       size;
    } cases[] = {
        { "a newline at the end", T("Zm9vYmFy\n") },
        { "a newline that fills the group", T("Zm9vYmF\n") },
        { "a newline between groups", T("Zm9v\nYmFy") },
        { "four line breaks", T("Zm9v\n\n\n\n") },
        { "a space", T("Zm9v YmFy") },
        { "a space in place of +", T("Zm9v m9v") },
        { "a tab", T("\tZm9") },
        { "-", T("Zm9-") },
        { "_", T("Zm9_") },
        { "one letter", T("Z") },
        { "two letters", T("Zg") },
        { "three letters", T("Zm8") },
        { "padding that is one short", T("Zg=") },
        { "padding that is one long", T("Zm8==") },
        { "a group of padding", T("====") },
        { "a group of padding behind a good one", T("Zm9v====") },
        { "three of padding", T("Z===") },
        { "bytes behind =", T("Zm8=Zm8=") },
        { "bytes behind ==", T("Zg==Zm9v") },
        { "a byte between", T("Zg=A") },
        { "= in front", T("=Zm9") },
        { "a NUL", T("Zm9\0") },
        { "a NUL behind", T("Zm9v\0\0\0\0") },
        { "the high bit", T("Zm9\xf6") },
        { "spare bits of one =", T("Zm9=") },
        { "spare bits of two =", T("Zh==") }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size = 99;
        OK(!pay_base64_decode(pay_str(cases[i].text, cases[i].size), out,
                              sizeof(out), &size),
           "refused: %s", cases[i].what);
        EQ_INT(size, 0, "  without a size");
    }
}


/* One byte too few is refused, and nothing behind the room is touched. */

static void
test_room(void)
{
    char           text[PAY_BASE64_SIZE(SIZES_MAX)];
    size_t         i, j, size, wrong;
    unsigned char  bytes[SIZES_MAX], out[SIZES_MAX + 1];

    memset(bytes, 0x5a, sizeof(bytes));
    wrong = 0;

    for (i = 1; i <= SIZES_MAX; i++) {
        pay_base64_encode(bytes, i, text);

        for (j = 0; j <= i; j++) {
            memset(out, 0xa5, sizeof(out));
            wrong += pay_base64_decode(pay_str(text, PAY_BASE64_SIZE(i)),
                                       out, j, &size)
                     != (j == i)
                     || size != (j == i ? i : 0) || out[j] != 0xa5;
        }
    }

    EQ_INT(wrong, 0, "the room is kept, to the byte");
}


int
main(void)
{
    test_vectors();
    test_sizes();
    test_substitutions();
    test_all_groups();
    test_refusals();
    test_room();

    return tap_done();
}
