// Package cladsql guards databases below database/sql: it wraps a
// [driver.Connector], so that a *sql.DB made of it works as before and is
// protected.
//
// Importing the package is enough for container.Tag to wrap constructors that
// return a driver.Connector, and [sql.OpenDB] is the constructor that makes a
// *sql.DB of it:
//
//	import _ "github.com/cladgo/clad/container/cladsql"
//
//	fx.Provide(container.Tag(newConnector, "database"), sql.OpenDB)
//
//	func newConnector(c Config) (driver.Connector, error) {
//		return cladsql.NewConnector("pgx", c.DSN)
//	}
//
// Without tags, [Wrap] and [Open] take a runner of an orchestrator.
//
// What is guarded: Connect, Ping, Prepare, Begin, Query and Exec. By these names
// a tag or a profile may choose policies, and so metrics call the operations.
// Queries and executions include those of prepared statements; one that the
// driver wants prepared first is one operation all the same. Commit and Rollback
// are passed through: a transaction must be able to end.
//
// # What counts as a failure
//
// An error by which the database says that it works and refuses (a duplicate key,
// a syntax error, a missing table, a wrong password) is an answer: it is not
// retried, is no failure to a circuit breaker, and comes out marked with
// policy.Permanent. These are known by the SQLSTATE of PostgreSQL and MySQL
// drivers and the result codes of SQLite; [Answers] adds to them. All other
// errors are failures.
//
// [driver.ErrBadConn] is handed to database/sql as it is: that tries again with
// another connection. It is neither retried here nor a failure to a breaker,
// since it tells of one connection that was idle too long. When the database is
// away, Connect is what fails.
//
// # What is attempted again
//
// Connecting, pinging, preparing and beginning. A statement only where that is
// safe: it [IsRead], or the database says that it took no effect (a deadlock, a
// serialization failure, a lock that was not to be had). [Repeat] says otherwise.
// Nothing is attempted again within a transaction, also one that was begun by a
// statement, or on a connection whose state is not known; breakers, limits and
// timeouts hold there too.
//
// Attempts of a statement use the same connection: database/sql chose it. If that
// broke, the driver says so with driver.ErrBadConn at the next attempt, and
// database/sql goes on with another one.
//
// # Contexts
//
// Rows are read under the timeouts of the call that returned them. A transaction
// is not: the timeouts bound its beginning and each statement, not its whole.
package cladsql
