package agentbus.beans;

/**
 * The beans of one package. A package has one public implementation, directly in {@code agentbus.<package>}, with a
 * constructor without arguments and a name that ends in {@code Beans}. The start finds the class by that name, so no
 * list of packages is needed.
 */
public interface PackageBeans {
    /**
     * Binds the package's beans.
     *
     * @param beans receives the beans; a supplier may ask for the bean of any other package
     */
    void bind(Beans beans);
}
