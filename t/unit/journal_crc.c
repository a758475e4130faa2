/*
 * CRC-32C: the known sums, and the two ways to get them.
 */

#include "fk_priv.h"
#include "tap.h"


int
main(void)
{
    size_t    i, size, at, wrong;
    uint8_t   data[600];
    uint32_t  state, whole, parts;

    EQ_INT(fk_crc32c(0, "", 0), 0, "nothing");
    EQ_INT(fk_crc32c(0, "123456789", 9), 0xe3069283, "the check value");

    /* From the iSCSI specification, RFC 3720, B.4. */
    memset(data, 0, 32);
    EQ_INT(fk_crc32c(0, data, 32), 0x8a9136aa, "32 zeroes");
    memset(data, 0xff, 32);
    EQ_INT(fk_crc32c(0, data, 32), 0x62a8ab43, "32 ones");

    for (i = 0; i < 32; i++) {
        data[i] = (uint8_t) i;
    }

    EQ_INT(fk_crc32c(0, data, 32), 0x46dd794e, "32 rising");
    EQ_INT(fk_crc32c_table(0, data, 32), 0x46dd794e, "32 rising, by table");

    state = 1;
    for (i = 0; i < sizeof(data); i++) {
        state = state * 1103515245 + 12345;
        data[i] = (uint8_t) (state >> 16);
    }

    wrong = 0;
    for (at = 0; at < 16; at++) {
        for (size = 0; size < 300; size++) {
            whole = fk_crc32c(0, data + at, size);
            parts = fk_crc32c(fk_crc32c(0, data + at, size / 3),
                              data + at + size / 3, size - size / 3);
            wrong += whole != parts
                     || whole != fk_crc32c_table(0, data + at, size);
        }
    }

    EQ_INT(wrong, 0, "table, instruction and parts agree");

    return tap_done();
}
