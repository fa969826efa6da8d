// Tests the plugin against a stub of the bus. Run with: node --test gateway/plugin/test/plugin.test.js

import assert from "node:assert/strict";
import fs, { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, mock, test } from "node:test";
import plugin from "../index.js";
import { Reporter, tokenSource } from "../reporter.js";
import { Runs } from "../runs.js";
import { Spool } from "../spool.js";

const JOB = "agent:devops:job:0190f5b8-2f4e-7cc1-8a61-6a0a3a3f9d10";
const QUICK = { firstPauseMs: 5, longestPauseMs: 20, keepAfterMs: 1 };

const received = [];
const warned = [];
const log = { warn: (text) => warned.push(text) };
let answers = [];

const bus = createServer((request, response) => {
  let text = "";
  request.on("data", (part) => (text += part));
  request.on("end", () => {
    const answer = answers.shift() ?? { status: 200, body: "{}" };
    received.push({ path: request.url, token: request.headers.authorization, body: JSON.parse(text), status: answer.status });
    response.writeHead(answer.status, { "content-type": "application/json" });
    response.end(answer.body ?? "{}");
  });
});
await new Promise((resolve) => bus.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${bus.address().port}`;
const home = mkdtempSync(join(tmpdir(), "agentbus plugin "));
const tokenFile = join(home, "report.token");
writeFileSync(tokenFile, "abg_secret\n");
after(() => {
  bus.close();
  rmSync(home, { recursive: true });
});
beforeEach(() => {
  received.length = 0;
  warned.length = 0;
  answers = [];
});

const reporter = (options = {}) =>
  new Reporter({ url, token: () => "abg_secret", log, expectStart: false, times: QUICK, ...options });
/** Waits for a condition, and fails when it has not come true in half a minute, which is far more than any takes. */
const until = async (reached) => {
  const began = performance.now();
  while (!reached()) {
    assert.ok(performance.now() - began < 30_000, `this has not come true: ${reached}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};
const idle = (sender) => until(() => sender.waiting === 0);
const taken = () => received.filter((report) => report.status < 300);

test("reports_of_one_session_arrive_in_order_although_the_first_is_tried_again", async () => {
  answers = [{ status: 503 }, { status: 500 }];
  const sender = reporter();
  sender.run(JOB, "run-started", { n: 1 });
  sender.run(JOB, "run-ended", { n: 2 });
  await idle(sender);
  assert.deepEqual(taken().map((report) => report.body.n), [1, 2]);
  assert.deepEqual(received.map((report) => report.status), [503, 500, 200, 200]);
});

test("a_session_whose_report_is_not_taken_does_not_hold_up_another", async () => {
  const sender = reporter({
    fetch: async (address, options) => {
      const { session } = JSON.parse(options.body);
      received.push({ body: { session }, status: session === "bad" ? 500 : 200 });
      return { ok: session !== "bad", status: session === "bad" ? 500 : 200, text: async () => "{}" };
    },
  });
  sender.run("bad", "run-ended", { session: "bad" });
  sender.run("good", "run-ended", { session: "good" });
  await until(() => taken().length === 1 && received.length > 3);
  assert.equal(sender.waiting, 1);
  await sender.stop(0);
});

test("what_the_bus_refuses_for_good_is_not_sent_again_and_is_named_by_its_code", async () => {
  answers = [{ status: 400, body: '{"code":"invalid_input"}' }];
  const sender = reporter();
  sender.run(JOB, "run-ended", {});
  await idle(sender);
  assert.equal(received.length, 1);
  assert.match(warned.join(), /run-ended was not taken: 400 invalid_input/);
});

for (const answer of [
  { status: 404, body: "<html><body><h1>Resource not found</h1></body></html>" },
  { status: 404, body: "" },
  { status: 404, body: '{"error":"not found"}' },
  { status: 400, body: "Bad Request" },
  { status: 405, body: "[]" },
  { status: 302, body: "" },
  { status: 200, body: "<html>Welcome</html>" },
  { status: 204, body: "" },
  { status: 401, body: '{"code":"invalid_token"}' },
  { status: 429, body: '{"code":"too_many_calls"}' },
  { status: 503, body: '{"code":"unavailable"}' },
]) {
  test(`a_report_is_sent_again_after_an_answer_that_does_not_settle_it: ${answer.status} ${answer.body}`, async () => {
    answers = [answer, answer];
    const sender = reporter();
    sender.run(JOB, "run-ended", { n: 1 });
    await idle(sender);
    assert.deepEqual(received.map((report) => report.status), [answer.status, answer.status, 200]);
    assert.ok(warned[0].includes("trying again"), warned.join());
  });
}

const spool = () => new Spool(join(home, "state", "reports.json"));
const down = () => reporter({ url: "http://127.0.0.1:9", spool: spool() });

test("the_ends_of_runs_survive_a_restart_of_the_gateway_and_arrive_in_order", async () => {
  const before = down();
  before.run(JOB, "run-started", { n: 0 });
  before.run(JOB, "run-ended", { n: 1, durationMs: 1000 });
  before.run(`${JOB}2`, "run-ended", { n: 2 });
  before.run(JOB, "run-ended", { n: 3 });
  await before.stop(0);
  assert.equal(statSync(join(home, "state", "reports.json")).mode & 0o777, 0o600);
  assert.ok(!readFileSync(join(home, "state", "reports.json"), "utf8").includes("abg_"));

  const afterwards = reporter({ spool: spool(), expectStart: true });
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(received.length, 0);
  afterwards.gatewayStarted(() => ({ bootId: "b" }));
  await idle(afterwards);
  assert.equal(received[0].path, "/v1/gateway/started");
  // The start of a run that has died with its gateway would tell the bus that the run is alive.
  assert.deepEqual(received.slice(1).map((report) => report.body.n).sort(), [1, 2, 3]);
  assert.deepEqual(received.map((report) => report.body.n).filter((n) => n === 1 || n === 3), [1, 3]);
  assert.ok(received.find((report) => report.body.n === 1).body.durationMs >= 1030);
  assert.ok(!existsSync(join(home, "state", "reports.json")));
});

test("a_report_after_the_stop_is_kept_for_the_next_start", async () => {
  const before = reporter({ spool: spool() });
  await before.stop(0);
  before.run(JOB, "run-ended", { n: 1 });
  await idle(before);
  assert.equal(received.length, 0);
  await idle(reporter({ spool: spool() }));
  assert.deepEqual(taken().map((report) => report.body.n), [1]);
});

test("a_second_load_takes_over_what_waits_in_order_and_without_sending_it_twice", async () => {
  const before = down();
  before.gatewayStarted(() => ({ bootId: "b" }));
  before.run(JOB, "run-started", { runId: "r" });
  before.run(JOB, "run-ended", { runId: "r" });
  await idle(reporter({ spool: spool(), reports: before.release() }));
  // A start that arrives after the end of the same run would make the bus take the run for alive.
  assert.deepEqual(received.map((report) => report.path), [
    "/v1/gateway/started",
    "/v1/gateway/run-started",
    "/v1/gateway/run-ended",
  ]);
});

test("a_second_load_keeps_what_the_first_had_not_written_yet", { timeout: 5000 }, async () => {
  const before = reporter({ url: "http://127.0.0.1:9", spool: spool(), times: { ...QUICK, keepAfterMs: 60_000 } });
  before.run(JOB, "run-ended", { n: 1 });
  const after = reporter({ url: "http://127.0.0.1:9", spool: spool(), reports: before.release() });
  await until(() => existsSync(join(home, "state", "reports.json")));
  // The process ends without a stop.
  after.release();
  await idle(reporter({ spool: spool() }));
  assert.deepEqual(taken().map((report) => report.body.n), [1]);
});

test("a_file_that_holds_no_reports_is_said_and_does_not_stop_the_plugin", async () => {
  for (const text of ["nonsense", "{}", '[{"queue":"q","path":"/v1/jobs","body":{},"at":1}]', "[null]"]) {
    warned.length = 0;
    writeFileSync(join(home, "state", "reports.json"), text);
    const sender = reporter({ spool: spool() });
    assert.match(warned.join(), /kept reports cannot be read/);
    sender.run(JOB, "run-ended", {});
    await idle(sender);
  }
  assert.equal(taken().length, 4);
});

test("kept_reports_are_on_the_disk_before_they_replace_the_earlier_ones", () => {
  const calls = [];
  const paths = new Map();
  const { openSync, fsyncSync, renameSync } = fs;
  mock.method(fs, "openSync", (path, ...more) => {
    const file = openSync(path, ...more);
    paths.set(file, path);
    return file;
  });
  mock.method(fs, "fsyncSync", (file) => {
    // A power cut after this call leaves at least what the file holds now.
    calls.push(["fsync", paths.get(file), statSync(paths.get(file)).isDirectory() ? "" : readFileSync(paths.get(file), "utf8")]);
    fsyncSync(file);
  });
  mock.method(fs, "renameSync", (from, to) => {
    calls.push(["rename", from, to]);
    renameSync(from, to);
  });
  const file = join(home, "state", "reports.json");
  const reports = [{ queue: JOB, path: "/v1/gateway/run-ended", body: { n: 1 }, at: 1 }];
  try {
    spool().keep(reports);
  } finally {
    mock.restoreAll();
  }
  assert.deepEqual(calls, [
    ["fsync", `${file}.new`, JSON.stringify(reports)],
    ["rename", `${file}.new`, file],
    ["fsync", join(home, "state"), ""],
  ]);
  assert.deepEqual(spool().read(), reports);
  spool().keep([]);
  assert.ok(!existsSync(file));
});

test("reports_of_a_bus_that_is_away_share_one_write_and_those_of_a_healthy_bus_need_none", async () => {
  const writes = [];
  const counted = { read: () => [], keep: (reports) => writes.push(reports.length) };
  const away = reporter({ url: "http://127.0.0.1:9", spool: counted, times: { ...QUICK, keepAfterMs: 30 } });
  for (let i = 0; i < 5; i += 1) {
    away.run(`${JOB}${i}`, "run-ended", { n: i });
  }
  await until(() => writes.length > 0);
  assert.deepEqual(writes, [5]);
  away.release();

  writes.length = 0;
  const healthy = reporter({ spool: counted, times: { ...QUICK, keepAfterMs: 2000 } });
  healthy.run(JOB, "run-ended", { n: 1 });
  await idle(healthy);
  await healthy.stop(0);
  assert.deepEqual(writes.filter((kept) => kept > 0), []);
});

test("a_directory_that_cannot_be_written_is_said_and_the_report_is_sent", async () => {
  answers = [{ status: 503 }, { status: 503 }];
  const sender = reporter({ spool: new Spool(join(tokenFile, "reports.json")) });
  sender.run(JOB, "run-ended", {});
  await idle(sender);
  assert.equal(taken().length, 1);
  assert.match(warned.join(), /reports are not kept over a restart/);
});

test("a_bus_that_is_away_is_said_once_and_without_the_token", async () => {
  let tries = 0;
  const sender = reporter({ url: "http://127.0.0.1:9", fetch: (...call) => ((tries += 1), fetch(...call)) });
  sender.run(JOB, "run-ended", {});
  await until(() => tries > 3);
  await sender.stop(0);
  assert.equal(warned.filter((text) => text.includes("trying again")).length, 1);
  assert.ok(!warned.join().includes("abg_secret"));
});

test("reports_of_runs_wait_until_the_start_was_taken", async () => {
  answers = [{ status: 503 }];
  const sender = reporter({ expectStart: true });
  sender.run(JOB, "run-started", { n: 1 });
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(received.length, 0);
  sender.gatewayStarted(() => ({ bootId: "b" }));
  sender.run(JOB, "run-ended", { n: 2 });
  await idle(sender);
  assert.deepEqual(received.map((report) => report.path), [
    "/v1/gateway/started",
    "/v1/gateway/started",
    "/v1/gateway/run-started",
    "/v1/gateway/run-ended",
  ]);
});

test("no_more_reports_wait_than_there_is_room_for", async () => {
  const sender = reporter({ token: () => { throw new Error("no token"); }, times: { ...QUICK, mostWaiting: 3 } });
  for (let i = 0; i < 10; i += 1) {
    sender.run(`${JOB}${i}`, "run-ended", {});
  }
  assert.equal(sender.waiting, 3);
  assert.match(warned.join(), /more than 3 reports wait/);
  await sender.stop(0);
});

test("a_stop_sends_what_is_left_and_then_nothing_more", async () => {
  const sender = reporter();
  sender.run(JOB, "run-ended", { n: 1 });
  await sender.stop(1000);
  assert.equal(taken().length, 1);
  sender.run(JOB, "run-ended", { n: 2 });
  await idle(sender);
  assert.equal(received.length, 1);
});

test("a_token_is_read_anew_so_that_it_can_come_later", () => {
  const late = join(home, "late.token");
  const token = tokenSource({ tokenFile: late });
  assert.throws(token, /there is no token in .*issue-gateway-token/);
  writeFileSync(late, "hello");
  assert.throws(token, /holds no gateway token/);
  writeFileSync(late, "abg_later\n");
  assert.equal(token(), "abg_later");
});

const lifecycle = (data, more = {}) => ({ stream: "lifecycle", runId: "r1", sessionKey: JOB, agentId: "devops", ts: Date.now(), data, ...more });

test("a_run_has_ended_when_its_execution_is_settled_not_after_each_try_of_the_model", () => {
  const reports = [];
  const runs = new Runs((sessionKey, what, body) => reports.push({ sessionKey, what, ...body }));
  const begun = Date.now() - 5000;
  for (let i = 0; i < 3; i += 1) {
    runs.event(lifecycle({ phase: "start", startedAt: begun + i * 1000 }));
    runs.event(lifecycle({ phase: "finishing", error: "HTTP 500" }));
    runs.modelCalled({ runId: "r1", success: true, durationMs: 1000, messages: [
      { role: "assistant", timestamp: Date.now(), provider: "p", model: "m", usage: { input: 10, output: 2, totalTokens: 12, cost: { total: 0.5 } } },
      { role: "assistant", timestamp: begun - 9999, usage: { input: 1000 } },
    ] });
  }
  runs.event(lifecycle({ phase: "end", executionSettled: true, aborted: false }));
  assert.deepEqual(reports.map((report) => report.what), ["run-started", "run-ended"]);
  const { success, error, durationMs, usage } = reports[1];
  assert.equal(success, true);
  assert.equal(error, undefined);
  assert.ok(durationMs >= 5000, `${durationMs}`);
  assert.deepEqual(usage, { calls: 3, input: 30, output: 6, cacheRead: 0, cacheWrite: 0, total: 36, costUsd: 1.5, model: "p/m" });
});

const usage = (outputTokens, more = {}) => ({ ...lifecycle({ outputTokens }, more), stream: "usage" });

test("a_run_over_its_tokens_is_reported_once_while_it_goes_on", () => {
  const reports = [];
  let taken;
  const runs = new Runs((sessionKey, what, body, then) => {
    reports.push({ sessionKey, what, ...body });
    taken = then ?? taken;
  });
  runs.event(usage(900));
  runs.event(lifecycle({ phase: "start" }));
  runs.event(usage(60));
  taken({ outcome: "alive", tokenCap: 100 });
  runs.event(usage(900, { runId: "r2" }));
  runs.event(usage("900"));
  runs.event(usage(100));
  assert.equal(reports.length, 1);
  runs.event(usage(101));
  runs.event(usage(150));
  assert.deepEqual(reports.map((report) => report.what), ["run-started", "run-started"]);
  assert.deepEqual(reports[1].usage, { output: 101, total: 101 });
  assert.equal(reports[1].runId, "r1");
});

test("what_a_run_has_read_counts_as_soon_as_it_is_known", () => {
  const reports = [];
  const runs = new Runs((sessionKey, what, body, then) => {
    reports.push(body);
    then?.({ outcome: "alive", tokenCap: 100 });
  });
  runs.event(lifecycle({ phase: "start" }));
  runs.event(usage(10));
  runs.modelCalled({ runId: "r1", durationMs: 1000, messages: [
    { role: "assistant", timestamp: Date.now(), usage: { input: 200, output: 10, totalTokens: 210 } },
  ] });
  assert.equal(reports[1].usage.total, 210);
});

test("a_cap_that_comes_after_the_tokens_were_spent_holds_too_and_work_has_none", () => {
  for (const [tokenCap, expected] of [[100, 2], [undefined, 1], ["many", 1]]) {
    const reports = [];
    let taken;
    const runs = new Runs((sessionKey, what, body, then) => {
      reports.push(what);
      taken = then ?? taken;
    });
    runs.event(lifecycle({ phase: "start" }));
    runs.event(usage(101));
    taken({ outcome: "alive", tokenCap });
    assert.equal(reports.length, expected, `${tokenCap}`);
  }
});

test("the_answer_to_a_report_reaches_its_run", async () => {
  answers = [{ status: 200, body: '{"applied":true,"outcome":"alive","tokenCap":7}' }];
  const sender = reporter();
  let answer;
  sender.run(JOB, "run-started", {}, (given) => (answer = given));
  await idle(sender);
  assert.equal(answer.tokenCap, 7);
});

test("an_abort_and_an_error_are_failures_with_their_reason", () => {
  const reports = [];
  const runs = new Runs((sessionKey, what, body) => reports.push(body));
  runs.event(lifecycle({ phase: "error", executionSettled: true, aborted: true, error: "agent run aborted" }));
  runs.event(lifecycle({ phase: "error", executionSettled: true, error: "x".repeat(9000) }));
  assert.equal(reports[0].success, false);
  assert.equal(reports[0].error, "agent run aborted");
  assert.equal(reports[1].error.length, 2000);
});

test("texts_are_cut_at_whole_characters_and_hold_nothing_that_the_bus_cannot_store", () => {
  const reports = [];
  const runs = new Runs((sessionKey, what, body) => reports.push(body));
  for (const error of [`${"a".repeat(1999)}\u{1f600}`, "x\ud83dy\u0000z", "\udc00"]) {
    runs.event(lifecycle({ phase: "error", executionSettled: true, error }));
  }
  assert.deepEqual(reports.map((report) => report.error), ["a".repeat(1999), "x\ufffdy\ufffdz", "\ufffd"]);
});

test("sessions_that_are_no_jobs_are_nobody_elses_business", () => {
  const reports = [];
  const runs = new Runs((sessionKey, what) => reports.push(what));
  for (const sessionKey of ["agent:devops:main", "agent:devops:cron:1", "agent:devops:subagent:job:1", "", undefined]) {
    runs.event(lifecycle({ phase: "start" }, { sessionKey }));
    runs.event(lifecycle({ phase: "end", executionSettled: true }, { sessionKey }));
  }
  assert.deepEqual(reports, []);
});

test("odd_events_never_break_the_gateway", async () => {
  const handlers = {};
  let onEvent;
  plugin.register({
    registrationMode: "full",
    pluginConfig: { url, tokenFile, spoolFile: join(home, "plugin", "reports.json") },
    logger: log,
    runtime: { version: "2026.9.6", events: { onAgentEvent: (handler) => (onEvent = handler) } },
    on: (name, handler) => (handlers[name] = handler),
  });
  const circle = {};
  circle.data = circle;
  for (const odd of [undefined, null, 5, "x", [], {}, circle, lifecycle(null), lifecycle({ phase: "start" }, { sessionKey: 5 }), lifecycle({ phase: "end", executionSettled: true }, { runId: {} }), usage(5, { data: null }), usage({})]) {
    assert.doesNotThrow(() => onEvent(odd));
    assert.doesNotThrow(() => handlers.agent_end(odd));
  }
  handlers.gateway_start({ port: 1 });
  onEvent(lifecycle({ phase: "start" }));
  onEvent(lifecycle({ phase: "end", executionSettled: true }));
  await handlers.gateway_stop();
  assert.deepEqual(taken().map((report) => report.path), ["/v1/gateway/started", "/v1/gateway/run-started", "/v1/gateway/run-ended"]);
  assert.ok(received.every((report) => report.token === "Bearer abg_secret"));
  assert.equal(received[0].body.version, "2026.9.6");
});

test("a_second_load_in_one_process_is_the_same_boot_and_hears_events_once", () => {
  let left = 0;
  const api = {
    registrationMode: "full",
    pluginConfig: { url, tokenFile, spoolFile: join(home, "plugin", "reports.json") },
    logger: log,
    runtime: { version: "1", events: { onAgentEvent: () => () => (left += 1) } },
    on: () => {},
  };
  plugin.register(api);
  plugin.register(api);
  assert.equal(left, 1);
});

test("a_load_only_to_look_at_the_plugin_does_nothing", () => {
  assert.doesNotThrow(() => plugin.register({ registrationMode: "discovery" }));
});
