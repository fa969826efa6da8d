/**
 * LISTEN as a Camel source that heals: the scheme {@code pgevent}, with the endpoint of camel-pgevent and a consumer of
 * our own.
 *
 * <p>The consumer that camel-pgevent 4.17 brings waits on the driver's I/O thread after the first lost connection, so a
 * second loss leaves a route that says Started and hears nothing. {@link routes.pgevent.SupervisedPgEventConsumer} keeps
 * its connection under a thread of its own instead, and tells the route after every connect to look for what it missed.
 * On the day Camel's own consumer is sound, this package can go: the URIs stay as they are.
 *
 * <h2>Binding</h2>
 *
 * <pre>{@code
 * ListenServer server = new ListenServer("localhost", 5432, "agentbus", "agentbus", password);
 * main.bind("pgevent", new SupervisedPgEventComponent(server));
 * }</pre>
 *
 * <p>Camel asks its registry for a bean of the scheme's name before it reads the service files of the classpath, so this
 * component is taken and camel-pgevent's is not. The component registers the readiness check {@code listener} itself.
 *
 * <h2>In a route</h2>
 *
 * <pre>{@code
 * - route:
 *     id: hear-jobs-ready
 *     from:
 *       uri: pgevent:jobs_ready
 *       steps:
 *         - to: direct:claim-jobs
 * }</pre>
 *
 * <p>A notification is an exchange with the payload as its body and the header {@code channel}. After every connect, the
 * first one included, comes one exchange with an empty body and the header {@code AgentbusResync} set to {@code true}. A
 * notification is a hint: whatever a route does on it must also be right when it comes late, twice or never.
 *
 * <p>With {@code camel.health.exposureLevel=default}, Camel lists a check only while it is not UP.
 *
 * <h2>What the driver keeps</h2>
 *
 * <p>The driver shares up to three daemon threads, {@code PG-JDBC I/O}, among all its connections and ends them with the
 * last one. It counts a connection that the server closed, or that never came about, as one that still lives: after such
 * an incident these three stay until the process ends.
 *
 * <h2>Logging</h2>
 *
 * <p>The driver, pgjdbc-ng, logs through java.util.logging. Where that is bridged to SLF4J, hold {@code
 * com.impossibl.postgres} at ERROR and {@code io.netty} at WARN: what the driver says about a lost connection is said
 * once, and better, by {@code routes.pgevent}.
 */
package routes.pgevent;
