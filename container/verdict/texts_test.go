package verdict_test

import (
	"errors"
	"fmt"
	"net"
	"net/url"
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
	"http: ", "http2: ", "Request.URL",
	"no rows in result set", // SQL's, in no other words
}

// ofRequests is net/http's of requests that cannot be put on the wire.
const ofRequests = "unsupported protocol scheme "

func TestTextsNameTheirClient(t *testing.T) {
	for text, means := range verdict.Texts() {
		// No more than that: an effect is not doubled, nor an outage an answer.
		named := text == ofRequests && means.Verdict == policy.Refused
		for _, word := range own {
			named = named || strings.Contains(text, word)
		}
		if !named {
			t.Errorf("%q, which means %+v, may be anybody's: tell it by a type, by what wraps it, or not at all", text, means)
		}
	}
}

// Words that net/http uses of requests that it does not send are known only where they
// are http.Client's: a server may say them too, while it is down.
func TestWordsOfRequestsAreKnownWhereTheyAreTheClients(t *testing.T) {
	for _, text := range []string{
		"invalid Host header", "invalid :protocol header in non-CONNECT request", "request header list larger than peer's advertised limit",
		`invalid Trailer key "Trailer"`, `invalid request :path "x"`, "invalid HTTP header name \"a b\"", "invalid HTTP trailer name \"a b\"",
		`invalid Upgrade request header: ["x"]`, `invalid Transfer-Encoding request header: ["x"]`, `invalid Connection request header: ["x"]`,
	} {
		client := &url.Error{Op: "Get", URL: "http://shop", Err: errors.New(text)}
		newer := &url.Error{Op: "Get", URL: "http://shop", Err: fmt.Errorf("http2: %w", errors.New(text))}
		for _, err := range []error{client, newer, fmt.Errorf("asking the shop: %w", client)} {
			if got := verdict.Of(err); got.Verdict != policy.Refused {
				t.Errorf("%q means %+v", err, got)
			}
		}
		for _, err := range []error{
			errors.New(text), fmt.Errorf("the shop says: %w", errors.New(text)), errors.New(client.Error()),
			&url.Error{Op: "Get", URL: "http://shop", Err: errors.New("the shop says: " + text)},
			&url.Error{Op: "Get", URL: "http://shop", Err: fmt.Errorf("%w", errors.New(text))}, // another RoundTripper's
		} {
			if got := verdict.Of(err); got != (verdict.Meaning{}) {
				t.Errorf("%T %q means %+v", err, err, got)
			}
		}
	}
}

// What database/sql and pgx say around a conversion that is the user's own hides no
// failure in it, and does not make a write that was done one that was not.
func TestConversionsHideNoFailure(t *testing.T) {
	const sent, scanned, encoded = `sql: converting argument $1 type: `, `sql: Scan error on column index 0, name "card": `, `failed to encode args[0]: `
	odd := errors.New("it is odd")
	for _, c := range []struct {
		text   string
		within error
		want   verdict.Meaning
	}{
		{sent, odd, verdict.Meaning{Verdict: policy.Refused, NoEffect: true}},
		{encoded, odd, verdict.Meaning{Verdict: policy.Refused, NoEffect: true}},
		{scanned, odd, verdict.Meaning{Verdict: policy.Answered}},
		{sent, errDial, verdict.Meaning{Verdict: policy.Failed, NoEffect: true}},
		{encoded, errDial, verdict.Meaning{Verdict: policy.Failed, NoEffect: true}},
		{scanned, errDial, verdict.Meaning{Verdict: policy.Failed}}, // the row was read, or written, before
		{scanned, errPool, verdict.Meaning{Verdict: policy.Failed, Neutral: true}},
		{"shop: " + scanned, errDial, verdict.Meaning{Verdict: policy.Failed, NoEffect: true}},
		{"shop: " + sent, odd, verdict.Meaning{}},
	} {
		for _, err := range []error{fmt.Errorf(c.text+"%w", c.within), fmt.Errorf("saving: %w", fmt.Errorf(c.text+"%w", c.within))} {
			if got := verdict.Of(err); got != c.want {
				t.Errorf("%q means %+v, want %+v", err, got, c.want)
			}
		}
		if got := verdict.Of(errors.New(c.text + c.within.Error())); got.NoEffect || got.Verdict == policy.Answered {
			t.Errorf("quoted, %q means %+v", c.text, got)
		}
	}
}

// What its own program has done wrong is refused, and may have been done after an
// effect: a policy that retries whatever fails must not take it for none.
func TestMistakesAfterAnEffectAreNoneWithoutOne(t *testing.T) {
	for _, text := range []string{
		"sql: transaction has already been committed or rolled back", "sql: Rows are closed",
		"sql: expected 1 destination arguments in Scan, not 2", "nats: connection closed",
		"http: ContentLength=2 with Body length 3", "http2: request body larger than specified content length",
	} {
		if got := verdict.Of(errors.New(text)); got != (verdict.Meaning{Verdict: policy.Refused}) {
			t.Errorf("%q means %+v", text, got)
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
