package agentbus.beans;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.apache.camel.CamelContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The beans of one bus. Each bean is made once: when another bean asks for it, or at the latest by {@link #makeAll}.
 * Therefore packages may bind their beans in any order.
 *
 * <p>The resources of the beans are closed in the reverse order of their opening. Only the thread that starts the bus
 * and the thread that stops it use this class.
 */
public final class Beans {
    private static final Logger LOG = LoggerFactory.getLogger(Beans.class);

    private final CamelContext camel;
    private final Map<String, Bean> beans = new LinkedHashMap<>();
    private final List<Runnable> beforeDatabase = new ArrayList<>();
    private final List<Runnable> whenStarted = new ArrayList<>();
    private final List<Runnable> whenStopping = new ArrayList<>();
    private final Deque<AutoCloseable> open = new ArrayDeque<>();

    private static final class Bean {
        private final Class<?> type;
        private final boolean forRoutes;
        private final Supplier<?> maker;
        private boolean making;
        private Object made;

        Bean(Class<?> type, boolean forRoutes, Supplier<?> maker) {
            this.type = type;
            this.forRoutes = forRoutes;
            this.maker = maker;
        }
    }

    /**
     * Starts without beans.
     *
     * @param camel the context whose registry receives the beans
     */
    public Beans(CamelContext camel) {
        this.camel = camel;
    }

    /** The context that will run the bus; not started yet. */
    public CamelContext camel() {
        return camel;
    }

    /**
     * Binds a bean.
     *
     * @param name its name, by which routes call it
     * @param type its type, by which other packages ask for it
     * @param maker makes the bean
     * @param <T> its type
     * @throws IllegalStateException when another bean has the name
     */
    public <T> void bind(String name, Class<T> type, Supplier<? extends T> maker) {
        put(name, new Bean(type, true, maker));
    }

    /**
     * Keeps an object for other packages, such as the server key. Routes cannot call it.
     *
     * @param type its type
     * @param object the object
     * @param <T> its type
     * @throws IllegalStateException when an object of this type is kept already
     */
    public <T> void keep(Class<T> type, T object) {
        put(type.getName(), new Bean(type, false, () -> object));
    }

    /**
     * Returns the one bean of a type, and makes it if necessary.
     *
     * @param type the type that it was bound with, or a supertype
     * @param <T> the type
     * @return the bean
     * @throws IllegalStateException when there is no such bean, when there are several, or when the bean needs itself
     */
    public <T> T get(Class<T> type) {
        List<String> names = beans.keySet().stream()
                .filter(name -> type.isAssignableFrom(beans.get(name).type))
                .toList();
        if (names.size() != 1) {
            throw new IllegalStateException(
                    "there must be one bean of type " + type.getName() + "; there are " + names);
        }
        return type.cast(make(names.get(0)));
    }

    /**
     * Registers a task that needs no database, such as reading files. It runs while the database opens, which mostly waits
     * for Postgres.
     *
     * @param task the task; may make beans that need no database
     */
    public void beforeDatabase(Runnable task) {
        beforeDatabase.add(task);
    }

    /**
     * Registers a task that runs once the routes run, such as a task that needs the HTTP server.
     *
     * @param task the task; tasks run in the order in which they were registered
     */
    public void whenStarted(Runnable task) {
        whenStarted.add(task);
    }

    /**
     * Registers a task that runs when the bus begins to stop, before the routes stop.
     *
     * @param task the task; must not wait
     */
    public void whenStopping(Runnable task) {
        whenStopping.add(task);
    }

    /**
     * Registers a resource to close after the routes have stopped. A bean's supplier calls this when it opens the
     * resource; the last opened resource is closed first.
     *
     * @param resource the resource
     */
    public void closeAtStop(AutoCloseable resource) {
        open.push(resource);
    }

    /**
     * Makes every bean, and binds the beans for routes in the registry. A wrong setting is thus reported before Camel
     * uses a bean.
     */
    public void makeAll() {
        for (String name : List.copyOf(beans.keySet())) {
            Object made = make(name);
            if (beans.get(name).forRoutes) {
                camel.getRegistry().bind(name, made);
            }
        }
    }

    /** Runs the tasks of {@link #beforeDatabase}. */
    public void databaseOpens() {
        beforeDatabase.forEach(Runnable::run);
    }

    /** Runs the tasks of {@link #whenStarted}. */
    public void started() {
        whenStarted.forEach(Runnable::run);
    }

    /** Runs the tasks of {@link #whenStopping}. */
    public void stopping() {
        whenStopping.forEach(Runnable::run);
    }

    /** Closes the registered resources. Never throws. */
    public void close() {
        while (!open.isEmpty()) {
            try {
                open.pop().close();
            } catch (Exception trouble) {
                LOG.warn("The stop was not clean: {}", trouble.getMessage());
            }
        }
    }

    private void put(String name, Bean bean) {
        if (beans.putIfAbsent(name, bean) != null) {
            throw new IllegalStateException("two packages bind a bean " + name);
        }
    }

    private Object make(String name) {
        Bean bean = beans.get(name);
        if (bean.made == null) {
            if (bean.making) {
                throw new IllegalStateException("the bean " + name + " needs itself");
            }
            bean.making = true;
            bean.made = bean.maker.get();
        }
        return bean.made;
    }
}
