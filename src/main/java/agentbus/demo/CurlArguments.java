package agentbus.demo;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reads the arguments of curl: applies those that shape the request, and skips those that shape only the output. */
final class CurlArguments {

    private static final Set<String> FLAGS = Set.of(
            "--silent",
            "--show-error",
            "--fail",
            "--fail-with-body",
            "--location",
            "--insecure",
            "--include",
            "--verbose",
            "--globoff",
            "--no-progress-meter",
            "--http1.1",
            "--retry-connrefused",
            "--retry-all-errors");
    private static final String SHORT_FLAGS = "sSfLkivgN46#";
    private static final Set<String> IGNORED_VALUES = Set.of(
            "--connect-timeout",
            "--retry",
            "--retry-delay",
            "--retry-max-time",
            "--output",
            "--write-out",
            "--user-agent",
            "--noproxy");

    private final List<CurlCommand.Header> headers = new ArrayList<>();
    private final List<String> data = new ArrayList<>();
    private boolean json;
    private String method;
    private String url;
    private Duration maxTime;

    private CurlArguments() {}

    /**
     * Reads a command.
     *
     * @param words the words of the command line, {@code curl} first
     * @throws IllegalArgumentException if curl would refuse the words, or they use an unsupported feature
     */
    static CurlCommand read(List<String> words) {
        CurlArguments arguments = new CurlArguments();
        for (int i = 1; i < words.size(); i++) {
            i = arguments.argument(words, i);
        }
        return arguments.command();
    }

    /** Reads the word at an index; returns the index of the last word it used. */
    private int argument(List<String> words, int index) {
        String word = words.get(index);
        if (word.startsWith("--")) {
            if (FLAGS.contains(word)) {
                return index;
            }
            option(word, value(words, index + 1, word));
            return index + 1;
        }
        if (!word.startsWith("-") || word.equals("-")) {
            url(word);
            return index;
        }
        for (int i = 1; i < word.length(); i++) {
            if (SHORT_FLAGS.indexOf(word.charAt(i)) < 0) {
                String name = longName(word.charAt(i));
                boolean attached = i + 1 < word.length();
                option(name, attached ? word.substring(i + 1) : value(words, index + 1, name));
                return attached ? index : index + 1;
            }
        }
        return index;
    }

    private static String longName(char shortName) {
        return switch (shortName) {
            case 'X' -> "--request";
            case 'H' -> "--header";
            case 'd' -> "--data";
            case 'm' -> "--max-time";
            case 'o' -> "--output";
            case 'w' -> "--write-out";
            case 'A' -> "--user-agent";
            default -> throw new IllegalArgumentException("the option -" + shortName + " is not supported");
        };
    }

    private void option(String name, String value) {
        switch (name) {
            case "--request" -> method = value;
            case "--header" -> header(value);
            case "--data", "--data-ascii", "--data-binary" -> {
                if (value.startsWith("@")) {
                    throw new IllegalArgumentException("data from a file is not supported");
                }
                data.add(value);
            }
            case "--data-raw" -> data.add(value);
            case "--json" -> {
                json = true;
                data.add(value);
            }
            case "--max-time" -> maxTime = seconds(value);
            case "--url" -> url(value);
            default -> {
                if (!IGNORED_VALUES.contains(name)) {
                    throw new IllegalArgumentException("the option " + name + " is not supported");
                }
            }
        }
    }

    private void url(String value) {
        if (url != null) {
            throw new IllegalArgumentException("more than one address");
        }
        url = value.contains("://") ? value : "http://" + value;
    }

    private void header(String line) {
        int colon = line.indexOf(':');
        if (colon < 1) {
            throw new IllegalArgumentException("a header without a colon");
        }
        String value = line.substring(colon + 1).strip();
        // In curl, "Name:" removes a header that curl adds by itself. This class ignores it.
        if (!value.isEmpty()) {
            headers.add(new CurlCommand.Header(line.substring(0, colon).strip(), value));
        }
    }

    private CurlCommand command() {
        if (url == null) {
            throw new IllegalArgumentException("no address");
        }
        boolean hasBody = !data.isEmpty();
        if (hasBody && json) {
            addUnlessGiven("Content-Type", "application/json");
            addUnlessGiven("Accept", "application/json");
        } else if (hasBody) {
            addUnlessGiven("Content-Type", "application/x-www-form-urlencoded");
        }
        URI address = URI.create(url);
        if (address.getHost() == null) {
            throw new IllegalArgumentException("no host in the address");
        }
        return new CurlCommand(
                method != null ? method : hasBody ? "POST" : "GET",
                address,
                headers,
                hasBody ? Optional.of(String.join(json ? "" : "&", data)) : Optional.empty(),
                Optional.ofNullable(maxTime));
    }

    private void addUnlessGiven(String name, String value) {
        if (headers.stream().noneMatch(header -> header.name().equalsIgnoreCase(name))) {
            headers.add(new CurlCommand.Header(name, value));
        }
    }

    private static String value(List<String> words, int index, String option) {
        if (index >= words.size()) {
            throw new IllegalArgumentException("the option " + option + " has no value");
        }
        return words.get(index);
    }

    private static Duration seconds(String value) {
        // curl accepts fractions of a second, and 0 means no limit.
        long millis = (long) (Double.parseDouble(value) * 1_000);
        return millis > 0 ? Duration.ofMillis(millis) : null;
    }
}
