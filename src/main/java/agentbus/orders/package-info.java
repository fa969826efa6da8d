/** Standing orders: read from the routes, checked, and turned into slots. What becomes of the slots, the database decides. */
package agentbus.orders;
