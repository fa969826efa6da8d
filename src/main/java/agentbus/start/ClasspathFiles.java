package agentbus.start;

import agentbus.settings.ProgramFiles;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import org.apache.camel.spi.Resource;
import org.apache.camel.support.ResourceResolverSupport;
import org.apache.camel.support.ResourceSupport;

/** Gives Camel the file that a route names as {@code classpath:…}: the checkout's where there is one, else the jar's. */
final class ClasspathFiles extends ResourceResolverSupport {
    /** The name by which Camel 4.17 looks for the resolver of a scheme (DefaultResourceLoader). */
    static final String BEAN = "resource-loader-classpath";

    private final ProgramFiles files;

    /**
     * A resolver.
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
