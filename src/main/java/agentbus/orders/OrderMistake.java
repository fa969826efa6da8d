package agentbus.orders;

/** A standing order that cannot be as it is written. */
public final class OrderMistake extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String order;

    OrderMistake(String order, String message) {
        super(message);
        this.order = order;
    }

    /**
     * Which order.
     *
     * @return its name, as the route file has it
     */
    public String order() {
        return order;
    }
}
