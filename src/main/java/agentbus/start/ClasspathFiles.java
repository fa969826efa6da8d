package agentbus.start;

import agentbus.settings.ProgramFiles;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import org.apache.camel.spi.Resource;
import org.apache.camel.support.ResourceResolverSupport;
import org.apache.camel.support.ResourceSupport;

/**
 * Resolves a {@code classpath:…} location of a route to a file of the checkout, or of the jar if there is no checkout.
 */
final class ClasspathFiles extends ResourceResolverSupport {
    /** The bean name by which Camel 4.17 (DefaultResourceLoader) finds the resolver of the scheme {@code classpath}. */
    static final String BEAN = "resource-loader-classpath";

    private final ProgramFiles files;

    /**
     * Makes a resolver.
     *
     * @param files the program's files
     */
    ClasspathFiles(ProgramFiles files) {
        super("classpath");
        this.files = files;
    }

    @Override
    protected Resource createResource(String location, String remaining) {
        String name = remaining.replaceFirst("^/+", "");
        return new ResourceSupport(getSupportedScheme(), location) {
            @Override
            public boolean exists() {
                return files.bytes(name).isPresent();
            }

            @Override
            public InputStream getInputStream() {
                return files.bytes(name).map(ByteArrayInputStream::new).orElse(null);
            }
        };
    }
}
