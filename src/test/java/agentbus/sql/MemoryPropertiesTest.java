package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.contract.Contract;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import net.jqwik.api.AfterFailureMode;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.statistics.Statistics;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * Candidates, memories and reviews under sequences of acts drawn by chance, of callers with different rights.
 *
 * <p>{@code ./mvnw test -Dtest=MemoryPropertiesTest -Djqwik.tries=5000} hunts for longer.
 */
class MemoryPropertiesTest {
    private static final int STEPS = 30;
    private static final int ACTORS = 4;

    @Provide
    Arbitrary<List<MemoryOp>> script() {
        return MemoryScript.upTo(STEPS);
    }

    @Provide
    Arbitrary<List<List<MemoryOp>>> scripts() {
        return MemoryScript.upTo(STEPS / 3).list().ofSize(ACTORS);
    }

    @Property(afterFailure = AfterFailureMode.SAMPLE_FIRST, edgeCases = EdgeCasesMode.NONE)
    void every_act_keeps_every_invariant_and_leaves_one_audit_row_for_each_change(
            @ForAll("script") List<MemoryOp> script) {
        run(script);
    }

    @Example
    void in_drawn_scripts_every_act_does_something() {
        Set<String> acts = new TreeSet<>();
        for (Class<?> act : MemoryOp.class.getPermittedSubclasses()) {
            acts.add(act.getSimpleName());
        }
        DrawnScripts.doEveryAct(script(), acts, MemoryPropertiesTest::run);
    }

    /** Runs a script, checks after each act, and returns the acts that did something. */
    private static Set<String> run(List<MemoryOp> script) {
        Machine machine = PropertyDatabase.fresh();
        MemoryActors actors = new MemoryActors(machine);
        StringBuilder story = new StringBuilder();
        MemorySnapshot before = MemorySnapshot.of(machine.jdbc(), null);
        boolean frozen = false;
        for (MemoryOp op : script) {
            MemoryActors.Result result = actors.perform(op);
            story.append("\n  ").append(op).append("\n      ").append(result);
            MemorySnapshot after = MemorySnapshot.of(machine.jdbc(), before);
            List<String> broken = new ArrayList<>();
            if (!(op instanceof MemoryOp.Pass)) {
                broken.addAll(before.brokenBy(after, actor(op)));
                broken.addAll(verdict(op, result, frozen, before, after));
            }
            broken.addAll(machine.jdbc()
                    .queryForList("select what || ': ' || id from broken_memory_invariants()", String.class));
            broken.addAll(miscounted(machine.jdbc()));
            assertEquals(List.of(), broken, () -> "after" + story + "\n");
            before = after;
            frozen = op instanceof MemoryOp.Freeze freeze ? freeze.on() : frozen;
        }
        assertEquals(List.of(), Invariants.broken(machine.jdbc()), () -> "after" + story + "\n");
        count(actors);
        return actors.done();
    }

    @Property(shrinking = ShrinkingMode.OFF, edgeCases = EdgeCasesMode.NONE)
    void acts_of_several_callers_at_the_same_time_keep_every_invariant(@ForAll("scripts") List<List<MemoryOp>> scripts)
            throws Exception {
        Machine machine = PropertyDatabase.fresh();
        MemoryActors actors = new MemoryActors(machine);
        Race.<Integer>won(ACTORS, actor -> () -> {
            // A claim of one actor would take the jobs of another.
            scripts.get(actor).stream()
                    .filter(op -> !(op instanceof MemoryOp.Work) && !(op instanceof MemoryOp.Pass))
                    .forEach(actors::perform);
            return actor;
        });
        List<String> broken = new ArrayList<>(Invariants.broken(machine.jdbc()));
        broken.addAll(miscounted(machine.jdbc()));
        assertEquals(List.of(), broken, () -> "after the actors had done, at once, " + scripts);
    }

    /** The actor in the audit log; null when the bus and an agent both act. */
    private static String actor(MemoryOp op) {
        return op instanceof MemoryOp.Work || op instanceof MemoryOp.Sweep || op.caller() == null
                ? null
                : op.caller().actor();
    }

    /** The counts beside the rows that they count. */
    private static List<String> miscounted(JdbcTemplate jdbc) {
        return jdbc.queryForList(
                """
                select 'the word ' || word || ' is counted ' || counted || ' times and stands in ' || found || ' memories'
                from (
                  select namespace, word, memories as counted from memory_words) kept
                full join (
                  select namespace, word, count(*) as found
                  from memories, unnest(counted_words(namespace, words)) word
                  where status = 'active'
                  group by 1, 2) real using (namespace, word)
                where counted is distinct from found
                union all
                select 'the verdicts of ' || memory_id || ' are counted otherwise'
                from (select memory_id, used, irrelevant, wrong from memory_uses) kept
                full join (
                  select memory_id, count(*) filter (where verdict = 'used') as used,
                    count(*) filter (where verdict = 'irrelevant') as irrelevant,
                    count(*) filter (where verdict = 'wrong') as wrong
                  from memory_injections
                  where settled_at is not null
                  group by 1) real using (memory_id)
                where (coalesce(kept.used, 0), coalesce(kept.irrelevant, 0), coalesce(kept.wrong, 0))
                  <> (coalesce(real.used, 0), coalesce(real.irrelevant, 0), coalesce(real.wrong, 0))
                """,
                String.class);
    }

    /**
     * Whether an act was rightly done or rightly refused: by the rights of the caller and the rows before it.
     *
     * @return the objections
     */
    private static List<String> verdict(
            MemoryOp op, MemoryActors.Result result, boolean frozen, MemorySnapshot before, MemorySnapshot after) {
        List<String> broken = new ArrayList<>();
        if (result == null) {
            return broken;
        }
        if (!result.ok()) {
            if (!before.sameAs(after)) {
                broken.add("a refused act has changed something");
            }
            if (!documented().contains(result.refusal().code())) {
                broken.add("the code " + result.refusal().code() + " is not in the contract");
            }
            if (result.refusal().message().isBlank() || result.refusal().expected() == null) {
                broken.add("a refusal does not say what would be right: " + result);
            }
        }
        if (op instanceof MemoryOp.Promote promote) {
            promotion(promote, result, frozen, before, after, broken);
        } else if (op instanceof MemoryOp.Work work) {
            prompt(work, result.answer(), before, broken);
        } else if (op.caller() != null && !may(op, result.row(), before) && result.ok()) {
            broken.add(op.caller() + " has no right to it and was not refused");
        }
        if (!(op instanceof MemoryOp.Promote || op instanceof MemoryOp.Supersede)
                && !after.newMemories(before).isEmpty()) {
            broken.add("a memory was made by " + op);
        }
        if (op.caller() != null && !(op instanceof MemoryOp.Create) && result.row() != null) {
            unseen(op, result, before, broken);
        }
        return broken;
    }

    /** A row that the caller may not read is answered as if it did not exist. */
    private static void unseen(MemoryOp op, MemoryActors.Result result, MemorySnapshot before, List<String> broken) {
        JsonNode candidate = before.candidate(result.row());
        JsonNode memory =
                before.memory(before.review(result.row()).path("memory_id").asText(result.row()));
        JsonNode row = candidate.isMissingNode() ? memory : candidate;
        boolean reads = op.caller()
                        .reads(
                                row.path("visibility").asText(),
                                row.path("owner_agent").asText(null))
                || candidate == row
                        && op.caller().author().equals(row.path("source_agent").asText());
        if (!reads
                && (result.ok()
                        || result.refusal().status() != 404 && result.refusal().status() != 403)) {
            broken.add(op.caller() + " learns of a row that it may not read: " + result);
        }
    }

    private static void promotion(
            MemoryOp.Promote op,
            MemoryActors.Result result,
            boolean frozen,
            MemorySnapshot before,
            MemorySnapshot after,
            List<String> broken) {
        JsonNode candidate = before.candidate(result.row());
        List<JsonNode> added = after.newMemories(before);
        Set<String> sources = new HashSet<>();
        candidate.get("source_refs").forEach(ref -> sources.add(ref.get("id").asText()));
        List<String> against = new ArrayList<>();
        if (frozen) {
            against.add("promotions are frozen");
        }
        if (!candidate.get("status").asText().equals("new")) {
            against.add("the candidate has ended");
        }
        if (!op.caller()
                .promotes(
                        candidate.get("source_agent").asText(),
                        candidate.get("visibility").asText(),
                        candidate.path("owner_agent").asText(null))) {
            against.add("the caller has no right to it");
        }
        if (candidate.get("trust").asText().equals("untrusted") && op.caller() != MemoryOp.Caller.ANNA) {
            against.add("it is untrusted");
        }
        if (candidate.get("confidence").asInt() < 3) {
            against.add("nobody is sure of it");
        }
        // The word of a person is enough, also of one that promotes.
        if (sources.size() < 2
                && op.caller() != MemoryOp.Caller.ANNA
                && !candidate.get("source_agent").asText().equals("anna")) {
            against.add("it rests on one job");
        }
        if (!added.isEmpty() && !against.isEmpty()) {
            broken.add("a memory was made although " + against);
        }
        if (added.size() > 1) {
            broken.add("one promotion made " + added.size() + " memories");
        }
        boolean promoted = result.ok() && result.answer().path("promoted").asBoolean(true);
        if (promoted && added.isEmpty() && !candidate.get("status").asText().equals("promoted")) {
            broken.add("an answered promotion has made no memory");
        }
        if (!result.ok() && against.isEmpty() && !op.replace() && !limited(result)) {
            broken.add("nothing was against the promotion");
        }
    }

    /** Whether the refusal is one of the limits that the rows of one act do not show. */
    private static boolean limited(MemoryActors.Result result) {
        return result.refusal().code().equals("memory_gate")
                        && result.refusal().message().contains("limit")
                || result.refusal().code().equals("near_duplicate");
    }

    private static void prompt(MemoryOp.Work op, JsonNode answer, MemorySnapshot before, List<String> broken) {
        int tokens = answer.get("tokens").asInt();
        for (JsonNode item : answer.get("injected")) {
            JsonNode memory = before.memory(item.get("memoryId").asText());
            if (!memory.path("status").asText().equals("active")) {
                broken.add("a memory that has ended stands in a prompt: " + memory);
            }
            if (!memory.path("visibility").asText().equals("shared")
                    && !op.caller().agent().equals(memory.path("owner_agent").asText())) {
                broken.add("a memory of another agent stands in a prompt: " + memory);
            }
        }
        if (tokens > 600 || answer.get("injected").size() > 10) {
            broken.add(answer.get("injected").size() + " memories of " + tokens + " tokens stand in a prompt");
        }
    }

    private static boolean may(MemoryOp op, String row, MemorySnapshot before) {
        if (op instanceof MemoryOp.ExpireAll) {
            return op.caller() == MemoryOp.Caller.ANNA;
        }
        if (op instanceof MemoryOp.Confirm) {
            return !before.memory(row)
                    .path("source_agent")
                    .asText()
                    .equals(op.caller().agent());
        }
        if (op instanceof MemoryOp.CloseReview) {
            return op.caller().curates();
        }
        if (op instanceof MemoryOp.Reject) {
            JsonNode candidate = before.candidate(row);
            return op.caller().curates()
                    || op.caller().agent().equals(candidate.path("owner_agent").asText())
                    || op.caller()
                            .author()
                            .equals(candidate.path("source_agent").asText());
        }
        if (op instanceof MemoryOp.Supersede || op instanceof MemoryOp.Expire) {
            return op.caller().curates()
                    || op.caller()
                            .agent()
                            .equals(before.memory(row).path("owner_agent").asText());
        }
        return true;
    }

    private static Set<String> documented() {
        Set<String> codes = new TreeSet<>();
        Contract.load()
                .document()
                .at("/components/schemas/Problem/properties/code/enum")
                .forEach(code -> codes.add(code.asText()));
        return codes;
    }

    /** For the report: how many tries an act did something in, and how often which refusal was met. */
    private static void count(MemoryActors actors) {
        actors.done().forEach(kind -> Statistics.label("tries in which it did something")
                .collect(kind));
        actors.refused().forEach(code -> Statistics.label("refusals").collect(code));
    }
}
