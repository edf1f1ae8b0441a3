/* SPDX-License-Identifier: Apache-2.0 */
/* A mail server that keeps what it is given, and a client that hands mail in:
 * as little SMTP as the gateway needs. With a certificate it offers STARTTLS. */

import net from "node:net";
import tls from "node:tls";

export class Mailbox {
  constructor(secure) {
    this.secure = secure; /* {key, cert} or undefined */
    this.mails = [];
    this.server = net.createServer((socket) => this.serve(socket, false));
  }

  listen(port) {
    return new Promise((done) => this.server.listen(port, "127.0.0.1", done));
  }

  close() {
    this.server.close();
  }

  serve(socket, isTls) {
    let text = "";
    let data = null;
    let recipients = [];
    const say = (line) => socket.write(line + "\r\n");
    const command = (line) => {
      const verb = line.slice(0, 8).toUpperCase();
      if (verb.startsWith("EHLO")) {
        say("250-sink");
        if (this.secure && !isTls) say("250-STARTTLS");
        say("250 8BITMIME");
      } else if (verb === "STARTTLS") {
        say("220 go");
        socket.removeAllListeners("data");
        const up = new tls.TLSSocket(socket, { isServer: true, ...this.secure });
        up.on("error", () => {});
        this.serve(up, true);
      } else if (verb.startsWith("RCPT")) {
        recipients.push(/<([^>]*)>/.exec(line)[1]);
        say("250 ok");
      } else if (verb.startsWith("DATA")) {
        data = "";
        say("354 go");
      } else if (verb.startsWith("QUIT")) {
        say("221 bye");
        socket.end();
      } else {
        say("250 ok");
      }
    };
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      text += bytes.toString("latin1");
      for (;;) {
        if (data !== null) {
          const end = text.indexOf("\r\n.\r\n");
          if (end < 0) return;
          this.mails.push({ recipients, text: text.slice(0, end) });
          text = text.slice(end + 5);
          data = null;
          recipients = [];
          say("250 kept");
          continue;
        }
        const line = text.indexOf("\r\n");
        if (line < 0) return;
        const one = text.slice(0, line);
        text = text.slice(line + 2);
        command(one);
      }
    });
    if (!isTls) say("220 sink");
  }

  /* The newest mail to a recipient that fits; waits for it. Each is given out
   * once. */
  async take(recipient, pattern, waitMs = 15000) {
    const end = Date.now() + waitMs;
    for (;;) {
      const at = this.mails.findIndex(
        (m) => m.recipients.includes(recipient) && pattern.test(m.text),
      );
      if (at >= 0) return pattern.exec(this.mails.splice(at, 1)[0].text);
      if (Date.now() > end)
        throw new Error(`no mail to ${recipient} that fits ${pattern}`);
      await new Promise((done) => setTimeout(done, 25));
    }
  }

  count(recipient) {
    return this.mails.filter((m) => m.recipients.includes(recipient)).length;
  }
}

export function handIn(port, from, to, message) {
  const body = message.replace(/\r?\n/g, "\r\n").replace(/^\./gm, "..");
  const steps = [
    "EHLO client.example", `MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, "DATA",
    body + "\r\n.", "QUIT",
  ];
  return new Promise((done, fail) => {
    const socket = net.connect(port, "127.0.0.1");
    let text = "";
    let id = "";
    socket.on("error", fail);
    socket.on("close", () => (id ? done(id) : fail(new Error(text))));
    socket.on("data", (bytes) => {
      text += bytes.toString();
      if (!/^\d{3} .*\r\n$/m.test(text) || !text.endsWith("\r\n")) return;
      if (!/^[23]/.test(text)) return fail(new Error(text));
      const queued = /queued as (\S+)|\b([0-9a-z]{26})\b/i.exec(text);
      if (queued) id = queued[1] ?? queued[2];
      text = "";
      if (steps.length > 0) socket.write(steps.shift() + "\r\n");
    });
  });
}
