package clients

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
)

const gocqlDriver = "github.com/apache/cassandra-gocql-driver/v2"

var cassandraFamily = &family{
	title: "Cassandra",
	intro: "Measured against a server of its native protocol that gives the answers of Cassandra. That no row was found has no error but `not found`, a text that may be anybody's: `container.Answers(gocql.ErrNotFound)`, or `errors: {answers: [gocql.ErrNotFound]}` in a policy, makes it an answer.",
}

// Opcodes of the native protocol, version 4, and kinds of results.
const (
	cqlError, cqlStartup, cqlReady, cqlOptions, cqlSupported = 0x00, 0x01, 0x02, 0x05, 0x06
	cqlQuery, cqlResult, cqlRegister                         = 0x07, 0x08, 0x0b
	cqlVoid, cqlRows                                         = 1, 2
)

// fakeCassandra answers each statement with an error frame, or what else is said.
type fakeCassandra struct {
	addr  string
	asked atomic.Int32
}

// body puts a frame's body together.
type body []byte

func (b *body) short(n int)   { *b = binary.BigEndian.AppendUint16(*b, uint16(n)) }
func (b *body) int(n int)     { *b = binary.BigEndian.AppendUint32(*b, uint32(n)) }
func (b *body) text(s string) { b.short(len(s)); *b = append(*b, s...) }
func (b *body) value(v []byte) {
	b.int(len(v))
	*b = append(*b, v...)
}

// startCassandra runs a node. An answer is an error's body; nil is no answer, an empty
// one ends the connection.
func startCassandra(t *testing.T, answer func(statement string) []byte) *fakeCassandra {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeCassandra{addr: l.Addr().String()}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			wg.Go(func() { f.serve(c, answer) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return f
}

func (f *fakeCassandra) serve(c net.Conn, answer func(string) []byte) {
	defer c.Close()
	for {
		head := make([]byte, 9) // version, flags, stream (2), opcode, length (4)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		request := make([]byte, binary.BigEndian.Uint32(head[5:]))
		if _, err := io.ReadFull(c, request); err != nil {
			return
		}
		op, out := byte(cqlReady), body{}
		switch head[4] {
		case cqlOptions:
			op = cqlSupported
			out.short(0)
		case cqlStartup, cqlRegister:
		case cqlQuery:
			statement := string(request[4 : 4+binary.BigEndian.Uint32(request)])
			if strings.Contains(statement, "system") {
				op, out = cqlResult, systemRows(statement)
				break
			}
			f.asked.Add(1)
			frame := answer(statement)
			if frame == nil {
				continue
			}
			if len(frame) == 0 {
				return
			}
			op, out = cqlError, frame
			if frame[0] == 0xff { // nothing wrong
				op, out = cqlResult, frame[1:]
			}
		}
		reply := append([]byte{0x84, 0, head[2], head[3], op}, binary.BigEndian.AppendUint32(nil, uint32(len(out)))...)
		if _, err := c.Write(append(reply, out...)); err != nil {
			return
		}
	}
}

// systemRows says who the node is; of others it knows none.
func systemRows(statement string) (b body) {
	b.int(cqlRows)
	b.int(1) // one table for all columns
	columns := []struct {
		name  string
		kind  int // varchar 13, inet 16, uuid 12
		value []byte
	}{
		{"key", 13, []byte("local")}, {"data_center", 13, []byte("dc")}, {"rack", 13, []byte("r")}, {"release_version", 13, []byte("4.0.0")},
		{"host_id", 12, []byte("0123456789abcdef")}, {"schema_version", 12, []byte("0123456789abcdef")},
		{"rpc_address", 16, []byte{127, 0, 0, 1}}, {"broadcast_address", 16, []byte{127, 0, 0, 1}}, {"partitioner", 13, []byte("org.apache.cassandra.dht.Murmur3Partitioner")},
	}
	b.int(len(columns))
	b.text("system")
	b.text("local")
	for _, c := range columns {
		b.text(c.name)
		b.short(c.kind)
	}
	if !strings.Contains(statement, "system.local") {
		b.int(0)
		return b
	}
	b.int(1)
	for _, c := range columns {
		b.value(c.value)
	}
	return b
}

func cqlFailure(code int, text string, more ...byte) []byte {
	var b body
	b.int(code)
	b.text(text)
	return append(b, more...)
}

// noRows is a result without any.
func noRows() []byte {
	var b body
	b.int(cqlRows)
	b.int(1)
	b.int(1)
	b.text("shop")
	b.text("orders")
	b.text("n")
	b.short(9) // int
	b.int(0)
	return append([]byte{0xff}, b...)
}

func openCassandra(t *testing.T, addr string) (*gocql.Session, error) {
	t.Helper()
	c := gocql.NewCluster(addr)
	c.ProtoVersion = 4
	c.Timeout, c.ConnectTimeout = 600*time.Millisecond, 2*time.Second
	c.DisableInitialHostLookup = true
	c.NumConns = 1
	c.ReconnectInterval = 0
	s, err := c.CreateSession()
	if err == nil {
		t.Cleanup(s.Close)
	}
	return s, err
}

func TestCassandra(t *testing.T) {
	t.Parallel()
	saw := func(situation string, err error, want meaning) {
		t.Helper()
		cassandraFamily.meets(t, gocqlDriver, situation, err, want)
	}
	consistency := []byte{0, 1, 0, 0, 0, 2, 0, 0, 0, 1} // ONE, two needed, one there
	var mu sync.Mutex
	var reply []byte
	f := startCassandra(t, func(string) []byte {
		mu.Lock()
		defer mu.Unlock()
		return reply
	})
	s, err := openCassandra(t, f.addr)
	if err != nil {
		t.Fatal(err)
	}
	// A statement that is not prepared first: its errors are those of others.
	do := func(ctx context.Context, answer []byte) error {
		mu.Lock()
		reply = answer
		mu.Unlock()
		return s.Query("LIST ROLES").ExecContext(ctx)
	}
	for _, tt := range []struct {
		situation string
		answer    []byte
		want      meaning
	}{
		{"a statement that is wrong", cqlFailure(0x2000, "line 1: no viable alternative"), answered},
		{"not permitted", cqlFailure(0x2100, "User has no MODIFY permission"), answered},
		{"no such table, or a value of another type", cqlFailure(0x2200, "unconfigured table orders"), answered},
		{"too few replicas are alive", cqlFailure(0x1000, "Cannot achieve consistency level", consistency...), unmade},
		{"overloaded", cqlFailure(0x1001, "Too many in flight"), failed},
		{"the node is starting", cqlFailure(0x1002, "Cannot read from a bootstrapping node"), unmade},
		{"its own clock ended a write", cqlFailure(0x1100, "Operation timed out", append(consistency, append([]byte{0, 6}, "SIMPLE"...)...)...), failed},
		{"its own clock ended a write under a condition", cqlFailure(0x1100, "CAS operation timed out", append(consistency, append([]byte{0, 3}, "CAS"...)...)...), failed},
		{"its own clock ended a batch, at its log", cqlFailure(0x1100, "Operation timed out", append(consistency, append([]byte{0, 9}, "BATCH_LOG"...)...)...), failed},
		{"a write failed at replicas", cqlFailure(0x1500, "Operation failed", append(append(consistency, 0, 0, 0, 1), append([]byte{0, 6}, "SIMPLE"...)...)...), failed},
		{"a read failed at replicas", cqlFailure(0x1300, "Operation failed", append(consistency, 0, 0, 0, 1, 0)...), failed},
		{"it exists already", cqlFailure(0x2400, "Cannot add already existing table", append(append([]byte{0, 4}, "shop"...), append([]byte{0, 6}, "orders"...)...)...), answered},
		{"a truncation failed", cqlFailure(0x1003, "Error during truncate"), failed},
		{"its own clock ended a read", cqlFailure(0x1200, "Operation timed out", append(consistency, 0)...), failed},
		{"its own trouble", cqlFailure(0x0000, "java.lang.RuntimeException"), failed},
	} {
		saw(tt.situation, do(within(t, 5*time.Second), tt.answer), tt.want)
	}
	mu.Lock()
	reply = noRows()
	mu.Unlock()
	var n int
	saw("no such row", s.Query("LIST ROLES").ScanContext(within(t, 5*time.Second), &n), unknown)

	f.asked.Store(0)
	_ = do(within(t, 5*time.Second), cqlFailure(0x1001, "Too many in flight"))
	retries := "no"
	if n := f.asked.Load(); n != 1 {
		retries = fmt.Sprintf("a statement was sent %d times", n)
	}
	const soon = 300 * time.Millisecond
	deadline := took(func() { err = do(within(t, soon), nil) })
	saw("the deadline passes at a node that hangs", err, unknown)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(soon, cancel)
	cancelled := took(func() { _ = do(ctx, nil) })
	saw("its own time for an answer passes", do(t.Context(), nil), failed)
	saw("the connection breaks while the statement runs", do(within(t, 5*time.Second), []byte{}), unknown)
	cassandraFamily.behaves(gocqlDriver, way{
		deadline: heard(deadline, soon), cancellation: heard(cancelled, soon), retries: retries,
		set: "`Timeout` below the policy's attempt; no `RetryPolicy`; `Idempotent(true)` only with one",
	})
	s.Close()
	saw("a client that was closed", s.Query("LIST ROLES").ExecContext(t.Context()), unknown)
	_, err = openCassandra(t, "127.0.0.1:"+freePort(t))
	saw("nobody listens", err, unmade)
}
