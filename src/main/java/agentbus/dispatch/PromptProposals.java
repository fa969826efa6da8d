package agentbus.dispatch;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The proposals of an agent in the prompt of a proactive or idle job: its budget of today, and what became of its last
 * proposals. Titles and notes are words of others and stand among the data. Its memory candidates have a budget of their
 * own.
 */
final class PromptProposals {
    private static final List<String> NUMBERS =
            List.of("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten");

    private PromptProposals() {}

    /**
     * The template's data of the proposals.
     *
     * @param proposals the proposals, as {@code own_proposals} returns them; null for a job that is not told of them
     * @return tellsOfProposals, false for null; budgetLeft, budgetFreeAt and acceptance, in words; mayIdea,
     *     mayOpportunity, mayUrgent and mayPropose (one of the first two); budgetHalf, the reason for half a budget;
     *     rejections, each with rejectedKind, rejectedId, rejectedTitle and rejectedBecause
     */
    static Map<String, Object> model(Object proposals) {
        Map<String, Object> model = new HashMap<>();
        model.put("tellsOfProposals", proposals instanceof Map);
        if (!(proposals instanceof Map<?, ?> own)) {
            return model;
        }
        boolean idea = left(own, "ideas") > 0;
        boolean opportunity = left(own, "opportunities") > 0 && left(own, "openOpportunities") > 0;
        List<Map<String, Object>> rejections = rejections(own.get("rejected"));
        model.put("budgetLeft", budgetLeft(own));
        model.put("budgetFreeAt", own.get("freeAt"));
        model.put("budgetHalf", own.get("half"));
        model.put("acceptance", acceptance(own));
        model.put("mayIdea", idea);
        model.put("mayOpportunity", opportunity);
        model.put("mayUrgent", left(own, "urgent") > 0);
        model.put("mayPropose", idea || opportunity);
        model.put("hasRejections", !rejections.isEmpty());
        model.put("rejections", rejections);
        return model;
    }

    /**
     * The template's data of memory candidates.
     *
     * @param candidates the budget, as {@code candidates_for_prompt} returns it; null for a job that is not told of them
     * @return mayRemember, false for null and when nothing is left today; candidatesLeft, candidatesBudget and
     *     candidatesFreeAt
     */
    static Map<String, Object> candidates(Object candidates) {
        if (!(candidates instanceof Map<?, ?> budget)) {
            return Map.of("mayRemember", false);
        }
        int left = number(budget.get("left"));
        return Map.of(
                "mayRemember",
                left > 0,
                "candidatesLeft",
                left,
                "candidatesBudget",
                number(budget.get("budget")),
                "candidatesFreeAt",
                budget.get("freeAt"));
    }

    private static String budgetLeft(Map<?, ?> own) {
        String left = part(own, "ideas", "ideas") + ", " + part(own, "opportunities", "opportunities") + ", "
                + part(own, "urgent", "urgent ones");
        return left(own, "openOpportunities") > 0
                ? left
                : left + "; but no opportunity until one of your " + number(own, "openOpportunities", "used")
                        + " waiting ones is converted, rejected, parked or merged";
    }

    private static String part(Map<?, ?> own, String key, String noun) {
        return left(own, key) + " of " + number(own, key, "budget") + " " + noun;
    }

    /** How many of the last decided proposals were accepted, and what came of their jobs; null before the first. */
    private static String acceptance(Map<?, ?> own) {
        int decided = number(own.get("decided"));
        int accepted = number(own.get("accepted"));
        if (decided == 0) {
            return null;
        }
        String all = decided == 1
                ? "Your one decided proposal was " + (accepted == 1 ? "" : "not ") + "accepted."
                : "Of your last " + word(decided) + " decided proposals, " + word(accepted)
                        + (accepted == 1 ? " was" : " were") + " accepted.";
        int hits = number(own.get("hits"));
        int ended = hits + number(own.get("misses"));
        String jobs = ended == 0
                ? ""
                : " Of the jobs that came of them, " + word(ended) + (ended == 1 ? " has" : " have") + " ended, "
                        + word(hits) + " with success.";
        return all + jobs + (accepted < decided ? " Why the others were not stands above, with the data." : "");
    }

    private static List<Map<String, Object>> rejections(Object rejected) {
        List<Map<String, Object>> rejections = new ArrayList<>();
        for (Object one : (List<?>) rejected) {
            Map<?, ?> given = (Map<?, ?>) one;
            Object notes = given.get("notes");
            rejections.add(Map.of(
                    "rejectedKind", given.get("kind"),
                    "rejectedId", given.get("id"),
                    "rejectedTitle", oneLine(given.get("title")),
                    "rejectedBecause", notes == null ? "nobody took it up" : oneLine(notes)));
        }
        return rejections;
    }

    private static String oneLine(Object text) {
        return String.valueOf(text).replaceAll("\\s+", " ").strip();
    }

    private static String word(int number) {
        return number < NUMBERS.size() ? NUMBERS.get(number) : String.valueOf(number);
    }

    private static int left(Map<?, ?> own, String key) {
        return number(own, key, "left");
    }

    private static int number(Map<?, ?> own, String key, String field) {
        return number(((Map<?, ?>) own.get(key)).get(field));
    }

    private static int number(Object value) {
        return ((Number) value).intValue();
    }
}
