package agentbus.sql;

import agentbus.sql.ProposalOp.Caller;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.Tuple;

/** Draws sequences of acts on ideas and opportunities. */
final class ProposalScript {
    private ProposalScript() {}

    /** Sequences of up to so many acts, which shrink to shorter ones of smaller numbers. */
    static Arbitrary<List<ProposalOp>> upTo(int steps) {
        return op().list().ofMinSize(1).ofMaxSize(steps).withSizeDistribution(RandomDistribution.uniform());
    }

    /** One act. Those who may decide are drawn more often, or most sequences would be refusals. */
    private static Arbitrary<ProposalOp> op() {
        Arbitrary<Caller> anyone = Arbitraries.of(Caller.values());
        Arbitrary<Caller> deciders = Arbitraries.of(
                Caller.ANNA, Caller.ANNA, Caller.COORDINATOR, Caller.COORDINATOR, Caller.TRACKER, Caller.SCOUT);
        Arbitrary<Integer> some = Arbitraries.integers().between(0, 4);
        Arbitrary<Integer> text = Arbitraries.integers().between(0, 19);
        Arbitrary<Integer> key = Arbitraries.integers().between(-6, 3);
        return Arbitraries.frequencyOf(
                Tuple.of(12, Combinators.combine(anyone, text, key).as(ProposalOp.CreateIdea::new)),
                Tuple.of(
                        14,
                        Combinators.combine(anyone, text, key, Arbitraries.of(1, 3, 5))
                                .as(ProposalOp.CreateOpportunity::new)),
                Tuple.of(
                        10,
                        Combinators.combine(deciders, Arbitraries.of(ProposalOp.IdeaAct.values()), some)
                                .as(ProposalOp.OnIdea::new)),
                Tuple.of(
                        20,
                        Combinators.combine(
                                        deciders,
                                        Arbitraries.of(ProposalOp.Decision.values()),
                                        some,
                                        Arbitraries.integers().between(0, 2))
                                .as(ProposalOp.Triage::new)),
                Tuple.of(8, Combinators.combine(deciders, some).as(ProposalOp.Convert::new)),
                Tuple.of(6, Combinators.combine(deciders, some, some).as(ProposalOp.Merge::new)),
                Tuple.of(5, some.map(ProposalOp.EndJob::new)),
                Tuple.of(3, Arbitraries.of(1, 2, 15).map(ProposalOp.Pass::new)),
                Tuple.of(4, Arbitraries.create(ProposalOp.Sweep::new)));
    }
}
