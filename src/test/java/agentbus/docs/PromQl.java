package agentbus.docs;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** The metrics that an expression of Prometheus selects, as far as the tests read it. */
final class PromQl {
    private static final Pattern SELECTOR =
            Pattern.compile("\\b((?:agentbus|camel|jvm|process|system)_[a-z_]+)\\b(?!\\s*\\()(?:\\{([^}]*)\\})?");
    private static final Pattern MATCHER = Pattern.compile("([a-zA-Z_]+)\\s*(?:=~|!~|!=|=)\\s*\"");

    private PromQl() {}

    /**
     * One use of a metric.
     *
     * @param metric its name
     * @param labels the labels that the selection names
     */
    record Selector(String metric, Set<String> labels) {}

    /** The selections in an expression, in its order. */
    static List<Selector> selectors(String expression) {
        List<Selector> found = new ArrayList<>();
        for (MatchResult selector : SELECTOR.matcher(expression).results().toList()) {
            Set<String> labels = new TreeSet<>();
            if (selector.group(2) != null) {
                MATCHER.matcher(selector.group(2)).results().forEach(matcher -> labels.add(matcher.group(1)));
            }
            found.add(new Selector(selector.group(1), labels));
        }
        return found;
    }
}
