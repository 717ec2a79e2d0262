package verdict

import (
	"reflect"
	"strings"
)

// cassandraError is what gocql gives to each error that a node answered with.
type cassandraError interface {
	error
	Code() int
	Message() string
}

// cassandra is Cassandra and ScyllaDB, by gocql, before and since it is Apache's.
// That there was no row says "not found", as anybody may of anything: who uses it says
// that gocql.ErrNotFound is an answer.
var cassandra = client{
	methods: []method{{reflect.TypeFor[cassandraError](), ofCassandra}},
	texts: map[string]Meaning{
		"gocql: no hosts available in the pool":                             unmade,
		"gocql: no streams available on connection":                         waited,
		"gocql: no control connection available":                            unmade,
		"gocql: no response to connection startup within timeout":           unmade,
		"gocql: no response received from cassandra within timeout period":  failed,
		"gocql: too many query timeouts on the connection":                  failed,
		"gocql: connection closed waiting for response":                     failed,
		"gocql: query argument length mismatch":                             refused,
		"gocql: number of values does not match the number of bind columns": refused,
	},
	beginnings: map[string]Meaning{
		"gocql: expected ":                  refused, // so many values
		"gocql: unable to create session: ": unmade,
	},
	names: map[string]func(error) bool{
		"gocql.ErrNotFound":             isText("not found"),
		"gocql.ErrTimeoutNoResponse":    isText("gocql: no response received from cassandra within timeout period"),
		"gocql.ErrNoConnections":        isText("gocql: no hosts available in the pool"),
		"gocql.RequestErrAlreadyExists": isCassandra(0x2400),
		"gocql.RequestErrUnavailable":   isCassandra(0x1000),
		"gocql.RequestErrWriteTimeout":  isCassandra(0x1100),
		"gocql.RequestErrReadTimeout":   isCassandra(0x1200),
	},
}

// ofCassandra goes by the code of the native protocol.
func ofCassandra(err error) Meaning {
	if !isCassandraError(err) {
		return unknown
	}
	switch code := err.(cassandraError).Code(); code { //nolint:errorlint // this error, not what it wraps
	case 0x1000, 0x1002: // too few replicas alive, starting: and so not begun
		return unmade
	case 0x0100, // credentials
		0x2000, 0x2100, 0x2200, 0x2300, 0x2400, // syntax, permission, invalid, configuration, exists
		0x1400: // a function's own error
		return answered
	default: // timeouts and failures of reads and writes, the server's own trouble; overloaded, perhaps half-way in a batch
		return failed
	}
}

func isCassandra(code int) func(error) bool {
	return func(err error) bool {
		e, ok := err.(cassandraError) //nolint:errorlint // whoever asks walks the tree
		return ok && isCassandraError(err) && e.Code() == code
	}
}

// isCassandraError tells the driver's errors from others with such methods.
func isCassandraError(err error) bool {
	name := nameOfError(err)
	return strings.HasPrefix(name, "github.com/gocql/gocql.") || strings.HasPrefix(name, "github.com/apache/cassandra-gocql-driver.")
}
