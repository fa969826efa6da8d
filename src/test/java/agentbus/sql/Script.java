package agentbus.sql;

import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.Tuple;

/** Draws sequences of operations. */
final class Script {
    static final List<String> AGENTS = List.of("devops", "research", "coordinator");
    static final int DISPATCHERS = 2;

    private Script() {}

    /** Sequences of up to so many operations, which shrink to shorter ones of smaller numbers. */
    static Arbitrary<List<Op>> upTo(int steps) {
        // Evenly long, or most would be too short to reach a state worth a look.
        return op().list().ofMinSize(1).ofMaxSize(steps).withSizeDistribution(RandomDistribution.uniform());
    }

    /** One operation; what brings a job forward is drawn more often, or most sequences would move nothing. */
    private static Arbitrary<Op> op() {
        Arbitrary<String> agent = Arbitraries.of(AGENTS);
        Arbitrary<Integer> dispatcher = Arbitraries.integers().between(0, DISPATCHERS - 1);
        Arbitrary<Integer> some = Arbitraries.integers().between(0, 7);
        Arbitrary<Boolean> yes = Arbitraries.of(true, false);
        Arbitrary<Op> enqueue = Combinators.combine(
                        Arbitraries.of("devops", "devops", "research"),
                        Arbitraries.of(100, 1, 900),
                        Arbitraries.of(0, 0, 0, 60),
                        Arbitraries.integers().between(-1, 2),
                        some.list().ofMaxSize(2),
                        Arbitraries.integers().between(-3, 4),
                        Arbitraries.integers().between(1, 3))
                .as(Op.Enqueue::new);
        return Arbitraries.frequencyOf(
                Tuple.of(12, enqueue),
                Tuple.of(
                        10,
                        Combinators.combine(dispatcher, Arbitraries.integers().between(1, 4))
                                .as(Op.Claim::new)),
                Tuple.of(
                        3,
                        Combinators.combine(agent, Arbitraries.integers().between(1, 3))
                                .as(Op.Pull::new)),
                Tuple.of(4, Combinators.combine(dispatcher, some).as(Op.KeepPrompt::new)),
                Tuple.of(
                        12,
                        Combinators.combine(
                                        Arbitraries.of(
                                                Op.Answer.ADMITTED,
                                                Op.Answer.ADMITTED,
                                                Op.Answer.ADMITTED,
                                                Op.Answer.UNDELIVERED,
                                                Op.Answer.BUSY,
                                                Op.Answer.UNKNOWN,
                                                Op.Answer.REFUSED),
                                        dispatcher,
                                        some)
                                .as(Op.Hook::new)),
                Tuple.of(
                        4,
                        Combinators.combine(Arbitraries.of(Op.Word.values()), some)
                                .as(Op.Say::new)),
                Tuple.of(
                        7,
                        Combinators.combine(some, Arbitraries.integers().between(0, 2), yes)
                                .as(Op.Complete::new)),
                Tuple.of(9, Combinators.combine(some, yes).as(Op.Fail::new)),
                Tuple.of(
                        7,
                        Combinators.combine(some, Arbitraries.of(Op.Until.values()), some)
                                .as(Op.Block::new)),
                Tuple.of(8, some.map(Op.Unblock::new)),
                Tuple.of(3, Combinators.combine(some, yes).as(Op.Cancel::new)),
                Tuple.of(12, some.map(Op.Redrive::new)),
                Tuple.of(
                        7,
                        Combinators.combine(Arbitraries.of(Op.Grip.values()), some)
                                .as(Op.Handle::new)),
                Tuple.of(
                        2,
                        Combinators.combine(
                                        Arbitraries.of("redrive", "redrive", "dismiss", "retry_now", "kill", "cancel"),
                                        agent)
                                .as(Op.Bulk::new)),
                Tuple.of(
                        10,
                        Combinators.combine(Arbitraries.of(Op.Passing.values()), some)
                                .as(Op.Pass::new)),
                Tuple.of(5, Arbitraries.of(false, false, false, true).map(Op.Recover::new)),
                Tuple.of(3, dispatcher.map(Op.Beat::new)),
                Tuple.of(2, dispatcher.map(Op.Stop::new)),
                Tuple.of(2, agent.map(Op.Pause::new)),
                Tuple.of(6, agent.map(Op.Resume::new)));
    }
}
