package agentbus.sql;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/**
 * A fleet that remembers, and the shortest way from a lesson to a memory.
 *
 * <p>knowledge is the curator (mayPromoteMemories shared), devops may promote to its own memory, research and
 * coordinator may promote nothing.
 */
final class MemoryScene {
    /** The curator. */
    static final ObjectNode KNOWLEDGE = Machine.agent("knowledge");

    /** The agent with memories of its own. */
    static final ObjectNode DEVOPS = Machine.agent("devops");

    /** An agent without any right beside writing candidates. */
    static final ObjectNode RESEARCH = Machine.agent("research");

    private static final List<Proposal> TEXTS = Proposal.good();

    private final Machine bus;
    private final List<ObjectNode> seen;

    /** Adds the curator and two jobs that are independent of each other, which is enough evidence for a promotion. */
    MemoryScene(Machine bus) {
        this.bus = bus;
        bus.jdbc()
                .update(
                        "insert into agents (namespace, agent_id, accepts, may_enqueue_to, emits, budgets, max_concurrency,"
                                + " may_promote) values ('default', 'knowledge', '{knowledge.consolidate}', '{*}', '{#}', '{}', 5, 'shared')");
        bus.jdbc().update("update agents set may_promote = 'own' where agent_id = 'devops'");
        bus.jdbc().update("update agents set max_concurrency = 100");
        bus.jdbc().update("update gateways set max_in_flight = 200");
        bus.jdbc().update("update agents set budgets = budgets || '{\"memoryCandidates\": 1000}'");
        seen = List.of(seen(), seen());
    }

    /** A source: a job that devops has finished, of a flow of its own. */
    ObjectNode seen() {
        Attempt attempt = bus.running();
        bus.complete(attempt);
        return Machine.json("kind", "job", "id", attempt.job());
    }

    /** Title and body of a lesson; no two of forty are about the same matter. */
    static ObjectNode text(int number) {
        Proposal text = TEXTS.get(number);
        return Machine.json("title", text.title(), "body", text.whyNow() + " " + text.ifNothing());
    }

    /** The input of createMemoryCandidate that meets every gate; {@code more} are fields that are added or replaced. */
    ObjectNode lesson(int number, Object... more) {
        ObjectNode input = text(number);
        input.setAll(Machine.json(
                "candidateKind",
                "lesson",
                "scope",
                "global",
                "evidence",
                "Both jobs failed in the same way and succeeded after it.",
                "confidenceScore",
                4,
                "stability",
                "medium",
                "visibility",
                "shared"));
        ArrayNode refs = input.putArray("sourceRefs");
        seen.forEach(refs::add);
        return Proposals.with(input, more);
    }

    /** The id of the candidate that a call has made, or to which it has added its sources. */
    String candidate(JsonNode principal, ObjectNode input) {
        return bus.call("create_memory_candidate", principal, input)
                .at("/candidate/candidateId")
                .asText();
    }

    /** Promotes a candidate; the answer. */
    JsonNode promote(JsonNode principal, String candidate, Object... more) {
        return bus.call("promote_memory_candidate", principal, promotion(candidate, more));
    }

    /** The input of promoteMemoryCandidate. */
    static ObjectNode promotion(String candidate, Object... more) {
        return Proposals.with(
                Machine.json("candidateId", candidate, "notes", "Two jobs show it, and it will be needed again."),
                more);
    }

    /** A memory of research's lesson that an operator has promoted; its id. */
    String memory(int number, Object... more) {
        JsonNode answer = promote(Machine.operator(), candidate(RESEARCH, lesson(number, more)));
        return id(answer);
    }

    /** The id of the memory in an answer. */
    static String id(JsonNode answer) {
        String id = answer.at("/memory/memoryId").asText();
        if (id.isEmpty()) {
            throw new AssertionError("no memory in " + answer);
        }
        return id;
    }

    /** Acts on a memory by expire_memory, confirm_memory, mark_memory_wrong or supersede_memory. */
    JsonNode act(String function, JsonNode principal, String memory, Object... more) {
        return bus.call(
                function,
                principal,
                Proposals.with(
                        Machine.json("memoryId", memory, "notes", "It was looked at again this morning."), more));
    }

    /** The status of a memory. */
    String status(String memory) {
        return bus.jdbc().queryForObject("select status from memories where memory_id = ?::uuid", String.class, memory);
    }

    /** A running attempt of an agent at a job with this payload; its memories are not in its prompt yet. */
    Attempt working(String agent, ObjectNode payload) {
        return bus.running(
                "targetAgent",
                agent,
                "subject",
                bus.jdbc()
                        .queryForObject(
                                "select accepts[1] from agents where namespace = 'default' and agent_id = ?",
                                String.class,
                                agent),
                "payload",
                payload);
    }

    /** Puts memories into the prompt of an attempt, as its dispatch does; the rows. */
    JsonNode inject(Attempt attempt) {
        return bus.one("select inject_memories(?::uuid, ?::jsonb)", attempt.id(), KEYS);
    }

    /** The fields of payloads that name projects, people and services, as application.properties has them. */
    static final String KEYS =
            """
            {"project": "project,projectId,project_id,repo,repository", "person": "person,personId,requester,customer",
             "service": "service,serviceName,service_name,component,host"}""";
}
