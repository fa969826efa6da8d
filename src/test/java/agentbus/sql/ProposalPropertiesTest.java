package agentbus.sql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Contract;
import agentbus.sql.ProposalOp.Decision;
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
 * The two state machines of the proactive lane under sequences of acts drawn by chance, of callers with different rights.
 *
 * <p>{@code ./mvnw test -Dtest=ProposalPropertiesTest -Djqwik.tries=5000} hunts for longer.
 */
class ProposalPropertiesTest {
    private static final int STEPS = 40;
    private static final int ACTORS = 4;

    @Provide
    Arbitrary<List<ProposalOp>> script() {
        return ProposalScript.upTo(STEPS);
    }

    @Provide
    Arbitrary<List<List<ProposalOp>>> scripts() {
        return ProposalScript.upTo(STEPS / 2).list().ofSize(ACTORS);
    }

    @Property(afterFailure = AfterFailureMode.SAMPLE_FIRST, edgeCases = EdgeCasesMode.NONE)
    void every_act_keeps_every_invariant_and_leaves_one_audit_row_for_each_change(
            @ForAll("script") List<ProposalOp> script) {
        run(script);
    }

    @Example
    void in_drawn_scripts_every_act_does_something() {
        DrawnScripts.doEveryAct(script(), kinds(), ProposalPropertiesTest::run);
    }

    /** Runs a script, checks after each act, and returns the acts that did something. */
    private static Set<String> run(List<ProposalOp> script) {
        Machine machine = PropertyDatabase.fresh();
        ProposalActors actors = new ProposalActors(machine);
        StringBuilder story = new StringBuilder();
        ProposalSnapshot before = ProposalSnapshot.of(machine.jdbc(), null);
        for (ProposalOp op : script) {
            ProposalActors.Result result = actors.perform(op);
            story.append("\n  ").append(op).append("\n      ").append(result);
            ProposalSnapshot after = ProposalSnapshot.of(machine.jdbc(), before);
            List<String> broken = new ArrayList<>();
            if (!(op instanceof ProposalOp.Pass)) {
                broken.addAll(before.brokenBy(after, actor(op)));
                broken.addAll(verdict(op, result, before, after));
            }
            broken.addAll(machine.jdbc()
                    .queryForList("select what || ': ' || id from broken_proposal_invariants()", String.class));
            assertEquals(List.of(), broken, () -> "after" + story + "\n");
            before = after;
        }
        assertEquals(List.of(), Invariants.broken(machine.jdbc()), () -> "after" + story + "\n");
        count(actors);
        return actors.done();
    }

    @Property(shrinking = ShrinkingMode.OFF, edgeCases = EdgeCasesMode.NONE)
    void acts_of_several_callers_at_the_same_time_keep_every_invariant(
            @ForAll("scripts") List<List<ProposalOp>> scripts) throws Exception {
        Machine machine = PropertyDatabase.fresh();
        ProposalActors actors = new ProposalActors(machine);
        Race.<Integer>won(ACTORS, actor -> () -> {
            scripts.get(actor).forEach(actors::perform);
            return actor;
        });
        machine.finishCascades();
        assertEquals(
                List.of(), Invariants.broken(machine.jdbc()), () -> "after the actors had done, at once, " + scripts);
        count(actors);
    }

    /** The actor in the audit log. */
    private static String actor(ProposalOp op) {
        return op.caller() == null ? "dispatcher:proposals" : op.caller().actor();
    }

    /**
     * Whether an act was rightly done or rightly refused: by the rights of the caller and the status before it.
     *
     * @return the objections
     */
    private static List<String> verdict(
            ProposalOp op, ProposalActors.Result result, ProposalSnapshot before, ProposalSnapshot after) {
        List<String> broken = new ArrayList<>();
        if (result == null || op.caller() == null) {
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
        if (!may(op, result.row(), before)) {
            if (result.ok()) {
                broken.add(op.caller() + " has no right to it and was not refused");
            } else if (!result.refusal().code().equals("forbidden")) {
                broken.add("without the right, the refusal must be forbidden: " + result);
            }
        } else if (!result.ok() && result.refusal().code().equals("forbidden")) {
            broken.add(op.caller() + " has the right to it and was refused");
        } else if (!result.ok() && op instanceof ProposalOp.Triage triage) {
            if (fits(triage.decision(), before.status(result.row()))) {
                broken.add("the decision fits the status " + before.status(result.row()) + " and was refused");
            } else if (!result.refusal().code().equals("wrong_state")) {
                broken.add("the decision does not fit the status, and the refusal is another: " + result);
            }
        }
        return broken;
    }

    private static boolean may(ProposalOp op, String row, ProposalSnapshot before) {
        if (op instanceof ProposalOp.OnIdea on) {
            boolean own = op.caller().author().equals(before.authorOfIdea(row));
            return switch (on.act()) {
                case REVIEW -> op.caller().agent() == null || !own;
                case ARCHIVE -> own || op.caller().mayTriage();
                case PROMOTE -> true;
            };
        }
        if (op instanceof ProposalOp.Triage triage
                && (triage.decision() == Decision.ACCEPTED || triage.decision() == Decision.REJECTED)) {
            return mayJudge(op.caller(), row, before);
        }
        if (op instanceof ProposalOp.Convert) {
            return mayJudge(op.caller(), row, before);
        }
        boolean triages = op instanceof ProposalOp.Triage || op instanceof ProposalOp.Merge;
        boolean undoes = op instanceof ProposalOp.Merge
                || op instanceof ProposalOp.Triage triage && triage.decision() == Decision.PARKED;
        if (undoes && "accepted".equals(before.status(row))) {
            return mayJudge(op.caller(), row, before);
        }
        return !triages || op.caller().mayTriage();
    }

    private static boolean mayJudge(ProposalOp.Caller caller, String row, ProposalSnapshot before) {
        return caller.mayConvert() && !before.isOf(caller.agent(), row);
    }

    private static boolean fits(Decision decision, String status) {
        return switch (decision) {
            case TRIAGED -> Set.of("new", "triaged", "parked").contains(status);
            case ACCEPTED -> Set.of("new", "triaged").contains(status);
            case REJECTED -> Set.of("new", "triaged", "accepted", "parked").contains(status);
            case PARKED -> Set.of("new", "triaged", "accepted", "parked").contains(status);
        };
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
    private static void count(ProposalActors actors) {
        actors.done().forEach(kind -> Statistics.label("tries in which it did something")
                .collect(kind));
        actors.refused().forEach(code -> Statistics.label("refusals").collect(code));
    }

    private static Set<String> kinds() {
        Set<String> kinds = new TreeSet<>();
        for (Class<?> kind : ProposalOp.class.getPermittedSubclasses()) {
            if (kind == ProposalOp.Triage.class) {
                for (Decision decision : Decision.values()) {
                    kinds.add("Triage " + decision);
                }
            } else if (kind == ProposalOp.OnIdea.class) {
                for (ProposalOp.IdeaAct act : ProposalOp.IdeaAct.values()) {
                    kinds.add("OnIdea " + act);
                }
            } else {
                kinds.add(kind.getSimpleName());
            }
        }
        assertTrue(kinds.size() > 10);
        return kinds;
    }
}
