package agentbus.db;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DatabaseAddressTest {

    @ParameterizedTest
    @ValueSource(strings = {"postgresql://", "postgres://", "jdbc:postgresql://"})
    void every_usual_scheme_is_understood(String scheme) {
        DatabaseAddress address =
                DatabaseAddress.parse(scheme + "bus:secret@db.example:6543/work?sslmode=require", "", "");
        assertEquals(
                new DatabaseAddress("db.example", 6543, "work", "bus", "secret", Map.of("sslmode", "require")),
                address);
    }

    @Test
    void credentials_are_percent_decoded_and_a_plus_stays_a_plus() {
        DatabaseAddress address = DatabaseAddress.parse("postgresql://a%40b:p%2F%3A%25+%C3%BC@h/d", "", "");
        assertEquals("a@b", address.user());
        assertEquals("p/:%+ü", address.password());
    }

    @Test
    void an_unescaped_at_sign_belongs_to_the_password() {
        assertEquals(
                "p@ss", DatabaseAddress.parse("postgresql://u:p@ss@h/d", "", "").password());
    }

    @Test
    void what_the_url_leaves_out_comes_from_the_fall_backs() {
        DatabaseAddress address = DatabaseAddress.parse("postgresql://h", "someone", "something");
        assertEquals(new DatabaseAddress("h", 5432, "someone", "someone", "something", Map.of()), address);
    }

    @Test
    void what_the_url_says_wins_over_the_fall_backs() {
        DatabaseAddress address = DatabaseAddress.parse("postgresql://u:p@h/d", "someone", "something");
        assertEquals("u", address.user());
        assertEquals("p", address.password());
    }

    @Test
    void without_any_user_it_is_the_one_of_the_process() {
        assertEquals(
                System.getProperty("user.name"),
                DatabaseAddress.parse("postgresql:///d", "", "").user());
    }

    @Test
    void jdbc_urls_may_carry_the_user_as_a_parameter() {
        DatabaseAddress address = DatabaseAddress.parse("jdbc:postgresql://h/d?user=u&password=p%26q", "", "");
        assertEquals("u", address.user());
        assertEquals("p&q", address.password());
        assertEquals(Map.of(), address.parameters());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "postgresql://u@pg-1,[::1]:5433,pg-3:5434/d",
                "jdbc:postgresql://pg-1,[::1]:5433,pg-3:5434/d?user=u"
            })
    void several_servers_are_tried_for_the_primary(String url) {
        DatabaseAddress address = DatabaseAddress.parse(url, "", "");

        assertEquals(
                List.of(
                        new DatabaseAddress.Server("pg-1", 5432),
                        new DatabaseAddress.Server("::1", 5433),
                        new DatabaseAddress.Server("pg-3", 5434)),
                address.servers());
        assertEquals("database d at pg-1:5432,[::1]:5433,pg-3:5434 as u", address.toString());
    }

    @Test
    void an_ipv6_address_stands_in_brackets() {
        DatabaseAddress address = DatabaseAddress.parse("postgresql://u@[::1]:5433/d", "", "");
        assertEquals("::1", address.host());
        assertEquals("database d at [::1]:5433 as u", address.toString());
    }

    @ParameterizedTest
    @CsvSource({
        "channel_binding=require,channelBinding,require",
        "target_session_attrs=read-write,targetServerType,primary",
        "keepalives=1,tcpKeepAlive,true",
        "application_name=x,ApplicationName,x",
        "options=endpoint%3Dep-x,options,endpoint=ep-x",
        "sslnegotiation=direct,sslNegotiation,direct"
    })
    void the_names_of_libpq_become_those_of_the_driver(String query, String name, String value) {
        assertEquals(
                Map.of(name, value),
                DatabaseAddress.parse("postgresql://h/d?" + query, "", "").parameters());
    }

    @ParameterizedTest
    @CsvSource({
        "mysql://u:hidden@h/d,beginning with postgresql://",
        "h/d,beginning with postgresql://",
        "postgresql://u:hidden@h:99999/d,port from 1 to 65535",
        "postgresql://u:hidden%zz@h/d,must write a % itself as %25",
        "postgresql://u:hidden@h/d?ssl_mode=require,must not have the parameter ssl_mode",
        "postgresql://u:hidden@%2Frun%2Fpostgresql/d,Unix sockets",
        "'postgresql://u:hidden@h1,,h2/d',must name each of several servers"
    })
    void a_url_that_is_not_right_is_refused_without_repeating_it(String url, String rule) {
        String message = assertThrows(IllegalArgumentException.class, () -> DatabaseAddress.parse(url, "", ""))
                .getMessage();
        assertTrue(message.contains(rule), message);
        assertFalse(message.contains("hidden"), message);
    }

    @Test
    void its_text_has_no_password() {
        String text = DatabaseAddress.parse("postgresql://u:hidden@h/d", "", "").toString();
        assertEquals("database d at h:5432 as u", text);
    }
}
