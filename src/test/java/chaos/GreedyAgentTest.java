package chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.harness.TestDatabase;
import agentbus.harness.TestServer;
import agentbus.settings.OperatorTokenFile;
import agentbus.start.BusProcess;
import agentbus.text.Json;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The token of one agent in a loop, against a bus with the heap that Java chooses on a machine with 2 GB: the waits of an
 * operator, and the resident memory of the bus, before, meanwhile and afterwards.
 *
 * <p>{@code ./mvnw verify -Pgrowth -Dtest=GreedyAgentTest}: ten minutes of load and five of rest. Without the profile 20 and
 * 10 seconds.
 */
class GreedyAgentTest {
    private static final Duration LOAD = Duration.ofSeconds(Integer.getInteger("greedy.seconds", 20));
    private static final Duration REST = Duration.ofSeconds(Integer.getInteger("greedy.rest-seconds", 10));
    private static final int CALLERS = 10;
    /** The largest event that fits below the limit of a payload. */
    private static final int LARGE = 240_000;

    private static final Duration OPERATOR_EVERY = Duration.ofMillis(50);
    /** The launcher's options for a server, and a quarter of 2 GB. */
    private static final List<String> OPTIONS = List.of(
            "-Xmx512m",
            "-XX:+IgnoreUnrecognizedVMOptions",
            "-XX:TrimNativeHeapInterval=60000",
            "-XX:+ExitOnOutOfMemoryError",
            "-XX:+UseSerialGC",
            "-Xms24m",
            "-Xss512k",
            "-XX:MinHeapFreeRatio=15",
            "-XX:MaxHeapFreeRatio=30");
    /** Chosen: the heap and half as much again for the rest of the process. */
    private static final long MOST_RESIDENT_MB = 768;
    /** Chosen: what a person at a terminal still waits for, on a machine that the load fills. */
    private static final long LONGEST_P99_MS = 5_000;

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final Map<String, AtomicLong> answers = Collections.synchronizedMap(new TreeMap<>());

    @TempDir
    Path home;

    private BusProcess bus;
    private String operator;

    /** What the operator and the memory were like in one part of the test. */
    private record Figures(String part, List<Long> millis, long mostMb, long lastMb) {
        long at(double share) {
            List<Long> sorted = millis.stream().sorted().toList();
            return sorted.get((int) Math.min(sorted.size() - 1, (long) (share * sorted.size())));
        }

        @Override
        public String toString() {
            return "greedy: %-9s operator p50 %d ms, p99 %d ms, longest %d ms (%d calls); resident at most %d MB, at the end %d MB"
                    .formatted(part, at(0.5), at(0.99), at(1), millis.size(), mostMb, lastMb);
        }
    }

    @Test
    void an_agent_in_a_loop_neither_ends_the_bus_nor_keeps_its_memory() throws Exception {
        try (TestServer server = new TestServer();
                TestDatabase database = server.newDatabase();
                BusProcess started = BusProcess.start(
                        home,
                        Map.of(
                                "agentbus.database.url", database.url(),
                                "agentbus.http.port", "0",
                                "agentbus.agents.dir",
                                        Path.of("agents").toAbsolutePath().toString()),
                        OPTIONS)) {
            bus = started;
            operator =
                    OperatorTokenFile.find(home.resolve("data")).orElseThrow().token();
            String agent = Json.read(call("POST", "/v1/agents/devops/token", operator, null)
                            .body())
                    .path("token")
                    .asText();

            Figures before = watch("before", REST);
            Figures during = whileInALoop(agent);
            Figures after = watch("afterwards", REST);

            System.out.println(
                    "\n" + before + "\n" + during + "\n" + after + "\ngreedy: the agent's answers " + answers + "\n");
            assertEquals(
                    List.of(),
                    answers.keySet().stream()
                            .filter(answer -> answer.startsWith("5"))
                            .toList());
            assertTrue(during.at(0.99) <= LONGEST_P99_MS, during.toString());
            assertTrue(during.mostMb() <= MOST_RESIDENT_MB, during.toString());
            assertTrue(after.lastMb() <= during.mostMb(), after.toString());
            assertEquals(200, call("GET", "/v1/health", operator, null).statusCode());
        }
    }

    private Figures whileInALoop(String token) throws InterruptedException {
        AtomicBoolean stop = new AtomicBoolean();
        ExecutorService callers = Executors.newFixedThreadPool(CALLERS);
        try {
            for (int i = 0; i < CALLERS; i++) {
                Random random = new Random(i);
                callers.submit(() -> {
                    while (!stop.get()) {
                        repeat(token, random);
                    }
                    return null;
                });
            }
            return watch("meanwhile", LOAD);
        } finally {
            stop.set(true);
            callers.shutdown();
            callers.awaitTermination(1, TimeUnit.MINUTES);
        }
    }

    private void repeat(String token, Random random) {
        byte[] bytes = new byte[LARGE / 2];
        random.nextBytes(bytes);
        String text = java.util.HexFormat.of().formatHex(bytes);
        asAgent("POST", "/v1/events", token, "{\"topic\":\"infra.checked\",\"payload\":{\"text\":\"" + text + "\"}}");
        asAgent("POST", "/v1/events", token, "{\"topic\":\"infra.checked\",\"payload\":{\"n\":1}}");
        asAgent("GET", "/v1/events?topic=infra.checked&limit=500", token, null);
        asAgent("GET", "/v1/jobs?limit=200", token, null);
        asAgent("GET", "/v1/health", token, null);
    }

    private void asAgent(String method, String path, String token, String body) {
        String answer;
        try {
            answer = Integer.toString(call(method, path, token, body).statusCode());
        } catch (IOException broken) {
            answer = "5xx or none: " + broken.getMessage();
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
            return;
        }
        answers.computeIfAbsent(answer, key -> new AtomicLong()).incrementAndGet();
    }

    /** Enqueues a job as the operator every 50 ms, and reads the memory each time. */
    private Figures watch(String part, Duration length) throws InterruptedException {
        List<Long> millis = new ArrayList<>();
        long most = 0;
        long resident = 0;
        long end = System.nanoTime() + length.toNanos();
        do {
            long began = System.nanoTime();
            try {
                HttpResponse<String> answer =
                        call("POST", "/v1/jobs", operator, "{\"targetAgent\":\"devops\",\"subject\":\"infra.check\"}");
                assertEquals(200, answer.statusCode(), answer.body());
                millis.add((System.nanoTime() - began) / 1_000_000);
                resident = residentMb();
            } catch (IOException lost) {
                throw new AssertionError(part + ": " + lost.getMessage() + "\n" + bus.log(), lost);
            }
            most = Math.max(most, resident);
            TimeUnit.NANOSECONDS.sleep(Math.max(0, OPERATOR_EVERY.toNanos() - (System.nanoTime() - began)));
        } while (System.nanoTime() < end);
        return new Figures(part, millis, most, resident);
    }

    private long residentMb() throws IOException {
        return Files.readAllLines(Path.of("/proc", Long.toString(bus.pid()), "status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024)
                .findFirst()
                .orElseThrow();
    }

    private HttpResponse<String> call(String method, String path, String token, String body)
            throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(bus.url() + path))
                .timeout(Duration.ofSeconds(60))
                .header("Authorization", "Bearer " + token)
                .header("Content-Type", "application/json")
                .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
                .build();
        return http.send(request, BodyHandlers.ofString());
    }
}
