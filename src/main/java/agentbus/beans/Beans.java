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
 * The beans of one bus. Each is made once, when another one first asks for it or when all are made; so no order has to be told.
 * What the beans have opened is closed in the reverse order. Used by the thread that starts and the one that stops the bus.
 */
public final class Beans {
    private static final Logger LOG = LoggerFactory.getLogger(Beans.class);

    private final CamelContext camel;
    private final Map<String, Bean> beans = new LinkedHashMap<>();
    private final List<Runnable> whenStarted = new ArrayList<>();
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
     * No beans yet.
     *
     * @param camel the context whose registry gets them
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
     * @param maker makes it
     * @param <T> its type
     * @throws IllegalStateException when another bean has the name
     */
    public <T> void bind(String name, Class<T> type, Supplier<? extends T> maker) {
        put(name, new Bean(type, true, maker));
    }

    /**
     * Keeps what other packages ask for and no route must call, such as the server key.
     *
     * @param type its type
     * @param object the object
     * @param <T> its type
     * @throws IllegalStateException when there is one of the type
     */
    public <T> void keep(Class<T> type, T object) {
        put(type.getName(), new Bean(type, false, () -> object));
    }

    /**
     * The one bean of a type, made if it is not yet.
     *
     * @param type the type that it was bound with, or a supertype
     * @param <T> the type
     * @return the bean
     * @throws IllegalStateException when there is none or more than one, or when making it needs itself
     */
    public <T> T get(Class<T> type) {
        List<String> names = beans.keySet().stream()
                .filter(name -> type.isAssignableFrom(beans.get(name).type))
                .toList();
        if (names.size() != 1) {
            throw new IllegalStateException("of " + type.getName() + " there must be one bean; there are " + names);
        }
        return type.cast(make(names.get(0)));
    }

    /**
     * Has something done once the routes run, such as what needs the HTTP server.
     *
     * @param task run in the order of these calls
     */
    public void whenStarted(Runnable task) {
        whenStarted.add(task);
    }

    /**
     * Has something closed once the routes have stopped. To be called when it is opened, within a bean's supplier: what was
     * opened last is closed first.
     *
     * @param resource what to close
     */
    public void closeAtStop(AutoCloseable resource) {
        open.push(resource);
    }

    /** Makes every bean and puts it into the registry. A wrong setting is told now, before Camel makes anything of the beans. */
    public void makeAll() {
        for (String name : List.copyOf(beans.keySet())) {
            Object made = make(name);
            if (beans.get(name).forRoutes) {
                camel.getRegistry().bind(name, made);
            }
        }
    }

    /** Does what waits for the routes to run. */
    public void started() {
        whenStarted.forEach(Runnable::run);
    }

    /** Closes what is open. Never throws. */
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
            throw new IllegalStateException("two packages bring a bean " + name);
        }
    }

    private Object make(String name) {
        Bean bean = beans.get(name);
        if (bean.made == null) {
            if (bean.making) {
                throw new IllegalStateException("to make the bean " + name + " takes that bean itself");
            }
            bean.making = true;
            bean.made = bean.maker.get();
        }
        return bean.made;
    }
}
