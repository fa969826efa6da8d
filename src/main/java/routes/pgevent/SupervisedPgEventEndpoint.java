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

    @Override
    public Producer createProducer() {
        return new NotifyProducer(this);
    }

    /**
     * Where to connect.
     *
     * @return the data source of the URI or the component; otherwise one for the host, database and user of the URI, which
     *     pools nothing
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
        // Ends an attempt that the consumer has given up at a server that accepts and says nothing.
        source.setSocketTimeout((int) Math.max(1, owner.times().connectLimit().toSeconds()));
        return source;
    }
}
