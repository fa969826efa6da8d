package agentbus.demo;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The behaviour of a simulated agent: the outcomes of its runs.
 *
 * @param outcomes the outcomes with their weights; at least one
 * @param inOrder true to take the outcomes in order and then repeat the last one; false to draw them by weight
 * @param onceAnswered the outcome of a run whose prompt holds the answer of a person; empty for no difference
 */
public record AgentScript(List<Weighted> outcomes, boolean inOrder, Optional<Outcome> onceAnswered) {

    /**
     * An outcome with its weight.
     *
     * @param weight how often it is drawn in relation to the others; above 0
     * @param outcome the outcome
     */
    public record Weighted(double weight, Outcome outcome) {}

    /**
     * Copies and checks the outcomes.
     *
     * @throws IllegalArgumentException if there is none, or a weight is not above 0
     */
    public AgentScript {
        outcomes = List.copyOf(outcomes);
        if (outcomes.isEmpty() || outcomes.stream().anyMatch(one -> !(one.weight() > 0))) {
            throw new IllegalArgumentException("A script needs outcomes with weights above 0: " + outcomes);
        }
    }

    /**
     * An agent whose runs all have the same outcome.
     *
     * @param outcome the outcome
     * @return the script
     */
    public static AgentScript always(Outcome outcome) {
        return inOrder(outcome);
    }

    /**
     * An agent that draws its outcomes by weight.
     *
     * @param outcomes the outcomes with their weights
     * @return the script
     */
    public static AgentScript weighted(Weighted... outcomes) {
        return new AgentScript(Arrays.asList(outcomes), false, Optional.empty());
    }

    /**
     * An agent that goes through its outcomes once and then repeats the last one.
     *
     * @param outcomes its outcomes, in this order
     * @return the script
     */
    public static AgentScript inOrder(Outcome... outcomes) {
        return new AgentScript(
                Arrays.stream(outcomes).map(one -> new Weighted(1, one)).toList(), true, Optional.empty());
    }

    /**
     * The same agent, which ends its waiting jobs once a person has answered.
     *
     * @param outcome the outcome of a run whose prompt holds the answer of a person
     * @return the script
     */
    public AgentScript onceAnswered(Outcome outcome) {
        return new AgentScript(outcomes, inOrder, Optional.of(outcome));
    }

    /**
     * The outcome of one run.
     *
     * @param run the run's number for this agent, from 0
     * @param draw a number from 0 to below 1
     * @return the outcome
     */
    Outcome outcome(long run, double draw) {
        if (inOrder) {
            return outcomes.get((int) Math.min(run, outcomes.size() - 1)).outcome();
        }
        double left = draw * outcomes.stream().mapToDouble(Weighted::weight).sum();
        for (Weighted one : outcomes) {
            left -= one.weight();
            if (left < 0) {
                return one.outcome();
            }
        }
        return outcomes.get(outcomes.size() - 1).outcome();
    }
}
