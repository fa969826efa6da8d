package agentbus.console;

import agentbus.contract.Contract;
import agentbus.contract.Problem;
import agentbus.http.ServerAnswers;
import agentbus.settings.ProgramFiles;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;

/**
 * Answers the requests for the page, its files and the live stream, on the router of Camel's HTTP server. The page holds
 * no data and no secret, so it needs no session; each call that it makes does.
 */
final class ConsolePages {
    private static final int OK = 200;
    private static final int NOT_MODIFIED = 304;
    private static final int BAD_REQUEST = 400;
    private static final int NOT_FOUND = 404;
    private static final String FILES = "/console/";

    /** The addresses that a person may open; the page itself reads what follows. */
    private static final Pattern PAGES = Pattern.compile(
            "/|/console/?"
                    + "|/console/(needs-me|overview|jobs|orders|agents|opportunities|ideas|memories|memory-candidates|memory-reviews)"
                    + "|/console/(idle|vault|reports|events|audit|gateways|account|questions|bulk)"
                    + "|/console/(jobs|orders|agents|opportunities|ideas|memories|memory-candidates|reports|questions|bulk)/[^/]+");

    /** The live stream has the address of the page of events, and another media type. */
    private static final String STREAM = "/console/events";

    /** A token as a value in a URL, where the browser's history and every proxy would keep it. */
    private static final Pattern TOKEN = Pattern.compile("(^|[=&])ab[ovagts]_");

    private final ProgramFiles program;
    private final Contract contract;
    private final BiConsumer<RoutingContext, String> stream;
    private volatile ConsoleFiles files;

    /**
     * Makes the answers.
     *
     * @param program holds the files
     * @param contract the operations that the page may call
     * @param stream opens a live stream; takes the version of the files, too
     */
    ConsolePages(ProgramFiles program, Contract contract, BiConsumer<RoutingContext, String> stream) {
        this.program = program;
        this.contract = contract;
        this.stream = stream;
        read();
        program.whenRefreshed(ConsoleFiles.FOLDER, this::read);
    }

    private void read() {
        files = new ConsoleFiles(program, contract);
    }

    /**
     * Installs the handlers.
     *
     * @param router the router of the HTTP server
     */
    void install(Router router) {
        router.route("/").order(0).handler(this::serve);
        router.route("/console").order(0).handler(this::serve);
        router.route("/console/*").order(0).handler(this::serve);
    }

    private void serve(RoutingContext call) {
        HttpMethod method = call.request().method();
        if (!method.equals(HttpMethod.GET) && !method.equals(HttpMethod.HEAD)) {
            call.next();
            return;
        }
        String query = call.request().query();
        String path = call.normalizedPath();
        if (query != null && TOKEN.matcher(query).find()) {
            ServerAnswers.answer(
                    call,
                    new Problem(
                            BAD_REQUEST,
                            "invalid_field",
                            "A token must not stand in a URL. Revoke it, because the browser and each proxy may have kept it.",
                            "query",
                            null,
                            "no token; the page asks for it"));
        } else if (path.equals(STREAM) && wants(call, "text/event-stream")) {
            stream.accept(call, files.version());
        } else if (PAGES.matcher(path).matches()) {
            sendPage(call);
        } else {
            sendFile(call, path);
        }
    }

    private static boolean wants(RoutingContext call, String type) {
        String accepted = call.request().getHeader("Accept");
        return accepted != null && accepted.contains(type);
    }

    private void sendPage(RoutingContext call) {
        ConsoleFiles now = files;
        call.response()
                .putHeader("Cache-Control", "no-cache")
                .putHeader("Content-Security-Policy", now.policy())
                .putHeader("Cross-Origin-Opener-Policy", "same-origin")
                .putHeader("Referrer-Policy", "no-referrer")
                .putHeader("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
        send(call, now.page(), "Accept, Accept-Encoding");
    }

    private void sendFile(RoutingContext call, String path) {
        Optional<ConsoleFile> file =
                path.startsWith(FILES) ? files.find(path.substring(FILES.length())) : Optional.empty();
        if (file.isEmpty()) {
            if (wants(call, "text/html")) {
                // The page says that it has nothing there, and shows the way back.
                call.response().setStatusCode(NOT_FOUND);
                sendPage(call);
            } else {
                call.next();
            }
            return;
        }
        call.response().putHeader("Cache-Control", "public, max-age=31536000, immutable");
        send(call, file.get(), "Accept-Encoding");
    }

    private static void send(RoutingContext call, ConsoleFile file, String vary) {
        HttpServerResponse out = call.response()
                .putHeader("Cross-Origin-Resource-Policy", "same-origin")
                .putHeader("ETag", file.tag())
                .putHeader("Vary", vary);
        String known = call.request().getHeader("If-None-Match");
        boolean found = call.response().getStatusCode() == OK;
        if (found && known != null && known.contains(file.tag())) {
            out.setStatusCode(NOT_MODIFIED).end();
            return;
        }
        String accepted = call.request().getHeader("Accept-Encoding");
        byte[] body = file.bytes();
        if (accepted != null && accepted.contains("gzip")) {
            out.putHeader("Content-Encoding", "gzip");
            body = file.gzip();
        }
        out.putHeader("Content-Type", file.type()).putHeader("Content-Length", Integer.toString(body.length));
        if (call.request().method().equals(HttpMethod.HEAD)) {
            out.end();
        } else {
            out.end(Buffer.buffer(body));
        }
    }
}
