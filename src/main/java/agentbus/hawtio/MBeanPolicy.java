package agentbus.hawtio;

import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import javax.management.ObjectName;
import org.jolokia.server.core.service.api.Restrictor;
import org.jolokia.server.core.util.HttpMethod;
import org.jolokia.server.core.util.RequestType;

/**
 * What Jolokia may do in this process. Everything that is not named here is refused.
 *
 * <p>It is code and no {@code jolokia-access.xml}: there, the first pattern that matches a name decides, in no order,
 * so a rule for all MBeans of Camel and one for its routes cannot stand beside each other.
 */
final class MBeanPolicy implements Restrictor {
    /** What may be done, for the messages of refusals. */
    static final String ALLOWED =
            "Jolokia may read MBeans of Camel and a few numbers of the JVM, dump and browse, and start, stop, suspend,"
                    + " resume and reset routes";

    /** The route that reports stopped routes. While it is stopped, nobody but this node would know of any. */
    static final String REPORTER = "report-routes";

    private static final String CAMEL = "org.apache.camel";
    private static final String JVM = "java.lang";
    private static final Set<String> STOPS = Set.of("stop", "suspend");
    private static final Set<String> STARTS = Set.of("start", "resume");
    private static final Set<String> CHANGES = Set.of("start", "stop", "suspend", "resume", "reset");
    private static final Pattern READS = Pattern.compile("(dump|browse)\\w*");
    /** Commands for which MBeans do not matter. What they answer depends on {@link #isObjectNameHidden}. */
    private static final Set<RequestType> COMMANDS = Set.of(RequestType.LIST, RequestType.SEARCH, RequestType.VERSION);

    /** The attributes of the JVM, by the type of the MBean. System properties and arguments may hold secrets. */
    private static final Map<String, Set<String>> NUMBERS = Map.of(
            "Memory", Set.of("HeapMemoryUsage", "NonHeapMemoryUsage"),
            "Threading", Set.of("ThreadCount", "DaemonThreadCount", "PeakThreadCount", "TotalStartedThreadCount"),
            "GarbageCollector", Set.of("CollectionCount", "CollectionTime"),
            "OperatingSystem",
                    Set.of(
                            "AvailableProcessors",
                            "ProcessCpuLoad",
                            "ProcessCpuTime",
                            "SystemLoadAverage",
                            "OpenFileDescriptorCount",
                            "MaxFileDescriptorCount"),
            "Runtime", Set.of("StartTime", "Uptime", "VmName", "VmVendor", "VmVersion"));

    /**
     * The route whose MBean this is.
     *
     * @param name the MBean's name
     * @return the route's id, or null for another MBean
     */
    static String routeOf(ObjectName name) {
        String quoted = name.getKeyProperty("name");
        return isCamel(name) && "routes".equals(name.getKeyProperty("type")) && quoted != null
                ? unquoted(quoted)
                : null;
    }

    /**
     * Whether an operation only reads.
     *
     * @param operation the operation, with or without the types of its parameters
     * @return true for an operation that dumps or browses
     */
    static boolean reads(String operation) {
        return READS.matcher(bare(operation)).matches();
    }

    /**
     * Whether a route does not run after an operation.
     *
     * @param operation the operation, with or without the types of its parameters
     * @return true for an operation that stops or suspends
     */
    static boolean stops(String operation) {
        return STOPS.contains(bare(operation));
    }

    /**
     * Whether a route runs after an operation.
     *
     * @param operation the operation, with or without the types of its parameters
     * @return true for an operation that starts or resumes
     */
    static boolean starts(String operation) {
        return STARTS.contains(bare(operation));
    }

    @Override
    public boolean isOperationAllowed(ObjectName name, String operation) {
        // Jolokia checks the pattern of such a call and none of the MBeans that match it.
        if (name.isPattern() || !isCamel(name) || operation == null) {
            return false;
        }
        String route = routeOf(name);
        return reads(operation)
                || route != null && CHANGES.contains(bare(operation)) && !(route.equals(REPORTER) && stops(operation));
    }

    @Override
    public boolean isAttributeReadAllowed(ObjectName name, String attribute) {
        return attribute != null && (isCamel(name) || numbers(name).contains(attribute));
    }

    @Override
    public boolean isAttributeWriteAllowed(ObjectName name, String attribute) {
        return false;
    }

    @Override
    public boolean isTypeAllowed(RequestType type) {
        return COMMANDS.contains(type);
    }

    /** Leaves out of lists what cannot be read. */
    @Override
    public boolean isObjectNameHidden(ObjectName name) {
        return !isCamel(name) && numbers(name).isEmpty();
    }

    @Override
    public boolean isHttpMethodAllowed(HttpMethod method) {
        return true;
    }

    /** The listener is on loopback, and each caller has logged in. */
    @Override
    public boolean isRemoteAccessAllowed(String... hostOrAddress) {
        return true;
    }

    /** The listener has checked the origin already, more strictly. */
    @Override
    public boolean isOriginAllowed(String origin, boolean onlyWhenStrict) {
        return true;
    }

    private static boolean isCamel(ObjectName name) {
        return CAMEL.equals(name.getDomain());
    }

    private static Set<String> numbers(ObjectName name) {
        String type = name.getKeyProperty("type");
        return JVM.equals(name.getDomain()) && type != null ? NUMBERS.getOrDefault(type, Set.of()) : Set.of();
    }

    private static String unquoted(String name) {
        return name.startsWith("\"") ? ObjectName.unquote(name) : name;
    }

    /** An operation without the types of its parameters. */
    private static String bare(String operation) {
        int types = operation.indexOf('(');
        return types < 0 ? operation : operation.substring(0, types);
    }
}
