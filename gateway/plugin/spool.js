// Keeps the reports of ended runs in a file, so that they survive a restart of the gateway while the bus is away.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

export class Spool {
  #file;

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
      text = readFileSync(this.#file, "utf8");
    } catch (error) {
      if (error.code === "ENOENT") {
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
   * Replaces the kept reports. The file changes as a whole or not at all.
   *
   * @param {{queue: string, path: string, body: object, at: number}[]} reports oldest first
   * @throws {Error} if the file cannot be written
   */
  keep(reports) {
    if (reports.length === 0) {
      rmSync(this.#file, { force: true });
      return;
    }
    mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
    const next = `${this.#file}.new`;
    writeFileSync(next, JSON.stringify(reports.map(({ queue, path, body, at }) => ({ queue, path, body, at }))), { mode: 0o600 });
    renameSync(next, this.#file);
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
