// JSON with exact numbers: a double loses digits, and payloads may hold any number.

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** A number that a double would show otherwise. It shows its own digits, and takes part in arithmetic as the nearest double. */
export class Exact {
  constructor(digits) {
    this.digits = digits;
  }
  valueOf() {
    return Number(this.digits);
  }
  toString() {
    return this.digits;
  }
}

/**
 * Parses JSON without losing digits.
 *
 * @param text the JSON
 * @returns the value; numbers that a double would show otherwise are Exact
 * @throws SyntaxError if the text is not JSON
 */
export function parseJson(text) {
  // Random, so that no text of a payload can pass as a number.
  const mark = `${crypto.getRandomValues(new Uint32Array(4)).join("-")}:`;
  let found = false;
  const marked = text.replace(TOKEN, (token) => {
    if (token[0] === '"' || isSure(token)) {
      return token;
    }
    found = true;
    return `"${mark}${token}"`;
  });
  if (!found) {
    return JSON.parse(text);
  }
  return JSON.parse(marked, (key, value) =>
    typeof value === "string" && value.startsWith(mark) ? new Exact(value.slice(mark.length)) : value,
  );
}

/** Whether a double shows the number with the digits that it came with; 1.10 and 1e3 come back otherwise. */
const isSure = (number) => String(Number(number)) === number;

/** Writes a value as JSON, with the digits of Exact numbers as they came. */
export function writeJson(value, indent = 2, depth = 0) {
  if (value instanceof Exact) {
    return value.digits;
  }
  if (value === null || typeof value !== "object") {
    return JSON.stringify(value);
  }
  const list = Array.isArray(value);
  const parts = list
    ? value.map((item) => writeJson(item, indent, depth + 1))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${writeJson(item, indent, depth + 1)}`);
  const [open, close] = list ? "[]" : "{}";
  if (parts.length === 0) {
    return open + close;
  }
  const gap = "\n" + " ".repeat(indent * (depth + 1));
  return `${open}${gap}${parts.join("," + gap)}\n${" ".repeat(indent * depth)}${close}`;
}
