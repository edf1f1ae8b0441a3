/* SPDX-License-Identifier: Apache-2.0 */
/* Every word of the script, by language. English is complete; another language
 * is another object of the same type. */

export interface Texts {
  opening: string;
  opened: string;
  failed: string;
  tooLarge: string;
  from: string;
  to: string;
  cc: string;
  date: string;
  noSubject: string;
  message: string;
  empty: string;
  blocked: (n: number) => string;
  blockedImage: string;
  attachments: (n: number) => string;
  save: string;
  unnamed: string;
}

const en: Texts = {
  opening: "Opening your message …",
  opened: "Your message is open.",
  failed:
    "The message could not be opened here. Please try again, or save it and " +
    "open it in a mail program.",
  tooLarge:
    "This message is too large to show here. Save it and open it in a mail " +
    "program.",
  from: "From",
  to: "To",
  cc: "Copy to",
  date: "Date",
  noSubject: "(no subject)",
  message: "Message",
  empty: "This message has no text.",
  blocked: (n) =>
    (n === 1
      ? "One picture from another server was left out"
      : `${n} pictures or styles from other servers were left out`) +
    ", so that nobody learns that you opened this message.",
  blockedImage: "picture left out",
  attachments: (n) => (n === 1 ? "1 attachment" : `${n} attachments`),
  save: "Save",
  unnamed: "attachment",
};

const languages: Record<string, Texts> = { en };

export function textsFor(wanted: readonly string[]): Texts {
  for (const tag of wanted) {
    const found = languages[tag.toLowerCase().split("-")[0] ?? ""];
    if (found) return found;
  }
  return en;
}
