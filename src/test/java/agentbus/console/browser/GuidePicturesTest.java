package agentbus.console.browser;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.ColorScheme;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Takes the pictures of the guide anew, from a fleet without hostile texts:
 * {@code ./mvnw test -Pbrowser -Dtest=GuidePicturesTest -Dguide.pictures=true}.
 */
@ExtendWith(NeedsChromium.class)
@EnabledIfSystemProperty(named = GuidePicturesTest.WANTED, matches = "true")
class GuidePicturesTest {
    /** The system property that asks for the pictures. */
    static final String WANTED = "guide.pictures";

    private final Console console;

    GuidePicturesTest(Console console) {
        this.console = console;
    }

    @ParameterizedTest
    @CsvSource({
        "needs-me, needs-me, need a person, 1280, LIGHT",
        "overview, overview, product-metrics, 1280, LIGHT",
        "orders, orders, devops-health-check, 1280, LIGHT",
        "agents, agents, product-metrics, 1280, LIGHT",
        "job, jobs/{blockedJob}, Timeline, 1280, LIGHT",
        "phone, needs-me, need a person, 360, DARK"
    })
    void a_picture_of_the_guide(String name, String path, String shows, int width, ColorScheme theme) throws Exception {
        Screen screen = width == Screen.PHONE.width() ? Screen.PHONE : Screen.WIDE;
        try (Visit visit = console.visit(screen)) {
            visit.page().emulateMedia(new Page.EmulateMediaOptions().setColorScheme(theme));
            visit.open(console.fleet().path(path), shows);
            visit.page().locator(".live.up").waitFor();
            Path file = Path.of("docs", "guide", "console", name + ".png");
            visit.page().screenshot(new Page.ScreenshotOptions().setPath(file));
            assertTrue(Files.size(file) > 0);
        }
    }
}
