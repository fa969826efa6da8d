package agentbus.settings;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;

/**
 * The address of the HTTP server. The port is tested before anything starts, so that a taken port is reported at
 * once; it is opened when all routes run.
 *
 * @param host the host of the setting
 * @param port a port that was free a moment ago
 * @param publicUrl the address by which agents reach the API, without a slash at the end
 */
public record HttpAddress(String host, int port, String publicUrl) {
    /**
     * Reads the address from the settings; port 0 becomes a free port.
     *
     * @param settings the {@code agentbus.http.} settings
     * @return the address
     * @throws StartFailure when the host is unknown or the port is taken
     */
    public static HttpAddress of(Settings settings) {
        String host = settings.text("agentbus.http.host");
        int wanted = settings.integer("agentbus.http.port");
        try (ServerSocket probe = new ServerSocket()) {
            probe.setReuseAddress(true);
            probe.bind(new InetSocketAddress(InetAddress.getByName(host), wanted));
            int port = probe.getLocalPort();
            String url = settings.text("agentbus.http.public-url").replaceAll("/+$", "");
            return new HttpAddress(host, port, url.isEmpty() ? "http://" + inUrl(host) + ":" + port : url);
        } catch (UnknownHostException unknown) {
            throw settings.invalid("agentbus.http.host", "must be the name or number of an address of this machine");
        } catch (IOException taken) {
            throw taken(host, wanted, taken);
        }
    }

    /**
     * The failure of a start whose port was taken after the test.
     *
     * @param cause the reason that the operating system gives
     * @return the failure to throw
     */
    public StartFailure taken(Throwable cause) {
        return taken(host, port, cause);
    }

    private static StartFailure taken(String host, int port, Throwable cause) {
        return new StartFailure("cannot listen on " + host + ":" + port + ": " + cause.getMessage()
                + "; stop what uses the port, or set agentbus.http.port (AGENTBUS_HTTP_PORT) to another");
    }

    /** The name of this machine, with or without its domain; localhost if it has none that resolves. */
    public static String machineName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException noName) {
            return "localhost";
        }
    }

    /** The address for callers on this machine, such as {@code http://127.0.0.1:8080}. */
    public String url() {
        return "http://" + inUrl(host) + ":" + port;
    }

    private static String inUrl(String host) {
        return host.contains(":") ? "[" + host + "]" : host;
    }
}
