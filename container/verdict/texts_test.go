package verdict_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/policy"
)

// What errors.New makes is told by its text alone, and these texts are no client's
// own. A client says each of them; so may anything else, after it has sent
// something, or while it is down.
func TestWhatAnybodyMaySayMeansNothing(t *testing.T) {
	for _, text := range []string{
		// Once taken for the word of a client that had sent nothing: an effect came twice.
		"not Connected", "server Unavailable", "no message IDs available", "reconnecting state and cleansession is true",
		"no connection available", "cannot get connection: refused", "no connections were made when creating the session",
		"the maximum amount of records are buffered, cannot buffer more",
		// Once taken for an answer: an outage was hidden.
		"not found", "not Authorized", "identifier rejected", "bad user name or password", "unacceptable protocol version",
		"keyspace does not exist", "too many rows in result set", "file with given parameters not found",
		"commit unexpectedly resulted in rollback", "unsupported Scan, of the ward",
		// Once taken for the word of a client that its own program had closed, or used
		// in a wrong way: neither retried nor counted.
		"client closed", "client is closed", "connection pool is closed", "closed pool", "tx is closed", "session has been closed",
		"client is disconnected", "topology is closed", "no hosts provided", "no keyspace provided", "no URLs configured",
		"no servers defined to connect to", "document is nil", "value is nil", "too many statements", "invalid QoS",
		"missing named argument id", "missing argument with index 2", "not enough args to execute query: want 2 got 1",
		"delivery not initialized", "table field missing in backup", "endpoint rule error, no rule", "consumer group is closed",
		// Once taken for what no attempt can mend.
		"server refused TLS connection", "TLS requested but server does not support TLS", "this authentication plugin is not supported",
	} {
		for _, err := range []error{errors.New(text), fmt.Errorf("shop: %w", errors.New(text)), &net.OpError{Op: "read", Err: errors.New(text)}} {
			if got := verdict.Of(err); got != (verdict.Meaning{}) {
				t.Errorf("%T %q means %+v", err, err, got)
			}
		}
	}
}

// own are words that only one client, protocol or language puts into a text.
var own = []string{
	"redis", "redigo", "rueidis", "valkey", "nats: ", "amqp", "AMQP", "kafka", "mongo: ", "memcache: ", "gocql: ", "pq: ", "mysql",
	"sql: ", "driver: ", "driver.", "elastictransport", "Elasticsearch",
	"`Config.MaxAllowedPacket`", // go-sql-driver's
	"ResumeSubs",                // paho's
	"http: ", "http2: ", "HTTP", "Request.URL",
	"no rows in result set", // SQL's, in no other words
}

// ofRequests are net/http's of requests that cannot be put on the wire.
var ofRequests = []string{
	"unsupported protocol scheme ", "invalid Host header", "invalid :protocol header in non-CONNECT request",
	"request header list larger than peer's advertised limit", "invalid Trailer key ", "invalid request :path ",
	"invalid Upgrade request", "invalid Transfer-Encoding req", "invalid Connection request",
}

func TestTextsNameTheirClient(t *testing.T) {
	for text, means := range verdict.Texts() {
		named := false
		for _, word := range own {
			named = named || strings.Contains(text, word)
		}
		for _, of := range ofRequests {
			// No more than that: an effect is not doubled, nor an outage an answer.
			named = named || text == of && means.Verdict == policy.Refused
		}
		if !named {
			t.Errorf("%q, which means %+v, may be anybody's: tell it by a type, by what wraps it, or not at all", text, means)
		}
	}
}

func TestClientsOwnWordsStay(t *testing.T) {
	for text, want := range map[string]policy.Verdict{
		"sql: no rows in result set": policy.Answered, "no rows in result set": policy.Answered, "memcache: cache miss": policy.Answered,
		"mongo: no documents in result": policy.Answered, "nats: key not found": policy.Answered, "redigo: nil returned": policy.Answered,
		"redis: client is closed": policy.Refused, "sql: database is closed": policy.Refused, "nats: connection closed": policy.Refused,
		"gocql: no hosts available in the pool": policy.Failed, "nats: no responders available for request": policy.Failed,
	} {
		if got := verdict.Of(errors.New(text)).Verdict; got != want {
			t.Errorf("%q means %v, want %v", text, got, want)
		}
	}
}
