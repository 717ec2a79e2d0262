package failover_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cladgo/clad/internal/failover"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is one that is down for some time, and has effects.
type server struct {
	mu      sync.Mutex
	down    bool
	effects []string
}

func (s *server) set(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *server) do(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errors.New("down")
	}
	if id != "" {
		s.effects = append(s.effects, id)
	}
	return nil
}

func (s *server) all(context.Context) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.effects), nil
}

// What is to be seen is seen: an outage's length, and effects that there are twice or
// not at all.
func TestWatch(t *testing.T) {
	t.Parallel()
	s := &server{}
	var n atomic.Int64
	bare := failover.Calls{
		Read:  func(context.Context) error { return s.do("") },
		Write: func(_ context.Context, id string) error { return s.do(id) },
	}
	guarded := failover.Calls{Write: func(_ context.Context, id string) error {
		switch n.Add(1) {
		case 3:
			_ = s.do(id)
		case 5:
			return nil
		}
		return s.do(id)
	}}
	text := failover.Watch(t, failover.Run{
		Failover: "a pause", Clients: []failover.Client{{Module: "testing", Bare: bare, Guarded: guarded, Effects: s.all}},
		Happen: func() {
			s.set(true)
			time.Sleep(300 * time.Millisecond) // real time: what is measured
			s.set(false)
		},
	})
	before, after, _ := strings.Cut(text, "; ")
	if !strings.Contains(before, "0 doubled, 0 lost") || !strings.Contains(after, "1 doubled, 1 lost") {
		t.Error(text)
	}
	for _, one := range []string{before, after} {
		length, _, _ := strings.Cut(one, ",")
		if d, err := time.ParseDuration(length); err != nil || d < 250*time.Millisecond || d > time.Second {
			t.Errorf("a pause of 300ms: %s", one)
		}
	}
}

// A line takes the place of that of the same failover and client, of whatever version.
func TestReplace(t *testing.T) {
	t.Parallel()
	page := failover.Replace("", "| b | x ", "| b | x 1.0 | old |")
	page = failover.Replace(page, "| a | x ", "| a | x 1.0 | other |")
	page = failover.Replace(page, "| b | x ", "| b | x 1.1 | new |")
	if _, table, _ := strings.Cut(page, "--- |\n"); table != "| a | x 1.0 | other |\n| b | x 1.1 | new |\n" {
		t.Error(page)
	}
}
