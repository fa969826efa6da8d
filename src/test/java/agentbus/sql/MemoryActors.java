package agentbus.sql;

import agentbus.sql.MemoryOp.Caller;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.JdbcTemplate;

/** Those who do what a script says to candidates and memories. A refusal is as good a result as a success. */
final class MemoryActors {
    private static final List<PassingDays> LANE = List.of(
            new PassingDays(
                    "memory_candidates", "candidate_id", List.of("created_at", "updated_at", "decided_at", "ended_at")),
            new PassingDays(
                    "memories",
                    "memory_id",
                    List.of(
                            "created_at",
                            "updated_at",
                            "valid_from",
                            "expires_at",
                            "next_review_at",
                            "confirmed_at",
                            "ended_at")),
            new PassingDays("memory_injections", "injection_id", List.of("created_at", "verdict_at", "settled_at")),
            new PassingDays("memory_reviews", "review_id", List.of("created_at", "closed_at")));

    private final Machine bus;
    private final MemoryScene scene;
    private final Map<Caller, Attempt> attempts = new EnumMap<>(Caller.class);
    private final List<ObjectNode> sources = new ArrayList<>();
    private final ObjectNode outside;
    private final Set<String> done = new ConcurrentSkipListSet<>();
    private final Set<String> refused = new ConcurrentSkipListSet<>();

    /**
     * What became of an act.
     *
     * @param row the candidate, memory or review that was acted on; null for a new one
     * @param refusal the refusal; null when there was none
     * @param answer the answer
     */
    record Result(String row, Refusal refusal, JsonNode answer) {
        boolean ok() {
            return refusal == null;
        }

        @Override
        public String toString() {
            String text = ok() ? String.valueOf(answer) : "refused " + refusal.brief() + ": " + refusal.message();
            return row + " " + text.substring(0, Math.min(text.length(), 200));
        }
    }

    /** Enters the agents of the callers, each at work on a job, whose token it speaks with. */
    MemoryActors(Machine bus) {
        this.bus = bus;
        scene = new MemoryScene(bus);
        for (int i = 0; i < 3; i++) {
            sources.add(scene.seen());
        }
        // Without memories and a review at the beginning, most acts of a short sequence would find none.
        scene.act("mark_memory_wrong", MemoryScene.RESEARCH, scene.memory(35));
        scene.memory(36);
        scene.memory(37, "visibility", "role", "ownerAgent", "devops");
        Attempt untrusted = bus.running("trust", "untrusted");
        bus.complete(untrusted);
        outside = Machine.json("kind", "job", "id", untrusted.job());
        for (Caller caller : Caller.values()) {
            if (caller != Caller.ANNA) {
                attempts.put(caller, scene.working(caller.agent(), Machine.json()));
            }
        }
    }

    /** The kinds of acts that have succeeded at least once. */
    Set<String> done() {
        return done;
    }

    /** The codes of all refusals. */
    Set<String> refused() {
        return refused;
    }

    /** Does one act; null when there is nothing to do it to. */
    Result perform(MemoryOp op) {
        String row = target(op);
        if (row == null && needsRow(op)) {
            return null;
        }
        try {
            JsonNode answer = act(op, row);
            if (answer == null) {
                return null;
            }
            done.add(op.getClass().getSimpleName());
            return new Result(row, null, answer);
        } catch (DataAccessException e) {
            SQLException cause = (SQLException) e.getMostSpecificCause();
            if (cause.getSQLState() == null || !cause.getSQLState().startsWith("AB")) {
                throw new AssertionError(
                        op + " met no refusal but " + cause.getSQLState() + ": " + cause.getMessage(), e);
            }
            Refusal refusal = Machine.refusal(() -> {
                throw e;
            });
            refused.add(refusal.code());
            return new Result(row, refusal, null);
        }
    }

    private static boolean needsRow(MemoryOp op) {
        return !(op instanceof MemoryOp.Create
                || op instanceof MemoryOp.ExpireAll
                || op instanceof MemoryOp.Work
                || op instanceof MemoryOp.Freeze
                || op instanceof MemoryOp.Pass
                || op instanceof MemoryOp.Sweep);
    }

    private JsonNode act(MemoryOp op, String row) {
        if (op instanceof MemoryOp.Create create) {
            return call(op, "create_memory_candidate", candidate(create));
        } else if (op instanceof MemoryOp.Promote promote) {
            ObjectNode input = MemoryScene.promotion(row, "notes", "Both jobs show it: look " + promote.notes() + ".");
            if (promote.replace()) {
                String memory = memory(promote.memory());
                if (memory == null) {
                    return null;
                }
                input.put("supersedesMemoryId", memory);
            }
            return call(op, "promote_memory_candidate", input);
        } else if (op instanceof MemoryOp.Reject) {
            return call(
                    op,
                    "reject_memory_candidate",
                    Machine.json("candidateId", row, "notes", "It holds for one host only."));
        } else if (op instanceof MemoryOp.Supersede supersede) {
            return supersede(supersede, row);
        } else if (op instanceof MemoryOp.ExpireAll all) {
            return call(
                    op,
                    "expire_memories",
                    Machine.json(
                            "sourceAgent",
                            all.author().author(),
                            "dryRun",
                            all.dryRun(),
                            "notes",
                            "What it wrote is not to be trusted."));
        } else if (op instanceof MemoryOp.Expire) {
            return call(op, "expire_memory", onMemory(row));
        } else if (op instanceof MemoryOp.Confirm) {
            return call(op, "confirm_memory", onMemory(row));
        } else if (op instanceof MemoryOp.Wrong) {
            return call(op, "mark_memory_wrong", onMemory(row));
        } else if (op instanceof MemoryOp.CloseReview) {
            return call(
                    op,
                    "close_memory_review",
                    Machine.json("reviewId", row, "notes", "Both hold, for different hosts."));
        } else if (op instanceof MemoryOp.Work work) {
            return work(work);
        } else if (op instanceof MemoryOp.Freeze freeze) {
            return bus.ask(
                    freeze.on() ? "freeze" : "unfreeze",
                    "kind",
                    "promotions",
                    "name",
                    "memory",
                    "reason",
                    "drawn by chance");
        } else if (op instanceof MemoryOp.Pass pass) {
            shift(bus.jdbc(), pass.days());
            return Machine.json("days", pass.days());
        }
        return bus.one("select jsonb_build_object('settled', settle_memories())");
    }

    private ObjectNode candidate(MemoryOp.Create create) {
        ObjectNode input =
                scene.lesson(create.text(), "visibility", create.visibility(), "confidenceScore", create.confidence());
        ArrayNode refs = input.putArray("sourceRefs");
        for (int i = 0; i < create.sources(); i++) {
            refs.add(sources.get((create.text() + i) % sources.size()));
        }
        if (create.outside()) {
            refs.add(outside);
        }
        if (create.key() >= 0) {
            input.put("dedupeKey", "key-" + create.key());
        }
        if (create.caller() == Caller.ANNA && !create.visibility().equals("shared")) {
            input.put("ownerAgent", "devops");
        }
        return input;
    }

    private JsonNode supersede(MemoryOp.Supersede supersede, String row) {
        ObjectNode input =
                Machine.json("supersedesMemoryId", row, "notes", "It was measured again, and this is how it is.");
        if (supersede.newText()) {
            input.setAll(MemoryScene.text(supersede.text() + 20));
        } else {
            input.put("memoryId", memory(supersede.by()));
        }
        return call(supersede, "supersede_memory", input);
    }

    private JsonNode work(MemoryOp.Work work) {
        Attempt attempt = scene.working(work.caller().agent(), MemoryScene.text(work.text()));
        JsonNode injected = scene.inject(attempt);
        List<ObjectNode> verdicts = new ArrayList<>();
        if (injected.size() > 0 && !work.verdict().equals("none")) {
            verdicts.add(Machine.json("id", injected.at("/0/memoryId").asText(), "verdict", work.verdict()));
        }
        if (work.succeeds()) {
            bus.say(attempt, "complete_job", "summary", "done", "memories", verdicts);
        } else {
            bus.say(attempt, "fail_job", "error", "it broke", "retry", false, "memories", verdicts);
        }
        long tokens = bus.jdbc()
                .queryForObject(
                        "select coalesce(sum(tokens), 0) from memory_injections where attempt_id = ?::uuid",
                        Long.class,
                        attempt.id());
        return Machine.json("tokens", tokens, "injected", injected);
    }

    private static ObjectNode onMemory(String memory) {
        return Machine.json("memoryId", memory, "notes", "It was looked at again this morning.");
    }

    private JsonNode call(MemoryOp op, String function, ObjectNode input) {
        JsonNode principal = op.caller() == Caller.ANNA ? Machine.operator() : bus.principal(attempts.get(op.caller()));
        return bus.call(function, principal, input);
    }

    /** Lets days pass: all times of the lane go back by so many, as if its rows were older. */
    static void shift(JdbcTemplate jdbc, int days) {
        LANE.forEach(table -> table.pass(jdbc, days));
    }

    private String target(MemoryOp op) {
        if (op instanceof MemoryOp.Promote promote) {
            return candidate(promote.candidate());
        } else if (op instanceof MemoryOp.Reject reject) {
            return candidate(reject.candidate());
        } else if (op instanceof MemoryOp.Supersede supersede) {
            return memory(supersede.memory());
        } else if (op instanceof MemoryOp.Expire expire) {
            return memory(expire.memory());
        } else if (op instanceof MemoryOp.Confirm confirm) {
            return memory(confirm.memory());
        } else if (op instanceof MemoryOp.Wrong wrong) {
            return memory(wrong.memory());
        } else if (op instanceof MemoryOp.CloseReview close) {
            return row(
                    "select review_id::text from memory_reviews where closed_at is null order by seq", close.review());
        }
        return null;
    }

    private String candidate(int age) {
        return row("select candidate_id::text from memory_candidates where ended_at is null order by seq", age);
    }

    private String memory(int age) {
        return row("select memory_id::text from memories where ended_at is null order by seq", age);
    }

    /** Of those that have not ended; the oldest age picks of all, because a refusal should be tried, too. */
    private String row(String sql, int age) {
        List<String> fitting = bus.jdbc().queryForList(sql, String.class);
        if (age == 4 || fitting.isEmpty()) {
            fitting = bus.jdbc().queryForList(sql.replaceFirst("where \\w+ is null", ""), String.class);
        }
        return fitting.isEmpty() ? null : fitting.get(fitting.size() - 1 - age % fitting.size());
    }
}
