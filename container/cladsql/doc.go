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
// retried, and a success to a circuit breaker. These are known by the SQLSTATE of
// PostgreSQL and MySQL drivers, MySQL's numbers and the result codes of SQLite;
// [Answers] adds to them. An error that a known driver makes on its own side, of
// arguments that cannot be sent, is nobody's failure. Contention (a deadlock, a
// lock that was not to be had) is retried and tells a breaker nothing. All other
// errors are failures.
//
// Connecting, preparing and beginning are the first half of something: that they
// succeed ends no row of failures. A query is judged when its rows end.
//
// Errors come out as the driver made them wherever nothing of clad's stopped the
// operation.
//
// # What is attempted again
//
// Connecting, pinging, preparing and beginning. A statement only where that is
// safe: it [IsRead], or it certainly took no effect (it was not sent, or the
// database has undone it). [Repeat] says otherwise. Nothing is attempted again
// within a transaction, also one that was begun by a statement, or on a connection
// whose state is not known; breakers, limits and timeouts hold there too.
//
// # Connections
//
// A connection that came from the pool and on which nothing was done yet is
// replaced where it turns out to be of no use, within the attempt; database/sql
// has nothing to repeat. Between attempts its session is reset. One that dies with
// others is no second failure, and one that was idle when another died is pinged
// before it is used. An operation that is turned away leaves its connection alone:
// the reset that database/sql asks for is made when a policy has let something
// pass.
//
// # Contexts
//
// Rows are read under the timeouts of the call that returned them. A transaction
// is not: the timeouts bound its beginning and each statement, not its whole.
package cladsql
