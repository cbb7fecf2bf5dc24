// Opens mails in a headless Thunderbird by its Marionette port, and says what a person would see:
// node thunderbird.mjs PORT CERTIFICATE SECRET-KEY… -- MAIL…
// For each MAIL a block on standard output: Subject, the names of the two icons (encryption, signature), the text.
// The certificate is accepted as verified, as a person would who has compared fingerprints.
import net from 'node:net';

const [port, certificate, ...rest] = process.argv.slice(2);
const keys = rest.slice(0, rest.indexOf('--'));
const mails = rest.slice(rest.indexOf('--') + 1);

// ---- Marionette: LENGTH:JSON, requests [0, id, name, parameters], answers [1, id, error, result] ----
async function connect() {
    for (let tries = 0; ; tries++) {
        try {
            return await new Promise((resolve, reject) => {
                const socket = net.connect(Number(port), '127.0.0.1', () => resolve(socket));
                socket.on('error', reject);
            });
        } catch (error) {
            if (tries > 100) throw error;
            await new Promise((resolve) => setTimeout(resolve, 200));
        }
    }
}

const socket = await connect();
const answers = [];
let bytes = Buffer.alloc(0);
let wake = () => {};
socket.on('data', (data) => {
    bytes = Buffer.concat([bytes, data]);
    for (let colon; (colon = bytes.indexOf(':')) > 0; ) {
        const length = Number(bytes.subarray(0, colon).toString());
        if (bytes.length < colon + 1 + length) break;
        answers.push(JSON.parse(bytes.subarray(colon + 1, colon + 1 + length).toString()));
        bytes = bytes.subarray(colon + 1 + length);
    }
    wake();
});

async function answer() {
    while (!answers.length) await new Promise((resolve) => (wake = resolve));
    return answers.shift();
}

let requests = 0;
async function call(name, parameters) {
    const text = JSON.stringify([0, ++requests, name, parameters]);
    socket.write(`${Buffer.byteLength(text)}:${text}`);
    const [, , error, result] = await answer();
    if (error) throw new Error(`${name}: ${error.message}`);
    return result;
}

// ---- what runs inside Thunderbird ----
const importKeys = async (certificate, keys) => {
    const win = Services.wm.getMostRecentWindow('mail:3pane');
    const { EnigmailCore } = ChromeUtils.importESModule('chrome://openpgp/content/modules/core.sys.mjs');
    const { RNP } = ChromeUtils.importESModule('chrome://openpgp/content/modules/RNP.sys.mjs');
    await EnigmailCore.init?.();
    const results = [];
    for (const key of keys)
        results.push((await RNP.importSecKeyBlockImpl(win, () => '', false, await IOUtils.readUTF8(key), true)).exitCode);
    const block = await IOUtils.readUTF8(certificate);
    results.push((await RNP.importPubkeyBlockAutoAcceptImpl(win, block, 'verified')).exitCode);
    return results;
};

const openMail = async (path) => {
    const win = Services.wm.getMostRecentWindow('mail:3pane');
    const { MailUtils } = ChromeUtils.importESModule('resource:///modules/MailUtils.sys.mjs');
    const file = Cc['@mozilla.org/file/local;1'].createInstance(Ci.nsIFile);
    const icon = (id) => seen?.getElementById(id)?.getAttribute('src')?.replace(/.*\/|\.svg$/g, '');
    let seen, window, text;
    file.initWithPath(path);
    MailUtils.openEMLFile(win, file, Services.io.newFileURI(file));
    for (let i = 0; i < 100 && !(text && icon('signedHdrIcon')); i++) {
        await new Promise((resolve) => win.setTimeout(resolve, 100));
        window = Services.wm.getMostRecentWindow('mail:messageWindow');
        seen = window?.document.getElementById('messageBrowser')?.contentDocument;
        text = seen?.getElementById('messagepane')?.contentDocument?.body?.innerText;
    }
    const subject = seen?.getElementById('expandedsubjectBox')?.textContent.replace(/^Subject:\s*/, '');
    const shown = { subject, encrypted: icon('encryptedHdrIcon'), signed: icon('signedHdrIcon'), text };
    window?.close();
    return shown;
};

async function inside(run, ...args) {
    const script = `const done = arguments[arguments.length - 1];
        (${run})(...Array.from(arguments).slice(0, -1)).then(done, (error) => done({ error: String(error) }));`;
    const { value } = await call('WebDriver:ExecuteAsyncScript', { script, args, newSandbox: true });
    if (value?.error) throw new Error(value.error);
    return value;
}

await answer();
await call('WebDriver:NewSession', {});
await call('Marionette:SetContext', { value: 'chrome' });
await call('WebDriver:SetTimeouts', { script: 20000 });
await inside(importKeys, certificate, keys);
for (const mail of mails) {
    const shown = await inside(openMail, mail);
    console.log(`Subject: ${shown.subject}\n${shown.encrypted}\n${shown.signed}\n\n${shown.text}`);
    console.log('--end--');
}
await call('Marionette:Quit', { flags: ['eForceQuit'] }).catch(() => {});
process.exit(0);
