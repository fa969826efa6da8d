package routes.pgevent;

import javax.sql.DataSource;
import org.apache.camel.Consumer;
import org.apache.camel.Processor;
import org.apache.camel.Producer;
import org.apache.camel.component.pgevent.PgEventEndpoint;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * The stock endpoint with its URI and its options, but with a consumer and a producer on pgjdbc.
 *
 * <p>Do not call {@code initJdbc}: it returns a type of the stock driver, which is not on the classpath.
 */
public class SupervisedPgEventEndpoint extends PgEventEndpoint {

    private final SupervisedPgEventComponent owner;

    /**
     * Makes an endpoint.
     *
     * @param shownUri the URI that logs, JMX and health show; it has no query, and so no user and password
     * @param stockUri the same address, in the form that {@link PgEventEndpoint} parses
     * @param owner the component of the endpoint
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

    @Override
    public Producer createProducer() {
        return new NotifyProducer(this);
    }

    /**
     * The connections of this endpoint.
     *
     * @return the data source of the URI or the component; otherwise an unpooled one for the host, database and user of
     *     the URI
     */
    DataSource connections() {
        DataSource given = getDatasource();
        return given == null ? namedServer() : given;
    }

    private DataSource namedServer() {
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setServerNames(new String[] {getHost()});
        source.setPortNumbers(new int[] {getPort()});
        source.setDatabaseName(getDatabase());
        source.setUser(getUser());
        source.setPassword(getPass());
        // Ends a connect that hangs at a silent server, and for which the consumer no longer waits.
        source.setSocketTimeout((int) Math.max(1, owner.times().connectLimit().toSeconds()));
        return source;
    }
}
