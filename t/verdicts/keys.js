'use strict';

/* New keys for each run; `files` are what the judge reads. */

const crypto = require('node:crypto');

const BITS = 2048;


function makeKeys() {
    const pair = () => crypto.generateKeyPairSync('rsa',
        { modulusLength: BITS });
    const pem = (key) => key.export({ format: 'pem',
        type: key.type === 'private' ? 'pkcs8' : 'spki' });
    const secret = (size) => crypto.randomBytes(size).toString('hex');
    const [own, gateway, previous, other] = [pair(), pair(), pair(), pair()];
    const texts = { apiv3: [secret(16), secret(16)],
        webhook: [`whsec_${secret(16)}`, `whsec_${secret(16)}`] };

    return { own, gateway, previous, other, pem, ...texts, files: {
        'own.key': pem(own.privateKey),
        'gateway.pub': pem(gateway.publicKey),
        'previous.pub': pem(previous.publicKey),
        'apiv3.key': texts.apiv3[0],
        'apiv3-previous.key': texts.apiv3[1],
        'webhook.key': texts.webhook[0],
        'webhook-previous.key': texts.webhook[1],
    } };
}


module.exports = { makeKeys };
