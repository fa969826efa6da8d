package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import net.jqwik.api.AfterFailureMode;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.Tuple;
import net.jqwik.api.statistics.Statistics;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/**
 * Idle runs beside work that comes, ends, is paused and stopped in an order drawn by chance: no work ever waits for
 * idle thinking.
 *
 * <p>{@code ./mvnw test -Dtest=IdlePropertiesTest -Djqwik.tries=5000} hunts for longer.
 */
class IdlePropertiesTest {
    private static final int STEPS = 70;
    private static final List<String> AGENTS = List.of("devops", "research", "coordinator");

    /** One act; the names say what each does. */
    enum Act {
        START_SLOT,
        ENQUEUE,
        CLAIM,
        PULL,
        ADMIT,
        COMPLETE_WORK,
        CLOSE_IDLE,
        ASK,
        ANSWER,
        RENEW,
        FAIL,
        REFUSE_CALL,
        REPORT_START,
        REPORT_END,
        PASS,
        RECOVER,
        SHRINK_GATEWAY,
        PAUSE,
        RESUME,
        STOP
    }

    /**
     * An act and a number that chooses its agent, job or size.
     *
     * @param act what is done
     * @param pick chooses on what
     */
    record Step(Act act, int pick) {}

    @Provide
    Arbitrary<List<Step>> script() {
        // Weights: a slot needs a claim and an admission before its run can ask or be stopped.
        Arbitrary<Act> act = Arbitraries.frequencyOf(
                Tuple.of(7, Arbitraries.of(Act.CLAIM)),
                Tuple.of(4, Arbitraries.of(Act.START_SLOT)),
                Tuple.of(4, Arbitraries.of(Act.ADMIT)),
                Tuple.of(6, Arbitraries.of(Act.ENQUEUE, Act.COMPLETE_WORK)),
                Tuple.of(6, Arbitraries.of(Act.ASK, Act.ANSWER, Act.REPORT_START, Act.REPORT_END)),
                Tuple.of(8, Arbitraries.of(Act.PULL, Act.RENEW, Act.CLOSE_IDLE, Act.REFUSE_CALL, Act.FAIL)),
                Tuple.of(4, Arbitraries.of(Act.RESUME)),
                Tuple.of(12, Arbitraries.of(Act.values())));
        return Combinators.combine(act, Arbitraries.integers().between(0, 11))
                .as(Step::new)
                .list()
                .ofMinSize(STEPS / 2)
                .ofMaxSize(STEPS)
                .withSizeDistribution(RandomDistribution.uniform());
    }

    private Machine bus;
    private Idle idle;
    private Set<String> done;

    @Property(afterFailure = AfterFailureMode.SAMPLE_FIRST, edgeCases = EdgeCasesMode.NONE)
    void no_work_waits_for_an_idle_run_and_a_gateway_has_one_at_a_time(@ForAll("script") List<Step> script) {
        run(script);
    }

    @Example
    void in_drawn_scripts_every_act_does_something() {
        Set<String> acts = new TreeSet<>();
        EnumSet.allOf(Act.class).forEach(act -> acts.add(act.name()));
        DrawnScripts.doEveryAct(script(), acts, this::run);
    }

    /** Runs a script, checks after each act, and returns the acts that did something. */
    private Set<String> run(List<Step> script) {
        bus = PropertyDatabase.fresh();
        bus.jdbc().update("update agents set max_concurrency = 2");
        bus.jdbc()
                .update(
                        "insert into gateways (namespace, gateway) values ('default', 'second') on conflict do nothing");
        bus.jdbc().update("update agents set gateway = 'second' where agent_id = 'coordinator'");
        bus.jdbc().update("update gateways set max_in_flight = 4");
        idle = Idle.of(bus);
        done = new TreeSet<>();
        StringBuilder story = new StringBuilder();
        for (Step step : script) {
            List<String> broken = new ArrayList<>();
            String what = act(step, broken);
            story.append("\n  ").append(step).append("  ").append(what);
            broken.addAll(broken(bus.jdbc()));
            if (step.act() == Act.RECOVER) {
                broken.addAll(leftByRecovery(bus.jdbc()));
            }
            broken.addAll(differentWithoutIdleRuns());
            assertEquals(List.of(), broken, () -> "after" + story + "\n");
        }
        assertEquals(List.of(), Invariants.broken(bus.jdbc()), () -> "after" + story + "\n");
        done.forEach(act -> Statistics.label("tries in which it did something").collect(act));
        return done;
    }

    /** What must hold of the rows after every act. */
    private static List<String> broken(JdbcTemplate jdbc) {
        return jdbc.queryForList(
                """
                select 'an idle run goes on beside work of its agent and is not asked to close: ' || i.job_id
                from jobs i
                join idle_runs r using (job_id)
                join jobs w on w.namespace = i.namespace and w.target_agent = i.target_agent
                  and w.state in ('leased', 'running') and w.job_type <> 'idle'
                where i.job_type = 'idle' and i.state in ('leased', 'running') and r.stop_asked_at is null
                union all
                select 'two idle runs on gateway ' || a.gateway
                from jobs i
                join job_attempts a on a.attempt_id = i.live_attempt
                where i.job_type = 'idle' and i.state in ('leased', 'running')
                group by a.namespace, a.gateway
                having count(*) > 1
                union all
                select 'a slot has had two runs without a question between them: ' || job_id
                from job_attempts a
                join jobs i using (job_id)
                where i.job_type = 'idle' and a.status <> 'blocked'
                group by job_id
                having count(*) > 1
                union all
                select 'the slot of an idle job that was stopped is ' || s.status || ': ' || j.job_id
                from jobs j
                join idle_runs r using (job_id)
                join standing_order_runs s on s.job_id = j.job_id
                where j.ended_at is not null
                  and s.status <> case r.outcome when 'stopped' then 'skipped' else r.outcome end
                """,
                String.class);
    }

    /** What a recovery leaves to nobody. */
    private static List<String> leftByRecovery(JdbcTemplate jdbc) {
        return jdbc.queryForList(
                """
                select 'a recovery left an idle job ' || j.state || ': ' || j.job_id
                from jobs j
                join idle_runs r using (job_id)
                where j.job_type = 'idle'
                  and (j.state = 'queued' and (j.run_after <= now() or r.stop_asked_at is not null)
                    or j.state in ('leased', 'running')
                      and (j.leased_until <= now() or r.stop_asked_at <= now() - idle_grace()))
                """,
                String.class);
    }

    /** A claim chooses the same work whether idle runs go on or not. */
    private List<String> differentWithoutIdleRuns() {
        if (bus.count("jobs where job_type = 'idle'") == 0) {
            return List.of();
        }
        return bus.jdbc().execute((Connection connection) -> {
            connection.setAutoCommit(false);
            JdbcTemplate jdbc = new JdbcTemplate(new SingleConnectionDataSource(connection, true));
            String beside = chosen(jdbc);
            jdbc.execute("set local session_replication_role = replica");
            jdbc.update("delete from jobs where job_type = 'idle'");
            jdbc.update("delete from job_attempts a where not exists (select from jobs j where j.job_id = a.job_id)");
            String alone = chosen(jdbc);
            connection.rollback();
            connection.setAutoCommit(true);
            return beside.equals(alone)
                    ? List.<String>of()
                    : List.of("idle runs change a claim from " + alone + " to " + beside);
        });
    }

    private static String chosen(JdbcTemplate jdbc) {
        return jdbc.queryForObject(
                "select coalesce(o_jobs::text, 'none') from choose_jobs(50, '{}', null, '{default}')", String.class);
    }

    private String act(Step step, List<String> broken) {
        String agent = AGENTS.get(step.pick() % AGENTS.size());
        String answer;
        try {
            answer = perform(step, agent, broken);
        } catch (DataAccessException refused) {
            Refusal refusal = Machine.refusal(() -> {
                throw refused;
            });
            return refusal.code();
        }
        if (answer != null) {
            done.add(step.act().name());
        }
        return answer;
    }

    private String perform(Step step, String agent, List<String> broken) {
        int pick = step.pick();
        return switch (step.act()) {
            case START_SLOT -> idle.queued(agent);
            case ENQUEUE -> bus.enqueue("targetAgent", agent, "subject", subject(agent));
            case CLAIM -> claimed(bus.claim(Machine.D1, 1 + pick % 3), broken);
            case PULL -> {
                List<JsonNode> jobs = new ArrayList<>();
                bus.ask("claim_jobs", "targetAgent", agent, "limit", 1 + pick % 2)
                        .get("jobs")
                        .forEach(jobs::add);
                yield claimed(jobs, broken);
            }
            case ADMIT -> with(live("j.state = 'leased' and j.delivery = 'hook'", pick), a -> bus.admitted(a));
            case COMPLETE_WORK -> with(live("j.job_type <> 'idle'", pick), a -> bus.complete(a));
            case CLOSE_IDLE -> with(live("j.job_type = 'idle'", pick), a -> bus.complete(a));
            case ASK ->
                with(
                        live("j.job_type = 'idle'", pick),
                        a -> bus.say(a, "ask", "question", "May it go?", "why", "It is old"));
            case ANSWER -> {
                List<String> open = bus.jdbc()
                        .queryForList(
                                "select question_id::text from questions where status = 'open' order by seq",
                                String.class);
                yield open.isEmpty()
                        ? null
                        : bus.ask("answer_question", "questionId", open.get(pick % open.size()), "answer", "Yes.")
                                .toString();
            }
            case RENEW -> with(live("true", pick), a -> bus.say(a, "renew_job_lease"));
            case FAIL -> with(live("true", pick), a -> bus.fail(a));
            case REFUSE_CALL ->
                with(live("j.state = 'leased' and j.delivery = 'hook'", pick), a -> bus.undelivered(a, 1));
            case REPORT_START ->
                with(
                        live("j.delivery = 'hook' and j.state = 'running'", pick),
                        a -> report("report_run_start", a, Machine.json()));
            case REPORT_END ->
                with(
                        anyRun(pick),
                        a -> report(
                                "report_run_end",
                                a,
                                Machine.json("success", pick % 2 == 0, "error", "the model", "durationMs", 0)));
            case PASS -> {
                int seconds = new int[] {5, 11, 61, 1300}[pick % 4];
                idle.pass(seconds);
                bus.jdbc()
                        .update(
                                "update jobs set leased_until = leased_until - make_interval(secs => ?)"
                                        + " where state in ('leased', 'running')",
                                seconds);
                bus.jdbc().update("update gateways set held_until = null, hold_reason = null");
                yield seconds + " s";
            }
            case RECOVER -> bus.recover().size() + " jobs";
            case SHRINK_GATEWAY -> {
                bus.jdbc().update("update gateways set max_in_flight = ?", 1 + pick % 4);
                yield "to " + (1 + pick % 4);
            }
            case PAUSE ->
                bus.ask("pause", "kind", "agent", "name", agent, "reason", "a test")
                        .toString();
            case RESUME -> {
                JsonNode everything = bus.ask("resume", "kind", "everything", "reason", "a test");
                JsonNode lane = bus.ask("resume", "kind", "agent", "name", agent, "reason", "a test");
                yield everything + " " + lane;
            }
            case STOP -> bus.ask("stop_everything", "reason", "a test").toString();
        };
    }

    /** Checks a claim: idle jobs come alone, one on each gateway, and only for agents that had nothing else. */
    private String claimed(List<JsonNode> jobs, List<String> broken) {
        Set<String> kinds = new HashSet<>();
        for (JsonNode job : jobs) {
            String id = job.get("jobId").asText();
            String type = bus.column(id, "job_type", String.class);
            kinds.add(type);
            if (type.equals("idle")
                    && bus.count(
                                    "jobs where target_agent = ? and job_type <> 'idle' and (state in ('leased',"
                                            + " 'running') or state = 'queued' and run_after <= now())",
                                    bus.column(id, "target_agent", String.class))
                            > 0) {
                broken.add("an idle run begins beside work of its agent: " + id);
            }
        }
        if (kinds.contains("idle") && kinds.size() > 1) {
            broken.add("a claim with other work took idle jobs: " + jobs);
        }
        return jobs.isEmpty() ? null : kinds + " " + jobs.size();
    }

    private static String subject(String agent) {
        return switch (agent) {
            case "devops" -> "infra.check";
            case "research" -> "research.packet";
            default -> "plan.new";
        };
    }

    private static String with(Attempt attempt, Function<Attempt, JsonNode> call) {
        return attempt == null ? null : call.apply(attempt).toString();
    }

    private Attempt live(String condition, int pick) {
        return one(
                "from jobs j join job_attempts a on a.attempt_id = j.live_attempt where j.state in ('leased', 'running')"
                        + " and " + condition,
                pick);
    }

    private Attempt anyRun(int pick) {
        return one(
                "from jobs j join job_attempts a using (job_id) where a.admitted_at is not null and a.run_ended_at is null",
                pick);
    }

    private Attempt one(String from, int pick) {
        List<Attempt> found = bus.jdbc()
                .query(
                        "select j.job_id::text, a.attempt_id::text " + from + " order by a.attempt_id",
                        (row, i) -> new Attempt(row.getString(1), row.getString(2), null));
        return found.isEmpty() ? null : found.get(pick % found.size());
    }

    private JsonNode report(String operation, Attempt attempt, ObjectNode report) {
        String agent = bus.column(attempt.job(), "target_agent", String.class);
        String gateway = bus.ofAttempt(attempt, "gateway", String.class);
        return bus.call(
                operation,
                GatewayReports.gateway(gateway),
                report.put("sessionKey", "agent:" + agent + ":job:" + attempt.job()));
    }
}
