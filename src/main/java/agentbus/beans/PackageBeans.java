package agentbus.beans;

/**
 * What one package brings to a bus. A package has one public class of this kind with a constructor without arguments, directly in
 * {@code agentbus.<package>}, whose name ends in {@code Beans}: the start finds it by that name, so no list names it.
 */
public interface PackageBeans {
    /**
     * Binds the package's beans.
     *
     * @param beans takes them; a bean of another package may be asked for within a supplier, in any order of packages
     */
    void bind(Beans beans);
}
