/**
 * Standing orders: this package reads them from the routes, checks them, and computes their slots. The database decides
 * what happens to each slot.
 */
package agentbus.orders;
