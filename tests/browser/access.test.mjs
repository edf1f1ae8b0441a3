/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets in and who does not: link scanners, guessers, forged forms, foreign
 * names, other people's messages, and requests that are not quite HTTP. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import tls from "node:tls";

import { Portal, formToken, sql } from "./portal.mjs";

const portal = new Portal(24120);
before(() => portal.start());
after(() => portal.stop());

const LETTER = "From: doctor@clinic.example\nTo: you@safe.example\n" +
  "Subject: Tell nobody\n\nHidden words.\n";
const ROUTES = [
  ["GET", ""], ["GET", "/code"], ["POST", "/code"], ["POST", "/open"],
  ["GET", "/read"], ["GET", "/content"], ["GET", "/message.eml"],
  ["POST", "/leave"],
];

const SECRETS = /Tell nobody|Hidden words|doctor@|you@|one@|two@/;

test("link scanners change nothing and learn nothing (PO-01, PO-02)", async () => {
  const { link, box } = await portal.deposit("one@safe.example", LETTER);
  const agents = ["BingPreview", "SafeLinks", "Barracuda", "Mimecast",
    "Proofpoint", "Googlebot", "Slackbot", "Twitterbot", "curl", "Go-http"];
  for (const agent of agents)
    for (const method of ["HEAD", "GET", "OPTIONS", "PUT", "DELETE"])
      for (const tail of ["", "/code", "/read", "/content", "/message.eml"]) {
        const answer = await portal.ask(method, link + tail, {
          headers: { "User-Agent": agent, "Sec-Purpose": "prefetch" },
        });
        assert.doesNotMatch(answer.text, SECRETS);
        assert.ok(answer.status !== 500 && answer.status !== 303);
      }
  const page = await portal.newPage();
  await page.goto(portal.origin + link);
  await page.getByRole("button").first().click();
  await page.waitForURL(/\/code$/);
  await page.context().close();
  assert.match(sql(portal, "SELECT state, first_opened_ms FROM pickup"),
    /\[\(0, 0\)\]/);
  assert.match(
    sql(portal, "SELECT count(*) FROM audit WHERE kind LIKE '%picked%'"),
    /\[\(0,\)\]/);
  /* The person still gets in. */
  const welcome = await portal.ask("GET", link);
  const form = formToken(welcome.text);
  await portal.code(box, "one@safe.example");
  await portal.post(`${link}/code`, welcome.cookies, { form });
  const opened = await portal.post(`${link}/open`, welcome.cookies, {
    form, code: await portal.code(box, "one@safe.example"),
  });
  assert.equal(opened.status, 303);
});

test("guessed links are all alike (PO-02, PO-05)", async () => {
  const texts = new Set();
  for (const token of ["A".repeat(43), "b".repeat(43), "-".repeat(43), "short",
    "A".repeat(44)])
    for (const [method, tail] of ROUTES) {
      const answer = await portal.ask(method, `/p/${token}${tail}`);
      assert.equal(answer.status, 404);
      texts.add(answer.text);
      assert.deepEqual(answer.cookies, []);
    }
  assert.equal(texts.size, 1);
});

test("guessing codes is stopped, for one source and for all (PO-03)", async () => {
  const { link, box } = await portal.deposit("guess@safe.example", LETTER);
  const welcome = await portal.ask("GET", link);
  const form = formToken(welcome.text);
  await portal.post(`${link}/code`, welcome.cookies, { form });
  const code = await portal.code(box, "guess@safe.example");
  const answers = [];
  for (let i = 0; i < 30; i++) {
    const answer = await portal.post(`${link}/open`, welcome.cookies, {
      form, code: String(i).padStart(8, "9"),
    });
    answers.push(answer.status);
  }
  assert.deepEqual(answers.slice(0, 5), [403, 403, 403, 403, 403]);
  assert.ok(answers.slice(5).every((status) => status === 429), answers);
  /* Not even the right one helps now. */
  const right = await portal.post(`${link}/open`, welcome.cookies, { form, code });
  assert.equal(right.status, 429);
  assert.equal(right.headers["retry-after"], "900");
  let sent = 0;
  for (let i = 0; i < 10; i++) {
    const answer = await portal.post(`${link}/code`, welcome.cookies, { form });
    if (answer.status === 303) sent++;
  }
  assert.equal(sent, 4);
});

test("a stranger with the link takes away nobody's code (PO-03)", async () => {
  const { link, box } = await portal.deposit("theirs@safe.example", LETTER);
  const mine = await portal.ask("GET", link);
  await portal.post(`${link}/code`, mine.cookies, { form: formToken(mine.text) });
  const code = await portal.code(box, "theirs@safe.example");
  const other = await portal.ask("GET", link);
  const form = formToken(other.text);
  const asked = await portal.post(`${link}/code`, other.cookies, { form });
  assert.equal(asked.status, 303);
  await portal.code(box, "theirs@safe.example");
  const elsewhere = await portal.post(`${link}/open`, other.cookies, { form, code });
  assert.equal(elsewhere.status, 403);
  const right = await portal.post(`${link}/open`, mine.cookies,
    { form: formToken(mine.text), code });
  assert.equal(right.status, 303);
});

test("forged forms do nothing (PO-06)", async () => {
  const { link, box } = await portal.deposit("forge@safe.example", LETTER);
  const welcome = await portal.ask("GET", link);
  const form = formToken(welcome.text);
  const other = await portal.ask("GET", link);
  const bad = [
    [{ Cookie: welcome.cookies[0] }, {}],
    [{ Cookie: welcome.cookies[0] }, { form: "x" }],
    [{ Cookie: welcome.cookies[0] }, { form: formToken(other.text) }],
    [{}, { form }],
    [{ Cookie: welcome.cookies[0], Origin: "https://evil.example" }, { form }],
    [{ Cookie: welcome.cookies[0], "Sec-Fetch-Site": "cross-site" }, { form }],
    [{ Cookie: welcome.cookies[0], "Sec-Fetch-Site": "same-site" }, { form }],
  ];
  for (const [headers, fields] of bad)
    for (const tail of ["/code", "/open", "/leave"]) {
      const answer = await portal.ask("POST", link + tail, {
        headers, body: new URLSearchParams(fields).toString(),
      });
      assert.equal(answer.status, 403);
    }
  assert.equal(box.count("forge@safe.example"), 0);
  for (const line of welcome.headers["set-cookie"])
    assert.match(line, /^__Host-.*; Path=\/; Secure; HttpOnly; SameSite=Lax$/);
});

test("a session opens its own message and no other (PO-10, PO-12)", async () => {
  const mine = await portal.signIn("mine@safe.example", LETTER);
  const theirs = await portal.deposit("theirs@safe.example", LETTER);
  const gone = await portal.deposit("gone@safe.example", LETTER);
  portal.postseal("pickup", "recall", gone.id, "-c", portal.config);
  const hash = mine.cookies[1].split("=")[1];
  for (const [method, tail] of ROUTES) {
    const answer = await portal.ask(method, theirs.link + tail, {
      headers: { Cookie: mine.cookies.join("; ") },
    });
    assert.doesNotMatch(answer.text, SECRETS);
    assert.ok([200, 403].includes(answer.status), `${tail} ${answer.status}`);
    const ended = await portal.ask(method, gone.link + tail, {
      headers: { Cookie: mine.cookies.join("; ") },
    });
    assert.equal(ended.status, 410);
  }
  const fixed = await portal.ask("GET", `${theirs.link}/content`, {
    headers: { Cookie: `${mine.cookies[0]}; __Host-postseal-00000000=${hash}` },
  });
  assert.equal(fixed.status, 403);
  const own = await portal.ask("GET", `${mine.link}/content`, {
    headers: { Cookie: mine.cookies.join("; ") },
  });
  assert.match(own.text, /Hidden words/);
  /* A second sign-in in this browser: a new id, and the old one is dead. */
  await portal.post(`${mine.link}/code`, mine.cookies, { form: mine.form });
  const again = await portal.post(`${mine.link}/open`, mine.cookies, {
    form: mine.form, code: await portal.code(mine.box, "mine@safe.example"),
  });
  assert.equal(again.status, 303);
  assert.notEqual(again.cookies[0], mine.cookies[1]);
  const old = await portal.ask("GET", `${mine.link}/content`, {
    headers: { Cookie: mine.cookies.join("; ") },
  });
  assert.equal(old.status, 403);
});

test("idle and absolute limits end a session (PO-12)", async () => {
  for (const column of ["used_ms", "created_ms"]) {
    const s = await portal.signIn(`${column}@safe.example`, LETTER);
    const headers = { Cookie: s.cookies.join("; ") };
    assert.equal((await portal.ask("GET", `${s.link}/read`, { headers })).status, 200);
    sql(portal, `UPDATE session SET ${column} = ${column} - 90000000`);
    assert.equal((await portal.ask("GET", `${s.link}/read`, { headers })).status, 403);
  }
});

test("expiry shuts a running session and erases (PO-13)", async () => {
  const s = await portal.signIn("late@safe.example", LETTER);
  sql(portal, "UPDATE pickup SET expires_ms = 1 WHERE recipient = 'late@safe.example'");
  const answer = await portal.ask("GET", `${s.link}/message.eml`, {
    headers: { Cookie: s.cookies.join("; ") },
  });
  assert.equal(answer.status, 410);
});

test("a damaged message is never given out as whole (PO-13)", async () => {
  const big = LETTER + "0123456789abcdef\n".repeat(20000);
  const s = await portal.signIn("hurt@safe.example", big);
  const ask = () => portal.ask("GET", `${s.link}/content`, {
    headers: { Cookie: s.cookies.join("; ") },
  });
  assert.ok((await ask()).bytes.length > 340000);
  sql(portal, "DELETE FROM frame WHERE n = 2 AND body_id = (SELECT body_id " +
    "FROM pickup WHERE recipient = 'hurt@safe.example')");
  await assert.rejects(ask(), /aborted|hang up|ECONNRESET/);
});

test("no request reaches a file (PO-11)", async () => {
  for (const path of ["/assets/../../../etc/passwd", "/assets/%2e%2e/x",
    "/assets/..%2f..%2fetc/passwd", "/assets/reader.js", "/assets/",
    "/assets/.%00", "/p/../../etc/passwd", "/..", "/%5c..", "/etc/passwd"]) {
    const answer = await raw(
      `GET ${path} HTTP/1.1\r\nHost: localhost:24121\r\nConnection: close\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 (400|404) /, path);
  }
});

test("only the configured name is answered (PO-15)", async () => {
  const { link } = await portal.deposit("host@safe.example", LETTER);
  for (const Host of ["evil.example", "localhost", "localhost:1",
    "localhost:24121.evil.example"])
    assert.equal((await portal.ask("GET", link, { headers: { Host } })).status,
      421, Host);
  const poisoned = await portal.ask("GET", link, {
    headers: { "X-Forwarded-Host": "evil.example", Forwarded: "host=evil.example" },
  });
  assert.doesNotMatch(poisoned.text, /evil/);
  assert.match(await raw(`GET https://evil.example/ HTTP/1.1\r\n` +
    "Host: localhost:24121\r\n\r\n"), /^HTTP\/1\.1 400 /);
});

/* What the server says until it closes or falls silent. */
function raw(bytes, quietMs = 1500) {
  return new Promise((done, fail) => {
    let text = "";
    const socket = tls.connect({
      host: "127.0.0.1", port: 24121, rejectUnauthorized: false,
      servername: "localhost", ALPNProtocols: ["http/1.1"],
    }, () => socket.write(bytes, "latin1"));
    socket.setTimeout(quietMs, () => socket.destroy());
    socket.on("data", (part) => (text += part.toString("latin1")));
    socket.on("error", (e) => (text ? done(text) : fail(e)));
    socket.on("close", () => done(text));
  });
}

test("ambiguous requests are refused and the connection ends (PO-16)", async () => {
  const H = "Host: localhost:24121\r\n";
  const G = "GET / HTTP/1.1\r\n";
  const P = `POST / HTTP/1.1\r\n${H}`;
  const bad = {
    "CL and TE": `${P}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    "two CL": `${P}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx`,
    "comma CL": `${P}Content-Length: 1,1\r\n\r\nx`,
    "xchunked": `${P}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    "TE twice": `${P}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`,
    "long extension": `${P}Transfer-Encoding: chunked\r\n\r\n1;${"a".repeat(300)}\r\nx\r\n0\r\n\r\n`,
    "bare LF": `GET / HTTP/1.1\nHost: localhost:24121\n\n`,
    "bare LF after field": `${G}${H}X: a\nY: b\r\n\r\n`,
    "obs-fold": `${G}${H}X: a\r\n b\r\n\r\n`,
    "blank before colon": `${G}${H}X : a\r\n\r\n`,
    "bad name": `${G}${H}X\x80: a\r\n\r\n`,
    "NUL": `${G}${H}X: a\0b\r\n\r\n`,
    "no host": `${G}\r\n`,
    "two hosts": `${G}${H}${H}\r\n`,
    "long line": `GET /${"a".repeat(9000)} HTTP/1.1\r\n${H}\r\n`,
    "large head": `${G}${H}X: ${"a".repeat(17000)}\r\n\r\n`,
    "many fields": `${G}${H}${"X: a\r\n".repeat(65)}\r\n`,
    "HTTP/1.0 chunked": `POST / HTTP/1.0\r\n${H}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    "large body": `${P}Content-Length: 100000\r\n\r\n`,
  };
  for (const [name, bytes] of Object.entries(bad)) {
    const answer = await raw(bytes + `GET /smuggled HTTP/1.1\r\n${H}\r\n`);
    assert.match(answer, /^HTTP\/1\.1 (400|413|414|431) /, name);
    assert.equal(answer.match(/HTTP\/1\.1 /g).length, 1, name);
    assert.match(answer, /Connection: close/, name);
  }
  const two = await raw(`${G}${H}\r\nHEAD / HTTP/1.1\r\n${H}Connection: close\r\n\r\n`);
  assert.equal(two.match(/HTTP\/1\.1 200/g).length, 2);
});

test("slow clients hold nobody up", async () => {
  const slow = [];
  for (let i = 0; i < 60; i++) {
    const socket = tls.connect({ host: "127.0.0.1", port: 24121,
      rejectUnauthorized: false, servername: "localhost" },
      () => socket.write("GET / HT"));
    socket.on("error", () => {});
    slow.push(socket);
  }
  await new Promise((done) => setTimeout(done, 1000));
  const begun = Date.now();
  assert.equal((await portal.ask("GET", "/")).status, 200);
  assert.ok(Date.now() - begun < 1000);
  for (const socket of slow) socket.destroy();
});

test("every answer carries the security headers (PO-18)", async () => {
  const { link } = await portal.deposit("head@safe.example", LETTER);
  for (const path of ["/", link, "/nothing", `${link}/content`]) {
    const { headers } = await portal.ask("GET", path);
    assert.match(headers["strict-transport-security"], /max-age=63072000/);
    assert.match(headers["content-security-policy"], /default-src 'none'/);
    assert.match(headers["content-security-policy"], /frame-ancestors 'none'/);
    assert.doesNotMatch(headers["content-security-policy"],
      /script-src[^;]*unsafe/);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["referrer-policy"], "no-referrer");
    assert.equal(headers["cross-origin-opener-policy"], "same-origin");
    assert.equal(headers["cross-origin-resource-policy"], "same-origin");
    assert.equal(headers["cache-control"], "no-store");
    assert.equal(headers.server, undefined);
  }
});
