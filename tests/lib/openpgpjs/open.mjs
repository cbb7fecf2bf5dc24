// Opens a message with openpgp.js, and checks its signature: node open.mjs MESSAGE SECRET-KEY SIGNER-CERTIFICATE TIME
// The text goes to standard output; a last line on standard error says "good FINGERPRINT". The folder that has
// node_modules is $OPENPGPJS. TIME is that of the rehearsal (RFC 3339).
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const openpgp = createRequire(`${process.env.OPENPGPJS}/package.json`)('openpgp');
const [message, secret, signer, time] = process.argv.slice(2);
const key = await openpgp.readPrivateKey({ armoredKey: readFileSync(secret, 'utf8') });
const certificate = await openpgp.readKey({ armoredKey: readFileSync(signer, 'utf8') });
const { data, signatures } = await openpgp.decrypt({
    message: await openpgp.readMessage({ armoredMessage: readFileSync(message, 'utf8') }),
    decryptionKeys: key,
    verificationKeys: certificate,
    expectSigned: true,
    date: new Date(time),
});
process.stdout.write(data);
await signatures[0].verified;
if (signatures.length !== 1 || !signatures[0].keyID.equals(certificate.getKeyID())) throw new Error('not the signer');
process.stderr.write(`good ${certificate.getFingerprint().toUpperCase()}\n`);
