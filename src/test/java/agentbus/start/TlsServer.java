package agentbus.start;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * A Postgres that takes connections over TLS alone: its {@code pg_hba.conf} has only {@code hostssl} lines. Its certificate is
 * made for the test, by the JDK's keytool, for {@code localhost} and {@code 127.0.0.1}.
 */
final class TlsServer implements AutoCloseable {
    /** The role that needs a password. */
    static final String USER = "bus";

    static final String PASSWORD = "pw-of-a-test";
    private static final String STORE_PASSWORD = "store-of-a-test";

    private final Path certificate;
    private final EmbeddedPostgres running;

    /**
     * Starts a server.
     *
     * @param directory a directory of the test, for the server's files and its data
     */
    TlsServer(Path directory) throws IOException, GeneralSecurityException, InterruptedException {
        certify(directory);
        certificate = directory.resolve("server.crt");
        Path rules = Files.writeString(
                directory.resolve("hba.conf"),
                """
                hostssl all postgres 127.0.0.1/32 trust
                hostssl all postgres ::1/128 trust
                hostssl all all 127.0.0.1/32 scram-sha-256
                """);
        running = EmbeddedPostgres.builder()
                .setDataDirectory(directory.resolve("data").toFile())
                .setPGStartupWait(Duration.ofSeconds(60))
                .setServerConfig("listen_addresses", "localhost")
                .setServerConfig("hba_file", rules.toString())
                .setServerConfig("ssl", "on")
                .setServerConfig("ssl_cert_file", certificate.toString())
                .setServerConfig("ssl_key_file", directory.resolve("server.key").toString())
                .start();
        jdbc().execute("create role " + USER + " login password '" + PASSWORD + "'");
        jdbc().execute("create database " + USER + " owner " + USER);
    }

    /**
     * Makes a certificate that signs itself.
     *
     * @param directory where {@code server.key} and {@code server.crt} go
     */
    static void certify(Path directory) throws IOException, GeneralSecurityException, InterruptedException {
        String arguments =
                """
                -genkeypair -alias server -keyalg EC -groupname secp256r1 -validity 2
                -dname CN=localhost -ext san=dns:localhost,ip:127.0.0.1
                -storetype PKCS12 -keystore store.p12 -storepass\s"""
                        + STORE_PASSWORD;
        List<String> command = new ArrayList<>(List.of(arguments.split("\\s+")));
        command.add(
                0, Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
        Path told = directory.resolve("keytool.txt");
        Process making = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(told.toFile())
                .start();
        if (!making.waitFor(60, TimeUnit.SECONDS) || making.exitValue() != 0) {
            throw new IllegalStateException("no certificate: " + Files.readString(told));
        }
        char[] password = STORE_PASSWORD.toCharArray();
        KeyStore made = KeyStore.getInstance(directory.resolve("store.p12").toFile(), password);
        Path key = directory.resolve("server.key");
        Files.createFile(key, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(
                key, pem("PRIVATE KEY", made.getKey("server", password).getEncoded()));
        Files.writeString(
                directory.resolve("server.crt"),
                pem("CERTIFICATE", made.getCertificate("server").getEncoded()));
    }

    private static String pem(String kind, byte[] content) {
        byte[] newline = "\n".getBytes(StandardCharsets.US_ASCII);
        return "-----BEGIN " + kind + "-----\n"
                + Base64.getMimeEncoder(64, newline).encodeToString(content)
                + "\n-----END " + kind + "-----\n";
    }

    /**
     * The address as {@code DATABASE_URL} takes it.
     *
     * @param parameters the URL's query with its question mark, or an empty text
     */
    String url(String parameters) {
        return "postgresql://" + USER + ":" + PASSWORD + "@127.0.0.1:" + running.getPort() + "/" + USER + parameters;
    }

    /** The server's certificate, in PEM. */
    Path certificate() {
        return certificate;
    }

    /** Statements in the schema, as the superuser. */
    JdbcTemplate jdbc() {
        return new JdbcTemplate(running.getDatabase("postgres", "postgres"));
    }

    /** Statements in the schema of the bus. */
    JdbcTemplate busJdbc() {
        return new JdbcTemplate(running.getDatabase("postgres", USER, Map.of("currentSchema", "agentbus")));
    }

    @Override
    public void close() throws IOException {
        running.close();
    }
}
