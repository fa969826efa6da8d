package agentbus.sql;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The text of a proposal that is worth a decision. {@code proposals/good.csv} has those of fourteen days, three a day; no two are
 * about the same matter.
 */
record Proposal(String theme, String title, String whyNow, String ifNothing, String nextStep, String owner) {
    private static final Path FILE = Path.of("src/test/resources/proposals/good.csv");

    /** All proposals of the file, in its order. */
    static List<Proposal> good() {
        try {
            return Files.readAllLines(FILE).stream()
                    .skip(1)
                    .map(line -> line.split("\\|"))
                    .map(part -> new Proposal(part[0], part[1], part[2], part[3], part[4], part[5]))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The input of createIdea. */
    ObjectNode idea() {
        return Machine.json("theme", theme, "title", title, "body", whyNow + " " + ifNothing);
    }

    /** The fields that an opportunity has beside theme, title and evidence. */
    ObjectNode decisionFields(int impact, int confidence, int urgency) {
        return Machine.json(
                "whyNow",
                whyNow,
                "ifNothing",
                ifNothing,
                "suggestedNextStep",
                nextStep,
                "ownerCandidate",
                owner,
                "reversibility",
                "high",
                "impactScore",
                impact,
                "confidenceScore",
                confidence,
                "urgencyScore",
                urgency);
    }

    /**
     * The input of createOpportunity.
     *
     * @param evidence an array of evidence
     */
    ObjectNode opportunity(int impact, int confidence, int urgency, List<ObjectNode> evidence) {
        ObjectNode input = decisionFields(impact, confidence, urgency);
        input.put("theme", theme).put("title", title).putArray("evidence").addAll(evidence);
        return input;
    }

    /** The same proposal for another owner. */
    Proposal ownedBy(String agent) {
        return new Proposal(theme, title, whyNow, ifNothing, nextStep, agent);
    }
}
