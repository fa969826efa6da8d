package agentbus.dispatch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import agentbus.contract.Problem;
import agentbus.harness.LogCapture;
import java.util.List;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.Test;

/** A lasting failure is logged once and not at every sweep. */
class FailureLogTest {
    private final CamelContext context = new DefaultCamelContext();
    private final FailureLog failureLog = new FailureLog();

    @Test
    void the_same_trouble_is_said_once_and_another_at_once() {
        List<String> said = said(
                new IllegalStateException("outer", new java.net.ConnectException("refused\nHint: is it up?")),
                new IllegalStateException("outer", new java.net.ConnectException("refused\nHint: is it up?")),
                new IllegalStateException("another"));
        assertEquals(2, said.size(), said::toString);
        assertTrue(said.get(0).endsWith("sweep: refused (ConnectException)"), said.get(0));
        assertTrue(said.get(1).endsWith("sweep: another (IllegalStateException)"), said.get(1));
    }

    @Test
    void a_refusal_is_said_with_the_rule_and_its_code() {
        Exception refusal = new Problem(422, "unknown_agent", "there is no agent devopps", "a", null, "one of: devops")
                .causedBy(new IllegalStateException("ERROR: there is no agent devopps"));
        String line = said(refusal).get(0);
        assertTrue(line.endsWith("sweep: there is no agent devopps; expected one of: devops (unknown_agent)"), line);
    }

    @Test
    void a_trouble_without_a_message_is_said_by_its_kind() {
        assertTrue(said(new NullPointerException()).get(0).endsWith("sweep: null (NullPointerException)"));
    }

    @Test
    void a_trouble_that_differs_in_its_numbers_only_is_the_same() {
        List<String> said = said(
                new IllegalStateException("request timed out after 5001ms (active=10, waiting=3)"),
                new IllegalStateException("request timed out after 5003ms (active=9, waiting=4)"));
        assertEquals(1, said.size(), said::toString);
    }

    private List<String> said(Exception... failures) {
        try (LogCapture log = new LogCapture()) {
            for (Exception failure : failures) {
                Exchange exchange = new DefaultExchange(context);
                exchange.setProperty(Exchange.EXCEPTION_CAUGHT, failure);
                exchange.setProperty(Exchange.FAILURE_ROUTE_ID, "sweep");
                failureLog.log(exchange);
            }
            return log.lines().stream().filter(line -> line.startsWith("WARN")).toList();
        }
    }
}
