// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Sends one message with nodemailer. Reads what it has to know as JSON from
// standard input and answers with JSON.
'use strict';
const nodemailer = require('nodemailer');
const facts = JSON.parse(require('fs').readFileSync(0, 'utf8'));

async function main() {
    const transport = nodemailer.createTransport({
        host: facts.host,
        port: facts.port,
        secure: facts.secure,
        requireTLS: facts.mode === 'explicit',
        ignoreTLS: facts.mode === 'plain',
        auth: { user: facts.user, pass: facts.password },
        tls: { ca: facts.ca },
    });
    const verified = await transport.verify();
    const info = await transport.sendMail({
        from: facts.user,
        to: facts.user,
        subject: facts.mark,
        text: 'Grüße von nodemailer\n.\n..two dots\n',
        attachments: [{ filename: 'ä.bin', content: Buffer.alloc(3000, 7) }],
    });
    transport.close();
    console.log(JSON.stringify({ verified, accepted: info.accepted }));
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
