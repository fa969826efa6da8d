package agentbus.sql;

import static agentbus.sql.Machine.json;
import static agentbus.sql.Machine.operator;
import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.fleet.AgentFiles;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import org.springframework.dao.DataAccessException;

/**
 * A week of the ten agents of {@code agents/} on one gateway: load on five days, quiet nights, an incident in one of them, and
 * an order of idle thinking for each agent. Events follow each other on a virtual clock; between two of them nothing is due.
 */
final class IdleWeek {
    static final Instant BEGIN = Instant.parse("2026-12-07T00:00:00Z");
    static final Instant END = BEGIN.plus(Duration.ofDays(7));

    /** The recovery looks every few seconds. */
    private static final Duration SWEEP = Duration.ofSeconds(5);

    private final VirtualClock clock;
    private final Machine bus;
    /** One seed, so that each run has the same figures. */
    private final Random random = new Random(16);

    private final PriorityQueue<Event> events = new PriorityQueue<>();
    private final Iterator<Proposal> ideas = Proposal.good().iterator();
    private final List<String> agents;
    private Instant now = BEGIN;
    private int number;
    private Instant sweep;

    /** Jobs that arrived while an idle run went on at the gateway, and how long the claim after each took in milliseconds. */
    final List<Long> besideIdle = new ArrayList<>();

    /** The same for the other jobs that had room. */
    final List<Long> alone = new ArrayList<>();

    /** What must not happen, in words. */
    final List<String> broken = new ArrayList<>();

    /** Ideas that a limit of the proposals has refused. */
    int refused;

    private record Event(Instant at, int number, Runnable what) implements Comparable<Event> {
        @Override
        public int compareTo(Event other) {
            return at.equals(other.at) ? Integer.compare(number, other.number) : at.compareTo(other.at);
        }
    }

    /** Enters the fleet and its orders in an empty database. */
    IdleWeek(VirtualClock clock) {
        this.clock = clock;
        bus = new Machine(clock.jdbc());
        bus.one(
                "select sync_agents('default', ?::jsonb)",
                new AgentFiles(Path.of("agents")).read().toString());
        agents = bus.jdbc().queryForList("select agent_id from agents order by agent_id", String.class);
        // Small budgets, which a day uses up; and two agents that may think twice as often.
        bus.jdbc()
                .update("update agents set idle_budget = '{\"minutes\": 15}' where agent_id in ('design', 'research')");
        bus.jdbc().update("update agents set idle_budget = '{\"tokens\": 30000}' where agent_id = 'security'");
        bus.jdbc()
                .update(
                        "insert into idle_cadences (namespace, agent_id, factor, reason) select 'default', agent_id, 2, 'a test'"
                                + " from agents where agent_id in ('devops', 'design', 'research', 'security')");
        List<ObjectNode> orders = new ArrayList<>();
        agents.forEach(agent -> orders.add(Orders.order(
                agent + "-idle",
                "agent",
                agent,
                "jobType",
                "idle",
                "priority",
                1,
                "timeoutSeconds",
                1200,
                "preCheck",
                "idle",
                "catchUp",
                "skip",
                "graceSeconds",
                7200,
                "phase",
                5)));
        bus.one("select sync_standing_orders('default', ?::jsonb)", orders.toString());
    }

    Machine bus() {
        return bus;
    }

    /** Lets the week happen. */
    void pass() {
        for (int day = 0; day < 7; day++) {
            nightOf(day);
            loadOf(day);
            at(BEGIN.plus(Duration.ofDays(day)).plus(Duration.ofHours(9)), this::review);
        }
        for (Instant hour = BEGIN; hour.isBefore(END); hour = hour.plus(Duration.ofHours(1))) {
            at(hour, () -> bus.one("select settle_idle()::text"));
        }
        while (!events.isEmpty() && events.peek().at.isBefore(END)) {
            Event next = events.poll();
            now = next.at;
            clock.set(now);
            next.what.run();
            claim();
        }
    }

    private void at(Instant when, Runnable what) {
        events.add(new Event(when, number++, what));
    }

    private void in(Duration wait, Runnable what) {
        at(now.plus(wait), what);
    }

    /** The slots of the orders, a quarter of an hour apart as those of the fleet are. */
    private void nightOf(int day) {
        for (int i = 0; i < agents.size(); i++) {
            Instant slot = BEGIN.plus(Duration.ofDays(day)).plus(Duration.ofMinutes(60 + 15L * i));
            String order = agents.get(i) + "-idle";
            new Orders(bus).plan(order, "0 0 * * * ?", new Orders(bus).plannedUntil(order), slot, slot);
            at(slot, () -> bus.jdbc().queryForList("select settle_standing_orders('default', null, now())"));
        }
    }

    /** Office hours from Monday to Friday, little in between, and an incident in the night to Thursday. */
    private void loadOf(int day) {
        for (int hour = 0; hour < 24; hour++) {
            boolean office = day < 5 && hour >= 8 && hour < 18;
            boolean incident = day == 3 && hour < 3;
            double jobs = office ? 4 : incident ? 9 : 0.5;
            Instant begin = BEGIN.plus(Duration.ofDays(day)).plus(Duration.ofHours(hour));
            for (double minute = wait(jobs); minute < 60; minute += wait(jobs)) {
                at(begin.plusSeconds((long) (60 * minute)), this::arrive);
            }
        }
    }

    /** Minutes to the next arrival. */
    private double wait(double jobsPerHour) {
        return -Math.log(1 - random.nextDouble()) * 60 / jobsPerHour;
    }

    /** Work arrives, and is claimed at once where lane and gateway have room. */
    private void arrive() {
        String agent = agents.get(random.nextInt(agents.size()));
        String subject =
                bus.jdbc().queryForObject("select accepts[1] from agents where agent_id = ?", String.class, agent);
        boolean room = bus.count("jobs where job_type <> 'idle' and state in ('leased', 'running')") < 7
                && bus.count(
                                "jobs where job_type <> 'idle' and state in ('queued', 'leased', 'running') and target_agent = ?",
                                agent)
                        == 0;
        boolean besideIdle = bus.count("jobs where job_type = 'idle' and state in ('leased', 'running')") > 0;
        String job = bus.enqueue("targetAgent", agent, "subject", subject);
        long begun = System.nanoTime();
        claim();
        long millis = (System.nanoTime() - begun) / 1_000_000;
        if (room) {
            (besideIdle ? this.besideIdle : alone).add(millis);
            if (!bus.state(job).equals("running")) {
                broken.add(now + ": job " + job + " of " + agent + " had room and is " + bus.state(job));
            }
        }
        String goesOn = bus
                .jdbc()
                .queryForList(
                        "select r.idle_run_id::text from idle_runs r join jobs j using (job_id) where r.agent_id = ?"
                                + " and j.state in ('leased', 'running') and r.stop_asked_at is null",
                        String.class,
                        agent)
                .stream()
                .findFirst()
                .orElse(null);
        if (goesOn != null && room) {
            broken.add(now + ": idle run " + goesOn + " was not asked to stop for job " + job);
        }
    }

    /** The dispatcher claims what is due, the gateway admits it, and the agents begin. */
    private void claim() {
        for (List<JsonNode> claimed = bus.claim(Machine.D1, 50);
                !claimed.isEmpty();
                claimed = bus.claim(Machine.D1, 50)) {
            for (JsonNode job : claimed) {
                Attempt attempt = Attempt.of(job);
                bus.admitted(attempt);
                if (bus.column(attempt.job(), "job_type", String.class).equals("idle")) {
                    think(attempt);
                } else {
                    in(minutes(3, 20), () -> bus.complete(attempt));
                }
            }
        }
        sweepLater();
    }

    /** The recovery comes when the time of an idle run is over. */
    private void sweepLater() {
        String due = bus.jdbc()
                .queryForObject(
                        "select to_json(min(case j.state when 'queued' then j.run_after"
                                + " else least(j.hard_deadline, i.stop_asked_at + idle_grace()) end))::text"
                                + " from jobs j join idle_runs i using (job_id)"
                                + " where j.job_type = 'idle' and j.state in ('queued', 'leased', 'running')",
                        String.class);
        if (due == null) {
            return;
        }
        Instant when =
                OffsetDateTime.parse(Machine.parse(due).asText()).toInstant().plus(SWEEP);
        if (sweep == null || when.isBefore(sweep)) {
            sweep = when;
            at(when, () -> {
                sweep = null;
                bus.recover();
            });
        }
    }

    /** An agent thinks: it writes an idea or not, and closes, or forgets to close until its time is over. */
    private void think(Attempt attempt) {
        Duration length = minutes(5, 19);
        in(length.dividedBy(2), () -> write(attempt));
        boolean forgets = random.nextInt(10) == 0;
        boolean noWork = random.nextInt(6) == 0;
        int tokens = 15_000 + random.nextInt(60_000);
        in(length, () -> {
            if (!forgets) {
                close(attempt, noWork);
            }
        });
        // The gateway reports the run after its end, also when it was aborted.
        in(length.plusMinutes(20), () -> bus.jdbc()
                .update(
                        "update job_attempts set usage = ?::jsonb where attempt_id = ?::uuid",
                        json("total", tokens, "costUsd", tokens / 100_000.0).toString(),
                        attempt.id()));
    }

    private boolean live(Attempt attempt) {
        return bus.ofAttempt(attempt, "status", String.class).equals("running");
    }

    private void write(Attempt attempt) {
        if (!live(attempt) || !ideas.hasNext()) {
            return;
        }
        try {
            JsonNode answer =
                    bus.call("create_idea", bus.principal(attempt), ideas.next().idea());
            if (answer.has("closeNow")) {
                close(attempt, false);
            }
        } catch (DataAccessException e) {
            // The budget of ideas holds for idle thinking as well.
            assertEquals(
                    "proposal_budget",
                    Machine.refusal(() -> {
                                throw e;
                            })
                            .code());
            refused++;
        }
    }

    private void close(Attempt attempt, boolean noWork) {
        if (!live(attempt)) {
            return;
        }
        if (noWork) {
            bus.say(
                    attempt,
                    "complete_job",
                    "summary",
                    "what we hold stands",
                    "outcome",
                    "no_work",
                    "evidence",
                    json("read", "briefs/thinking.md"));
        } else {
            bus.say(attempt, "complete_job", "summary", "thought");
        }
    }

    /** A person looks at the ideas of the day before: every third one is no good. */
    private void review() {
        for (JsonNode idea :
                bus.ask("list_ideas", "status", "new", "limit", 100).get("ideas")) {
            bus.call(
                    random.nextInt(3) == 0 ? "archive_idea" : "review_idea",
                    operator(),
                    json("ideaId", idea.get("ideaId").asText(), "notes", "looked at it"));
        }
    }

    private Duration minutes(int least, int most) {
        return Duration.ofSeconds(60L * least + random.nextInt(60 * (most - least)));
    }
}
