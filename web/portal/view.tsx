/* SPDX-License-Identifier: Apache-2.0 */
/* How an opened message looks. */

import type { SavedFile, Shown } from "./message";
import type { Texts } from "./texts";

function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(0)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/* Always as unknown octets: a browser saves them and shows nothing. */
function save(file: SavedFile): void {
  const blob = new Blob([file.bytes as BlobPart], {
    type: "application/octet-stream",
  });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function Files({ files, texts }: { files: SavedFile[]; texts: Texts }) {
  if (files.length === 0) return null;
  return (
    <section class="files" aria-labelledby="files">
      <h2 id="files">{texts.attachments(files.length)}</h2>
      <ul>
        {files.map((file) => (
          <li>
            <span class="file">
              <bdi>{file.name}</bdi>{" "}
              <span class="small">{sizeText(file.size)}</span>
            </span>
            <button
              class="quiet"
              type="button"
              aria-label={`${texts.save} ${file.name}`}
              onClick={() => save(file)}
            >
              {texts.save}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Line({ name, value }: { name: string; value: string }) {
  if (value === "") return null;
  return (
    <>
      <dt>{name}</dt>
      <dd>
        <bdi>{value}</bdi>
      </dd>
    </>
  );
}

function dateText(date: string): string {
  const time = new Date(date);
  return Number.isNaN(time.getTime())
    ? date
    : time.toLocaleString(undefined, { dateStyle: "long", timeStyle: "short" });
}

function Body({ shown, texts }: { shown: Shown; texts: Texts }) {
  if (shown.frame !== null)
    return (
      <iframe
        title={texts.message}
        sandbox="allow-popups allow-popups-to-escape-sandbox"
        referrerpolicy="no-referrer"
        srcdoc={shown.frame}
      />
    );
  return (
    <div class="text" tabIndex={0} role="region" aria-label={texts.message}>
      {shown.text.trim() === "" ? texts.empty : shown.text}
    </div>
  );
}

export function Waiting({ texts }: { texts: Texts }) {
  return <p role="status">{texts.opening}</p>;
}

export function Failed({ text }: { text: string }) {
  return (
    <p class="alert" role="alert">
      {text}
    </p>
  );
}

export function Message({ shown, texts }: { shown: Shown; texts: Texts }) {
  return (
    <article>
      <p class="hidden" role="status">
        {texts.opened}
      </p>
      <h1>
        <bdi>{shown.subject}</bdi>
      </h1>
      <dl>
        <Line name={texts.from} value={shown.from} />
        <Line name={texts.to} value={shown.to} />
        <Line name={texts.cc} value={shown.cc} />
        <Line name={texts.date} value={dateText(shown.date)} />
      </dl>
      {shown.blocked > 0 && <p class="note">{texts.blocked(shown.blocked)}</p>}
      <Body shown={shown} texts={texts} />
      <Files files={shown.files} texts={texts} />
    </article>
  );
}
