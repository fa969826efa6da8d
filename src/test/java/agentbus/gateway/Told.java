package agentbus.gateway;

import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A job's prompt in the form that reached the model, with the parts that the script needs.
 *
 * @param agent the agent
 * @param jobId the job
 * @param subject the job's subject
 * @param attempt the attempt's number, from 1
 * @param prompt the whole message
 * @param token the attempt's token in the commands
 */
record Told(String agent, UUID jobId, String subject, int attempt, String prompt, String token) {
    private static final Pattern HEAD = Pattern.compile(
            "You are ([a-z-]+)\\. Handle this one job.*?\\nJob ([0-9a-f-]{36})\\nSubject ([a-z0-9._-]+), attempt ([0-9]+)",
            Pattern.DOTALL);
    private static final Pattern TOKEN = Pattern.compile("Authorization: Bearer '(abt_[A-Za-z0-9_.-]+)");

    /**
     * Reads a message.
     *
     * @param message the user's message
     * @return the prompt's parts, or null when the message is not a job's prompt
     */
    static Told of(String message) {
        Matcher head = HEAD.matcher(message);
        Matcher token = TOKEN.matcher(message);
        if (!head.find() || !token.find()) {
            return null;
        }
        return new Told(
                head.group(1),
                UUID.fromString(head.group(2)),
                head.group(3),
                Integer.parseInt(head.group(4)),
                message,
                token.group(1));
    }

    /**
     * The prompt's command for an outcome, with other JSON.
     *
     * @param outcome the last part of the command's address: complete, block, fail or progress
     * @param json the JSON body
     * @return a shell command
     */
    String command(String outcome, String json) {
        return withData(line("/v1/jobs/" + jobId + "/" + outcome, ""), json);
    }

    /**
     * The prompt's command for a proposal, with other JSON.
     *
     * @param kind idea or opportunity
     * @param json the JSON body
     * @return a shell command
     */
    String proposal(String kind, String json) {
        return withData(line("/v1/proposals", "\"kind\": \"" + kind + "\""), json);
    }

    /**
     * A command in the form of those of the prompt, for an operation that the prompt does not name.
     *
     * @param path the path of the operation, from /v1 on
     * @param json the JSON body
     * @return a shell command
     */
    String post(String path, String json) {
        return command("complete", json).replace("/v1/jobs/" + jobId + "/complete'", path + "'");
    }

    private String line(String path, String part) {
        return prompt.lines()
                .filter(line -> line.startsWith("curl ") && line.endsWith(path + "'") && line.contains(part))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no command for " + path + " " + part + " in: " + prompt));
    }

    private static String withData(String command, String json) {
        String inside = json.replace("'", "'\\''");
        return command.replaceFirst("--data '[^']*'", Matcher.quoteReplacement("--data '" + inside + "'"));
    }
}
