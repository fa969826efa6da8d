package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/**
 * Idle thinking: orders of the job type idle, one for each agent, and their runs.
 *
 * @param bus the machine, whose agents have the orders {@code <agent>-idle}
 */
record Idle(Machine bus) {
    /** Each agent of the namespace gets an order of idle thinking, and questions. */
    static Idle of(Machine bus) {
        bus.jdbc()
                .update("update agents set idle_questions = array("
                        + "select 'Which belief of ' || agent_id || ' may be wrong, number ' || n || '?'"
                        + " from generate_series(1, 20) n)");
        List<JsonNode> orders = new ArrayList<>();
        bus.jdbc()
                .queryForList("select agent_id from agents order by agent_id", String.class)
                .forEach(agent -> orders.add(Orders.order(
                        agent + "-idle",
                        "agent",
                        agent,
                        "cron",
                        "0 0 3 * * ?",
                        "jobType",
                        "idle",
                        "priority",
                        1,
                        "timeoutSeconds",
                        1200,
                        "preCheck",
                        "idle")));
        bus.one("select sync_standing_orders('default', ?::jsonb)", orders.toString());
        return new Idle(bus);
    }

    /** Starts a slot by hand, which asks no pre-check; returns its job. */
    String queued(String agent) {
        JsonNode run = bus.ask("run_standing_order", "orderName", agent + "-idle", "reason", "a test", "force", true);
        String job = run.at("/run/jobId").asText();
        assertEquals("idle", bus.column(job, "job_type", String.class));
        return job;
    }

    /** Starts a slot by hand, has its job claimed and admitted. */
    Attempt running(String agent) {
        String job = queued(agent);
        Attempt attempt = bus.claim();
        assertEquals(job, attempt.job());
        bus.admitted(attempt);
        return attempt;
    }

    /** One column of the row of idle_runs of a job, as text. */
    String run(String job, String column) {
        return bus.jdbc()
                .queryForObject("select " + column + "::text from idle_runs where job_id = ?::uuid", String.class, job);
    }

    /** The seconds of a run, which has those that the test has set and the few that the test itself takes. */
    int secondsOver(int set, String job) {
        int seconds = Integer.parseInt(run(job, "seconds"));
        assertTrue(seconds >= set && seconds < set + 100, seconds + " s");
        return seconds;
    }

    /** Status and summary of the slot of a job. */
    String slot(String job) {
        return bus.jdbc()
                .queryForObject(
                        "select concat_ws(': ', status, summary) from standing_order_runs where job_id = ?::uuid",
                        String.class,
                        job);
    }

    /** Lets so many seconds pass for a queued or asked idle job. */
    void pass(int seconds) {
        bus.jdbc()
                .update(
                        "update jobs set run_after = run_after - make_interval(secs => ?) where job_type = 'idle'"
                                + " and state = 'queued'",
                        seconds);
        bus.jdbc().update("update idle_runs set stop_asked_at = stop_asked_at - make_interval(secs => ?)", seconds);
    }
}
