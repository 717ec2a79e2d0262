package cladsql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// Wrap returns a connector whose connections work under the policy of r. r must
// not be nil; it is a runner of an orchestrator, or one of another making that
// does not end the context of an attempt when it succeeded: rows are still being
// read.
//
// Connections and statements show database/sql the same abilities as next's.
// Those who reach for the driver's own connection in [sql.Conn.Raw] find it by
// the method Unwrap() driver.Conn.
func Wrap(next driver.Connector, r policy.Runner, opts ...Option) driver.Connector {
	if r == nil {
		panic("cladsql.Wrap: the runner is nil; take one from an orchestrator's Pipeline or For")
	}
	return newConnector(next, guards{r, r, r, r, r, r}, newOptions(opts))
}

// Open is [sql.Open] under the policy of r; see [Wrap].
func Open(driverName, dsn string, r policy.Runner, opts ...Option) (*sql.DB, error) {
	next, err := NewConnector(driverName, dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(Wrap(next, r, opts...)), nil
}

// NewConnector returns the connector of a registered driver for a data source,
// as [sql.Open] would use it: to be tagged, or given to [Wrap].
func NewConnector(driverName, dsn string) (driver.Connector, error) {
	db, err := sql.Open(driverName, dsn) // the only way to a registered driver; it does not connect
	if err != nil {
		return nil, fmt.Errorf("cladsql: %w", err)
	}
	d := db.Driver()
	_ = db.Close() // nothing was opened
	if c, ok := d.(driver.DriverContext); ok {
		next, err := c.OpenConnector(dsn)
		if err != nil {
			return nil, fmt.Errorf("cladsql: %w", err)
		}
		return next, nil
	}
	return dsnConnector{d, dsn}, nil
}

// dsnConnector is the connector of a driver that has none. It hears of no context.
type dsnConnector struct {
	driver driver.Driver
	dsn    string
}

func (c dsnConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c dsnConnector) Driver() driver.Driver                        { return c.driver }

// guards is what stands before the operations of a database.
type guards struct {
	connect, ping, prepare, begin, query, exec policy.Runner
}

// connector is a guarded connector, and what its connections have in common.
type connector struct {
	container.Proxied
	next driver.Connector
	guards
	options
	deaf   bool // the driver may not hear that its time is over
	health health
}

func newConnector(next driver.Connector, g guards, o options) *connector {
	_, deaf := next.(dsnConnector)
	return &connector{
		Proxied: container.Proxied{Value: next},
		next:    next, guards: g, options: o,
		deaf: deaf || familyOfType(next).deaf() || familyOfType(next.Driver()).deaf(),
	}
}

// Connect implements [driver.Connector].
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if isDirect(c.connect) {
		next, err := c.next.Connect(ctx)
		if err != nil {
			return nil, err
		}
		return wrapConn(next, c, c.health.losses.Load()), nil
	}
	o := operation{task: connecting, db: c, fresh: true}
	if err := o.run(ctx, c.connect); err != nil {
		return nil, err
	}
	return wrapConn(o.connected, c, o.seen), nil
}

// Driver returns the driver of the connector that is guarded.
func (c *connector) Driver() driver.Driver { return c.next.Driver() }

// Close is what sql.DB's Close calls.
func (c *connector) Close() error {
	if closer, ok := c.next.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// Unwrap returns the connector that is guarded.
func (c *connector) Unwrap() driver.Connector { return c.next }
