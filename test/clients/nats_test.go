package clients

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const natsGo = "github.com/nats-io/nats.go"

var natsFamily = &family{
	title: "NATS and JetStream",
	intro: "What is published while the connection is away is kept in a buffer of 8 MB and sent when it is back, also after the call that published it has ended with an error: a publish that timed out may yet arrive, and a retry doubles it, unless the message has an id (`Nats-Msg-Id`) that JetStream deduplicates by. That a subject is forbidden is told to the connection's error handler alone: a publish to it succeeds, a request times out.",
}

// startNATS runs a server of its own, with a configuration.
func startNATS(t *testing.T, config string) *server {
	t.Helper()
	port := freePort(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "server.conf")
	config += fmt.Sprintf("\nlisten: \"127.0.0.1:%s\"\njetstream { store_dir: %q }\n", port, dir)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, port, "nats-server", "-c", file)
}

func dialNATS(t *testing.T, addr string, opts ...nats.Option) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect("nats://"+addr, append([]nats.Option{nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func jetStream(t *testing.T, nc *nats.Conn) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func TestNATSAnswers(t *testing.T) {
	t.Parallel()
	s := startNATS(t, `
		max_payload: 1024
		authorization { users: [
			{user: all, password: secret}
			{user: reader, password: secret, permissions: {publish: ["_INBOX.>"], subscribe: [">"]}}
		]}`)
	all := nats.UserInfo("all", "secret")
	nc := dialNATS(t, s.addr, all)
	js := jetStream(t, nc)
	ctx := within(t, 20*time.Second)
	stream, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.*"}, MaxMsgs: 1, Discard: jetstream.DiscardNew, MaxMsgSize: 100})
	if err != nil {
		t.Fatal(err)
	}
	kv, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "prices"})
	if err != nil {
		t.Fatal(err)
	}
	revision, err := kv.Create(ctx, "tea", []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(ctx, "orders.new", []byte("first")); err != nil {
		t.Fatal(err)
	}
	last := func(_ any, err error) error { return err }
	saw := func(situation string, err error, want meaning) {
		t.Helper()
		natsFamily.meets(t, natsGo, situation, err, want)
	}

	saw("no such key", last(kv.Get(ctx, "coffee")), answered)
	saw("the key exists already", last(kv.Create(ctx, "tea", nil)), answered)
	saw("another one was faster (revision)", last(kv.Update(ctx, "tea", nil, revision+7)), answered)
	saw("a key that is not one", last(kv.Get(ctx, "a key")), refused)
	saw("no such bucket", last(js.KeyValue(ctx, "nothing")), answered)
	saw("no such stream", last(js.Stream(ctx, "NOTHING")), answered)
	saw("no such consumer", last(stream.Consumer(ctx, "nobody")), answered)
	saw("no such message", last(stream.GetMsg(ctx, 99)), answered)
	saw("the stream exists already, and differs", last(js.CreateStream(ctx, jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"other"}})), answered)
	saw("a stream that is full (DiscardNew)", last(js.Publish(ctx, "orders.new", []byte("second"))), waited)
	saw("a message larger than the stream takes", last(js.Publish(ctx, "orders.new", make([]byte, 200))), answered)
	saw("a message larger than the server takes", nc.Publish("orders.new", make([]byte, 2000)), refused)
	saw("a subject that is not one", nc.Publish("", nil), refused)
	saw("a publish that no stream takes", last(js.Publish(ctx, "no.stream", nil)), unmade)
	saw("a request that nobody serves", last(nc.RequestWithContext(ctx, "nobody", nil)), unmade)

	_, err = nats.Connect("nats://"+s.addr, nats.UserInfo("all", "wrong"))
	saw("a wrong password", err, answered)

	reader := dialNATS(t, s.addr, nats.UserInfo("reader", "secret"))
	saw("a subject that is forbidden, by request", last(reader.Request("orders.new", nil, 200*time.Millisecond)), failed)
	if err := reader.LastError(); !errors.Is(err, nats.ErrPermissionViolation) {
		t.Errorf("the connection says %v", err)
	}
	saw("a subject that is forbidden, by the error handler", reader.LastError(), answered)

	sub, err := nc.SubscribeSync("quiet")
	if err != nil {
		t.Fatal(err)
	}
	saw("nothing comes in time (NextMsg)", last(sub.NextMsg(50*time.Millisecond)), failed)
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{FilterSubject: "orders.none"})
	if err != nil {
		t.Fatal(err)
	}
	saw("nothing to fetch", last(consumer.Next(jetstream.FetchMaxWait(time.Second))), failed)

	nc.Close()
	saw("a client that was closed", nc.Publish("orders.new", nil), mistaken)
	saw("a client that was closed, by JetStream", last(js.Publish(ctx, "orders.new", nil)), mistaken)
}

func TestNATSConnections(t *testing.T) {
	t.Parallel()
	saw := func(situation string, err error, want meaning) {
		t.Helper()
		natsFamily.meets(t, natsGo, situation, err, want)
	}
	_, err := nats.Connect("nats://127.0.0.1:" + freePort(t))
	saw("nobody listens", err, unmade)

	s := startNATS(t, "")
	_, err = nats.Connect("nats://"+s.addr, nats.Secure())
	saw("a server without TLS", err, hopeless)

	nc := dialNATS(t, s.addr, nats.ReconnectBufSize(64), nats.ReconnectWait(5*time.Second))
	js := jetStream(t, nc)
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"orders"}}); err != nil {
		t.Fatal(err)
	}
	s.kill()
	until(t, "the client sees it", func() error {
		if nc.IsReconnecting() {
			return nil
		}
		return errors.New("not yet")
	})
	_, err = js.Publish(within(t, 300*time.Millisecond), "orders", nil)
	saw("the server is away, and the message waits in the buffer", err, unknown)
	if err := nc.Publish("orders", make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	saw("the server is away, and the buffer is full", nc.Publish("orders", make([]byte, 100)), unmade)
	saw("the server is away, and the connection is flushed", nc.FlushTimeout(200*time.Millisecond), failed)
}

func TestNATSDeadlinesAndRetries(t *testing.T) {
	t.Parallel()
	s := startNATS(t, "")
	nc := dialNATS(t, s.addr)
	js := jetStream(t, nc)
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "ORDERS", Subjects: []string{"orders"}}); err != nil {
		t.Fatal(err)
	}
	s.freeze(t)
	const soon = 300 * time.Millisecond
	var err error
	deadline := took(func() { _, err = js.Publish(within(t, soon), "orders", nil) })
	natsFamily.meets(t, natsGo, "the deadline passes at a server that hangs", err, unknown)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(soon, cancel)
	cancelled := took(func() { _, _ = js.Publish(ctx, "orders", nil) })
	_, err = nc.Request("orders", nil, soon)
	natsFamily.meets(t, natsGo, "its own time for an answer passes", err, failed)
	s.thaw()
	retries := "no"
	if silent := took(func() { _, _ = js.Publish(t.Context(), "nothing", nil) }); silent > 400*time.Millisecond {
		retries = "a publish that no stream takes: 3 times, in half a second"
	}
	natsFamily.behaves(natsGo, way{
		deadline: heard(deadline, soon), cancellation: heard(cancelled, soon), retries: retries,
		set: "`jetstream.WithRetryAttempts(0)` at each publish; `WithMsgID`; `ReconnectBufSize(-1)` where nothing may be sent late",
	})
}
