/* SPDX-License-Identifier: Apache-2.0 */
/* From the octets of a mail to what may be shown. Everything in them is a
 * stranger's: HTML is cleaned here, and shown only in a frame that has no
 * scripts, no origin and no network. */

import DOMPurify from "dompurify";
import PostalMime from "postal-mime";
import type { Address, Attachment } from "postal-mime";

import type { Texts } from "./texts";

export interface SavedFile {
  name: string;
  size: number;
  bytes: Uint8Array;
}

export interface Shown {
  subject: string;
  from: string;
  to: string;
  cc: string;
  date: string;
  frame: string | null; /* a whole document for srcdoc */
  text: string;
  blocked: number;
  files: SavedFile[];
}

const PICTURES = /^image\/(png|jpeg|gif|webp)$/i;
const DATA_PICTURE = /^data:image\/(png|jpeg|gif|webp);base64,[a-z0-9+/=\s]*$/i;
const HTML_MAX = 2_000_000;

const FRAME_POLICY =
  "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; " +
  "base-uri 'none'; form-action 'none'";

const FRAME_STYLE =
  "html{color-scheme:light}body{margin:12px;background:#fff;color:#1b1f23;" +
  "font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}" +
  "img{max-width:100%;height:auto}table{max-width:100%}" +
  "pre{white-space:pre-wrap}" +
  ".postseal-blocked{display:inline-block;padding:2px 8px;border:1px dashed " +
  "#6b7280;border-radius:4px;color:#4b5563;font-size:13px}";

function octets(content: Attachment["content"]): Uint8Array {
  if (typeof content === "string") return new TextEncoder().encode(content);
  return content instanceof Uint8Array ? content : new Uint8Array(content);
}

/* A name that is only a name: no folders, no controls, nothing that turns the
 * direction of writing, no leading dots. */
export function safeName(name: string | null | undefined, unnamed: string) {
  const plain = (name ?? "")
    .normalize("NFC")
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\u2028\u2029]/gu, "")
    .replace(/[\\/:*?"<>|]/g, "_")
    .replace(/^[.\s]+|[.\s]+$/g, "");
  if (plain === "") return unnamed;
  if (plain.length <= 120) return plain;
  const dot = plain.lastIndexOf(".");
  const tail = dot > 0 && plain.length - dot <= 12 ? plain.slice(dot) : "";
  return plain.slice(0, 120 - tail.length) + tail;
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000)
    text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
}

/* cid: names to data: addresses; pictures only. */
function inlinePictures(list: readonly Attachment[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const item of list) {
    if (!item.contentId || !PICTURES.test(item.mimeType)) continue;
    const id = item.contentId.replace(/^<|>$/g, "");
    found.set(
      id,
      `data:${item.mimeType.toLowerCase()};base64,` +
        base64(octets(item.content)),
    );
  }
  return found;
}

/* Anything in a style that could name an address, escaped letters included. */
const STYLE_FETCHES = /url\s*\(|image-set|@import|@font-face|src\s*\(|\\/i;

/* A name with escapes that are none stands for itself. */
function contentName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function cleanPicture(
  node: Element,
  pictures: Map<string, string>,
  texts: Texts,
): boolean {
  const source = (node.getAttribute("src") ?? "").trim();
  const inline = /^cid:/i.test(source)
    ? pictures.get(contentName(source.slice(4)))
    : undefined;
  if (inline !== undefined) {
    node.setAttribute("src", inline);
    return false;
  }
  if (DATA_PICTURE.test(source)) return false;
  const note = node.ownerDocument.createElement("span");
  note.className = "postseal-blocked";
  note.textContent = node.getAttribute("alt") || texts.blockedImage;
  node.replaceWith(note);
  return true;
}

function cleanLink(node: Element): void {
  const to = (node.getAttribute("href") ?? "").trim();
  if (!/^(https?:|mailto:|tel:)/i.test(to)) node.removeAttribute("href");
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer nofollow");
}

interface Cleaned {
  html: string;
  blocked: number;
}

export function cleanHtml(
  html: string,
  pictures: Map<string, string>,
  texts: Texts,
): Cleaned {
  let blocked = 0;
  const purify = DOMPurify(window);
  const body = purify.sanitize(html, {
    USE_PROFILES: { html: true },
    FORBID_TAGS: [
      "form", "input", "button", "textarea", "select", "option", "optgroup",
      "datalist", "fieldset", "legend", "label", "output", "dialog", "menu",
      "audio", "video", "source", "track", "picture", "map", "area",
    ],
    FORBID_ATTR: [
      "srcset", "background", "ping", "poster", "action", "formaction",
      "autofocus", "popover", "popovertarget", "usemap", "longdesc", "cite",
      "tabindex", "accesskey", "contenteditable", "download",
    ],
    ALLOW_DATA_ATTR: false,
    /* The last two are values that are no addresses (border="1"). */
    ALLOWED_URI_REGEXP:
      /^(?:(?:https?|mailto|tel|cid):|data:image\/(?:png|jpeg|gif|webp);|[^a-z]|[a-z+.-]+(?:[^a-z+.:-]|$))/i,
    FORCE_BODY: true,
    RETURN_DOM: true,
  }) as HTMLElement;
  for (const node of Array.from(body.querySelectorAll("img")))
    if (cleanPicture(node, pictures, texts)) blocked++;
  for (const node of Array.from(body.querySelectorAll("a"))) cleanLink(node);
  for (const node of Array.from(body.querySelectorAll("[style]")))
    if (STYLE_FETCHES.test(node.getAttribute("style") ?? "")) {
      node.removeAttribute("style");
      blocked++;
    }
  for (const node of Array.from(body.querySelectorAll("style")))
    if (STYLE_FETCHES.test(node.textContent ?? "")) {
      node.remove();
      blocked++;
    }
  return { html: body.innerHTML, blocked };
}

export function frameOf(html: string): string {
  return (
    '<!doctype html><html><head><meta charset="utf-8">' +
    `<meta http-equiv="Content-Security-Policy" content="${FRAME_POLICY}">` +
    '<meta name="referrer" content="no-referrer">' +
    '<meta http-equiv="x-dns-prefetch-control" content="off">' +
    '<meta name="viewport" content="width=device-width">' +
    `<title>.</title><style>${FRAME_STYLE}</style></head><body>${html}` +
    "</body></html>"
  );
}

function people(list: readonly Address[] | undefined): string {
  return (list ?? [])
    .map((a) => {
      const address = a.address ?? "";
      return a.name && a.name !== address ? `${a.name} <${address}>` : address;
    })
    .filter((text) => text !== "")
    .join(", ");
}

function filesOf(
  list: readonly Attachment[],
  html: string,
  texts: Texts,
): SavedFile[] {
  return list
    .filter((item) => {
      const id = (item.contentId ?? "").replace(/^<|>$/g, "");
      const shown =
        id !== "" && PICTURES.test(item.mimeType) && html.includes(`cid:${id}`);
      return !shown;
    })
    .map((item) => {
      const bytes = octets(item.content);
      return {
        name: safeName(item.filename, texts.unnamed),
        size: bytes.length,
        bytes,
      };
    });
}

export async function readMessage(
  raw: ArrayBuffer,
  texts: Texts,
): Promise<Shown> {
  const mail = await PostalMime.parse(raw, {
    attachmentEncoding: "arraybuffer",
    maxNestingDepth: 50,
  });
  const html = (mail.html ?? "").slice(0, HTML_MAX);
  const shown: Shown = {
    subject: mail.subject || texts.noSubject,
    from: people(mail.from ? [mail.from] : []),
    to: people(mail.to),
    cc: people(mail.cc),
    date: mail.date ?? "",
    frame: null,
    text: mail.text ?? "",
    blocked: 0,
    files: filesOf(mail.attachments, html, texts),
  };
  if (html.trim() !== "") {
    const clean = cleanHtml(html, inlinePictures(mail.attachments), texts);
    shown.frame = frameOf(clean.html);
    shown.blocked = clean.blocked;
  }
  return shown;
}
