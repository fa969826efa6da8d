package routes.pgevent;

import java.sql.Connection;
import java.sql.PreparedStatement;
import org.apache.camel.Exchange;
import org.apache.camel.support.DefaultProducer;

/**
 * Sends the body of an exchange as a notification, on a new connection for each. The bus's routes notify in SQL
 * instead.
 */
class NotifyProducer extends DefaultProducer {

    private final SupervisedPgEventEndpoint endpoint;

    NotifyProducer(SupervisedPgEventEndpoint endpoint) {
        super(endpoint);
        this.endpoint = endpoint;
    }

    @Override
    public void process(Exchange exchange) throws Exception {
        try (Connection connection = endpoint.connections().getConnection();
                PreparedStatement notify = connection.prepareStatement("select pg_notify(?, ?)")) {
            notify.setString(1, endpoint.getChannel());
            notify.setString(2, exchange.getMessage().getBody(String.class));
            notify.execute();
        }
    }
}
