package agentbus.console;

import static org.junit.jupiter.api.Assertions.assertEquals;

import agentbus.harness.Answer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A client that sends what the pages of the console in a browser send: the cookie, Origin and Sec-Fetch-Site. */
final class Browser {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final String url;
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private String cookie;

    /** A browser without a session, at the address of a bus. */
    Browser(String url) {
        this.url = url;
    }

    /** Logs in, and asserts the success. */
    Browser login(String token) {
        Answer answer = post("/console/session", "{\"token\":\"" + token + "\"}");
        assertEquals(204, answer.status(), answer.text());
        cookie = answer.header("Set-Cookie").split(";")[0];
        return this;
    }

    /** The cookie, as a browser sends it: name=value. */
    String cookie() {
        return cookie;
    }

    /** Takes another value of the cookie of a session. */
    Browser session(String value) {
        return cookie("agentbus_session_" + URI.create(url).getPort() + "=" + value);
    }

    /** Takes another cookie. */
    Browser cookie(String other) {
        cookie = other;
        return this;
    }

    /** A GET of a page of the console. */
    Answer get(String path) {
        return send("GET", path, null, "Sec-Fetch-Site", "same-origin");
    }

    /** A POST of a page of the console. */
    Answer post(String path, String body) {
        return call("POST", path, body);
    }

    /** A call of a page of the console. */
    Answer call(String method, String path, String body) {
        return method.equals("GET")
                ? get(path)
                : send(
                        method,
                        path,
                        body,
                        "Sec-Fetch-Site",
                        "same-origin",
                        "Origin",
                        url,
                        "Content-Type",
                        "application/json");
    }

    /** A call with the cookie, and with these headers: name, value, name, value … */
    Answer send(String method, String path, String body, String... headers) {
        try {
            return Answer.of(client.send(request(method, path, body, headers), BodyHandlers.ofString()));
        } catch (IOException lost) {
            throw new UncheckedIOException(lost);
        } catch (InterruptedException stopped) {
            throw new IllegalStateException(stopped);
        }
    }

    /** The body of a GET as it was sent, with these headers: name, value … */
    HttpResponse<byte[]> bytes(String path, String... headers) {
        try {
            return client.send(request("GET", path, null, headers), BodyHandlers.ofByteArray());
        } catch (IOException lost) {
            throw new UncheckedIOException(lost);
        } catch (InterruptedException stopped) {
            throw new IllegalStateException(stopped);
        }
    }

    private HttpRequest request(String method, String path, String body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + path))
                .timeout(PATIENCE)
                .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        if (cookie != null) {
            request.header("Cookie", cookie);
        }
        for (int i = 0; i < headers.length; i += 2) {
            request.header(headers[i], headers[i + 1]);
        }
        return request.build();
    }

    /** Opens the live stream. */
    Stream stream() {
        try {
            return new Stream(client.send(
                    request(
                            "GET",
                            "/console/events",
                            null,
                            "Accept",
                            "text/event-stream",
                            "Sec-Fetch-Site",
                            "same-origin"),
                    BodyHandlers.ofInputStream()));
        } catch (IOException lost) {
            throw new UncheckedIOException(lost);
        } catch (InterruptedException stopped) {
            throw new IllegalStateException(stopped);
        }
    }

    /** An open stream; its events are read by a thread of its own. */
    static final class Stream implements AutoCloseable {
        private static final String END = "end";
        private final HttpResponse<InputStream> response;
        private final BlockingQueue<String> events = new LinkedBlockingQueue<>();

        private Stream(HttpResponse<InputStream> response) {
            this.response = response;
            if (response.statusCode() == 200) {
                Thread reader = new Thread(this::read, "stream of a test");
                reader.setDaemon(true);
                reader.start();
            }
        }

        private void read() {
            String event = "";
            try (BufferedReader lines =
                    new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    if (line.startsWith("event: ")) {
                        event = line.substring("event: ".length());
                    } else if (line.startsWith("data: ")) {
                        events.add((event + " " + line.substring("data: ".length())).strip());
                    }
                }
            } catch (IOException closed) {
                events.add(END);
                return;
            }
            events.add(END);
        }

        /** The status of the answer. */
        int status() {
            return response.statusCode();
        }

        /** A header of the answer; null when it is absent. */
        String header(String name) {
            return response.headers().firstValue(name).orElse(null);
        }

        /** The next event as its name and its data; "end" after the last one. Fails when none comes. */
        String next() {
            try {
                String event = events.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
                if (event == null) {
                    throw new AssertionError("no event within " + PATIENCE);
                }
                return event;
            } catch (InterruptedException stopped) {
                throw new IllegalStateException(stopped);
            }
        }

        /** Reads events until one has this beginning, and returns them. */
        List<String> until(String beginning) {
            List<String> read = new ArrayList<>();
            do {
                read.add(next());
            } while (!read.get(read.size() - 1).startsWith(beginning)
                    && !read.get(read.size() - 1).equals(END));
            return read;
        }

        @Override
        public void close() {
            try {
                response.body().close();
            } catch (IOException gone) {
                throw new UncheckedIOException(gone);
            }
        }
    }
}
