package agentbus.console.browser;

import agentbus.harness.TestDatabase;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** Memories in every status with versions, reviews and prompts that had them, and candidates of which some are doubtful. */
final class MemoryDay {
    /** The fields of payloads that name services. */
    private static final String KEYS =
            "{\"project\": [\"project\"], \"person\": [\"person\"], \"service\": [\"service\"]}";

    private final Operations bus;
    private final TestDatabase database;
    private final Fleet fleet;
    private final Map<String, String> names;

    /**
     * Makes the day.
     *
     * @param names gets the ids of memory, oldMemory, candidate, doubtfulCandidate, conflictCandidate and memoryJob, and of
     *     hostileMemory and hostileCandidate
     */
    MemoryDay(Operations bus, TestDatabase database, Fleet fleet, Map<String, String> names) {
        this.bus = bus;
        this.database = database;
        this.fleet = fleet;
        this.names = names;
    }

    /** Fills the database. Every queue of devops and research must be empty, because jobs are done at once. */
    void fill() {
        for (String name : List.of("seenFirst", "seenSecond")) {
            Work work = fleet.start("devops", "infra.check", "flowKey", name);
            fleet.complete(work, "The shop waited for an hour.");
            names.put(name, work.jobId());
        }
        versions();
        ended();
        candidates();
        prompt();
    }

    private void versions() {
        String first = memory(
                "mistake",
                "service",
                "shop",
                "Restart the worker after each change of the queue name",
                "The worker reads the queue name once, at its start. Two jobs waited an hour for a worker that listened to the old name.");
        names.put("oldMemory", first);
        bus.call("confirmMemory", "memoryId", first, "notes", "The new release still reads it once.");
        JsonNode next = bus.call(
                "supersedeMemory",
                "supersedesMemoryId",
                first,
                "title",
                "Restart worker and scheduler after each change of the queue name",
                "body",
                "Worker and scheduler read the queue name once, at their start; without a restart jobs wait for the old name.",
                "notes",
                "The scheduler reads it at its start, too.");
        names.put("memory", next.at("/memory/memoryId").asText());
        bus.call(
                "markMemoryWrong",
                "memoryId",
                memory(
                        "constraint",
                        "project",
                        "login-form",
                        "No deploy of the login form on Fridays",
                        "The team of the login form is away on Fridays."),
                "notes",
                "The team works on Fridays since May.");
        memory(
                "preference",
                "person",
                "anna",
                "Anna reads the digest on her phone",
                "A digest of more than 300 words is not read to its end.",
                "visibility",
                "role",
                "ownerAgent",
                "publisher");
    }

    private void ended() {
        bus.call(
                "expireMemory",
                "memoryId",
                memory(
                        "context",
                        "service",
                        "db-1",
                        "The disk of db-1 is replaced this week",
                        "Until Friday db-1 answers slowly between two and three at night."),
                "notes",
                "The new disk is in.");
        // An agent may only ask for a look.
        Work work = fleet.start("devops", "infra.check");
        bus.callAs(
                work.token(),
                "markMemoryWrong",
                "memoryId",
                names.get("memory"),
                "notes",
                "The scheduler reloads by itself since the last release.");
        fleet.complete(work, "The shop answers.");
    }

    private void candidates() {
        names.put(
                "candidate",
                candidate(
                        "lesson",
                        "service",
                        "mail",
                        "Ask the mail host twice before an alarm",
                        "Its first answer after an hour of silence takes eight seconds; the second one comes at once."));
        names.put(
                "doubtfulCandidate",
                candidate(
                        "pattern",
                        "global",
                        null,
                        "Releases of the engine come on the second Tuesday",
                        "The last four releases of the queue engine came on the second Tuesday of their month.",
                        "sourceRefs",
                        List.of(Map.of(
                                "kind",
                                "url",
                                "url",
                                "https://example.org/releases",
                                "lookedAt",
                                Instant.now().toString()))));
        names.put(
                "conflictCandidate",
                candidate(
                        "mistake",
                        "service",
                        "shop",
                        "Restart worker and scheduler only at night after a change of the queue name",
                        "A restart by day lost three orders; the old name may stay until night."));
        bus.call(
                "promoteMemoryCandidate",
                "candidateId",
                names.get("conflictCandidate"),
                "notes",
                "Both jobs of today show it.");
    }

    /** A job whose prompt had the memory, and that said what it was worth. */
    private void prompt() {
        Work work = fleet.start(
                "devops",
                "service.diagnose",
                "payload",
                Map.of("service", "shop", "fault", "jobs wait for the queue name; restart worker and scheduler?"));
        names.put("memoryJob", work.jobId());
        inject(work);
        bus.callAs(
                work.token(),
                "completeJob",
                "jobId",
                work.jobId(),
                "summary",
                "The worker listened to the old queue name; it was restarted.",
                "memories",
                List.of(Map.of("id", names.get("memory"), "verdict", "used", "note", "The restart was the cure.")));
        database.jdbc().queryForList("select settle_memories(1000)");
    }

    /** Puts memories into the prompt of an attempt, as its dispatch does. */
    void inject(Work work) {
        database.jdbc()
                .queryForList(
                        "select inject_memories(attempt_id, ?::jsonb) from job_attempts where job_id = ?::uuid and finished_at is null",
                        KEYS,
                        work.jobId());
    }

    /** Texts that a page must not believe. */
    void beHostile() {
        String body = (Hostile.MARKDOWN + " {{prompt}} <|im_end|> " + Hostile.text(1_200)).substring(0, 1_200);
        names.put("hostileMemory", memory("decision", "global", null, Hostile.text(120), body));
        names.put(
                "hostileCandidate",
                candidate(
                        "lesson",
                        "service",
                        "<b>service</b>",
                        "Rename <b onclick=\"window.hacked=1\">every</b> queue " + Hostile.REVERSED,
                        body,
                        "evidence",
                        Hostile.text(2_000)));
    }

    /** A candidate of research that every gate lets pass; its id. */
    String candidate(String kind, String scope, String subject, String title, String body, Object... more) {
        ObjectNode input = Operations.json(
                "sourceAgent",
                "research",
                "candidateKind",
                kind,
                "scope",
                scope,
                "title",
                title,
                "body",
                body,
                "evidence",
                "Two jobs of today showed the same, and each lost an hour to it.",
                "sourceRefs",
                sources(),
                "confidenceScore",
                4,
                "stability",
                "medium",
                "visibility",
                "shared");
        if (subject != null) {
            input.put("subjectKey", subject);
        }
        input.setAll(Operations.json(more));
        return bus.call("createMemoryCandidate", Fleet.pairs(input))
                .at("/candidate/candidateId")
                .asText();
    }

    /** A memory of a candidate of research; its id. */
    String memory(String kind, String scope, String subject, String title, String body, Object... more) {
        return bus.call(
                        "promoteMemoryCandidate",
                        "candidateId",
                        candidate(kind, scope, subject, title, body, more),
                        "notes",
                        "Two independent jobs show it.")
                .at("/memory/memoryId")
                .asText();
    }

    /** Two jobs that have nothing to do with each other. */
    private List<Map<String, Object>> sources() {
        return List.of(
                Map.of("kind", "job", "id", fleet.id("seenFirst"), "note", "It waited for an hour."),
                Map.of("kind", "job", "id", fleet.id("seenSecond")));
    }
}
