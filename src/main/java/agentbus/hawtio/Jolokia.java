package agentbus.hawtio;

import agentbus.contract.Problem;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jolokia.core.api.LogHandler;
import org.jolokia.json.JSONStructure;
import org.jolokia.server.core.config.ConfigKey;
import org.jolokia.server.core.config.StaticConfiguration;
import org.jolokia.server.core.http.HttpRequestHandler;
import org.jolokia.server.core.request.BadRequestException;
import org.jolokia.server.core.request.EmptyResponseException;
import org.jolokia.server.core.service.JolokiaServiceManagerFactory;
import org.jolokia.server.core.service.api.JolokiaServiceManager;
import org.jolokia.service.serializer.JolokiaSerializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Jolokia without its own listener, authentication and discovery: it understands requests that a door has admitted, and
 * writes the answers.
 */
final class Jolokia implements AutoCloseable {
    private static final int BAD_REQUEST = 400;

    private final AuditedRequests requests;
    private final JolokiaServiceManager services;
    private final HttpRequestHandler handler;

    /** Brings Jolokia's messages into the log of the bus. */
    private record Log(Logger log) implements LogHandler {
        @Override
        public void debug(String message) {
            log.debug(message);
        }

        @Override
        public void info(String message) {
            log.debug(message);
        }

        @Override
        public void error(String message, Throwable failure) {
            log.warn(message, failure);
        }

        @Override
        public boolean isDebug() {
            return false;
        }
    }

    /**
     * Starts Jolokia.
     *
     * @param policy what is allowed
     * @param requests carries out the requests
     * @param node the id of the node, which Jolokia tells its callers
     */
    Jolokia(MBeanPolicy policy, AuditedRequests requests, String node) {
        this.requests = requests;
        StaticConfiguration configuration = new StaticConfiguration(Map.of(
                ConfigKey.AGENT_ID.getKeyValue(), node,
                // Detectors look for application servers, of which the bus is none.
                ConfigKey.DISABLE_DETECTORS.getKeyValue(), "true",
                ConfigKey.ALLOW_ERROR_DETAILS.getKeyValue(), "false",
                ConfigKey.INCLUDE_STACKTRACE.getKeyValue(), "false"));
        this.services = JolokiaServiceManagerFactory.createJolokiaServiceManager(
                configuration, new Log(LoggerFactory.getLogger(Jolokia.class)), policy);
        services.addService(new JolokiaSerializer());
        services.addService(requests);
        this.handler = new HttpRequestHandler(services.start());
    }

    /**
     * Answers a request whose words are in its path, such as {@code /read/java.lang:type=Memory}.
     *
     * @param principal the caller
     * @param path the decoded path behind the address of Jolokia
     * @param query the query as it was sent, or null
     * @return the answer as JSON; refusals are in it, with a status of their own
     * @throws Problem 400 when the request cannot be understood
     */
    String get(JsonNode principal, String path, String query) {
        return answered(() -> handler.handleGetRequest(path, path, parameters(query)), principal);
    }

    /**
     * Answers a request, or an array of requests, in a body.
     *
     * @param principal the caller
     * @param body JSON in UTF-8
     * @param query the query as it was sent, or null
     * @return the answer as JSON; refusals are in it, with a status of their own
     * @throws Problem 400 when the request cannot be understood
     */
    String post(JsonNode principal, byte[] body, String query) {
        return answered(
                () -> handler.handlePostRequest(
                        "", new ByteArrayInputStream(body), StandardCharsets.UTF_8.name(), parameters(query)),
                principal);
    }

    private String answered(AuditedRequests.Work<JSONStructure> work, JsonNode principal) {
        try {
            return requests.as(principal, work).toJSONString();
        } catch (BadRequestException | RuntimeException | StackOverflowError wrong) {
            // Jolokia answers failures of MBeans itself; what it throws is a request that it could not read.
            throw Problem.of(BAD_REQUEST, "malformed_json", "Jolokia does not understand this request.")
                    .causedBy(wrong);
        } catch (IOException | EmptyResponseException impossible) {
            // The body is in memory, and no service of notifications is there that would keep an answer open.
            throw new IllegalStateException("Jolokia did not answer", impossible);
        }
    }

    private static Map<String, String[]> parameters(String query) {
        Map<String, String[]> parameters = new LinkedHashMap<>();
        if (query != null) {
            for (String each : query.split("&")) {
                String[] parts = each.split("=", 2);
                parameters.put(decoded(parts[0]), new String[] {parts.length == 2 ? decoded(parts[1]) : ""});
            }
        }
        return parameters;
    }

    private static String decoded(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        services.stop();
    }
}
