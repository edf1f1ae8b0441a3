/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway of its own for each test file, and a browser to read with. */

import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { Mailbox, handIn } from "./mailbox.mjs";

export const ROOT = path.resolve(
  path.dirname(fileURLToPath(import.meta.url)), "../..");
const POSTSEAL =
  process.env.POSTSEAL ?? path.join(ROOT, "build/src/cli/postseal");
export const SENDER = "doctor@clinic.example";

const CONFIG = (folder, base, extra) => `
hostname gate.clinic.example
data     ${folder}/data
tls { certificate ${folder}/gate.pem  key ${folder}/gate.key }
listen 127.0.0.1:${base} { accept-from 127.0.0.0/8 }
route safe.example   { to 127.0.0.1:${base + 4}  floor open }
route clinic.example { to 127.0.0.1:${base + 4}  floor tls }
route * { to 127.0.0.1:${base + 3}  floor open }
portal {
    url https://localhost:${base + 1}
    listen 127.0.0.1:${base + 1}
    organisation "Lakeside Clinic"
    from portal@clinic.example
    ${extra}
}
metrics { listen 127.0.0.1:${base + 2} }
delivery { retry 1s 1s 1s }
rule "all" { floor sealed  ladder portal }
`;

export class Portal {
  constructor(base, extra = "") {
    this.base = base;
    this.extra = extra;
    this.origin = `https://localhost:${base + 1}`;
  }

  postseal(...words) {
    const done = spawnSync(POSTSEAL, words, { encoding: "utf8" });
    if (done.status !== 0) throw new Error(`${words}: ${done.stderr}`);
    return done.stdout;
  }

  async start() {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), "postseal-portal-"));
    this.postseal("init", this.folder, "--hostname", "gate.clinic.example");
    this.config = path.join(this.folder, "test.conf");
    fs.writeFileSync(this.config, CONFIG(this.folder, this.base, this.extra));
    fs.chmodSync(this.folder, 0o755);
    this.mailbox = new Mailbox();
    this.safe = new Mailbox({
      key: fs.readFileSync(path.join(this.folder, "gate.key")),
      cert: fs.readFileSync(path.join(this.folder, "gate.pem")),
    });
    await this.mailbox.listen(this.base + 3);
    await this.safe.listen(this.base + 4);
    this.log = path.join(this.folder, "gate.log");
    const out = fs.openSync(this.log, "a");
    this.process = spawn(POSTSEAL, ["serve", "-c", this.config], {
      stdio: ["ignore", out, out],
    });
    await this.ready();
  }

  async ready() {
    for (let i = 0; i < 200; i++) {
      try {
        await this.ask("GET", "/");
        await (await fetch(`http://127.0.0.1:${this.base + 2}/readyz`)).text();
        return;
      } catch {
        await new Promise((done) => setTimeout(done, 50));
      }
    }
    throw new Error(fs.readFileSync(this.log, "utf8"));
  }

  async stop() {
    await this.browser?.close();
    const ended = new Promise((done) => this.process.on("exit", done));
    this.process.kill("SIGTERM");
    await ended;
    this.mailbox.close();
    this.safe.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  /* One request without a browser: {status, headers, text, cookies}. */
  ask(method, target, { headers = {}, body } = {}) {
    return new Promise((done, fail) => {
      const request = https.request(
        {
          host: "127.0.0.1", port: this.base + 1, method, path: target,
          rejectUnauthorized: false, servername: "localhost", agent: false,
          headers: { Host: `localhost:${this.base + 1}`, ...headers },
        },
        (answer) => {
          const parts = [];
          answer.on("data", (part) => parts.push(part));
          answer.on("error", fail);
          answer.on("end", () =>
            done({
              status: answer.statusCode,
              headers: answer.headers,
              text: Buffer.concat(parts).toString("utf8"),
              bytes: Buffer.concat(parts),
              cookies: (answer.headers["set-cookie"] ?? []).map(
                (line) => line.split(";")[0]),
            }));
        });
      request.on("error", fail);
      request.end(body);
    });
  }

  /* A form of ours, sent as a browser would. */
  post(target, cookies, fields) {
    return this.ask("POST", target, {
      headers: {
        "Content-Type": "application/x-www-form-urlencoded",
        Cookie: cookies.join("; "),
      },
      body: new URLSearchParams(fields).toString(),
    });
  }

  /* The path of a new pickup's link. */
  async deposit(recipient, message) {
    const box = recipient.endsWith("@safe.example") ? this.safe : this.mailbox;
    const id = await handIn(this.base, SENDER, recipient, message);
    const found = await box.take(recipient, /https:\/\/localhost:\d+(\/p\/\S+)/);
    return { id, link: found[1], box };
  }

  async code(box, recipient) {
    const found = await box.take(recipient, / {4}(\d{4}) (\d{4})\r\n/);
    return found[1] + found[2];
  }

  /* Welcome page, code, open: {link, cookies, box}; no browser. */
  async signIn(recipient, message) {
    const { id, link, box } = await this.deposit(recipient, message);
    const welcome = await this.ask("GET", link);
    const form = formToken(welcome.text);
    await this.post(`${link}/code`, welcome.cookies, { form });
    const code = await this.code(box, recipient);
    const opened = await this.post(`${link}/open`, welcome.cookies, {
      form, code,
    });
    if (opened.status !== 303) throw new Error(`open: ${opened.status}`);
    return { id, link, box, form, cookies: [...welcome.cookies, ...opened.cookies] };
  }

  audit() {
    return fs.readFileSync(this.log, "utf8");
  }

  async newPage(options = {}) {
    this.browser ??= await chromium.launch({
      executablePath: "/usr/bin/chromium",
      args: [
        "--no-sandbox", "--disable-background-networking", "--disable-sync",
        "--disable-component-update", "--no-first-run",
        "--disable-default-apps", "--disable-domain-reliability",
      ],
    });
    const context = await this.browser.newContext({
      ignoreHTTPSErrors: true, acceptDownloads: true, ...options,
    });
    return context.newPage();
  }
}

export function formToken(html) {
  return /name="form" value="([^"]+)"/.exec(html)[1];
}

/* Counts what reaches it: nothing should. */
export class Canary {
  constructor(port) {
    this.port = port;
    this.seen = [];
    this.server = http.createServer((request, answer) => {
      this.seen.push(request.url);
      answer.end();
    });
    this.server.on("connection", () => this.seen.push("connection"));
  }

  start() {
    return new Promise((done) =>
      this.server.listen(this.port, "127.0.0.1", done));
  }

  stop() {
    this.server.close();
  }
}

/* What only time does otherwise: changes a row behind the gateway's back. */
export function sql(portal, statement) {
  const done = spawnSync("/usr/bin/python3", [
    "-c",
    "import sqlite3, sys\nd = sqlite3.connect(sys.argv[1], timeout=10)\n" +
      "r = d.execute(sys.argv[2]).fetchall()\nd.commit()\nprint(r)",
    path.join(portal.folder, "data/postseal.db"), statement,
  ], { encoding: "utf8" });
  if (done.status !== 0) throw new Error(done.stderr);
  return done.stdout;
}

const AXE = fs.readFileSync(
  path.join(ROOT, "node_modules/axe-core/axe.min.js"), "utf8");

/* Faults of a page in the eyes of WCAG 2.2 A and AA. */
export async function faults(page) {
  await page.evaluate(AXE + ";0");
  const found = await page.evaluate(() =>
    axe.run(document, {
      iframes: false,
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa",
                "best-practice"],
    }));
  return found.violations.map((v) => `${v.id}: ${v.nodes[0].html}`);
}

export async function shot(page, name) {
  const folder = path.join(ROOT, "build/screenshots");
  fs.mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`) });
}
