package agentbus.dispatch;

import org.apache.camel.Exchange;
import org.apache.camel.ProducerTemplate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Wakes the dispatchers after a call of this node, as soon as its transaction has committed. */
public final class WakeUps {
    private static final Logger LOG = LoggerFactory.getLogger(WakeUps.class);

    private final ProducerTemplate routes;

    /**
     * Wake-ups by the calls of one node.
     *
     * @param routes reaches {@code direct:wake-dispatchers}
     */
    public WakeUps(ProducerTemplate routes) {
        this.routes = routes;
    }

    /**
     * Wakes the dispatchers. The wake-up has an exchange of its own, because that of the call has a header that names the
     * call's statement, and completions that belong to the call. A failure is only logged: the call has committed, and a
     * sweep finds the job.
     */
    public void wake() {
        try {
            Exchange wakeUp = routes.send("direct:wake-dispatchers", exchange -> {});
            if (wakeUp.getException() != null) {
                LOG.debug("A call has not woken the dispatchers", wakeUp.getException());
            }
        } catch (RuntimeException stopping) {
            LOG.debug("A call has not woken the dispatchers", stopping);
        }
    }
}
