package agentbus.contract;

/**
 * What the list of commands and the table of paths need of an operation, without the rest of it.
 *
 * @param id the operation's id in camel case
 * @param method the HTTP method in capitals
 * @param path the path template, such as {@code /v1/jobs/{jobId}}
 * @param group the name of its group
 * @param summary one sentence
 */
public record Entry(String id, String method, String path, String group, String summary) {
    /** The id in kebab case, the command's name. */
    public String kebabName() {
        return Names.kebab(id);
    }
}
