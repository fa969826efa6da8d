package agentbus.backup;

import agentbus.text.Json;
import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/** The checks of one drill. A check that could not be made counts as failed. */
final class Findings {
    /**
     * One check.
     *
     * @param check its name
     * @param ok whether it passed; null if it could not be made
     * @param detail what was found, in words
     */
    record Finding(String check, Boolean ok, String detail) {}

    private final List<Finding> all = new ArrayList<>();

    /**
     * Makes a check, unless one that it needs has not passed: then it could not tell anything.
     *
     * @param name the name of the check
     * @param work returns what was found, and throws when the check fails
     * @param needs the names of the checks that it needs
     */
    void check(String name, Callable<String> work, String... needs) {
        for (String need : needs) {
            if (!passed(need)) {
                all.add(new Finding(name, null, "not made, because the check \"" + need + "\" has not passed"));
                return;
            }
        }
        try {
            all.add(new Finding(name, true, work.call()));
        } catch (Exception failed) {
            if (failed instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
            String why = failed.getMessage() == null ? failed.getClass().getSimpleName() : failed.getMessage();
            all.add(new Finding(name, false, why));
        }
    }

    /** Whether every check so far was made and passed. */
    boolean ok() {
        return all.stream().allMatch(finding -> Boolean.TRUE.equals(finding.ok()));
    }

    private boolean passed(String name) {
        return all.stream().anyMatch(finding -> finding.check().equals(name) && Boolean.TRUE.equals(finding.ok()));
    }

    /** The checks in their order. */
    List<Finding> all() {
        return List.copyOf(all);
    }

    /** The checks as the row of the drill keeps them. */
    ArrayNode json() {
        ArrayNode rows = Json.tree(List.of());
        for (Finding finding : all) {
            rows.addObject()
                    .put("check", finding.check())
                    .put("ok", finding.ok())
                    .put("detail", finding.detail());
        }
        return rows;
    }
}
