package agentbus.sql;

import agentbus.harness.TestDatabase;
import agentbus.harness.TestServer;
import net.jqwik.api.lifecycle.Lifespan;
import net.jqwik.api.lifecycle.Store;

/** One database for all sequences of a class of property tests, which jqwik runs without JUnit's extensions. */
final class PropertyDatabase implements Store.CloseOnReset {
    private final TestDatabase database = TestServer.shared().newDatabase();

    private PropertyDatabase() {}

    /** A machine on the emptied database. */
    static Machine fresh() {
        return Machine.fresh(Store.getOrCreate(PropertyDatabase.class, Lifespan.RUN, PropertyDatabase::new)
                .get()
                .database);
    }

    @Override
    public void close() {
        database.close();
    }
}
