/* SPDX-License-Identifier: Apache-2.0 */
/* Fetches the message of this page and shows it. Without script the page
 * offers the file alone. */

import { render } from "preact";

import { readMessage } from "./message";
import { textsFor } from "./texts";
import { Failed, Message, Waiting } from "./view";

const SHOWN_MAX = 60_000_000;

async function start(place: HTMLElement, address: string): Promise<void> {
  const texts = textsFor(navigator.languages);
  render(<Waiting texts={texts} />, place);
  try {
    const answer = await fetch(address, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    if (Number(answer.headers.get("Content-Length")) > SHOWN_MAX) {
      render(<Failed text={texts.tooLarge} />, place);
      return;
    }
    const shown = await readMessage(await answer.arrayBuffer(), texts);
    render(<Message shown={shown} texts={texts} />, place);
  } catch {
    render(<Failed text={texts.failed} />, place);
  }
}

const place = document.getElementById("reader");
if (place?.dataset.content) {
  const address = place.dataset.content;
  place.textContent = "";
  void start(place, address);
}
