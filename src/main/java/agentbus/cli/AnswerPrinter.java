package agentbus.cli;

import agentbus.contract.Operation;
import agentbus.contract.Table;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Prints an operation's answer for people: its text if it has one, a list as a table, a job as a card, any other answer
 * line by line.
 */
final class AnswerPrinter {
    /** The fields that {@link #printJob} prints in its heading. */
    private static final List<String> JOB_HEAD =
            List.of("jobId", "state", "status", "nextMove", "attemptCount", "maxAttempts");

    private static final List<String> JOB_FIRST = List.of(
            "targetAgent",
            "sourceAgent",
            "subject",
            "jobType",
            "priority",
            "lastError",
            "blockedReason",
            "answer",
            "payload",
            "summary",
            "result");
    private static final List<String> JOB_LAST = List.of(
            "dedupeKey",
            "flowKey",
            "correlationKey",
            "createdAt",
            "updatedAt",
            "runAfter",
            "leasedUntil",
            "blockedUntil",
            "endedAt",
            "timeoutSeconds",
            "hardTimeoutSeconds",
            "hops",
            "trust",
            "redrives",
            "deliveryFailures",
            "namespace",
            "seq",
            "attemptNo",
            "leaseOwner",
            "parentJobId",
            "attemptId",
            "runId",
            "sessionKey",
            "attempts",
            "dependencies",
            "events");
    private static final List<String> EVENT = List.of(
            "topic", "sourceAgent", "payload", "dedupeKey", "createdAt", "namespace", "seq", "sourceJobId", "eventId");

    private static final List<String> RUN_FIRST =
            List.of("order", "agentId", "status", "scheduledFor", "triggerSource", "jobId", "runId");
    private static final List<String> ORDER_FIRST = List.of(
            "order",
            "agentId",
            "purpose",
            "schedule",
            "health",
            "preCheckSays",
            "last",
            "nextFires",
            "instructions",
            "cron",
            "zone");

    private final Terminal terminal;
    private final PrintStream out;

    AnswerPrinter(Terminal terminal) {
        this.terminal = terminal;
        this.out = terminal.out();
    }

    /** Prints the answer in the form that suits its operation and content. */
    void print(Operation operation, JsonNode answer) {
        String text = operation
                .special()
                .textField()
                .map(field -> answer.path(field).textValue())
                .orElse(null);
        if (text != null) {
            out.println(Text.lines(text, ""));
        } else if (operation.table().isPresent()) {
            printTable(operation, operation.table().get(), answer);
        } else if (answer.path("problems").isArray()) {
            new HealthCard(answer).print(out, terminal.width());
        } else if (answer.path("job").isObject()) {
            printJob(operation, answer.get("job"));
            view(operation).addAll(answer, List.of("job")).print(out, terminal.width());
        } else if (answer.path("event").isObject()) {
            printEvent(operation, answer);
        } else if (answer.has("jobId") && answer.has("state")) {
            printJob(operation, answer);
            printPrompts(answer.path("attempts"));
        } else if (answer.path("run").isObject()) {
            view(operation)
                    .addSome(answer.get("run"), RUN_FIRST)
                    .addAll(answer.get("run"), RUN_FIRST)
                    .print(out, terminal.width());
        } else {
            view(operation)
                    .addSome(answer, ORDER_FIRST)
                    .addAll(answer, ORDER_FIRST)
                    .print(out, terminal.width());
        }
    }

    private static KeyValues view(Operation operation) {
        Map<String, List<String>> columns =
                operation.card().stream().collect(Collectors.toMap(Table::list, Table::columns));
        return new KeyValues(columns);
    }

    private void printTable(Operation operation, Table table, JsonNode answer) {
        JsonNode items = answer.path(table.list());
        answer.path("problems").forEach(problem -> out.println("- " + Cell.sentence(problem)));
        if (items.isEmpty()) {
            out.println("no " + Text.words(table.list()));
        } else {
            new TextTable(items, table.columns()).print(out, "", terminal.width());
        }
        JsonNode next = answer.has("next") ? answer.get("next") : answer.path("older");
        if (next.isNumber()) {
            boolean forward = answer.has("next")
                    && operation.inputs().stream()
                            .anyMatch(input -> input.name().equals("after"));
            String searched =
                    answer.has("searchedTo") ? "Searched to " + Cell.line(answer.get("searchedTo")) + ". " : "";
            out.println(searched + "There may be more: " + (forward ? "--after " : "--before ") + next.asText());
        }
    }

    private void printJob(Operation operation, JsonNode job) {
        out.println("job " + Cell.line(job.get("jobId")));
        List<String> shown = new ArrayList<>(JOB_HEAD);
        shown.addAll(JOB_FIRST);
        shown.addAll(JOB_LAST);
        view(operation)
                .add("state", Cell.line(job.get("state")) + attempts(job))
                .add("live", live(job.path("status")))
                .add("nextMove", Cell.sentence(job.get("nextMove")))
                .addSome(job, JOB_FIRST)
                .addAll(job, shown)
                .addSome(job, JOB_LAST)
                .print(out, terminal.width());
    }

    /** Prints prompts below the table of attempts, because a prompt is a page long. */
    private void printPrompts(JsonNode attempts) {
        for (JsonNode attempt : attempts) {
            if (attempt.path("prompt").isTextual()) {
                out.println();
                out.println("what attempt " + Cell.line(attempt.get("attemptNo")) + " was told (prompt "
                        + Cell.line(attempt.get("promptHash")) + ", template "
                        + Cell.line(attempt.get("templateHash")) + ")");
                out.println("  | " + Text.lines(attempt.get("prompt").textValue(), "  | "));
            }
        }
    }

    private static String attempts(JsonNode job) {
        if (!job.path("attemptCount").isNumber()) {
            return "";
        }
        String most = Cell.line(job.get("maxAttempts"));
        return ", " + job.get("attemptCount") + (most.isEmpty() ? "" : " of " + most) + " attempts used";
    }

    private static String live(JsonNode status) {
        if (!status.isObject()) {
            return Cell.line(status);
        }
        String percent = Cell.line(status.get("percent"));
        String line = Cell.line(status.get("line"));
        String at = Cell.line(status.get("at"));
        String said = (percent.isEmpty() ? "" : percent + " % ") + line;
        return (said.strip() + (at.isEmpty() ? "" : " (at " + at + ")")).strip();
    }

    private void printEvent(Operation operation, JsonNode answer) {
        JsonNode event = answer.get("event");
        boolean made = answer.path("created").asBoolean(true);
        out.println("event " + Cell.line(event.get("eventId")));
        view(operation)
                .add("new", made ? "yes" : "no: this earlier event of the topic has the dedupe key")
                .addSome(event, EVENT.subList(0, EVENT.size() - 1))
                .addAll(event, EVENT)
                .addAll(answer, List.of("event", "created"))
                .print(out, terminal.width());
    }
}
