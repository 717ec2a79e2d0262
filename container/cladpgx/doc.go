// Package cladpgx guards github.com/jackc/pgx/v5: a *pgxpool.Pool or a *pgx.Conn
// provided as a [DB], which is sqlc's DBTX and what begins transactions.
//
//	container.Tag(NewPool, "database", container.As[cladpgx.DB]()) // func() (*pgxpool.Pool, error)
//
// What a statement does decides whether it is repeated: what is known to read
// ([cladsql.IsRead]) is; what may write is only where it certainly had no effect
// (there was no connection, pgconn.SafeToRetry, a deadlock, a read-only server).
// Nothing within a transaction is, nor a batch, nor a CopyFrom, whose source is used
// up. Commit and Rollback are not guarded: what a breaker turned away would leave the
// transaction open.
//
// A query is judged when its rows end, a batch when its results are closed, a row
// when it is scanned; timeouts bound them until then. Query waits for the first row,
// so that what the server refuses is refused within the attempt; QueryRow executes
// its statement when the row is scanned, and never if it is not.
//
// Connections of a pool that die together count once, and are given up together
// (pgxpool.Pool.Reset): by the first that is found dead, by a server that takes no
// writes any more (25006) outside a transaction that was to be read-only, by two
// timeouts in a row. So probes are made on fresh connections. What a policy refuses
// takes none.
//
// What the database answered (no rows, a duplicate key) is neither retried nor a
// failure. Errors come out as pgx made them wherever clad stopped nothing.
package cladpgx
