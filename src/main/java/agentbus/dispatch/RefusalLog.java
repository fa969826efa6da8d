package agentbus.dispatch;

import agentbus.text.Json;
import com.fasterxml.jackson.core.JsonProcessingException;
import org.apache.camel.Body;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Logs that a gateway refuses hook calls, once for each cause; the database decides which refusal is the first. */
public final class RefusalLog {
    private static final Logger LOG = LoggerFactory.getLogger(RefusalLog.class);

    /**
     * Logs the news in the answer to a refusal, at ERROR.
     *
     * @param answer the answer of {@code hook_refused}, JSON text; its field {@code told} is the news, if there is any
     * @throws JsonProcessingException when the database's answer is not JSON
     */
    public void log(@Body String answer) throws JsonProcessingException {
        String told = Json.read(answer).path("told").asText();
        if (!told.isEmpty()) {
            LOG.error("{}", told);
        }
    }
}
