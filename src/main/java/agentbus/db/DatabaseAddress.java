package agentbus.db;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.postgresql.PGProperty;

/**
 * The address of a database, with the role and its password.
 *
 * @param servers the servers that may have the database, at least one; the driver connects to the primary among them
 * @param name the database's name
 * @param user the role
 * @param password its password, possibly empty; never in {@link #toString()}
 * @param parameters further parameters under the driver's names, such as {@code sslmode}
 */
record DatabaseAddress(
        List<Server> servers, String name, String user, String password, Map<String, String> parameters) {
    private static final int DEFAULT_PORT = 5432;
    private static final int LARGEST_PORT = 65_535;

    private static final Pattern URL =
            Pattern.compile("(?:jdbc:postgresql|postgresql|postgres)://(.*)", Pattern.DOTALL);
    private static final Pattern REST = Pattern.compile("(?:(?<credentials>.*)@)?(?<servers>[^/@]*)(?:/(?<name>.*))?");
    private static final Pattern SERVER = Pattern.compile("(?<host>\\[[^\\]]*\\]|[^:]*)(?::(?<port>.*))?");

    /**
     * Names of libpq parameters and their names in the JDBC driver. An empty one is ignored: the driver has no such choice,
     * and a connection works without it.
     */
    private static final Map<String, String> DRIVER_NAMES = Map.ofEntries(
            Map.entry("channel_binding", "channelBinding"),
            Map.entry("connect_timeout", "connectTimeout"),
            Map.entry("target_session_attrs", "targetServerType"),
            Map.entry("application_name", "ApplicationName"),
            Map.entry("fallback_application_name", ""),
            Map.entry("client_encoding", ""),
            Map.entry("gssencmode", "gssEncMode"),
            Map.entry("krbsrvname", "kerberosServerName"),
            Map.entry("keepalives", "tcpKeepAlive"),
            Map.entry("keepalives_idle", ""),
            Map.entry("keepalives_interval", ""),
            Map.entry("keepalives_count", ""),
            Map.entry("tcp_user_timeout", ""),
            Map.entry("load_balance_hosts", ""),
            Map.entry("sslcompression", ""),
            Map.entry("sslsni", ""),
            Map.entry("sslnegotiation", "sslNegotiation"));

    DatabaseAddress {
        servers = List.copyOf(servers);
        parameters = Map.copyOf(parameters);
    }

    /** The address of a database with one server. */
    DatabaseAddress(String host, int port, String name, String user, String password, Map<String, String> parameters) {
        this(List.of(new Server(host, port)), name, user, password, parameters);
    }

    /**
     * One server.
     *
     * @param host a host name or an IP address, IPv6 without brackets
     * @param port the TCP port
     */
    record Server(String host, int port) {
        @Override
        public String toString() {
            return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
        }
    }

    /** The host of the first server. */
    String host() {
        return servers.get(0).host();
    }

    /** The port of the first server. */
    int port() {
        return servers.get(0).port();
    }

    /** The servers as a URL has them, such as {@code pg-1:5432,pg-2:5432}. */
    String authority() {
        return servers.stream().map(Server::toString).collect(Collectors.joining(","));
    }

    /**
     * Parses a URL.
     *
     * @param url {@code postgresql://}, {@code postgres://} or {@code jdbc:postgresql://}
     * @param user the role for a URL without one; if empty, the operating system's user
     * @param password the password for a URL without one
     * @return the address
     * @throws IllegalArgumentException if the URL is malformed; the message continues the setting's name and quotes no
     *     part of the URL
     */
    static DatabaseAddress parse(String url, String user, String password) {
        Matcher whole = URL.matcher(url);
        if (!whole.matches()) {
            throw new IllegalArgumentException(
                    "must look like postgresql://user:password@host:5432/database, beginning with postgresql://,"
                            + " postgres:// or jdbc:postgresql://");
        }
        String[] parts = whole.group(1).split("\\?", 2);
        Map<String, String> parameters = parameters(parts.length == 2 ? parts[1] : "");
        Matcher rest = REST.matcher(parts[0]);
        if (!rest.matches()) {
            throw new IllegalArgumentException("must have %-escapes for / ? # @ and : in user and password");
        }
        String[] credentials = rest.group("credentials") == null
                ? new String[0]
                : rest.group("credentials").split(":", 2);
        String foundUser = first(
                credentials.length > 0 ? decode(credentials[0]) : "",
                parameters.remove("user"),
                user,
                System.getProperty("user.name"));
        String foundPassword = first(
                credentials.length > 1 ? decode(credentials[1]) : "", parameters.remove("password"), password, "");
        return new DatabaseAddress(
                servers(rest.group("servers")),
                first(rest.group("name") == null ? "" : decode(rest.group("name")), foundUser),
                foundUser,
                foundPassword,
                parameters);
    }

    /**
     * Whether the URL's {@code options} set a server setting, as in {@code options=-c statement_timeout=5000}.
     *
     * @param setting the setting's name, in lower case
     * @return true if they name the setting
     */
    boolean setsInOptions(String setting) {
        return Pattern.compile("(?:-c\\s*|--)" + setting.replace("_", "[_-]") + "\\s*=", Pattern.CASE_INSENSITIVE)
                .matcher(parameters.getOrDefault(PGProperty.OPTIONS.getName(), ""))
                .find();
    }

    @Override
    public String toString() {
        return "database " + name + " at " + authority() + " as " + user;
    }

    private static List<Server> servers(String given) {
        List<Server> servers = new ArrayList<>();
        String[] each = given.split(",", -1);
        for (String one : each) {
            Matcher server = SERVER.matcher(one);
            if (!server.matches()) {
                throw new IllegalArgumentException("must write an IPv6 address in brackets, such as [::1]");
            }
            if (each.length > 1 && server.group("host").isEmpty()) {
                throw new IllegalArgumentException("must name each of several servers, such as pg-1:5432,pg-2:5432");
            }
            servers.add(new Server(host(server.group("host")), port(server.group("port"))));
        }
        return servers;
    }

    private static String host(String host) {
        String bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : decode(host);
        if (bare.startsWith("/")) {
            throw new IllegalArgumentException("must name a TCP host; Unix sockets are not supported");
        }
        return bare.isEmpty() ? "localhost" : bare;
    }

    private static int port(String port) {
        if (port == null || port.isEmpty()) {
            return DEFAULT_PORT;
        }
        if (!port.matches("[0-9]{1,5}") || Integer.parseInt(port) < 1 || Integer.parseInt(port) > LARGEST_PORT) {
            throw new IllegalArgumentException(
                    "must have a port from 1 to 65535, and %-escapes for / ? # @ and : in" + " user and password");
        }
        return Integer.parseInt(port);
    }

    private static Map<String, String> parameters(String query) {
        Map<String, String> parameters = new TreeMap<>();
        for (String pair : query.split("&")) {
            String[] parts = pair.split("=", 2);
            String given = decode(parts[0]);
            String name = DRIVER_NAMES.getOrDefault(given, given);
            if (name.isEmpty()) {
                continue;
            }
            if (!name.equals("user") && !name.equals("password") && PGProperty.forName(name) == null) {
                throw new IllegalArgumentException(
                        "must not have the parameter " + given + ", which the JDBC driver does not have");
            }
            String value = parts.length == 2 ? decode(parts[1]) : "";
            parameters.put(name, value(name, value));
        }
        return parameters;
    }

    /** Translates the values of the two parameters whose values differ between libpq and the driver. */
    private static String value(String name, String value) {
        return switch (name) {
            case "tcpKeepAlive" -> value.equals("1") ? "true" : value.equals("0") ? "false" : value;
            case "targetServerType" -> value.equals("read-write") ? "primary" : value;
            default -> value;
        };
    }

    /** Decodes %-escapes. A plus sign stays a plus sign; it means a blank only in HTML forms. */
    private static String decode(String text) {
        try {
            return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("must write a % itself as %25", e);
        }
    }

    private static String first(String... candidates) {
        for (String candidate : candidates) {
            if (candidate != null && !candidate.isEmpty()) {
                return candidate;
            }
        }
        return "";
    }
}
