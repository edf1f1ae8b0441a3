/* SPDX-License-Identifier: Apache-2.0 */
/* A reader's way from the mail to the message: on a desk, on a phone, in the
 * dark, with the keyboard alone, without script. */

import assert from "node:assert/strict";
import fs from "node:fs";
import { after, before, test } from "node:test";

import { Portal, faults, formToken, shot, sql } from "./portal.mjs";

const portal = new Portal(24100);
before(() => portal.start());
after(() => portal.stop());

const LETTER = (to) => `From: Dr. Ada Long <doctor@clinic.example>
To: Lee Reader <${to}>
Subject: Your results of Monday
Date: Mon, 23 Nov 2026 09:12:00 +0100
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=a

--a
Content-Type: text/html; charset=utf-8

<p>Dear Lee,</p><p>all values are <b>as they should be</b>. The table is
attached.</p><table border=1 cellpadding=6><tr><th>Value<th>Result<th>Range
<tr><td>HbA1c<td>5.2 %<td>4.0 - 5.6<tr><td>LDL<td>98 mg/dl<td>below 116
</table><p>With kind regards,<br>Ada Long</p>
<img src="https://tracker.example/p.gif" alt="logo">
--a
Content-Type: text/csv
Content-Disposition: attachment; filename="results.csv"

name,value
HbA1c,5.2
--a--
`;

const DESK = { viewport: { width: 1280, height: 860 } };
const PHONE = {
  viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true,
  hasTouch: true,
};
const DARK = { ...PHONE, colorScheme: "dark" };

async function walk(name, options, recipient, look = async () => {}) {
  const { link, box } = await portal.deposit(recipient, LETTER(recipient));
  const page = await portal.newPage(options);
  await page.goto(portal.origin + link);
  await look(page, "welcome");
  await page.getByRole("button", { name: "Send me a code" }).click();
  await page.waitForURL(/\/code$/);
  const code = await portal.code(box, recipient);
  await look(page, "code");
  await page.getByLabel("One-time code").fill("0000 0001");
  await page.getByRole("button", { name: "Open the message" }).click();
  await page.getByRole("alert").waitFor();
  await look(page, "wrong");
  await page.getByLabel("One-time code").fill(`${code.slice(0, 4)} ${code.slice(4)}`);
  await page.getByRole("button", { name: "Open the message" }).click();
  await page.waitForURL(/\/read$/);
  await page.getByRole("heading", { name: "Your results of Monday" }).waitFor();
  await page.frameLocator("iframe").getByText("as they should be").waitFor();
  await look(page, "reader");
  return { page, link, box, name };
}

for (const [name, options] of Object.entries({ desk: DESK, phone: PHONE, dark: DARK }))
  test(`from link to message: ${name}`, async () => {
    const seen = [];
    const { page } = await walk(
      name, options, `${name}@safe.example`, async (p, step) => {
        await shot(p, `${name}-${step}`);
        seen.push(...(await faults(p)).map((f) => `${step}: ${f}`));
        const wide = await p.evaluate(
          () => document.documentElement.scrollWidth > window.innerWidth);
        assert.equal(wide, false, `${step} is wider than the screen`);
      });
    assert.deepEqual(seen, []);
    await page.context().close();
  });

test("attachments are saved under their name, never shown (PO-08)", async () => {
  const { page } = await walk("save", DESK, "save@safe.example");
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Save results.csv" }).click(),
  ]);
  assert.equal(file.suggestedFilename(), "results.csv");
  assert.match(fs.readFileSync(await file.path(), "utf8"), /HbA1c,5.2/);
  const [whole] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Save the message" }).click(),
  ]);
  assert.equal(whole.suggestedFilename(), "message.eml");
  await page.context().close();
});

test("signing out ends the session on the server (PO-12)", async () => {
  const { page, link } = await walk("out", DESK, "out@safe.example");
  const cookies = (await page.context().cookies())
    .map((c) => `${c.name}=${c.value}`);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Send me a code" }).waitFor();
  const again = await portal.ask("GET", `${link}/content`, {
    headers: { Cookie: cookies.join("; ") },
  });
  assert.equal(again.status, 403);
  await page.context().close();
});

test("with the keyboard alone", async () => {
  const { link, box } = await portal.deposit(
    "keys@safe.example", LETTER("keys@safe.example"));
  const page = await portal.newPage(DESK);
  const focused = () => page.evaluate(() => {
    const e = document.activeElement;
    if (e === document.body) return "";
    return e.getAttribute("aria-label") || e.textContent.trim() || e.title || e.id;
  });
  const tabTo = async (text) => {
    for (let i = 0; i < 12; i++) {
      if ((await focused()).includes(text)) return;
      await page.keyboard.press("Tab");
    }
    assert.fail(`${text} cannot be reached; at ${await focused()}`);
  };
  await page.goto(portal.origin + link);
  await tabTo("Skip to the content");
  await tabTo("Send me a code");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/code$/);
  assert.equal(await focused(), "code");
  await page.keyboard.type(await portal.code(box, "keys@safe.example"));
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/read$/);
  await page.getByRole("heading", { name: "Your results" }).waitFor();
  await tabTo("Save results.csv");
  await tabTo("Save the message");
  await tabTo("Sign out");
  await page.context().close();
});

test("without script: sign in and save", async () => {
  const { link, box } = await portal.deposit(
    "plain@safe.example", LETTER("plain@safe.example"));
  const page = await portal.newPage({ ...PHONE, javaScriptEnabled: false });
  await page.goto(portal.origin + link);
  await page.getByRole("button", { name: "Send me a code" }).click();
  await page.getByLabel("One-time code").fill(
    await portal.code(box, "plain@safe.example"));
  await page.getByRole("button", { name: "Open the message" }).click();
  await page.getByRole("heading", { name: "Your message" }).waitFor();
  await shot(page, "phone-no-script");
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Save the message" }).click(),
  ]);
  assert.match(fs.readFileSync(await file.path(), "utf8"), /as they should be/);
  await page.context().close();
});

test("a domain without TLS: code and PIN together", async () => {
  const { link, box } = await portal.deposit(
    "clear@plain.example", LETTER("clear@plain.example"));
  const [, pin] = await portal.safe.take("doctor@clinic.example", /PIN: (\d{6})/);
  const page = await portal.newPage(PHONE);
  await page.goto(portal.origin + link);
  await page.getByRole("button", { name: "Send me a code" }).click();
  const code = await portal.code(box, "clear@plain.example");
  await shot(page, "phone-pin");
  assert.deepEqual(await faults(page), []);
  const texts = [];
  for (const [c, p] of [[code, "000000"], ["00000000", pin]]) {
    await page.getByLabel("One-time code").fill(c);
    await page.getByLabel("PIN from the sender").fill(p === pin ? p : "000001");
    await page.getByRole("button", { name: "Open the message" }).click();
    texts.push(await page.getByRole("alert").textContent());
  }
  assert.equal(texts[0], texts[1]);
  await page.getByLabel("One-time code").fill(code);
  await page.getByLabel("PIN from the sender").fill(pin);
  await page.getByRole("button", { name: "Open the message" }).click();
  await page.getByRole("heading", { name: "Your results" }).waitFor();
  await page.context().close();
});

test("every end has a page of its own", async () => {
  const recipient = "ends@safe.example";
  const page = await portal.newPage(PHONE);
  const open = async (link, status, heading, name) => {
    const answer = await page.goto(portal.origin + link);
    assert.equal(answer.status(), status);
    await page.getByRole("heading", { name: heading }).waitFor();
    await shot(page, `phone-${name}`);
    assert.deepEqual(await faults(page), []);
  };
  await open("/", 200, "Protected mail", "home");
  await open(`/p/${"A".repeat(43)}`, 404, "This link leads nowhere", "unknown");
  const late = await portal.deposit(recipient, LETTER(recipient));
  sql(portal, "UPDATE pickup SET expires_ms = 1 WHERE delivery_id IN (SELECT id " +
    `FROM delivery WHERE message_id = '${late.id}')`);
  await open(late.link, 410, "This message is no longer available", "expired");
  const back = await portal.deposit(recipient, LETTER(recipient));
  portal.postseal("pickup", "recall", back.id, "-c", portal.config);
  await open(back.link, 410, "This message was withdrawn", "recalled");
  await page.context().close();
});

test("a code that is too old, used up, or another browser's", async () => {
  const recipient = "old@safe.example";
  const { link, box } = await portal.deposit(recipient, LETTER(recipient));
  const welcome = await portal.ask("GET", link);
  const form = formToken(welcome.text);
  const other = await portal.ask("GET", link);
  await portal.post(`${link}/code`, welcome.cookies, { form });
  const code = await portal.code(box, recipient);
  const foreign = await portal.post(`${link}/open`, other.cookies, {
    form: formToken(other.text), code,
  });
  assert.equal(foreign.status, 403);
  assert.match(foreign.text, /another browser/);
  sql(portal, "UPDATE code SET expires_ms = 1");
  const old = await portal.post(`${link}/open`, welcome.cookies, { form, code });
  assert.equal(old.status, 403);
  assert.match(old.text, /too old/);
  await portal.post(`${link}/code`, welcome.cookies, { form });
  const fresh = await portal.code(box, recipient);
  sql(portal, "UPDATE code SET tries = 5");
  const used = await portal.post(`${link}/open`, welcome.cookies, {
    form, code: fresh,
  });
  assert.match(used.text, /five times/);
  await portal.post(`${link}/code`, welcome.cookies, { form });
  const good = await portal.code(box, recipient);
  const opened = await portal.post(`${link}/open`, welcome.cookies, {
    form, code: good,
  });
  assert.equal(opened.status, 303);
  const twice = await portal.post(`${link}/open`, welcome.cookies, {
    form, code: good,
  });
  assert.match(twice.text, /too old/);
});
