package agentbus.settings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

class SecretsTest {
    private static final UUID ATTEMPT = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");
    private static final byte[] BYTES =
            HexFormat.of().parseHex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");

    @TempDir
    Path home;

    @Test
    void the_first_start_makes_a_key_for_the_owner_only_and_the_next_one_reads_it() throws IOException {
        Path data = home.resolve("data");
        ServerKey first = ServerKey.load(data, Map.of());
        ServerKey second = ServerKey.load(data, Map.of());
        assertEquals(first.attemptToken(ATTEMPT), second.attemptToken(ATTEMPT));
        assertEquals("rw-------", permissions(data.resolve("server.key")));
        assertEquals("rwx------", permissions(data));
        assertEquals(List.of("server.key"), names(data));
    }

    @Test
    void a_token_is_the_attempts_id_and_its_hmac() {
        // Computed with: printf '<id>' | xxd -r -p | openssl dgst -sha256 -mac HMAC -macopt hexkey:<key> -binary
        assertEquals(
                "abt_ABEiM0RVZneImaq7zN3u_w.U3WzIJZYb8t4BB5jDa_jNkTx_CDpMat0ZiGoVl_wEYI",
                key(HexFormat.of().formatHex(BYTES)).attemptToken(ATTEMPT));
    }

    @Test
    void hex_and_base64url_are_two_ways_to_write_one_key() {
        ServerKey hex = key(HexFormat.of().formatHex(BYTES));
        ServerKey base64 = key(Base64.getUrlEncoder().encodeToString(BYTES));
        assertEquals(hex.fingerprint(), base64.fingerprint());
        assertEquals(hex.attemptToken(ATTEMPT), base64.attemptToken(ATTEMPT));
        assertFalse(Files.exists(home.resolve("server.key")));
    }

    @Test
    void different_keys_have_different_fingerprints_and_tokens() {
        ServerKey one = key(SecretFile.random());
        ServerKey other = key(SecretFile.random());
        assertEquals(16, one.fingerprint().length());
        assertNotEquals(one.fingerprint(), other.fingerprint());
        assertNotEquals(one.attemptToken(ATTEMPT), other.attemptToken(ATTEMPT));
    }

    @Test
    void a_short_key_is_refused_with_its_length() {
        assertFailure(
                () -> key("00ff"), "the environment variable AGENTBUS_SERVER_KEY holds 3 bytes and needs 32 or more");
    }

    @Test
    void a_malformed_key_is_refused_without_repeating_it() {
        String message = assertFailure(() -> key("not a key"), "is neither base64url nor hex; make one with: openssl");
        assertFalse(message.contains("not a key"), message);
    }

    @Test
    void a_key_file_that_others_may_read_is_refused_with_its_mode_and_the_fix() throws IOException {
        ServerKey.load(home, Map.of());
        Path file = home.resolve("server.key");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
        assertFailure(
                () -> ServerKey.load(home, Map.of()),
                "the key file " + file + " has mode 644, so others than its owner may get at it; run: chmod 600 " + file
                        + ", or give the key in AGENTBUS_SERVER_KEY");
    }

    @Test
    void secrets_that_the_own_group_may_read_are_taken_as_kubernetes_leaves_them() throws IOException {
        String fingerprint = ServerKey.load(home, Map.of()).fingerprint();
        Files.setPosixFilePermissions(home.resolve("server.key"), PosixFilePermissions.fromString("rw-rw----"));
        assertEquals(fingerprint, ServerKey.load(home, Map.of()).fingerprint());

        OperatorTokenFile token = OperatorTokenFile.open(home);
        Files.setPosixFilePermissions(token.path(), PosixFilePermissions.fromString("rw-rw----"));
        assertEquals(List.of(), log(() -> OperatorTokenFile.open(home)));
    }

    @Test
    void a_key_file_of_a_foreign_group_is_refused() throws IOException {
        Path file = home.resolve("server.key");
        ServerKey.load(home, Map.of());
        assumeTrue(System.getProperty("user.name").equals("root"), "only root gives a file to a foreign group");
        Files.setAttribute(file, "unix:gid", 54_321);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
        assertFailure(() -> ServerKey.load(home, Map.of()), "the key file " + file + " has mode 640");
    }

    @Test
    void an_empty_key_file_is_refused() throws IOException {
        Files.createFile(home.resolve("server.key"));
        assertFailure(() -> ServerKey.load(home, Map.of()), "server.key is empty");
    }

    @Test
    void nodes_that_start_together_have_the_same_key() throws Exception {
        ExecutorService nodes = Executors.newFixedThreadPool(8);
        try {
            Callable<String> node = () -> ServerKey.load(home, Map.of()).fingerprint();
            List<String> fingerprints = new ArrayList<>();
            for (Future<String> result :
                    nodes.invokeAll(Stream.generate(() -> node).limit(8).toList())) {
                fingerprints.add(result.get());
            }
            assertEquals(1, fingerprints.stream().distinct().count(), fingerprints.toString());
            assertEquals(List.of("server.key"), names(home));
        } finally {
            nodes.shutdownNow();
        }
    }

    @Test
    void a_key_does_not_show_itself() {
        ServerKey key = key(HexFormat.of().formatHex(BYTES));
        assertEquals("ServerKey[" + key.fingerprint() + "]", key.toString());
    }

    @Test
    void the_first_start_makes_an_operators_token_and_the_next_one_reads_it() throws IOException {
        OperatorTokenFile first = OperatorTokenFile.open(home);
        assertTrue(first.token().matches("abo_[A-Za-z0-9_-]{43}"), "form");
        assertEquals(first.token(), OperatorTokenFile.open(home).token());
        assertEquals(first.token(), OperatorTokenFile.find(home).orElseThrow().token());
        assertEquals("rw-------", permissions(first.path()));
        assertFalse(first.toString().contains(first.token()));
    }

    @Test
    void looking_for_the_operators_token_makes_none() throws IOException {
        assertTrue(OperatorTokenFile.find(home).isEmpty());
        assertEquals(List.of(), names(home));
    }

    @Test
    void an_operators_token_that_others_may_read_is_used_with_a_warning() throws IOException {
        OperatorTokenFile first = OperatorTokenFile.open(home);
        Files.setPosixFilePermissions(first.path(), PosixFilePermissions.fromString("rw-r--r--"));
        List<String> log = log(() -> OperatorTokenFile.open(home));
        assertEquals(
                List.of(first.path() + " has mode 644: others than its owner may get at the token; run: chmod 600 "
                        + first.path()),
                log);
    }

    private static List<String> log(Runnable action) {
        Logger logger = (Logger) LoggerFactory.getLogger(OperatorTokenFile.class);
        ListAppender<ILoggingEvent> events = new ListAppender<>();
        events.start();
        logger.addAppender(events);
        logger.setAdditive(false);
        try {
            action.run();
        } finally {
            logger.setAdditive(true);
            logger.detachAppender(events);
        }
        return events.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    private ServerKey key(String text) {
        return ServerKey.load(home, Map.of(ServerKey.VARIABLE, text));
    }

    private static String permissions(Path file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
    }

    private static List<String> names(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }

    private static String assertFailure(org.junit.jupiter.api.function.Executable action, String expected) {
        String message = assertThrows(StartFailure.class, action).getMessage();
        assertTrue(message.contains(expected), message);
        return message;
    }
}
