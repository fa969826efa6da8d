package agentbus.cli;

import agentbus.contract.Problem;
import agentbus.text.TextFile;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.ParseResult;

/**
 * The settings of a call: the address of the bus, the caller's token, the timeout.
 *
 * @param url the address of the bus, without a slash at the end
 * @param token the bearer token, if given
 * @param timeout how long to wait for an answer
 */
record Settings(String url, Optional<String> token, Duration timeout) {
    /** The default address of a bus on this machine. */
    static final String DEFAULT_URL = "http://127.0.0.1:8080";
    /** The default timeout, in seconds. */
    static final int DEFAULT_TIMEOUT_SECONDS = 30;

    private static final int MOST_PORT = 65_535;

    /** Omits the token, because settings may appear in messages. */
    @Override
    public String toString() {
        return "Settings[url=" + url + ", timeout=" + timeout + "]";
    }

    /**
     * Reads the settings: options first, then the environment, then the defaults.
     *
     * @throws Problem when a setting is invalid
     */
    static Settings of(ParseResult parsed, Map<String, String> env) {
        String url = CommandSpecs.common(parsed, CommandSpecs.URL)
                .map(given -> address(CommandSpecs.URL, given))
                .or(() -> set(env, "AGENTBUS_URL").map(given -> address("AGENTBUS_URL", given)))
                .orElse(DEFAULT_URL);
        Optional<String> file = CommandSpecs.common(parsed, CommandSpecs.TOKEN_FILE);
        Optional<String> seconds = CommandSpecs.common(parsed, CommandSpecs.HTTP_TIMEOUT_SECONDS);
        return new Settings(
                url,
                file.isPresent()
                        ? fromFile(file.get())
                        : set(env, "AGENTBUS_TOKEN")
                                .map(token -> usable(token, "AGENTBUS_TOKEN"))
                                .or(() -> fromHome(env)),
                seconds.map(Settings::duration).orElse(Duration.ofSeconds(DEFAULT_TIMEOUT_SECONDS)));
    }

    private static Optional<String> set(Map<String, String> env, String name) {
        return Optional.ofNullable(env.get(name)).map(String::strip).filter(value -> !value.isEmpty());
    }

    private static String address(String source, String url) {
        String expected = "an address such as " + DEFAULT_URL;
        try {
            URI uri = new URI(url);
            boolean http = "http".equalsIgnoreCase(uri.getScheme()) || "https".equalsIgnoreCase(uri.getScheme());
            boolean port = uri.getPort() == -1 || uri.getPort() > 0 && uri.getPort() <= MOST_PORT;
            if (http && port && uri.getHost() != null && uri.getQuery() == null && uri.getFragment() == null) {
                if (uri.getUserInfo() != null) {
                    throw wrong(
                            source, null, source + " holds a user or password; it must be " + expected + ".", expected);
                }
                return url.replaceAll("/+$", "");
            }
        } catch (URISyntaxException noAddress) {
            throw notAnAddress(source, url, expected);
        }
        throw notAnAddress(source, url, expected);
    }

    private static Problem notAnAddress(String source, String url, String expected) {
        return wrong(source, url, source + " is " + url + "; it must be " + expected + ".", expected);
    }

    private static Duration duration(String text) {
        if (text.matches("[0-9]{1,5}") && Integer.parseInt(text) > 0) {
            return Duration.ofSeconds(Integer.parseInt(text));
        }
        String expected = "a whole number of seconds from 1 to 99999";
        String option = CommandSpecs.HTTP_TIMEOUT_SECONDS;
        throw wrong(option, text, option + " is " + text + "; it must be " + expected + ".", expected);
    }

    private static Optional<String> fromHome(Map<String, String> env) {
        // The server reads the same variables for these directories.
        Path home = Path.of(set(env, "AGENTBUS_HOME").orElse(""));
        String directory = set(env, "AGENTBUS_DATA_TOKEN_DIR")
                .or(() -> set(env, "AGENTBUS_DATA_DIR"))
                .orElse("data");
        Path file = home.resolve(directory).resolve("operator.token");
        // Without a token the call is still sent, because the bus's answer, or its absence, explains more than a check
        // here.
        return Files.isReadable(file) ? fromFile(file.toString()) : Optional.empty();
    }

    private static Optional<String> fromFile(String file) {
        try {
            String token = TextFile.read(Path.of(file)).strip();
            return Optional.of(usable(token, CommandSpecs.TOKEN_FILE + " " + file));
        } catch (IOException | InvalidPathException unreadable) {
            String expected = "a file that holds a token";
            String option = CommandSpecs.TOKEN_FILE;
            throw wrong(
                    option,
                    file,
                    option + " is " + file + ", which cannot be read; it must be " + expected + ".",
                    expected);
        }
    }

    private static String usable(String token, String source) {
        // A message must not quote the value, because it may be a secret.
        if (token.matches("[!-~]+")) {
            return token;
        }
        String expected = "one token, such as abo_…, and nothing else";
        throw wrong(
                source.split(" ")[0], null, source + " does not hold a token; it must be " + expected + ".", expected);
    }

    private static Problem wrong(String option, String value, String detail, String expected) {
        return Problem.invalidField(
                option, value == null ? null : JsonNodeFactory.instance.textNode(value), detail, expected);
    }
}
