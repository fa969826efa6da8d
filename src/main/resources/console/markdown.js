// Markdown of the bus as elements. It knows headings, lists, tables, quotes, code, emphasis and links to
// rows of this console. Everything else, markup and other links included, stays text, so that a text from outside can
// neither run nor lead out of the console.

import { html, useState } from "./lib.js";

const FENCE = /^```/;
const HEADING = /^(#{1,4}) +(.*)$/;
const ITEM = /^( *)(?:[-*]|\d+[.)]) +(.*)$/;
const QUOTE = /^> ?(.*)$/;
const ROW = /^\|(.*)\|\s*$/;
const RULE = /^\|?[\s:|-]+\|?$/;
/** Code between equal runs of backticks, strong and emphasized words, and links whose words are one code or plain. */
const INLINE = new RegExp(
  [
    /(`+)(?!`)(.+?)(?<!`)\1(?!`)/,
    /\*\*([^*]+)\*\*/,
    /(?<![\w*])\*([^*\s][^*]*)\*(?!\w)/,
    /(?<![\w_])_([^_\s][^_]*)_(?!\w)/,
    /\[(?<words>(?<fence>`+)(?!`).+?(?<!`)\k<fence>(?!`)|[^\][`]+)\]\((?<to>\/console\/[a-z-]+(?:\/[\w.-]+)?(?:\?[a-z]+=[a-z0-9-]+(?:&namespace=[a-z0-9-]+)?)?)\)/,
  ].map(({ source }) => source).join("|"),
  "g",
);
/** A page has a heading of its own, and its parts have the second level. */
const TOP_LEVEL = 2;

/** Shows a Markdown text. */
export const Markdown = ({ text }) => html`<div class="markdown">${blocksOf(String(text).split(/\r?\n/))}</div>`;

/** The button that copies a Markdown text. */
export function CopyMarkdown({ text }) {
  const [copied, setCopied] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied("Copied.");
    } catch {
      // The clipboard needs HTTPS or this machine; the text can still be marked by hand.
      setCopied("The browser does not let this page copy; mark the text below.");
    }
  };
  return html`<button type="button" onClick=${copy}>Copy as Markdown</button> <span role="status">${copied}</span>`;
}

function blocksOf(lines) {
  const blocks = [];
  let at = 0;
  /** Takes the lines from here on for which the pattern holds. */
  const take = (matches) => {
    const from = at;
    while (at < lines.length && matches(lines[at])) {
      at += 1;
    }
    return lines.slice(from, at);
  };
  while (at < lines.length) {
    const line = lines[at];
    if (FENCE.test(line)) {
      at += 1;
      blocks.push(html`<pre class="block"><bdi>${take((next) => !FENCE.test(next)).join("\n")}</bdi></pre>`);
      at += 1;
    } else if (HEADING.test(line)) {
      blocks.push(heading(HEADING.exec(line)));
      at += 1;
    } else if (ITEM.test(line)) {
      blocks.push(list(take((next) => ITEM.test(next) || /^ +\S/.test(next)), /^ *\d/.test(line)));
    } else if (ROW.test(line) && RULE.test(lines[at + 1] ?? "")) {
      blocks.push(table(take((next) => ROW.test(next))));
    } else if (QUOTE.test(line)) {
      blocks.push(html`<blockquote>${blocksOf(take((next) => QUOTE.test(next)).map((next) => QUOTE.exec(next)[1]))}</blockquote>`);
    } else if (line.trim() === "") {
      at += 1;
    } else {
      at += 1;
      blocks.push(html`<p>${inline([line, ...take(isPlain)].join(" "))}</p>`);
    }
  }
  return blocks;
}

const isPlain = (line) => line.trim() !== "" && ![FENCE, HEADING, ITEM, QUOTE, ROW].some((pattern) => pattern.test(line));

function heading([, marks, words]) {
  const level = Math.min(marks.length + TOP_LEVEL - 1, 6);
  return html`<${`h${level}`}>${inline(words)}<//>`;
}

/** A list. Lines that are indented without a mark belong to the item before them; a deeper item is a list in its item. */
function list(lines, ordered) {
  const base = ITEM.exec(lines[0])[1].length;
  const items = [];
  for (const line of lines) {
    const item = ITEM.exec(line);
    if (item && item[1].length <= base) {
      items.push({ words: item[2], below: [] });
    } else if (item || items.at(-1).below.length > 0) {
      items.at(-1).below.push(line);
    } else {
      items.at(-1).words += ` ${line.trim()}`;
    }
  }
  const shown = items.map(({ words, below }) => html`<li>${inline(words)}${below.length > 0 && list(below, /^ *\d/.test(below[0]))}</li>`);
  return ordered ? html`<ol>${shown}</ol>` : html`<ul>${shown}</ul>`;
}

function table([head, , ...rows]) {
  const cells = (line) =>
    ROW.exec(line)[1]
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll("\\|", "|"));
  return html`<div class="wide-table" tabindex="0" role="group" aria-label="Table"><table>
    <thead><tr>${cells(head).map((cell) => html`<th scope="col">${inline(cell)}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${cells(row).map((cell) => html`<td>${inline(cell)}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

/** Code, emphasis and links within a line; each part has a direction of its own. */
function inline(text) {
  const parts = [];
  let at = 0;
  const plain = (until) => until > at && parts.push(html`<bdi>${unescaped(text.slice(at, until))}</bdi>`);
  for (const found of text.matchAll(INLINE)) {
    const [whole, , code, strong, star, low] = found;
    plain(found.index);
    if (found.groups.to) {
      parts.push(html`<a href=${found.groups.to}>${inline(found.groups.words)}</a>`);
    } else if (code !== undefined) {
      // Markdown takes one space off each end, so that code can begin with a backtick.
      parts.push(html`<code><bdi>${code.replace(/^ (.*) $/, "$1")}</bdi></code>`);
    } else if (strong !== undefined) {
      parts.push(html`<strong><bdi>${unescaped(strong)}</bdi></strong>`);
    } else {
      parts.push(html`<em><bdi>${unescaped(star ?? low)}</bdi></em>`);
    }
    at = found.index + whole.length;
  }
  plain(text.length);
  return parts;
}

/** A backslash before a mark of Markdown means the mark itself. */
const unescaped = (text) => text.replace(/\\([\\`*_{}[\]()#+\-.!|<>])/g, "$1");
