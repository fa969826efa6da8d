/** The route files: their form, that each one runs, and what they leave for whoever watches. */
package agentbus.routes;
