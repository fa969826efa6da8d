package agentbus.console.browser;

import agentbus.harness.TestBus;
import agentbus.harness.TestDatabase;
import agentbus.harness.TestServer;
import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.assertions.PlaywrightAssertions;
import com.microsoft.playwright.options.ReducedMotion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** One bus with a filled database, and one Chromium that visits its console. */
final class Console implements AutoCloseable {
    private final Path home;
    private final TestServer server;
    private final TestDatabase database;
    private final TestBus bus;
    private final Operations operations;
    private final Fleet fleet;
    private final Playwright playwright;
    private final Browser browser;

    private Console() throws IOException {
        home = Files.createTempDirectory("agentbus-console");
        server = new TestServer();
        database = server.newDatabase();
        bus = TestBus.start(
                database,
                null,
                home,
                // The tests claim and close jobs themselves, so each job is in the state that its test wants.
                "agentbus.dispatch.enabled",
                "false",
                "agentbus.phase",
                "5",
                "agentbus.vault.enabled",
                "false",
                "agentbus.jolokia.port",
                "0");
        operations = new Operations(bus);
        fleet = new Fleet(operations, database);
        fleet.fill();
        playwright = Playwright.create(new Playwright.CreateOptions()
                .setEnv(Map.of(
                        "PLAYWRIGHT_NODEJS_PATH",
                        NeedsChromium.NODE.toString(),
                        "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD",
                        "1")));
        PlaywrightAssertions.setDefaultAssertionTimeout(Visit.PATIENCE_MS);
        browser = playwright
                .chromium()
                .launch(new BrowserType.LaunchOptions()
                        .setExecutablePath(NeedsChromium.CHROMIUM)
                        // Chromium refuses its sandbox to root, and a container's /dev/shm is small.
                        .setArgs(List.of("--no-sandbox", "--disable-dev-shm-usage", "--lang=en")));
    }

    /** Starts everything; takes about half a minute. */
    static Console start() {
        try {
            return new Console();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The operations of the bus. */
    Operations operations() {
        return operations;
    }

    /** The jobs, questions and orders that the database was filled with. */
    Fleet fleet() {
        return fleet;
    }

    /** The database of the bus, for what no operation shows. */
    TestDatabase database() {
        return database;
    }

    /** The address of the console, without a slash at its end. */
    String url() {
        return bus.bus().url();
    }

    /** A browser of the operator's own, logged in, 1280 x 800. */
    Visit visit() {
        return visit(Screen.WIDE);
    }

    /** A browser of the operator's own, logged in, on this screen. */
    Visit visit(Screen screen) {
        return new Visit(browser, url(), screen, session(operations.operatorToken()));
    }

    /** A browser of a person who holds this token. */
    Visit visitAs(String token) {
        return new Visit(browser, url(), Screen.WIDE, session(token));
    }

    /** A browser of the operator's own, whose bytes pass the wire. */
    Visit visitThrough(Wire wire) {
        return new Visit(browser, wire.url(), Screen.WIDE, session(operations.operatorToken()));
    }

    /** A wire to the bus. */
    Wire wire() {
        return new Wire(URI.create(url()).getPort());
    }

    /** A browser without a session. */
    Visit stranger() {
        return new Visit(browser, url(), Screen.WIDE, null);
    }

    /** A browser of the operator's own that logs in to Hawtio, and Hawtio's address as the base of its pages. */
    BrowserContext hawtio() {
        return browser.newContext(new Browser.NewContextOptions()
                .setBaseURL(bus.bus().hawtio().orElseThrow())
                .setViewportSize(Screen.WIDE.width(), Screen.WIDE.height())
                .setHttpCredentials("operator", operations.operatorToken())
                .setReducedMotion(ReducedMotion.REDUCE)
                .setLocale("en-GB"));
    }

    /** Makes a session with a token, and returns its cookie as name=value. */
    String session(String token) {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url() + "/console/session"))
                .header("Content-Type", "application/json")
                .header("Origin", url())
                .POST(BodyPublishers.ofString(Operations.json("token", token).toString()))
                .build();
        try {
            HttpResponse<String> response = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
            String cookie = response.headers()
                    .firstValue("Set-Cookie")
                    .orElseThrow(() -> new AssertionError(response.statusCode() + " " + response.body()));
            return cookie.substring(0, cookie.indexOf(';'));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() throws IOException {
        browser.close();
        playwright.close();
        bus.close();
        database.close();
        server.close();
        try (Stream<Path> all = Files.walk(home)) {
            for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(each);
            }
        }
    }
}
