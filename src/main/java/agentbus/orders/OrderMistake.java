package agentbus.orders;

/** A mistake in the definition of a standing order. */
public final class OrderMistake extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String order;

    OrderMistake(String order, String message) {
        super(message);
        this.order = order;
    }

    /**
     * The order that has the mistake.
     *
     * @return its name in the route file
     */
    public String order() {
        return order;
    }
}
