package agentbus.vault;

import agentbus.settings.ProgramFiles;
import com.github.mustachejava.DefaultMustacheFactory;
import com.github.mustachejava.Mustache;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.util.HashMap;
import java.util.Map;

/**
 * The templates of the bodies of notes, {@code templates/vault/*.mustache}. A field in double braces is a text of
 * others and is escaped as a part of a line; one in triple braces is Markdown that the bus has made.
 */
final class Templates {
    private static final String FOLDER = "templates/vault/";

    private final ProgramFiles files;
    private final Map<String, Mustache> compiled = new HashMap<>();
    private final DefaultMustacheFactory factory = new DefaultMustacheFactory() {
        @Override
        public void encode(String value, Writer writer) {
            try {
                writer.write(Escaping.line(value));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    };

    /**
     * The templates of a program.
     *
     * @param files holds them
     */
    Templates(ProgramFiles files) {
        this.files = files;
    }

    /** The text of a template. */
    String text(String name) {
        return files.text(FOLDER + name + ".mustache");
    }

    /**
     * Fills a template.
     *
     * @param name the name of its file without the ending
     * @param model its fields
     * @return Markdown without blank lines at its ends
     */
    String fill(String name, Map<String, Object> model) {
        Mustache template = compiled.computeIfAbsent(name, key -> factory.compile(new StringReader(text(key)), key));
        StringWriter body = new StringWriter();
        template.execute(body, model);
        return body.toString().strip();
    }
}
