package agentbus.hawtio;

import agentbus.settings.OperatorTokenFile;
import agentbus.settings.Settings;
import agentbus.settings.StartFailure;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code agentbus hawtio}: says where the Hawtio of a running bus is and how to log in, or how to turn it on. */
@Command(
        name = "hawtio",
        description = {
            HawtioCommand.SUMMARY,
            "Hawtio is part of a running bus, on a port of its own. It shows the routes of a node, and stops and starts them."
        },
        footer = "Example: agentbus hawtio")
public final class HawtioCommand implements Callable<Integer> {
    /** The line that the help of the program says of this command. */
    public static final String SUMMARY = "Say where Hawtio is and how to log in, or how to turn it on.";

    private static final int UNAUTHORIZED = 401;
    /** Chosen: a listener on this machine answers within milliseconds. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final PrintStream out;
    private final Map<String, String> environment;

    @Option(
            names = "--set",
            paramLabel = "KEY=VALUE",
            description = "A setting that the bus was started with; may be repeated.")
    private final Map<String, String> given = new LinkedHashMap<>();

    /**
     * The command.
     *
     * @param out receives the address
     * @param environment the environment's variables
     */
    public HawtioCommand(PrintStream out, Map<String, String> environment) {
        this.out = out;
        this.environment = environment;
    }

    @Override
    public Integer call() {
        Settings settings = Settings.load(Settings.home(environment), environment, given);
        String port = settings.text(HawtioServer.PORT);
        if (port.isEmpty()) {
            throw new StartFailure(
                    "Hawtio is off; set " + HawtioServer.PORT + " (AGENTBUS_JOLOKIA_PORT), for example to"
                            + " 8778 in agentbus.properties, and start the bus again");
        }
        if (port.equals("0")) {
            throw new StartFailure(
                    HawtioServer.PORT + " is 0, so each start of the bus takes another port and prints it;"
                            + " set it to a port of your own");
        }
        String url = HawtioServer.url(Integer.parseInt(port));
        requireListener(url);
        Path token = settings.path("agentbus.data.token-dir")
                .orElseGet(settings::dataDirectory)
                .resolve(OperatorTokenFile.FILE);
        out.println("Hawtio is at " + url);
        out.println("  user       " + OperatorLogin.USER);
        out.println("  password   an operator's token, such as the content of " + token);
        out.println("  jolokia    " + url + "jolokia, for programs");
        return 0;
    }

    private static void requireListener(String url) {
        HttpClient client = HttpClient.newBuilder().connectTimeout(PATIENCE).build();
        try {
            HttpResponse<Void> answer = client.send(
                    HttpRequest.newBuilder(URI.create(url)).timeout(PATIENCE).build(), BodyHandlers.discarding());
            boolean ours = answer.statusCode() == UNAUTHORIZED
                    && answer.headers()
                            .firstValue("WWW-Authenticate")
                            .filter(login -> login.contains('"' + HawtioDoor.REALM + '"'))
                            .isPresent();
            if (!ours) {
                throw new StartFailure("another program answers at " + url + "; set " + HawtioServer.PORT
                        + " to a free port, and start the bus again");
            }
        } catch (IOException none) {
            throw new StartFailure(
                    "nothing answers at " + url + "; start the bus with " + HawtioServer.PORT
                            + " set, or name the setting" + " that it was started with by --set",
                    none);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            throw new StartFailure("stopped while asking " + url, stopped);
        }
    }
}
