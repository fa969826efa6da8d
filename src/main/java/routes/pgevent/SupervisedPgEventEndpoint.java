package routes.pgevent;

import org.apache.camel.Consumer;
import org.apache.camel.Processor;
import org.apache.camel.component.pgevent.PgEventEndpoint;

/** The stock endpoint with its options and its producer, but with a consumer that supervises its connection. */
public class SupervisedPgEventEndpoint extends PgEventEndpoint {

    private final SupervisedPgEventComponent owner;

    /**
     * Makes an endpoint.
     *
     * @param shownUri what logs, JMX and health call it: without a query, so without user and password
     * @param stockUri the same place as {@link PgEventEndpoint} parses it
     * @param owner the component it belongs to
     */
    SupervisedPgEventEndpoint(String shownUri, String stockUri, SupervisedPgEventComponent owner) {
        super(stockUri, owner);
        this.owner = owner;
        setEndpointUri(shownUri);
    }

    @Override
    public Consumer createConsumer(Processor processor) throws Exception {
        SupervisedPgEventConsumer consumer = new SupervisedPgEventConsumer(this, processor, owner);
        configureConsumer(consumer);
        return consumer;
    }
}
