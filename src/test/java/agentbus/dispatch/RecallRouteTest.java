package agentbus.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.PostgresExtension;
import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.harness.TestFleet;
import agentbus.harness.TestJobs;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.apache.camel.spi.RouteController;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.jdbc.core.JdbcTemplate;

/** Memories on their way into the prompt of a dispatched job, and everything that may go wrong there. */
@ExtendWith(PostgresExtension.class)
class RecallRouteTest {
    private static final String ROUTE = "recall-memories";
    /** Below the 30 s that Camel waits by default for a route that is not there, and above a loaded machine's delays. */
    private static final Duration SOON = Duration.ofSeconds(10);

    private static final String ABOUT_WEB_1 =
            "{\"payload\": {\"service\": \"web-1\", \"task\": \"restart web-1 and drain its sessions\"}}";

    /** Replaces the choice of memories by a body of PL/pgSQL, with the signature that it has. */
    private static final String REPLACE =
            """
            do $do$
            declare
              v_function oid := 'memories_for_job'::regproc;
            begin
              execute format('create or replace function memories_for_job(%%s) returns %%s language plpgsql as %%L',
                pg_get_function_arguments(v_function), pg_get_function_result(v_function), 'begin %s; end');
            end
            $do$""";

    private static TestDatabase database;
    private static TestJobs jobs;
    private static TestFleet fleet;
    private static TestBus bus;
    private static String whole;

    @BeforeAll
    static void start(TestDatabase ofClass, @TempDir Path home) {
        database = ofClass;
        database.clear();
        jobs = new TestJobs(database.jdbc());
        whole = database.jdbc().queryForObject("select pg_get_functiondef('memories_for_job'::regproc)", String.class);
        fleet = TestFleet.of(home, Duration.ZERO, "ann");
        bus = TestBus.start(
                database,
                fleet.gateway(),
                home,
                "agentbus.agents.dir",
                fleet.directory(),
                "agentbus.phase",
                "4",
                "agentbus.dispatch.lease-ms",
                "2000");
    }

    @AfterAll
    static void stop() {
        bus.close();
        fleet.close();
    }

    @BeforeEach
    void remember() {
        database.jdbc()
                .update(
                        """
                        insert into memories (namespace, kind, scope, subject_key, title, body, evidence, source_refs,
                          confidence, stability, visibility, trust, source_agent, promoted_by, notes, next_review_at)
                        values ('default', 'lesson', 'service', 'web-1', 'Drain web-1 before its restart',
                          'A restart of web-1 without draining drops the open sessions.', 'Two restarts failed.', '[]',
                          4, 'medium', 'shared', 'trusted', 'ann', 'agent:knowledge', 'Two jobs show it.',
                          now() + interval '60 days')""");
    }

    @AfterEach
    void forget() throws Exception {
        database.jdbc().execute(whole);
        if (!routes().getRouteStatus(ROUTE).isStarted()) {
            routes().stopRoute(ROUTE);
            routes().startRoute(ROUTE);
        }
        database.truncate("memories, memory_uses, memory_reviews, memory_injections, memory_words");
    }

    private static RouteController routes() {
        return bus.bus().camel().getRouteController();
    }

    private static String promptOf(UUID job) {
        return (String) jobs.attempts(job).get(0).get("prompt");
    }

    /** A job about web-1 gets through at once, and its prompt has no memory. */
    private static void goesOnWithoutMemories() {
        long begun = System.nanoTime();
        UUID job = jobs.enqueue("ann", ABOUT_WEB_1);
        jobs.awaitState(job, "succeeded");

        assertTrue(System.nanoTime() - begun < SOON.toNanos(), "the job was held up");
        assertEquals(1, jobs.attempts(job).size());
        assertFalse(promptOf(job).contains("Drain web-1"), promptOf(job));
        assertEquals(0, database.jdbc().queryForObject("select count(*) from memory_injections", Integer.class));
    }

    /** A job whose recall was not given up. On a busy machine the first one of a connection may take too long. */
    private static UUID recalled(String input) throws Exception {
        for (int n = 0; n < 5; n++) {
            double failed = recalls("failed");
            UUID job = jobs.enqueue("ann", input);
            jobs.awaitState(job, "succeeded");
            if (recalls("failed") == failed) {
                return job;
            }
        }
        throw new AssertionError("five recalls were given up");
    }

    private static double recalls(String outcome) throws Exception {
        String scraped = bus.call("GET", "/observe/metrics", null, null).body();
        Matcher count = Pattern.compile(
                        "(?m)^agentbus_memory_recall_seconds_count\\{outcome=\"" + outcome + "\"\\} (\\S+)$")
                .matcher(scraped);
        return count.find() ? Double.parseDouble(count.group(1)) : 0;
    }

    @Test
    void the_prompt_of_a_job_holds_the_memories_that_matter_to_it() throws Exception {
        double found = recalls("found");
        double nothing = recalls("nothing");
        UUID about = recalled(ABOUT_WEB_1);
        UUID other = recalled("{\"payload\": {\"colour\": \"green\"}}");

        assertTrue(promptOf(about).contains("> Drain web-1 before its restart\n"), promptOf(about));
        assertFalse(promptOf(other).contains("emories"), promptOf(other));
        assertEquals(List.of(about), database.jdbc().queryForList("select job_id from memory_injections", UUID.class));
        assertEquals(found + 1, recalls("found"));
        assertEquals(nothing + 1, recalls("nothing"));
    }

    @Test
    void a_broken_retrieval_is_counted_and_holds_no_job() throws Exception {
        double failed = recalls("failed");
        database.jdbc().execute(REPLACE.formatted("raise exception ''broken''"));

        goesOnWithoutMemories();

        assertEquals(failed + 1, recalls("failed"));
    }

    @Test
    void a_retrieval_that_hangs_is_given_up_after_its_time_limit() throws Exception {
        double failed = recalls("failed");
        database.jdbc().execute(REPLACE.formatted("perform pg_sleep(60)"));

        goesOnWithoutMemories();

        assertEquals(failed + 1, recalls("failed"));
        assertEquals(
                0,
                database.jdbc()
                        .queryForObject(
                                "select count(*) from pg_stat_activity where state = 'active'"
                                        + " and query like '%inject_memories%' and pid <> pg_backend_pid()",
                                Integer.class));
    }

    @Test
    void a_stopped_or_suspended_route_holds_no_job() throws Exception {
        routes().stopRoute(ROUTE);
        goesOnWithoutMemories();
        routes().startRoute(ROUTE);
        routes().suspendRoute(ROUTE);
        goesOnWithoutMemories();
    }

    @Test
    void the_time_limit_holds_for_the_retrieval_alone() {
        UUID job = jobs.enqueue("ann", ABOUT_WEB_1);
        jobs.awaitState(job, "succeeded");

        JdbcTemplate ofBus = new JdbcTemplate(bus.bus().camel().getRegistry().findSingleByType(DataSource.class));
        assertEquals("20s", ofBus.queryForObject("show statement_timeout", String.class));
    }
}
