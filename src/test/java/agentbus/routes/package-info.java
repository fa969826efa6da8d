/** The route files: their form, their running, and their metrics. */
package agentbus.routes;
