'use strict';

/* Random numbers by a seed (xorshift, 32 bits), and what is made of them. */

const LETTERS = 'ABCDEFGHJKMNPQRSTVWXYZ0123456789abcdefghjkmnpqrstvwxyz';


class Dice {
    constructor(seed) {
        this.state = (Math.imul(seed, 0x9e3779b1) ^ 0x2545f491) >>> 0 || 1;
    }

    /* 0 .. n - 1 */
    below(n) {
        let x = this.state;

        x ^= x << 13;
        x ^= x >>> 17;
        x ^= x << 5;
        this.state = x >>> 0;

        return this.state % n;
    }

    between(from, to) {
        return from + this.below(to - from + 1);
    }

    pick(list) {
        return list[this.below(list.length)];
    }

    text(size, letters = LETTERS) {
        return Array.from({ length: size }, () => this.pick(letters))
            .join('');
    }

    digits(size) {
        return this.text(size, '0123456789');
    }

    /* Text as people write it, in any script, also with what parts forms. */
    words() {
        return Array.from({ length: this.between(0, 12) }, () => this.pick([
            'a', 'Z', '7', ' ', '+', '%', '&', '=', '"', '\\', '/', '<', '\'',
            '{', '}', ',', ':', '.', '~', '\u00e9', '\u5361', '\u{1f600}',
        ])).join('');
    }

    shuffled(list) {
        const all = [...list];

        for (let i = all.length - 1; i > 0; i--) {
            const j = this.below(i + 1);

            [all[i], all[j]] = [all[j], all[i]];
        }

        return all;
    }

    /* One bit of a byte, a byte put in, taken out, put in twice, or the end
     * cut off. */
    spoil(bytes) {
        const at = this.below(bytes.length || 1);
        const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
        const byte = Buffer.from([this.below(256)]);

        switch (this.below(6)) {
        case 0:
        case 1:
            return bytes.length === 0 ? byte : Buffer.concat([head,
                Buffer.from([tail[0] ^ 1 << this.below(8)]),
                tail.subarray(1)]);
        case 2:
            return Buffer.concat([head, byte, tail]);
        case 3:
            return Buffer.concat([head, tail.subarray(1)]);
        case 4:
            return Buffer.concat([head, tail.subarray(0, 1), tail]);
        default:
            return head;
        }
    }

    /* .. and of a text of bytes (latin1). */
    spoilText(text) {
        return this.spoil(Buffer.from(text, 'latin1')).toString('latin1');
    }

    /* Base64 that a lenient reader takes for the same bytes. */
    looseBase64(text) {
        const at = this.between(1, text.length - 4);
        const put = (what) => text.slice(0, at) + what + text.slice(at);

        return this.pick([
            () => put('\n'), () => put(' '), () => put('-').replace('-', '*'),
            () => text.replace(/\+/g, '-').replace(/\//g, '_'),
            () => text.replace(/=+$/, ''), () => text + 'AAAA',
            () => text + '=', () => text + ' ',
        ])();
    }
}


module.exports = { Dice };
