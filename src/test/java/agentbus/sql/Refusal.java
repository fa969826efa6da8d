package agentbus.sql;

import com.fasterxml.jackson.databind.JsonNode;

/** How a function refuses: SQLSTATE AB and the status, and the rest in the detail. */
record Refusal(int status, String code, String message, JsonNode detail) {
    String field() {
        return detail.path("field").asText(null);
    }

    String expected() {
        return detail.path("expected").asText(null);
    }

    /** Status, code and field, for one comparison. */
    String brief() {
        return status + " " + code + (field() == null ? "" : " " + field());
    }
}
