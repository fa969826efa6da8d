package agentbus.console.browser;

import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A believable day of the ten agents in {@code agents/}: jobs in every state, standing orders with slots of every
 * outcome, and texts that a page must not believe. Everything is done by operations; afterwards the jobs that have
 * ended are spread over the last day.
 */
final class Fleet {
    private final Operations bus;
    private final TestDatabase database;
    private final Map<String, String> names = new HashMap<>();

    Fleet(Operations bus, TestDatabase database) {
        this.bus = bus;
        this.database = database;
    }

    /** Fills the database. */
    void fill() {
        new OrderDay(bus, database, this).fill();
        end();
        beStuck();
        ask();
        ProposalDay proposals = new ProposalDay(bus, this, names);
        proposals.fill();
        MemoryDay memories = new MemoryDay(bus, database, this, names);
        memories.fill();
        new IdleDay(database, names).fill();
        if (!Boolean.getBoolean(GuidePicturesTest.WANTED)) {
            beHostile();
            proposals.beHostile();
            memories.beHostile();
        }
        proposals.report();
        spread();
        live();
        queue();
    }

    /** A path of the console with ids in place of the names in braces: blockedJob, hostileJob, question, approval, and those of {@link ProposalDay}, {@link MemoryDay} and {@link IdleDay}. */
    String path(String template) {
        String path = template;
        for (Map.Entry<String, String> each : names.entrySet()) {
            path = path.replace("{" + each.getKey() + "}", each.getValue());
        }
        return path;
    }

    /** The id behind a name of {@link #path}. */
    String id(String name) {
        return names.get(name);
    }

    private void end() {
        for (int i = 0; i < 8; i++) {
            complete(
                    start(
                            "devops",
                            "infra.check",
                            "payload",
                            Map.of("host", "web-" + (1 + i % 3)),
                            "flowKey",
                            "health"),
                    "web-" + (1 + i % 3) + " answers in " + (20 + i) + " ms; disk at " + (40 + i) + " %.");
            complete(start("research", "research.scan"), "Four sources read; nothing new since yesterday.");
            complete(start("publisher", "summary.prepare"), "The summary of the morning is written.");
        }
        for (int i = 0; i < 14; i++) {
            fail(
                    start("product-metrics", "metrics.analyze", "maxAttempts", 1),
                    "The metrics store timed out after 30 s.");
        }
        fail(start("knowledge", "knowledge.dedupe", "maxAttempts", 1), "The folder notes/inbox does not exist.");
        bus.callAs(
                start("knowledge", "knowledge.consolidate").token(),
                "failJob",
                "jobId",
                lastStarted,
                "error",
                "The note has no source, and a second try would find none.",
                "retry",
                false);
        for (String agent : List.of("design", "auditor")) {
            String job = enqueue(agent, agent.equals("design") ? "design.explore" : "audit.gaps");
            bus.call("cancelJob", "jobId", job, "reason", "asked twice by mistake");
        }
    }

    private void beStuck() {
        Work login = start(
                "security", "security.review", "payload", Map.of("change", "new login form"), "flowKey", "login-form");
        names.put("blockedJob", login.jobId());
        block(login, "I may not read the repository of the login form.", "person", "anna");
        block(
                start("design", "design.review", "flowKey", "login-form"),
                "The mock-ups are not there.",
                "person",
                "anna");
        block(
                start("project-tracker", "project.status.rollup"),
                "The debriefs come tomorrow.",
                "at",
                Instant.now().plus(1, ChronoUnit.DAYS).toString());
        block(start("auditor", "audit.leases"), "The review of the login form must end first.", "jobId", login.jobId());
        bus.call(
                "enqueueJob",
                "targetAgent",
                "publisher",
                "subject",
                "report.compose",
                "flowKey",
                "login-form",
                "parentJobId",
                login.jobId(),
                "dependsOn",
                List.of(login.jobId()));
    }

    private void ask() {
        Work key = start("security", "dependency.risk.check", "payload", Map.of("host", "web-1"));
        names.put(
                "question", ask(key, "May I rotate the key of web-1 now?", "options", List.of("yes", "tonight", "no")));
        Work text = start("publisher", "digest.publish", "payload", Map.of("day", "today"));
        names.put(
                "approval",
                bus.callAs(
                                text.token(),
                                "requestApproval",
                                "jobId",
                                text.jobId(),
                                "question",
                                "May this digest go out?",
                                "content",
                                Operations.json("title", "The day", "text", Hostile.MARKUP, "readers", 12_000))
                        .at("/question/questionId")
                        .asText());
    }

    /** Ends an attempt with a question, and returns the question's id. */
    String ask(Work work, String question, Object... more) {
        ObjectNode input = Operations.json(more);
        input.put("jobId", work.jobId()).put("question", question);
        input.put("why", "The old key has been in a log since this morning.");
        return bus.callAs(work.token(), "ask", pairs(input))
                .at("/question/questionId")
                .asText();
    }

    private void beHostile() {
        ObjectNode payload = Operations.json("note", Hostile.text(12_000), Hostile.MARKUP, "a name of markup");
        payload.set("numbers", Operations.exact("[9007199254740993, 1.10, 1e400, -0.0]"));
        payload.put("reversed", Hostile.REVERSED);
        Work work = start(
                "research",
                "background.brief",
                "payload",
                payload,
                "trust",
                "untrusted",
                "flowKey",
                "<b>flow</b>",
                "correlationKey",
                "\"><script>window.hacked=1</script>");
        names.put("hostileJob", work.jobId());
        bus.callAs(work.token(), "reportProgress", "jobId", work.jobId(), "percent", 40, "line", Hostile.text(300));
        bus.callAs(
                work.token(),
                "completeJob",
                "jobId",
                work.jobId(),
                "summary",
                Hostile.text(8_000),
                "result",
                payload,
                "evidence",
                payload);
        Work failing = start("research", "source.compare", "maxAttempts", 1);
        fail(failing, Hostile.text(8_000));
        block(start("research", "background.brief"), Hostile.text(8_000), "person", Hostile.MARKUP);
        bus.call("emitEvent", "topic", "ops.anomaly", "payload", payload);
        bus.call("emitEvent", "topic", "service.state.changed", "payload", Map.of("service", "shop", "state", "slow"));
    }

    /** Moves the jobs that have ended, and their attempts, over the last 24 hours; rows keep their order. */
    private void spread() {
        database.jdbc()
                .execute(
                        """
                        do $$
                        begin
                          -- No triggers: the audit must not tell of this.
                          set local session_replication_role = replica;
                          create temp table moved on commit drop as
                            select job_id, interval '24 hours' * (1 - row_number() over (order by seq) / (count(*) over () + 1.0)) as by
                            from jobs;
                          update jobs j
                          set created_at = j.created_at - m.by, ended_at = j.ended_at - m.by, updated_at = j.updated_at - m.by
                          from moved m
                          where m.job_id = j.job_id;
                          update job_attempts a
                          set created_at = a.created_at - m.by, started_at = a.started_at - m.by, finished_at = a.finished_at - m.by
                          from moved m
                          where m.job_id = a.job_id;
                          -- Counted again from the jobs.
                          delete from job_ends;
                          delete from bus_facts where name = 'job_ends_counted';
                        end $$""");
    }

    /** Claims one job for each of three agents, as if they were at work. */
    void live() {
        Work check = start("devops", "service.diagnose", "payload", Map.of("service", "shop"));
        progress(check, 30, "asking the hosts");
        progress(
                start("research", "research.packet", "payload", Map.of("topic", "queue semantics")),
                70,
                "reading the answers");
        progress(start("knowledge", "knowledge.index_refresh"), 5, "counting the notes");
    }

    /** After a stop: each of the agents that were at work claims its next job. */
    void workAgain() {
        for (String agent : List.of("devops", "research", "knowledge")) {
            JsonNode job = bus.call("claimJobs", "targetAgent", agent, "leaseSeconds", 3600)
                    .at("/jobs/0");
            bus.callAs(
                    job.path("attemptToken").asText(),
                    "markRunningJob",
                    "jobId",
                    job.path("jobId").asText());
        }
    }

    private void queue() {
        for (int i = 0; i < 8; i++) {
            enqueue("devops", "infra.check", "payload", Map.of("host", "db-" + i));
        }
        for (int i = 0; i < 5; i++) {
            enqueue("product-metrics", "funnel.check", "delaySeconds", 3600 + i);
        }
        enqueue("devops", "deploy.review", "priority", 300, "payload", Map.of("service", "shop"));
    }

    private String lastStarted;

    /** Enqueues a job; {@code more} are further fields of the operation. Returns the job's id. */
    String enqueue(String agent, String subject, Object... more) {
        ObjectNode input = Operations.json(more);
        input.put("targetAgent", agent).put("subject", subject);
        return bus.call("enqueueJob", pairs(input)).at("/job/jobId").asText();
    }

    /** Enqueues a job, claims it before every other job of the agent, and marks it running. */
    Work start(String agent, String subject, Object... more) {
        ObjectNode input = Operations.json(more);
        input.put("priority", 1000);
        String jobId = enqueue(agent, subject, pairs(input));
        return claim(agent, jobId);
    }

    /** Claims the agent's next job, which must be this one, and marks it running. */
    Work claim(String agent, String jobId) {
        JsonNode job = bus.call("claimJobs", "targetAgent", agent, "leaseSeconds", 3600, "worker", "anna")
                .at("/jobs/0");
        assertEquals(jobId, job.path("jobId").asText(), () -> "the claimed job of " + agent + ": " + job);
        Work work = new Work(jobId, job.path("attemptToken").asText());
        bus.callAs(work.token(), "markRunningJob", "jobId", jobId);
        lastStarted = jobId;
        return work;
    }

    /** Completes a job. */
    void complete(Work work, String summary) {
        bus.callAs(work.token(), "completeJob", "jobId", work.jobId(), "summary", summary);
    }

    /** Fails an attempt. */
    void fail(Work work, String error) {
        bus.callAs(work.token(), "failJob", "jobId", work.jobId(), "error", error);
    }

    /** Blocks a job on a person, a time, an agent or a job. */
    void block(Work work, String reason, String on, String value) {
        bus.callAs(work.token(), "blockJob", "jobId", work.jobId(), "reason", reason, "unblock", Map.of(on, value));
    }

    private void progress(Work work, int percent, String line) {
        bus.callAs(work.token(), "reportProgress", "jobId", work.jobId(), "percent", percent, "line", line);
    }

    /** A job whose only attempt has failed. */
    String dead(String agent, String subject, String error, Object... more) {
        ObjectNode input = Operations.json(more);
        Work work = start(agent, subject, pairs(input.put("maxAttempts", 1)));
        fail(work, error);
        return work.jobId();
    }

    /** The fields of an object as name, value, name, value … */
    static Object[] pairs(ObjectNode input) {
        return input.properties().stream()
                .flatMap(each -> java.util.stream.Stream.of(each.getKey(), each.getValue()))
                .toArray();
    }
}
