package agentbus.start;

import java.util.Collection;
import java.util.List;
import org.apache.camel.CamelContext;
import org.apache.camel.RoutesBuilder;
import org.apache.camel.main.DefaultRoutesCollector;
import org.apache.camel.spi.Resource;

/**
 * Collects the routes of all files, and shows Camel no file before. Camel 4.17 would parse each file once for its beans
 * and definitions of Camel K, and again for its routes. The second time finds the beans too, before any route is made.
 */
final class RoutesReadOnce extends DefaultRoutesCollector {
    private boolean collecting;

    @Override
    public Collection<RoutesBuilder> collectRoutesFromDirectory(
            CamelContext camel, String excludePattern, String includePattern) {
        collecting = true;
        try {
            return super.collectRoutesFromDirectory(camel, excludePattern, includePattern);
        } finally {
            collecting = false;
        }
    }

    @Override
    public Collection<Resource> findRouteResourcesFromDirectory(
            CamelContext camel, String excludePattern, String includePattern) {
        return collecting ? super.findRouteResourcesFromDirectory(camel, excludePattern, includePattern) : List.of();
    }
}
