package agentbus.fleet;

import java.util.regex.Pattern;

/**
 * The rule for a text in a file.
 *
 * @param pattern the pattern of the whole text
 * @param longest the most characters
 * @param right the rule in words, as the second half of a sentence
 */
record Rule(Pattern pattern, int longest, String right) {

    static final Rule NAME = of(
            "[a-z][a-z0-9-]{0,62}",
            63,
            "it must be lower case letters, digits and hyphens, a letter first, at most 63 characters");
    static final Rule SUBJECT = of(
            "[a-z0-9_-]+(\\.[a-z0-9_-]+)*",
            200,
            "it must be words of lower case letters, digits, _ and -, joined by dots, at most 200 characters");
    static final Rule TOPIC_PATTERN = of(
            "([a-z0-9_-]+|[*#])(\\.([a-z0-9_-]+|[*#]))*",
            200,
            "it must be words of lower case letters, digits, _ and -, joined by dots, where a whole word may be * (one"
                    + " word) or # (any number of words), at most 200 characters, in quotes");

    static Rule of(String pattern, int longest, String right) {
        return new Rule(Pattern.compile(pattern, Pattern.DOTALL), longest, right);
    }

    boolean allows(String value) {
        return value.length() <= longest && pattern.matcher(value).matches();
    }
}
