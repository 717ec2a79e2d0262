package cladsql

import (
	"database/sql/driver"
	"strings"
)

// family is which of the drivers that are known a connection is of.
type family uint8

const (
	unknownDriver family = iota
	pgx
	pq
	mysql
	sqlite
)

var families = []struct {
	path string
	family
}{
	{"github.com/jackc/pgx", pgx},
	{"github.com/lib/pq", pq},
	{"github.com/go-sql-driver/mysql", mysql},
	{"github.com/mattn/go-sqlite3", sqlite},
	{"modernc.org/sqlite", sqlite},
}

// familyOf knows a driver by its connection's type, also where others stand around
// that and let it be seen.
func familyOf(c driver.Conn) family {
	for range 8 {
		if f := familyOfType(c); f != unknownDriver {
			return f
		}
		switch outer := c.(type) {
		case interface{ Unwrap() driver.Conn }:
			c = outer.Unwrap()
		case interface{ Raw() driver.Conn }:
			c = outer.Raw()
		default:
			return unknownDriver
		}
		if c == nil {
			return unknownDriver
		}
	}
	return unknownDriver
}

// familyOfType knows a driver by the package of a type of its own.
func familyOfType(v any) family {
	if v == nil {
		return unknownDriver
	}
	path := typeOf(v).PkgPath()
	for _, f := range families {
		if strings.Contains(path, f.path) {
			return f.family
		}
	}
	return unknownDriver
}

// honest reports whether driver.ErrBadConn means what it should: that nothing was
// sent. lib/pq says it also of a connection that broke while it waited for the
// answer.
func (f family) honest() bool { return f != pq }

// overNetwork reports whether a connection is one of many to a server, and not
// perhaps the database itself.
func (f family) overNetwork() bool { return f == pgx || f == pq || f == mysql }

// deaf reports whether a driver waits for the server to tell it that its time is
// over.
func (f family) deaf() bool { return f == pq }
