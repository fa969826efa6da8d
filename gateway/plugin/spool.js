// Keeps the reports of ended runs in a file, so that they survive a restart of the gateway, or a power cut, while the
// bus is away.

import fs from "node:fs";
import { dirname } from "node:path";

export class Spool {
  #file;
  // Whether the file may exist.
  #written = true;

  /** @param {string} file the path of the file; its directory is made if necessary */
  constructor(file) {
    this.#file = file;
  }

  /**
   * Reads the kept reports.
   *
   * @returns {{queue: string, path: string, body: object, at: number}[]} oldest first; none if there is no file
   * @throws {Error} if the file cannot be read or is not in the form that {@link keep} writes
   */
  read() {
    let text;
    try {
      text = fs.readFileSync(this.#file, "utf8");
    } catch (error) {
      if (error.code === "ENOENT") {
        this.#written = false;
        return [];
      }
      throw error;
    }
    const reports = JSON.parse(text);
    if (!Array.isArray(reports) || !reports.every(isReport)) {
      throw new Error(`${this.#file} holds no reports`);
    }
    return reports;
  }

  /**
   * Replaces the kept reports. The file changes as a whole or not at all, and is on the disk at the return.
   *
   * @param {{queue: string, path: string, body: object, at: number}[]} reports oldest first
   * @throws {Error} if the file cannot be written
   */
  keep(reports) {
    if (reports.length === 0) {
      // Not forced to the disk: a report that comes back after a power cut is sent again, which changes nothing.
      if (this.#written) {
        fs.rmSync(this.#file, { force: true });
        this.#written = false;
      }
      return;
    }
    const directory = dirname(this.#file);
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const next = `${this.#file}.new`;
    const text = JSON.stringify(reports.map(({ queue, path, body, at }) => ({ queue, path, body, at })));
    this.#written = true;
    // The content goes to the disk before the rename. In the other order a power cut could leave an empty file in the
    // place of the earlier one.
    withOpen(next, "w", (file) => {
      fs.writeFileSync(file, text);
      fs.fsyncSync(file);
    });
    fs.renameSync(next, this.#file);
    withOpen(directory, "r", (file) => fs.fsyncSync(file));
  }
}

function withOpen(path, flags, action) {
  const file = fs.openSync(path, flags, 0o600);
  try {
    action(file);
  } finally {
    fs.closeSync(file);
  }
}

function isReport(value) {
  return (
    typeof value?.queue === "string" &&
    typeof value.path === "string" &&
    value.path.startsWith("/v1/gateway/") &&
    typeof value.body === "object" &&
    value.body !== null &&
    Number.isFinite(value.at)
  );
}
