// graphile-worker as a side of ./agentbus bench peers. One job is one POST to the hook; the worker then deletes the job.
//
// The bench writes one command a line to the standard input, and reads one answer a line:
//   fill <jobs>           queues jobs while no worker runs -> filled
//   work <at once>        starts the worker, waits until the queue is empty -> worked <microseconds>
//   rate <jobs> <second>  queues jobs at this rate while the worker runs, waits until the queue is empty -> rated
// The end of the input ends the process. Read from the environment: HOOK, DATABASE_URL, PGUSER and
// PGPASSWORD.

import fs from 'node:fs';
import http from 'node:http';
import readline from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';

const BATCH = 1000;
const CHECK_MS = 10;
const PADDING = 'x'.repeat(600);
const PENDING = fs.readFileSync(new URL('graphile-worker-pending.sql', import.meta.url), 'utf8');
const { version } = JSON.parse(
  fs.readFileSync(new URL('node_modules/graphile-worker/package.json', import.meta.url), 'utf8'));

const hook = new URL(process.env.HOOK);
const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
// Chosen: twice the default, so that 50 jobs at once wait less for a connection.
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 20 });
pool.on('error', failed => {
  console.error(failed);
  process.exit(1);
});
const logger = new Logger(() => () => {});
const utils = await makeWorkerUtils({ pgPool: pool, logger });
await utils.migrate();

let runner;
let made = 0;
let done = 0;

const micros = () => Math.round((performance.timeOrigin + performance.now()) * 1000);

function callHook({ id, sentAtMicros }) {
  const body = JSON.stringify({
    agentId: 'peer',
    name: 'bench',
    message: `${PADDING} ${JSON.stringify({ sentAtMicros })}`,
    deliver: false,
  });
  return new Promise((resolve, reject) => {
    const request = http.request(hook, {
      method: 'POST',
      agent,
      headers: {
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(body),
        'Idempotency-Key': id,
      },
    }, answer => {
      answer.resume();
      answer.on('end', () => answer.statusCode === 200 ? resolve() : reject(new Error(`hook: ${answer.statusCode}`)));
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function hookTask(payload) {
  await callHook(payload);
  done++;
}

// The jobs in memory come first, because counting a long queue would slow the worker down.
async function untilEmpty() {
  while (done < made) {
    await sleep(CHECK_MS);
  }
  while (Number((await pool.query(PENDING)).rows[0].pending) > 0) {
    await sleep(CHECK_MS);
  }
}

const payload = sentAtMicros => ({ id: `graphile-${++made}`, sentAtMicros });

async function fill(jobs) {
  await runner?.stop();
  runner = undefined;
  for (let left = jobs; left > 0; left -= BATCH) {
    await utils.addJobs(Array.from(
      { length: Math.min(BATCH, left) },
      () => ({ identifier: 'hook', payload: payload(0) })));
  }
  return 'filled';
}

async function work(atOnce) {
  const began = micros();
  runner = await run({ pgPool: pool, concurrency: atOnce, noHandleSignals: true, logger, taskList: { hook: hookTask } });
  await untilEmpty();
  return `worked ${micros() - began}`;
}

// Each call is made on time, even while earlier ones have no answer.
async function rate(jobs, second) {
  const began = performance.now();
  const calls = [];
  for (let n = 0; n < jobs; n++) {
    const early = began + n * 1000 / second - performance.now();
    if (early > 0) {
      await sleep(early);
    }
    calls.push(utils.addJob('hook', payload(micros())));
  }
  await Promise.all(calls);
  await untilEmpty();
  return 'rated';
}

const commands = { fill, work, rate };
const lines = readline.createInterface({ input: process.stdin });
lines.on('close', () => process.exit(0));
console.log(`ready graphile-worker ${version}`);
for await (const line of lines) {
  const [name, ...numbers] = line.split(' ');
  console.log(await commands[name](...numbers.map(Number)));
}
