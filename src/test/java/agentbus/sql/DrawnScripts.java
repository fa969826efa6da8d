package agentbus.sql;

import static org.junit.jupiter.api.Assertions.fail;

import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import net.jqwik.api.Arbitrary;

/**
 * Whether scripts drawn by chance do every act, and do not only meet refusals: a sequence of refusals proves nothing.
 *
 * <p>The few tries of a property in an ordinary build miss a rare act now and then, so they are not counted. These
 * scripts have one seed and end when every act has done something.
 */
final class DrawnScripts {
    /** Chosen: an act that does something in one script of five is missed by so many once in a billion. */
    private static final int MOST = 100;

    private DrawnScripts() {}

    /**
     * Runs scripts until each act has done something, and fails when a hundred scripts leave one out.
     *
     * @param scripts draws a script
     * @param acts the names of all acts
     * @param run runs a script and returns the names of the acts that did something in it
     */
    static <S> void doEveryAct(Arbitrary<S> scripts, Set<String> acts, Function<S, Set<String>> run) {
        Random random = new Random(1);
        var drawn = scripts.generator(MOST);
        Set<String> left = new TreeSet<>(acts);
        for (int script = 0; !left.isEmpty(); script++) {
            if (script == MOST) {
                fail("in " + MOST + " scripts these did nothing but meet refusals: " + left);
            }
            left.removeAll(run.apply(drawn.next(random).value()));
        }
    }
}
