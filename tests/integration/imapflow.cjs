// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reads, flags, moves and appends with imapflow, and waits in IDLE for a message
// that it sends itself meanwhile. Facts and findings are JSON on standard input
// and output.
'use strict';
const { ImapFlow } = require('imapflow');
const nodemailer = require('nodemailer');
const facts = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const mark = facts.mark;

function send(subject) {
    const transport = nodemailer.createTransport({
        host: facts.host, port: facts.smtp, ignoreTLS: true,
    });
    return transport.sendMail({
        from: 'sender@elsewhere.test', to: facts.user, subject, text: 'push',
    });
}

// A message that comes while IDLE waits: its count, and how long that took.
async function pushed(client) {
    let sent;
    const seen = new Promise((resolve) => client.once('exists', resolve));
    const idle = client.idle();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await send(mark + '-pushed');
    sent = Date.now();
    const event = await seen;
    const took = Date.now() - sent;
    await client.noop();
    await idle;
    return { count: event.count, took };
}

async function inbox(client, said) {
    const lock = await client.getMailboxLock('INBOX');
    try {
        const one = await client.fetchOne('1', {
            envelope: true, bodyStructure: true, source: true,
        });
        said.first = one.envelope.subject;
        said.parts = one.bodyStructure.type;
        const push = await pushed(client);
        said.pushed = push.count;
        said.pushed_ms = push.took;
        said.subjects = [];
        for await (const each of client.fetch('1:*', { envelope: true }))
            said.subjects.push(each.envelope.subject);
        await client.messageFlagsAdd('1', ['\\Seen', '\\Flagged']);
        const flagged = await client.fetchOne('1', { flags: true });
        said.flags = [...flagged.flags]
            .filter((flag) => flag !== '\\Recent').sort();
        said.flagged_uid = flagged.uid;
        said.searched = await client.search({ flagged: true }, { uid: true });
        await client.mailboxCreate(['Sorted', 'Ärger']);
        await client.messageMove('2', 'Sorted/Ärger');
    } finally {
        lock.release();
    }
}

async function main() {
    const said = {};
    const client = new ImapFlow({
        host: facts.host,
        port: facts.port,
        secure: facts.secure,
        doSTARTTLS: facts.mode === 'explicit',
        auth: { user: facts.user, pass: facts.password },
        tls: { ca: facts.ca },
        logger: false,
    });
    await client.connect();
    await inbox(client, said);
    said.folders = (await client.list()).map((folder) => folder.path);
    const state = await client.status('Sorted/Ärger', { messages: true });
    said.moved = state.messages;
    await client.append('Sorted/Ärger', 'Subject: ' + mark +
        '-appended\r\n\r\nHello\r\n', ['\\Seen']);
    const lock = await client.getMailboxLock('Sorted/Ärger');
    const last = await client.fetchOne('*', { envelope: true });
    said.appended = last.envelope.subject;
    lock.release();
    await client.logout();
    console.log(JSON.stringify(said));
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
