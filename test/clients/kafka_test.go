package clients

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	kafkaGo = "github.com/segmentio/kafka-go"
	franzGo = "github.com/twmb/franz-go"
)

var kafkaFamily = &family{
	title: "Kafka",
	intro: "Measured against franz-go's own fake of a broker. kafka-go gives the errors of a write in a `WriteErrors`, which `errors.Is` and `errors.As` do not look into; clad does. Both repeat what they produce by themselves: franz-go without end, by numbers that the broker knows a record by; kafka-go up to ten times, and a message may then be there twice.",
}

// kafkaClient is what the tests ask of a client: to produce a message, and with its
// own retries or without.
type kafkaClient struct {
	module string
	open   func(t *testing.T, addr string, patient bool) func(ctx context.Context, topic string, value []byte) error
}

var kafkaClients = []kafkaClient{{kafkaGo, openKafkaGo}, {franzGo, openFranz}}

func openKafkaGo(t *testing.T, addr string, patient bool) func(context.Context, string, []byte) error {
	transport := &kafka.Transport{DialTimeout: time.Second}
	w := &kafka.Writer{Addr: kafka.TCP(addr), BatchTimeout: time.Millisecond, Transport: transport, RequiredAcks: kafka.RequireOne, WriteBackoffMax: 20 * time.Millisecond}
	if !patient {
		w.MaxAttempts = 1
	}
	t.Cleanup(func() { _ = w.Close(); transport.CloseIdleConnections() })
	return func(ctx context.Context, topic string, value []byte) error {
		return w.WriteMessages(ctx, kafka.Message{Topic: topic, Value: value})
	}
}

func openFranz(t *testing.T, addr string, patient bool) func(context.Context, string, []byte) error {
	opts := []kgo.Opt{kgo.SeedBrokers(addr), kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }), kgo.MetadataMinAge(10 * time.Millisecond)}
	if !patient {
		opts = append(opts, kgo.RecordRetries(0), kgo.UnknownTopicRetries(0), kgo.RequestRetries(0), kgo.AllowIdempotentProduceCancellation())
	}
	c, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return func(ctx context.Context, topic string, value []byte) error {
		return c.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: value}).FirstErr()
	}
}

// muted is a listener whose connections can fall silent.
type muted struct {
	net.Listener

	silent atomic.Bool
	mu     sync.Mutex
	conns  []net.Conn
}

func (l *muted) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.mu.Lock()
		l.conns = append(l.conns, c)
		l.mu.Unlock()
	}
	return mutedConn{c, l}, err
}

// speak ends the silence, and the connections that missed something.
func (l *muted) speak() {
	l.silent.Store(false)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		_ = c.Close()
	}
}

type mutedConn struct {
	net.Conn
	l *muted
}

func (c mutedConn) Write(p []byte) (int, error) {
	if c.l.silent.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func startKafka(t *testing.T) (c *kfake.Cluster, l *muted) {
	t.Helper()
	l = new(muted)
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"), kfake.ListenFn(func(network, addr string) (net.Listener, error) {
		var err error
		l.Listener, err = net.Listen(network, addr)
		return l, err
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, l
}

func TestKafkaAnswers(t *testing.T) {
	t.Parallel()
	// franz-go's texts of these, and its "client closed", may be anybody's.
	unsaid := []string{"the broker's own clock ended it", "too few replicas, after it was written"}
	for _, c := range kafkaClients {
		for _, tt := range []struct {
			situation string
			err       *kerr.Error
			want      meaning
		}{
			{"not permitted", kerr.TopicAuthorizationFailed, answered},
			{"larger than the broker takes", kerr.MessageTooLarge, answered},
			{"a record that the broker will not have", kerr.InvalidRecord, answered},
			{"not the leader any more", kerr.NotLeaderForPartition, failed},
			{"no leader yet", kerr.LeaderNotAvailable, failed},
			{"too few replicas", kerr.NotEnoughReplicas, failed},
			{"too few replicas, after it was written", kerr.NotEnoughReplicasAfterAppend, failed},
			{"the broker's own clock ended it", kerr.RequestTimedOut, failed},
			{"the broker's disk", kerr.KafkaStorageError, failed},
			{"throttled", kerr.ThrottlingQuotaExceeded, failed},
		} {
			cluster, _ := startKafka(t)
			cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: tt.err, Count: -1})
			err := c.open(t, cluster.ListenAddrs()[0], false)(within(t, 5*time.Second), "orders", nil)
			if c.module == franzGo && slices.Contains(unsaid, tt.situation) {
				tt.want = unknown
			}
			kafkaFamily.meets(t, c.module, tt.situation, err, tt.want)
		}
		cluster, _ := startKafka(t)
		produce := c.open(t, cluster.ListenAddrs()[0], false)
		kafkaFamily.meets(t, c.module, "no such topic", produce(within(t, 5*time.Second), "nothing", nil), answered)
		kafkaFamily.meets(t, c.module, "larger than the client sends", produce(within(t, 5*time.Second), "orders", make([]byte, 2<<20)), map[string]meaning{kafkaGo: refused, franzGo: answered}[c.module])
		kafkaFamily.meets(t, c.module, "no topic", produce(within(t, 5*time.Second), "", nil), map[string]meaning{kafkaGo: refused, franzGo: unknown}[c.module])

	}
}

func TestKafkaConnections(t *testing.T) {
	t.Parallel()
	for _, c := range kafkaClients {
		err := c.open(t, "127.0.0.1:"+freePort(t), false)(within(t, 5*time.Second), "orders", nil)
		kafkaFamily.meets(t, c.module, "nobody listens", err, unmade)
	}
	cluster, _ := startKafka(t)
	w := &kafka.Writer{Addr: kafka.TCP(cluster.ListenAddrs()[0])}
	_ = w.Close()
	kafkaFamily.meets(t, kafkaGo, "a client that was closed", w.WriteMessages(t.Context(), kafka.Message{Topic: "orders"}), unknown)
	c, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()[0]))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	kafkaFamily.meets(t, franzGo, "a client that was closed", c.ProduceSync(t.Context(), &kgo.Record{Topic: "orders"}).FirstErr(), unknown)
}

func TestKafkaDeadlinesAndRetries(t *testing.T) {
	t.Parallel()
	advice := map[string]string{
		kafkaGo: "`MaxAttempts: 1`; `BatchTimeout`, which is 1 s",
		franzGo: "`AllowIdempotentProduceCancellation`, for deadlines to be heard; `RecordDeliveryTimeout`, with no retry in the policy",
	}
	for _, c := range kafkaClients {
		cluster, l := startKafka(t)
		produce := c.open(t, cluster.ListenAddrs()[0], true)
		if err := produce(within(t, 5*time.Second), "orders", nil); err != nil {
			t.Fatal(c.module, err)
		}
		const soon, patience = 300 * time.Millisecond, 2 * time.Second
		l.silent.Store(true)
		time.AfterFunc(patience, l.speak)
		var err error
		deadline := took(func() { err = produce(within(t, soon), "orders", nil) })
		if deadline < patience {
			kafkaFamily.meets(t, c.module, "the deadline passes at a broker that hangs", err, unknown)
		}
		l.silent.Store(true)
		time.AfterFunc(patience, l.speak)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(soon, cancel)
		cancelled := took(func() { _ = produce(ctx, "orders", nil) })

		failing, _ := startKafka(t)
		fault := failing.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1})
		if err := c.open(t, failing.ListenAddrs()[0], true)(within(t, 2*time.Second), "orders", nil); err == nil {
			t.Errorf("%s: no error", c.module)
		}
		retries := fmt.Sprintf("a message was sent %d times", fault.Hits())
		if fault.Hits() > 20 {
			retries = "again and again, until the deadline"
		}
		hears := func(d time.Duration) string {
			if d < patience {
				return heard(d, soon)
			}
			return "no: what may have been written is awaited"
		}
		kafkaFamily.behaves(c.module, way{deadline: hears(deadline), cancellation: hears(cancelled), retries: retries, set: advice[c.module]})
	}
}

// What kafka-go wraps, a program cannot ask for, and a profile can.
func TestKafkaGoHidesItsErrors(t *testing.T) {
	t.Parallel()
	err := error(kafka.WriteErrors{nil, kafka.MessageSizeTooLarge})
	if errors.Is(err, kafka.MessageSizeTooLarge) {
		t.Error("WriteErrors unwraps now: what is said of it on the page is out of date")
	}
}
