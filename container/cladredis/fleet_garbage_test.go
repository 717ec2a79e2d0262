package cladredis_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladredis"
	"github.com/cladgo/clad/policy"
)

// logged is a log that may be read while it is written.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), what)
}

// Microseconds were multiplied until they overflowed, and a message with a long time
// held breakers open for as long.
func TestGarbageOnTheChannelHarmsNobody(t *testing.T) {
	onEngines(t, testGarbageOnTheChannelHarmsNobody)
}

func testGarbageOnTheChannelHarmsNobody(t *testing.T, engine string) {
	s := newServerOf(t, engine)
	client := s.bare()
	var log logged
	spec := policy.CircuitBreaker{RecoveryTimeout: 200 * time.Millisecond, SuccessThreshold: 1}
	g := newGuard(t, cladredis.NewStore(s.bare()), spec, container.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	say := func(message string) {
		t.Helper()
		if err := client.Publish(background, "clad:1:{breakers}", message).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, garbage := range []string{
		"", "{", "[]", "null", `{"breaker":"bank"}`, `{"breaker":"bank","round":"x","open":true}`,
		`{"breaker":"bank","round":"99999999999999999999","open":true,"for":"1","down":2,"fleet":2}`,
		`{"breaker":"bank","round":"9223372036854775807","open":true,"for":"1","down":2,"fleet":2}`,
		`{"breaker":"bank","round":"-1","open":true,"for":"1","down":2,"fleet":2}`,
		`{"breaker":"bank","round":"1","open":true,"for":"nan","down":2,"fleet":2}`,
		`{"breaker":"bank","round":"1","open":true,"for":"1","down":-2,"fleet":2}`,
		`{"breaker":"bank","round":"1","open":true,"for":"1","down":1e300,"fleet":2}`,
	} {
		say(garbage)
	}
	for i, forTime := range []string{"9223372036854775807", "9223372036854775", "-9223372036854775808"} {
		say(fmt.Sprintf(`{"breaker":"bank","round":"%d","open":true,"for":"%s","down":2,"fleet":2,"unknown":1}`, time.Now().UnixMicro(), forTime))
		await(t, "that it follows", func() bool { return g.followed.Load() == int64(i+1) })
		began := time.Now()
		await(t, "its own probe", func() bool { g.call(nil); return g.breaker.State() == policy.StateClosed })
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%s microseconds were %v", forTime, took)
		}
	}
	if n := log.count("passed over"); n == 0 || n > 10 {
		t.Errorf("garbage was logged %d times", n)
	}
}

// Garbage in a key was an answer that nobody could read, or an opening for ever: now it
// is as good as lost.
func TestGarbageInAKeyIsAsGoodAsLost(t *testing.T) { onEngines(t, testGarbageInAKeyIsAsGoodAsLost) }

func testGarbageInAKeyIsAsGoodAsLost(t *testing.T, engine string) {
	garbage := []string{"nan", "-nan", "inf", "-inf", "1e300", "-1e300", "-1", "9223372036854775807", "0x7fffffffffffff", "", "x", "\x00"}
	s := newServerOf(t, engine)
	client := s.bare()
	store := cladredis.NewStore(client)
	spoil := func(key, field, value string) {
		t.Helper()
		if err := client.HSet(background, key, field, value).Err(); err != nil {
			t.Fatal(err)
		}
	}
	report := func(instance, what string) container.BreakerNews {
		t.Helper()
		n, err := store.Report(background, "bank", container.BreakerReport{
			Instance: instance, What: what, Quorum: 2, Probes: 1, For: time.Second, ProbeTimeout: time.Second, Place: instance,
		})
		if err != nil || n.For > time.Second || n.Round > time.Now().Add(time.Minute).UnixMicro() || n.Round < 0 {
			t.Errorf("%+v, %v", n, err)
		}
		return n
	}
	sequence := uint64(0)
	lend := func() int64 {
		t.Helper()
		sequence++
		g, err := store.Lease(background, "api", container.LeaseRequest{
			Instance: "a", Sequence: sequence, PerSecond: 10_000, Burst: 10, Want: 1, Fresh: 10, Most: -1,
		})
		if err != nil || g.Wait > time.Second || g.Wait < 0 || g.Fleet > 1000 || g.Fleet < 1 {
			t.Errorf("%+v, %v", g, err)
		}
		return g.Tokens
	}
	for _, value := range garbage {
		// Fields that say who finds it down, and who probes, are unlike others.
		for _, field := range []string{"at", "round", "open", "until", "quorum", "probes", "good", "bad", "forgetting", "d:a", "p:a", "d:", "other"} {
			report("a", "tripped")
			report("b", "tripped")
			spoil("clad:1:{breakers}:bank", field, value)
			report("c", "ask")
			report("c", "probe")
			report("a", "tripped")
			if n := report("b", "tripped"); !n.Open {
				t.Errorf("%s = %q: %+v after two have tripped", field, value, n)
			}
		}
		for _, field := range []string{"tokens", "at", "born", "epoch", "now", "before", "rate", "rate_before", "burst", "burst_before", "i:1:a", "other"} {
			lend()
			spoil("clad:1:limit:{api}", field, value)
			lend()
			// real time: the server's clock
			time.Sleep(3 * time.Millisecond)
			if got := lend(); got != 1 {
				t.Errorf("%s = %q: %d tokens", field, value, got)
			}
		}
	}
}
