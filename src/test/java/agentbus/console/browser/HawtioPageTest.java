package agentbus.console.browser;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.Page;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Hawtio's own page from the listener of the bus: its policy lets it work, and it calls no other host. */
@ExtendWith(NeedsChromium.class)
class HawtioPageTest {
    /** Chosen: the page has 12 MB of scripts, which a busy machine needs a minute for. */
    private static final double PATIENCE_MS = 120_000;

    private static final String ROUTE = "forget-old-dispatchers";
    private static final String CALL =
            "async operation => (await fetch('jolokia', {method: 'POST', body: JSON.stringify({"
                    + "type: 'exec', mbean: 'org.apache.camel:context=agentbus,type=routes,name=\"" + ROUTE
                    + "\"', operation})}))"
                    + ".json()";

    private final Console console;
    private final List<String> faults = new ArrayList<>();

    HawtioPageTest(Console console) {
        this.console = console;
    }

    @Test
    void an_operator_logs_in_and_sees_the_routes_the_diagram_of_one_and_its_state() {
        try (BrowserContext context = console.hawtio()) {
            Page page = watched(context);
            page.navigate("");
            // Hawtio draws all routes first, and its tree is ready only then.
            page.waitForURL("**/camel/routeDiagram**");
            page.getByText("(ID: from").first().waitFor();
            page.getByText(ROUTE, new Page.GetByTextOptions().setExact(true))
                    .first()
                    .click();
            // The last step of this route, which the other routes do not have.
            page.getByText("(ID: forget)").first().waitFor();
            page.screenshot(new Page.ScreenshotOptions().setPath(Path.of("target", "console", "hawtio.png")));

            assertEquals(200, status(page.evaluate(CALL, "stop()")));
            page.getByText("Attributes", new Page.GetByTextOptions().setExact(true))
                    .click();
            page.getByText("Stopped", new Page.GetByTextOptions().setExact(true))
                    .first()
                    .waitFor();
            assertEquals(403, status(page.evaluate(CALL, "remove()")));
            assertEquals(200, status(page.evaluate(CALL, "start()")));
        }
        assertEquals(List.of(), faults);
    }

    private static int status(Object answer) {
        return ((Number) ((Map<?, ?>) answer).get("status")).intValue();
    }

    private Page watched(BrowserContext context) {
        context.setDefaultTimeout(PATIENCE_MS);
        context.addInitScript("document.addEventListener('securitypolicyviolation', event => console.error("
                + "`securitypolicyviolation ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));");
        Page page = context.newPage();
        page.onConsoleMessage(message -> {
            if (message.text().startsWith("securitypolicyviolation")) {
                faults.add(message.text());
            }
        });
        page.onPageError(error -> faults.add("uncaught: " + error));
        page.onRequest(request -> {
            URI address = URI.create(request.url().replaceFirst("\\?.*", ""));
            if (!address.getScheme().matches("data|blob") && !"127.0.0.1".equals(address.getHost())) {
                faults.add("a request to " + request.url());
            }
        });
        return page;
    }
}
