package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
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

/**
 * The state machine under sequences of operations drawn by chance. A sequence that breaks an invariant is made as short as
 * possible and printed, each operation with what it was told; its seed stands in the report, and jqwik tries it first next time.
 *
 * <p>{@code ./mvnw test -Dtest=StateMachinePropertiesTest -Djqwik.tries=5000} hunts for longer.
 */
class StateMachinePropertiesTest {
    private static final int STEPS = 200;
    private static final int ACTORS = 3;
    private static final int ROUNDS = 3;

    private static Machine fresh() {
        Machine machine = PropertyDatabase.fresh();
        machine.jdbc().update("update agents set max_concurrency = 2");
        // So that jobs can be reassigned.
        machine.jdbc().update("update agents set accepts = '{*}' where agent_id <> 'coordinator'");
        machine.jdbc().update("update gateways set max_in_flight = 4");
        return machine;
    }

    @Provide
    Arbitrary<List<Op>> script() {
        return Script.upTo(STEPS);
    }

    @Provide
    Arbitrary<List<List<Op>>> scripts() {
        return Script.upTo(STEPS / 3).list().ofSize(ACTORS * ROUNDS);
    }

    @Property(afterFailure = AfterFailureMode.SAMPLE_FIRST, edgeCases = EdgeCasesMode.NONE)
    void every_operation_keeps_every_invariant(@ForAll("script") List<Op> script) {
        run(script);
    }

    @Example
    void in_drawn_scripts_every_operation_does_something() {
        Set<String> operations = new TreeSet<>();
        for (Class<?> operation : Op.class.getPermittedSubclasses()) {
            operations.add(operation.getSimpleName());
        }
        DrawnScripts.doEveryAct(script(), operations, StateMachinePropertiesTest::run);
    }

    /** Runs a script, checks after each operation, and returns the operations that did something. */
    private static Set<String> run(List<Op> script) {
        Machine machine = fresh();
        Actors actors = new Actors(machine);
        StringBuilder story = new StringBuilder();
        Snapshot before = Snapshot.of(machine.jdbc(), null);
        for (Op op : script) {
            Attempt speaker = actors.speaker(op);
            String answer = actors.perform(op, speaker);
            story.append("\n  ").append(op).append("\n      ").append(answer);
            Snapshot after = Snapshot.of(machine.jdbc(), before);
            List<String> broken = new ArrayList<>(before.brokenBy(after, op, speaker));
            broken.addAll(Invariants.broken(machine.jdbc()));
            assertEquals(List.of(), broken, () -> "after" + story + "\n");
            before = after;
        }
        count(actors);
        return actors.done();
    }

    @Property(shrinking = ShrinkingMode.OFF, edgeCases = EdgeCasesMode.NONE)
    void whoever_acts_at_the_same_time_every_invariant_holds(@ForAll("scripts") List<List<Op>> scripts)
            throws Exception {
        Machine machine = fresh();
        Actors actors = new Actors(machine);
        for (int round = 0; round < ROUNDS; round++) {
            List<List<Op>> now = scripts.subList(round * ACTORS, (round + 1) * ACTORS);
            Race.<Integer>won(ACTORS, actor -> () -> {
                now.get(actor).forEach(actors::perform);
                return actor;
            });
            // What one actor had locked follows behind the call of another.
            machine.finishCascades();
            List<String> broken = Invariants.broken(machine.jdbc());
            assertEquals(List.of(), broken, () -> "after the actors had done, at once, " + now);
        }
        count(actors);
    }

    /** For the report: how many tries an operation did something in. */
    private static void count(Actors actors) {
        actors.done().forEach(kind -> Statistics.label("tries in which it did something")
                .collect(kind));
    }
}
