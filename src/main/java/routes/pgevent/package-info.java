/**
 * A Camel source for Postgres LISTEN that recovers from lost connections. Its scheme is {@code pgevent}; it combines
 * the endpoint of camel-pgevent with its own consumer on pgjdbc.
 *
 * <p>The consumer of camel-pgevent 4.17 needs a second, unmaintained driver. After the second lost connection it
 * receives nothing any more, while its route still has the status Started.
 * {@link routes.pgevent.SupervisedPgEventConsumer} reads one connection in one thread, replaces the connection after
 * any trouble, and asks the route after every connect to look for missed work. See docs/adr/0003.
 *
 * <h2>Binding</h2>
 *
 * <pre>{@code
 * PGSimpleDataSource source = new PGSimpleDataSource();
 * source.setUrl("jdbc:postgresql://db.example/agentbus?sslmode=verify-full");
 * main.bind("pgevent", new SupervisedPgEventComponent(source, ListenTimes.defaults()));
 * }</pre>
 *
 * <p>Camel asks its registry for a bean of the scheme's name before it reads the service files of the classpath, so
 * Camel uses this component and not that of camel-pgevent. The component registers the readiness check {@code listener}
 * itself.
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
 * <p>A notification is an exchange with the payload as its body and the header {@code channel}. After every connect,
 * the first one included, comes one exchange with an empty body and the header {@code AgentbusResync} set to
 * {@code true}. The route must also work when a notification comes late, twice or never.
 *
 * <p>With {@code camel.health.exposureLevel=default}, Camel lists a check only while it is not UP.
 *
 * <h2>Limit</h2>
 *
 * <p>When the first byte of a notification has arrived, pgjdbc waits without a limit for the rest. A connection that
 * breaks at that moment is noticed only when TCP gives up. Until then the check {@code listener} is DOWN, and the sweep
 * finds the jobs.
 */
package routes.pgevent;
