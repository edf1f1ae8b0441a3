// SPDX-License-Identifier: Apache-2.0
// Hands in mail with nodemailer. In: {transport, messages} as JSON on standard
// input; an attachment's "base64" is its content. Out: a line of JSON each.
import nodemailer from "nodemailer";

let text = "";
for await (const piece of process.stdin) text += piece;
const { transport, messages } = JSON.parse(text);
const sender = nodemailer.createTransport(transport);

function ready(message) {
  const attachments = (message.attachments ?? []).map(({ base64, ...rest }) => ({
    ...rest,
    content: Buffer.from(base64, "base64"),
  }));
  return { ...message, attachments };
}

async function hand_in(message) {
  try {
    const { response, accepted, rejected } = await sender.sendMail(ready(message));
    return { response, accepted, rejected };
  } catch (error) {
    return { error: error.code, code: error.responseCode, text: error.message };
  }
}

for (const answer of await Promise.all(messages.map(hand_in)))
  console.log(JSON.stringify(answer));
sender.close();
