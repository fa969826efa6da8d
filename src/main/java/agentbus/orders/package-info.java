/**
 * Standing orders: they are read from the routes, checked, and turned into slots. The database decides what happens to
 * each slot.
 */
package agentbus.orders;
