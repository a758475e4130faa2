'use strict';

/*
 * The certificates of Alipay's certificate mode, and their serial numbers as
 * Alipay counts them: MD5 of the issuer's name, most special part first, and
 * the serial number in decimal.
 */

const fs = require('node:fs');
const { X509Certificate } = require('node:crypto');
const php = require('./php.js');
const { md5 } = require('./sign.js');

/* 1.2.840.113549.1.1, under which the algorithms of RSA are. */

const RSA_OID = Buffer.from('2a864886f70d0101', 'hex');
const SEQUENCE = 0x30;
const OID = 0x06;

const FRAME = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;


/* All that are in a file, at least one. */

function certificates(file) {
    const list = fs.readFileSync(file, 'latin1').match(FRAME) ?? [];

    if (list.length === 0) {
        throw new Error(`${file}: no certificate in PEM`);
    }

    return list.map((text) => new X509Certificate(text));
}


function certificate(file) {
    return certificates(file)[0];
}


function serialOf(cert) {
    const issuer = cert.issuer.split('\n').reverse().join(',');

    return md5(php.fromUtf8(issuer + BigInt(`0x${cert.serialNumber}`)));
}


/* {tag, from, to} of what stands at `at` in DER. */

function element(der, at) {
    const first = der[at + 1];
    const sizeBytes = first < 0x80 ? 0 : first & 0x7f;
    const from = at + 2 + sizeBytes;
    const size = sizeBytes === 0 ? first : der.readUIntBE(at + 2, sizeBytes);

    return { tag: der[at], from, to: from + size };
}


/* Whether RSA has signed it: of the second member, the algorithm's id. */

function isRsaSigned({ raw: der }) {
    const outer = element(der, 0);
    const algorithm = element(der, element(der, outer.from).to);
    const id = element(der, algorithm.from);

    if (outer.tag !== SEQUENCE || algorithm.tag !== SEQUENCE
        || id.tag !== OID)
    {
        throw new Error('not a certificate');
    }

    return der.subarray(id.from, id.from + RSA_OID.length).equals(RSA_OID);
}


/* The serial number of a file of roots: of those that RSA has signed. */

function rootSerialOf(roots) {
    return roots.filter(isRsaSigned).map(serialOf).join('_');
}


/*
 * What an account with certificates adds: {own, wanted}, the serial number of
 * Alipay's and what a request has to name.  Null without.
 */

function certificateMode({ certificate: own, appCertificate: app, roots,
    privateKey, appKey })
{
    if (own === undefined) {
        return null;
    }

    if (!own.checkPrivateKey(privateKey)) {
        throw new Error('the certificate is not that of our private key');
    }

    if (!app.publicKey.equals(appKey)) {
        throw new Error('the certificate of the app has another public key');
    }

    return { own: serialOf(own), wanted: { app_cert_sn: serialOf(app),
        alipay_root_cert_sn: rootSerialOf(roots) } };
}


module.exports = { certificate, certificates, certificateMode };
