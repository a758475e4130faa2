'use strict';

/*
 * The state file: each change of the book is one JSON line, written and
 * synced before the change is made in memory, and replayed at start.
 */

const fs = require('node:fs');


class StateFile {
    /*
     * Replays what is there: apply(record) throws if it does not fit.  A last
     * line without its end was being written when the gateway died; nobody
     * was answered for it, so it is cut off.  Any other damage refuses the
     * start.
     */

    constructor(file, apply) {
        this.fd = fs.openSync(file, 'a+', 0o600);

        const data = fs.readFileSync(this.fd);
        const whole = data.lastIndexOf(0x0a) + 1;
        const lines = data.subarray(0, whole).toString('utf8').split('\n');

        lines.pop();
        lines.forEach((line, i) => {
            try {
                apply(JSON.parse(line));
            } catch (e) {
                throw new Error(`${file}:${i + 1}: ${e.message}`);
            }
        });

        this.size = whole;
        fs.ftruncateSync(this.fd, whole);
    }


    /* A line that did not fit the disk must not stand before the next. */

    append(record) {
        const line = Buffer.from(JSON.stringify(record) + '\n');

        try {
            fs.writeFileSync(this.fd, line);
            fs.fsyncSync(this.fd);
            this.size += line.length;

        } catch (e) {
            fs.ftruncateSync(this.fd, this.size);
            throw e;
        }
    }


    reset() {
        fs.ftruncateSync(this.fd, 0);
        fs.fsyncSync(this.fd);
        this.size = 0;
    }


    close() {
        fs.closeSync(this.fd);
    }
}


module.exports = { StateFile };
