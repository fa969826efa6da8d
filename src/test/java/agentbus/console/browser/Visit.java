package agentbus.console.browser;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.deque.html.axecore.playwright.AxeBuilder;
import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.AriaRole;
import com.microsoft.playwright.options.Cookie;
import com.microsoft.playwright.options.ReducedMotion;
import com.microsoft.playwright.options.SameSiteAttribute;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A browser that a person has open, with one page at first. It notes each violation of the page's security policy, each
 * error in the browser's console and each request to another host, and fails the test when it is closed with one.
 */
final class Visit implements AutoCloseable {
    /** Chosen: the slowest page answers within a second on two busy cores; only a failing test waits that long. */
    static final double PATIENCE_MS = 20_000;

    private static final List<String> WCAG = List.of("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa");

    private final String url;
    private final BrowserContext context;
    private final Page page;
    private final List<String> faults = new ArrayList<>();
    private final List<Pattern> expected = new ArrayList<>();

    Visit(Browser browser, String url, Screen screen, String session) {
        this.url = url;
        this.context = browser.newContext(new Browser.NewContextOptions()
                .setBaseURL(url)
                .setViewportSize(screen.width(), screen.height())
                .setHasTouch(screen.touch())
                .setReducedMotion(ReducedMotion.REDUCE)
                .setLocale("en-GB")
                .setTimezoneId("Europe/Berlin"));
        context.setDefaultTimeout(PATIENCE_MS);
        context.addInitScript("document.addEventListener('securitypolicyviolation', event => console.error("
                + "`securitypolicyviolation ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));");
        if (session != null) {
            // The name has the port of the bus, also when the bytes pass a wire with another port.
            String[] cookie = session.split("=", 2);
            context.addCookies(List.of(new Cookie(cookie[0], cookie[1])
                    .setUrl(url)
                    .setHttpOnly(true)
                    .setSameSite(SameSiteAttribute.STRICT)));
        }
        context.onPage(this::watch);
        this.page = context.newPage();
    }

    private void watch(Page each) {
        each.onConsoleMessage(message -> {
            if (message.type().equals("error") || message.type().equals("warning")) {
                faults.add(message.text() + " at " + message.location());
            }
        });
        each.onPageError(error -> faults.add("uncaught: " + error));
        each.onRequest(request -> {
            if (!request.url().startsWith(url + "/") && !request.url().startsWith("data:")) {
                faults.add("a request to " + request.url());
            }
        });
    }

    /** The page. */
    Page page() {
        return page;
    }

    /** The browser, for more tabs. */
    BrowserContext context() {
        return context;
    }

    /** Allows messages that this test provokes, such as that of a refused call. */
    Visit expecting(String regex) {
        expected.add(Pattern.compile(regex));
        return this;
    }

    /** Goes to a page of the console by its address, and waits until it shows this text. */
    Visit open(String path, String shows) {
        page.navigate("/console/" + path);
        return shows(shows);
    }

    /** Waits until the page shows this text. */
    Visit shows(String text) {
        page.locator("main").getByText(text).first().waitFor();
        return this;
    }

    /** A button by its name. */
    Locator button(String name) {
        return page.getByRole(
                AriaRole.BUTTON, new Page.GetByRoleOptions().setName(name).setExact(true));
    }

    /** A link by its name. */
    Locator link(String name) {
        return page.getByRole(
                AriaRole.LINK, new Page.GetByRoleOptions().setName(name).setExact(true));
    }

    /** The open dialog. */
    Locator dialog() {
        return page.locator("dialog[open]");
    }

    /** Gives the reason in the open dialog, and presses its button. */
    void confirm(String button, String reason) {
        dialog().getByLabel("Reason").fill(reason);
        dialog().getByRole(AriaRole.BUTTON, new Locator.GetByRoleOptions().setName(button))
                .click();
    }

    /** What axe finds against WCAG 2.2 AA, one line each. */
    List<String> violations() {
        return violations(new AxeBuilder(page).withTags(WCAG));
    }

    /** What axe finds against its rules of colours, which are all that another theme can break, one line each. */
    List<String> violationsOfColours() {
        return violations(new AxeBuilder(page).withRules(List.of("color-contrast", "link-in-text-block")));
    }

    private static List<String> violations(AxeBuilder axe) {
        // Without the legacy mode it opens another page for each page.
        return axe.setLegacyMode(true).analyze().getViolations().stream()
                .flatMap(rule -> rule.getNodes().stream()
                        .map(node -> rule.getId() + ": " + node.getTarget() + " " + node.getFailureSummary()))
                .toList();
    }

    /** By how many pixels the page is wider than the window. */
    int overhang() {
        return ((Number) page.evaluate(
                        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"))
                .intValue();
    }

    /** Keeps a picture of the whole page in {@code target/console}. */
    void picture(String name) {
        page.screenshot(new Page.ScreenshotOptions()
                .setPath(Path.of("target", "console", name + ".png"))
                .setFullPage(true));
    }

    /** The faults so far that the test does not expect. */
    List<String> faults() {
        return faults.stream()
                .filter(fault ->
                        expected.stream().noneMatch(each -> each.matcher(fault).find()))
                .toList();
    }

    @Override
    public void close() {
        context.close();
        assertEquals(List.of(), faults());
    }
}
