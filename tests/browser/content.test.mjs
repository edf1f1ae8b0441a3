/* SPDX-License-Identifier: Apache-2.0 */
/* What a stranger's HTML can do in the reader's browser: nothing (PO-07), and
 * whom it can tell that it was opened: nobody (PO-09). Each layer is tried
 * alone too, and with both taken away the same vectors do run. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { after, before, test } from "node:test";

import { Canary, Portal, ROOT } from "./portal.mjs";

const portal = new Portal(24140);
const canary = new Canary(24148);
before(async () => {
  await portal.start();
  await canary.start();
});
after(async () => {
  canary.stop();
  await portal.stop();
});

/* --- vectors -------------------------------------------------------------- */

const CODES = [
  "alert(1)", "alert`1`", "top.alert(1)", "self['al'+'ert'](1)",
  "eval('alert(1)')", "setTimeout('alert(1)')", "parent.alert(1)",
];
const TAGS = [
  "img src=x", "svg", "body", "video src=x", "audio src=x", "iframe", "input",
  "details open", "marquee", "object data=x", "math", "select", "textarea",
  "style", "link rel=stylesheet href=x", "embed src=x", "div", "a href=x",
  "x", "table background=x",
];
const EVENTS = [
  "onerror", "onload", "onfocus autofocus", "ontoggle", "onstart",
  "onanimationstart", "onpageshow", "onbegin", "onloadstart", "onscroll",
  "onmouseover", "onbeforeprint",
];
const WAYS = ["javascript:", "JaVaScRiPt:", "java\tscript:", "&#106;avascript:",
  "\u0001javascript:", "data:text/html,<script>", "vbscript:"];

function vectors() {
  const list = [];
  for (const tag of TAGS)
    for (const event of EVENTS)
      for (const code of CODES.slice(0, 5))
        list.push(`<${tag} ${event}="${code}">`);
  for (const tag of TAGS)
    for (const code of CODES) {
      list.push(`<${tag}/onerror=${code.replace(/[ "']/g, "")}//>`);
      list.push(`<${tag} ${"x".repeat(9)}="><script>${code}</script>">`);
    }
  for (const way of WAYS)
    for (const code of CODES)
      for (const shape of [
        (u) => `<iframe src="${u}"></iframe>`,
        (u) => `<object data="${u}"></object>`,
        (u) => `<embed src="${u}">`,
        (u) => `<meta http-equiv=refresh content="0;url=${u}">`,
        (u) => `<form action="${u}"><button autofocus></form>`,
        (u) => `<svg><a xlink:href="${u}"><text>x</text></a></svg>`,
        (u) => `<math><maction actiontype="statusline" href="${u}">x</math>`,
        (u) => `<a href="${u}">x</a>`,
      ])
        list.push(shape(way + code));
  for (const code of CODES)
    list.push(
      `<script>${code}</script>`, `<svg><script>${code}</script></svg>`,
      `<iframe srcdoc="<script>${code}</script>"></iframe>`,
      `<iframe srcdoc="&lt;script&gt;${code}&lt;/script&gt;"></iframe>`,
      `<svg><animate onbegin=${code} attributeName=x dur=1s>`,
      `<svg><set attributeName=onload to="${code}"/></svg>`,
      `<svg><animate xlink:href=#x attributeName=href values="javascript:${code}"/></svg>`,
      `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=${code}&gt;">`,
      `<form><math><mtext></form><form><mglyph><style></math><img src onerror=${code}>`,
      `<noscript><p title="</noscript><img src=x onerror=${code}>">`,
      `<svg></p><style><a id="</style><img src=1 onerror=${code}>">`,
      `<template><script>${code}</script></template>`,
      `<xmp><p title="</xmp><svg/onload=${code}>">`,
      `<textarea><img title="</textarea><img src=x onerror=${code}>"></textarea>`,
      `<style>@keyframes x{}</style><b style="animation-name:x" onanimationend="${code}"></b>`,
      `<base href="javascript:/a/-${code}///////"><a href=../x>x</a>`,
      `<img src="x\` \`<script>${code}</script>"\` \`>`,
      `<select><iframe></select><img src=x: onerror=${code}>`,
      `<svg><foreignObject><iframe onload=${code}></iframe></foreignObject></svg>`,
      `<div id="a"><!--[if gte IE 4]><script>${code}</script><![endif]--></div>`,
      `<input type=image src=x onerror=${code}>`,
      `<isindex type=image src=1 onerror=${code}>`,
      `<!--><img src=x onerror=${code}>-->`,
      `<![CDATA[><img src=x onerror=${code}>]]>`,
      `<a id=x name=y><a id=x name=z><img name=cookie src=x onerror=${code}>`,
    );
  return list;
}

const CLOSE = `--></style></script></title></textarea></noscript></xmp></select>
</template></svg></math></form></table></div>`;
const BATCH = 25;

function batches() {
  const all = vectors();
  const out = [];
  for (let i = 0; i < all.length; i += BATCH)
    out.push(all.slice(i, i + BATCH).map((v) => v + CLOSE).join("\n"));
  return { out, n: all.length };
}

const mail = (html) =>
  "From: a@evil.example\r\nTo: you@safe.example\r\nSubject: x\r\n" +
  "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + html;

/* A signed-in page whose message can be replaced, with all else as served. */
async function reader() {
  const s = await portal.signIn(`r${Date.now()}@safe.example`, mail("<p>hello"));
  const page = await portal.newPage();
  await page.context().addCookies(s.cookies.map((c) => {
    const eq = c.indexOf("=");
    return { name: c.slice(0, eq), value: c.slice(eq + 1), secure: true,
      httpOnly: true, url: portal.origin };
  }));
  let html = "";
  await page.route(/\/content$/, (route) =>
    route.fulfill({ body: mail(html), contentType: "application/octet-stream" }));
  const hits = [];
  watch(page, hits);
  return {
    page, hits,
    async show(next) {
      html = next;
      await page.goto(`${portal.origin}${s.link}/read`);
      await page.locator("article").waitFor();
      await page.waitForTimeout(40);
    },
  };
}

function watch(page, hits) {
  page.on("dialog", (dialog) => {
    hits.push("dialog");
    dialog.dismiss().catch(() => {});
  });
}

/* The cleaner by itself, in a page that would run everything. */
async function bare() {
  const built = spawnSync(process.execPath, [
    path.join(ROOT, "node_modules/esbuild/bin/esbuild"), "--bundle",
    "--format=iife", "--global-name=reader",
    path.join(ROOT, "web/portal/message.ts"),
  ], { encoding: "utf8" });
  assert.equal(built.status, 0, built.stderr);
  const page = await portal.newPage();
  const hits = [];
  watch(page, hits);
  await page.goto("about:blank");
  await page.evaluate(built.stdout + ";window.reader = reader;0");
  return { page, hits };
}

async function frame(page, html, sandbox) {
  await page.evaluate(async ([text, flags]) => {
    document.body.textContent = "";
    const f = document.createElement("iframe");
    if (flags !== null) f.setAttribute("sandbox", flags);
    f.srcdoc = text;
    const loaded = new Promise((done) => {
      f.onload = done;
      setTimeout(done, 1000);
    });
    document.body.append(f);
    await loaded;
  }, [html, sandbox]);
  await page.waitForTimeout(30);
}

test("2,000 vectors and more: none runs (PO-07)", { timeout: 300000 }, async (t) => {
  const { out, n } = batches();
  assert.ok(n >= 2000, `only ${n}`);
  const r = await reader();
  for (const html of out) await r.show(html);
  assert.deepEqual(r.hits, []);
  await r.page.context().close();
  t.diagnostic(`${n} vectors in ${out.length} messages`);
});

test("each layer holds alone, and without both they run", { timeout: 300000 },
  async () => {
    const { out } = batches();
    const { page, hits } = await bare();
    for (const html of out) {
      const clean = await page.evaluate((text) =>
        reader.cleanHtml(text, new Map(), { blockedImage: "" }).html, html);
      await frame(page, clean, "allow-scripts allow-modals allow-same-origin");
    }
    assert.deepEqual(hits, [], "cleaner alone");
    for (const html of out.filter((_, i) => i % 4 === 0)) {
      const dirty = await page.evaluate((text) => reader.frameOf(text), html);
      await frame(page, dirty, "allow-popups allow-popups-to-escape-sandbox");
    }
    assert.deepEqual(hits, [], "frame alone");
    await frame(page, out[0], "allow-scripts allow-modals allow-same-origin");
    await page.waitForTimeout(300);
    assert.notEqual(hits.length, 0, "the control did not run");
    await page.context().close();
  });

const HOST = "http://127.0.0.1:24148";
const REMOTE = `<base href="${HOST}/base/"><link rel=stylesheet href="${HOST}/css">
<link rel=prefetch href="${HOST}/prefetch"><link rel=dns-prefetch href="${HOST}">
<link rel=preconnect href="${HOST}"><link rel=icon href="${HOST}/icon">
<meta http-equiv=refresh content="0;url=${HOST}/refresh">
<style>@import "${HOST}/import"; @font-face{font-family:f;src:url(${HOST}/font)}
body{background:url(${HOST}/back);font-family:f} p{list-style:url(${HOST}/list)}
i{background:\\75rl(${HOST}/escaped)}</style>
<img src="${HOST}/img"><img srcset="${HOST}/srcset 2x" src="data:,"><img src=//127.0.0.1:24148/proto>
<img src="relative.png" lowsrc="${HOST}/low" dynsrc="${HOST}/dyn">
<picture><source srcset="${HOST}/source"><img></picture>
<video poster="${HOST}/poster" src="${HOST}/video" autoplay></video>
<audio src="${HOST}/audio" autoplay></audio><iframe src="${HOST}/frame"></iframe>
<object data="${HOST}/object"></object><embed src="${HOST}/embed">
<input type=image src="${HOST}/input"><table background="${HOST}/table"><td background="${HOST}/td">
<svg><image href="${HOST}/svg"/><use href="${HOST}/use#a"/><filter><feImage href="${HOST}/fe"/></filter></svg>
<p style="background-image:url('${HOST}/inline')">a<i style="background:image-set('${HOST}/set' 1x)">b</i>
<b style="content:\\75rl(${HOST}/esc)">c</b><form action="${HOST}/form"><button autofocus></form>
<a href="${HOST}/link" ping="${HOST}/ping">link</a><body background="${HOST}/body">`;

test("nothing is fetched from other servers (PO-09)", async () => {
  const r = await reader();
  const asked = [];
  r.page.on("request", (q) => asked.push(q.url()));
  await r.show(REMOTE);
  await r.page.waitForTimeout(1500);
  assert.deepEqual(canary.seen, []);
  assert.deepEqual(
    asked.filter((u) => !u.startsWith(portal.origin) && !/^(about|data|blob):/.test(u)),
    []);
  await r.page.getByText(/were left out/).waitFor();
  await r.page.context().close();
  const { page } = await bare();
  await frame(page, REMOTE, "allow-scripts");
  await page.waitForTimeout(500);
  assert.notEqual(canary.seen.length, 0, "the control fetched nothing");
  await page.context().close();
});

test("the frame alone fetches nothing either (PO-09)", async () => {
  canary.seen.length = 0;
  const { page } = await bare();
  const styled = REMOTE.replace(/<meta http-equiv=refresh[^>]*>/, "")
    .replace(/<link rel=(dns-prefetch|preconnect)[^>]*>/g, "")
    /* Chromium opens a connection for a frame that the policy then forbids,
     * before it asks anything; the cleaner lets no frame through. */
    .replace(/<iframe[^>]*>/, "");
  const dirty = await page.evaluate((text) => reader.frameOf(text), styled);
  await frame(page, dirty, "allow-popups allow-popups-to-escape-sandbox");
  await page.waitForTimeout(800);
  assert.deepEqual(canary.seen, []);
  await page.context().close();
});

test("a broken escape in a picture's name costs only the picture", async () => {
  const r = await reader();
  await r.show('<p>still readable</p><img src="cid:%zz">');
  await r.page.frameLocator("iframe").getByText("still readable").waitFor();
  await r.page.context().close();
});

test("names of attachments are only names (PO-08)", async () => {
  const { page } = await bare();
  const safe = (name) =>
    page.evaluate((n) => reader.safeName(n, "attachment"), name);
  for (const [name, want] of [
    ["../../etc/passwd", "_.._etc_passwd"], ["a\r\nb.txt", "ab.txt"],
    ["gpj.\u202eexe", "gpj.exe"], ["..", "attachment"], ["", "attachment"],
    ["C:\\x\\y.pdf", "C__x_y.pdf"], ["\0.png", "png"], ["ok name.pdf", "ok name.pdf"],
    ["x".repeat(300) + ".pdf", "x".repeat(116) + ".pdf"],
  ])
    assert.equal(await safe(name), want);
  await page.context().close();
});
