/** Holds the documents to the program: tables, paths, commands and settings that they name. */
package agentbus.docs;
