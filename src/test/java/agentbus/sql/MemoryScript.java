package agentbus.sql;

import agentbus.sql.MemoryOp.Caller;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.Tuple;

/** Draws sequences of acts on candidates and memories. */
final class MemoryScript {
    private MemoryScript() {}

    /** Sequences of up to so many acts, which shrink to shorter ones of smaller numbers. */
    static Arbitrary<List<MemoryOp>> upTo(int steps) {
        return op().list().ofMinSize(1).ofMaxSize(steps).withSizeDistribution(RandomDistribution.uniform());
    }

    /** One act. Those who may decide are drawn more often, or most sequences would be refusals. */
    private static Arbitrary<MemoryOp> op() {
        Arbitrary<Caller> anyone = Arbitraries.of(Caller.values());
        Arbitrary<Caller> agents = Arbitraries.of(Caller.KNOWLEDGE, Caller.DEVOPS, Caller.RESEARCH, Caller.STRANGER);
        Arbitrary<Caller> deciders = Arbitraries.of(
                Caller.ANNA, Caller.ANNA, Caller.KNOWLEDGE, Caller.KNOWLEDGE, Caller.DEVOPS, Caller.RESEARCH);
        Arbitrary<Integer> some = Arbitraries.integers().between(0, 4);
        Arbitrary<Integer> text = Arbitraries.integers().between(0, 11);
        Arbitrary<Integer> key = Arbitraries.integers().between(-6, 3);
        Arbitrary<Boolean> rarely = Arbitraries.of(true, false, false, false);
        return Arbitraries.frequencyOf(
                Tuple.of(
                        24,
                        Combinators.combine(
                                        anyone,
                                        text,
                                        key,
                                        Arbitraries.of("shared", "shared", "role", "private"),
                                        Arbitraries.of(2, 3, 4, 5),
                                        Arbitraries.of(1, 2, 2, 2),
                                        rarely)
                                .as(MemoryOp.Create::new)),
                Tuple.of(
                        24,
                        Combinators.combine(deciders, some, Arbitraries.of(0, 0, 1), rarely, some)
                                .as(MemoryOp.Promote::new)),
                Tuple.of(5, Combinators.combine(deciders, some).as(MemoryOp.Reject::new)),
                Tuple.of(
                        16,
                        Combinators.combine(deciders, some, some, Arbitraries.of(true, true, false), text)
                                .as(MemoryOp.Supersede::new)),
                Tuple.of(5, Combinators.combine(deciders, some).as(MemoryOp.Expire::new)),
                Tuple.of(
                        2,
                        // The door lets operators alone call it.
                        Combinators.combine(Arbitraries.of(Caller.ANNA), anyone, Arbitraries.of(true, false))
                                .as(MemoryOp.ExpireAll::new)),
                Tuple.of(6, Combinators.combine(deciders, some).as(MemoryOp.Confirm::new)),
                Tuple.of(10, Combinators.combine(anyone, some).as(MemoryOp.Wrong::new)),
                Tuple.of(9, Combinators.combine(deciders, some).as(MemoryOp.CloseReview::new)),
                Tuple.of(
                        10,
                        Combinators.combine(
                                        agents,
                                        text,
                                        Arbitraries.of("used", "irrelevant", "wrong", "none"),
                                        Arbitraries.of(true, true, false))
                                .as(MemoryOp.Work::new)),
                Tuple.of(3, Arbitraries.of(true, false, false).map(MemoryOp.Freeze::new)),
                Tuple.of(4, Arbitraries.of(1, 15, 40).map(MemoryOp.Pass::new)),
                Tuple.of(5, Arbitraries.create(MemoryOp.Sweep::new)));
    }
}
