package container_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/internal/lease"
	"github.com/cladgo/clad/policy"
)

// memoryStore is a store of this process; fail says what is wrong with it.
type memoryStore struct {
	mu     sync.Mutex
	limits map[string]*lease.Ledger
	fail   func() error
}

func (s *memoryStore) Lease(_ context.Context, limit string, r container.LeaseRequest) (container.LeaseGrant, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(); err != nil {
			return container.LeaseGrant{Tokens: -1}, err
		}
	}
	if s.limits == nil {
		s.limits = make(map[string]*lease.Ledger)
	}
	if s.limits[limit] == nil {
		s.limits[limit] = &lease.Ledger{}
	}
	return container.LeaseGrant(s.limits[limit].Serve(lease.Request(r), time.Duration(time.Now().UnixNano()))), nil
}

func (*memoryStore) Report(context.Context, string, container.BreakerReport) (container.BreakerNews, error) {
	return container.BreakerNews{}, nil
}

func (*memoryStore) Watch(ctx context.Context, _ func(), _ func(string, container.BreakerNews, error)) error {
	<-ctx.Done()
	return ctx.Err()
}

func sharedLimit(rate float64) policy.Catalog {
	return policy.Catalog{
		RateLimiters: map[string]policy.RateLimit{"api": {RequestsPerSecond: rate, Shared: true}},
		Policies:     map[string]policy.Policy{"p": policy.RateLimit{Name: "api"}},
	}
}

func TestWhatIsSharedNeedsANameAndAStore(t *testing.T) {
	breaker := policy.Catalog{CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {Shared: true}}}
	for name, c := range map[string]policy.Catalog{`rate limiter "api"`: sharedLimit(1), `circuit breaker "bank"`: breaker} {
		if _, err := container.NewOrchestrator(c); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "WithStore") {
			t.Errorf("without a store: %v", err)
		}
	}
	unnamed := policy.Catalog{Policies: map[string]policy.Policy{"p": policy.RateLimit{RequestsPerSecond: 1, Shared: true}}}
	if _, err := container.NewOrchestrator(unnamed, container.WithStore(&memoryStore{})); err == nil || !strings.Contains(err.Error(), "needs a name") {
		t.Errorf("without a name: %v", err)
	}
}

func TestASharedLimitIsThatOfAllInstances(t *testing.T) {
	store := &memoryStore{}
	passed := 0
	for range 2 {
		o, err := container.NewOrchestrator(sharedLimit(0.001), container.WithStore(store))
		if err != nil {
			t.Fatal(err)
		}
		defer o.Close()
		run, _ := o.Pipeline("p")
		for range 3 {
			if run.Run(context.Background(), func(context.Context) error { return nil }) == nil {
				passed++
			}
		}
	}
	if passed == 0 || passed > 2 { // 2: where the store was late, a call used its own share
		t.Errorf("%d calls passed under a limit of one", passed)
	}
}

func TestNoCallFailsBecauseOfAStore(t *testing.T) {
	for name, fail := range map[string]func() error{
		"it fails":          func() error { return errors.New("away") },
		"it panics":         func() error { panic("broken") },
		"it concerns a key": func() error { return policy.Answer(errors.New("WRONGTYPE")) },
	} {
		o, err := container.NewOrchestrator(sharedLimit(1e6), container.WithStore(&memoryStore{fail: fail}))
		if err != nil {
			t.Fatal(err)
		}
		run, _ := o.Pipeline("p")
		for range 100 {
			if err := run.Run(context.Background(), func(context.Context) error { return nil }); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		l, _ := o.RateLimiter("api")
		if s, ok := l.Sharing(); !ok || !s.Alone || !s.Heard.IsZero() {
			t.Errorf("%s: %+v, %v", name, s, ok)
		}
		o.Close()
	}
}

// A call under a shared limit makes no round trip, and no garbage.
func TestASharedLimitAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	o, err := container.NewOrchestrator(sharedLimit(1e9), container.WithStore(&memoryStore{}))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	run, _ := o.Pipeline("p")
	nothing := func(context.Context) error { return nil }
	ctx := context.Background()
	for range 100_000 { // until it knows how much is used
		_ = run.Run(ctx, nothing)
	}
	if got := testing.AllocsPerRun(10_000, func() { _ = run.Run(ctx, nothing) }); got >= 1 {
		t.Errorf("%v allocations a call", got)
	}
}

func BenchmarkSharedLimit(b *testing.B) {
	o, err := container.NewOrchestrator(sharedLimit(1e9), container.WithStore(&memoryStore{}))
	if err != nil {
		b.Fatal(err)
	}
	defer o.Close()
	run, _ := o.Pipeline("p")
	nothing := func(context.Context) error { return nil }
	ctx := context.Background()
	b.Run("call", func(b *testing.B) {
		for b.Loop() {
			_ = run.Run(ctx, nothing)
		}
	})
	b.Run("clock", func(b *testing.B) {
		for b.Loop() {
			_ = time.Now()
		}
	})
}
