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
	t.Parallel()
	s := newServer(t)
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
