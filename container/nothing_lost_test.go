package container_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// layerKind is a layer in random settings, and what must be so once all calls have
// ended. A new layer is a new line.
type layerKind struct {
	name  string
	with  func(r *rand.Rand, name string) policy.Policy
	whole func(t *testing.T, o *container.Orchestrator, name string, u used) error // nil: it holds nothing
}

// used is what calls have used by their end.
type used struct {
	attempts  int64 // that reached the dependency
	innermost bool  // each of them passed the layer
	forever   bool  // a result is never closed
}

var layerKinds = []layerKind{
	{"timeout", func(r *rand.Rand, _ string) policy.Policy { return policy.Timeout(within(r, 3*time.Second)) }, nil},
	{"retry", randomRetry, nil},
	{"rate limit", func(r *rand.Rand, name string) policy.Policy {
		return policy.RateLimit{Name: name, RequestsPerSecond: 5, Burst: 5, MaxWait: within(r, time.Second), Reserve: r.Float64()}
	}, bucketIsWhole},
	{"limit by period", func(r *rand.Rand, name string) policy.Policy {
		return policy.RateLimit{Name: name, RequestsPerPeriod: tokensOfAPeriod, Per: 1e6 * time.Hour, MaxWait: within(r, time.Second)}
	}, tokensAreAccountedFor},
	{"bulkhead", func(r *rand.Rand, name string) policy.Policy {
		return policy.Bulkhead{Name: name, MaxConcurrent: 1 + r.IntN(3), MaxWait: within(r, 2*time.Second), Reserve: r.Float64()}
	}, permitsAreWhole},
	{"circuit breaker", func(r *rand.Rand, name string) policy.Policy {
		return policy.CircuitBreaker{
			Name: name, FailureThreshold: uint32(1 + r.IntN(3)), SuccessThreshold: uint32(1 + r.IntN(2)),
			RecoveryTimeout: within(r, time.Second), ProbeTimeout: time.Hour,
		}
	}, breakerCanClose},
	{"adaptive limit", func(r *rand.Rand, _ string) policy.Policy {
		return policy.AdaptiveLimit{Initial: 1 + r.IntN(3), Min: 1, Max: 3, MaxWait: within(r, 2*time.Second)}
	}, nobodyIsIn},
	{"hedge", func(r *rand.Rand, _ string) policy.Policy {
		h := policy.Hedge{Delay: within(r, 2*time.Second), MaxHedges: 1 + r.IntN(3), Budget: 1}
		if r.IntN(4) == 0 {
			h.Delay, h.Quantile = 0, 0.5
		}
		return h
	}, nil},
	{"errors", func(*rand.Rand, string) policy.Policy { return policy.Errors{Judge: judgeOrPanic} }, nil},
}

const tokensOfAPeriod = 30

// within is a random duration, to the nanosecond, so that no two things happen at
// the same time.
func within(r *rand.Rand, d time.Duration) time.Duration {
	return 1 + time.Duration(r.Int64N(int64(d)))
}

func randomRetry(r *rand.Rand, _ string) policy.Policy {
	return policy.Retry{MaxAttempts: 1 + r.IntN(3), Backoff: policy.Fixed(within(r, time.Second)), RetryIf: func(err error) bool {
		return judgeOrPanic(err) != policy.Answered && policy.IsRetryable(err)
	}}
}

// judgeOrPanic is a function of a user's.
func judgeOrPanic(err error) policy.Verdict {
	if err == errFatal { //nolint:errorlint // this very one
		panic("the user's function")
	}
	return policy.Unknown
}

// Every pair of layers, in both orders and of one kind twice, under callers that
// cancel, time out, panic, exit and keep results, while the settings are reloaded:
// no permit, token, probe's place, goroutine or result is lost. A result that another
// was faster than is closed.
func TestNothingIsLostInAnyPairOfLayers(t *testing.T) {
	for i, outer := range layerKinds {
		for j, inner := range layerKinds {
			t.Run(outer.name+" of "+inner.name, func(t *testing.T) {
				for n := range scale(60) {
					seed := uint64(i*1_000_000 + j*10_000 + n)
					virtual(t, func(t *testing.T) { newCrowd(t, seed, outer, inner).play() })
					if t.Failed() {
						t.Fatalf("seed %d", seed)
					}
				}
			})
		}
	}
}

// crowd is many callers of one policy, which visit a place.
type crowd struct {
	t      *testing.T
	kinds  []layerKind
	o      *container.Orchestrator
	p      policy.Runner
	place  place
	visits []*visit

	mu       sync.Mutex
	seeds    *rand.Rand
	begun    int64 // operations that were or will be counted
	attempts int64
	forever  bool
}

func newCrowd(t *testing.T, seed uint64, kinds ...layerKind) *crowd {
	t.Helper()
	c := &crowd{t: t, kinds: kinds, seeds: rand.New(rand.NewPCG(seed, 4))}
	box, err := container.New(c.catalog(), container.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	provide(t, box, container.Tag(func() place { return hall{} }, "p"))
	if err := box.Invoke(func(wrapped place) { c.place = wrapped }); err != nil {
		t.Fatal(err)
	}
	c.o = box.Orchestrator()
	if c.p, err = c.o.Pipeline("p"); err != nil {
		t.Fatal(err)
	}
	return c
}

// random returns numbers of their own for whoever asks.
func (c *crowd) random() *rand.Rand {
	c.mu.Lock()
	defer c.mu.Unlock()
	return rand.New(rand.NewPCG(c.seeds.Uint64(), 5))
}

func (c *crowd) count() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun++
}

// catalog has the layers in random settings.
func (c *crowd) catalog() policy.Catalog {
	r := c.random()
	var layers []policy.Policy
	for n, kind := range c.kinds {
		layers = append(layers, kind.with(r, layerName(n)))
	}
	return policy.Catalog{Policies: map[string]policy.Policy{"p": policy.Combine(layers...)}}
}

func layerName(n int) string { return fmt.Sprint("layer ", n+1) }

func (c *crowd) play() {
	ctx, cancel := context.WithCancel(c.t.Context())
	var wg sync.WaitGroup
	for range 12 {
		v := &visit{crowd: c, r: c.random()}
		if v.kind = v.r.IntN(10); v.kind != keepsForEver {
			c.count()
		}
		c.visits = append(c.visits, v)
		wg.Go(func() {
			time.Sleep(within(v.r, 4*time.Second))
			v.come(ctx)
		})
	}
	for range 3 {
		time.Sleep(within(c.random(), 2*time.Second))
		reload(c.t, c.o, c.catalog())
	}
	wg.Wait()
	cancel()
	time.Sleep(time.Minute) // attempts that were overtaken come back late
	synctest.Wait()
	if m := c.o.Metrics(); m.TotalOperations != uint64(c.begun) || m.SuccessfulOperations+m.FailedOperations != m.TotalOperations {
		c.t.Errorf("%d operations, counted as %+v", c.begun, m.Totals)
	}
	for _, v := range c.visits {
		v.check()
	}
	for n, kind := range c.kinds {
		if kind.whole == nil {
			continue
		}
		if err := kind.whole(c.t, c.o, layerName(n), used{c.attempts, n == len(c.kinds)-1, c.forever}); err != nil {
			c.t.Errorf("%s, the %s: %v", layerName(n), kind.name, err)
		}
	}
}

// bucketIsWhole waits until all tokens have come back.
func bucketIsWhole(_ *testing.T, o *container.Orchestrator, name string, _ used) error {
	l, _ := o.RateLimiter(name)
	time.Sleep(time.Minute)
	if l.Tokens() != 5 {
		return fmt.Errorf("%v tokens, want 5", l.Tokens())
	}
	return nil
}

// tokensAreAccountedFor: none is gone of which nobody was asked.
func tokensAreAccountedFor(_ *testing.T, o *container.Orchestrator, name string, u used) error {
	l, _ := o.RateLimiter(name)
	gone := tokensOfAPeriod - int64(l.Tokens())
	if gone > u.attempts || u.innermost && gone < u.attempts {
		return fmt.Errorf("%d tokens are gone, for %d attempts", gone, u.attempts)
	}
	return nil
}

// permitsAreWhole takes all that there should be, and no more.
func permitsAreWhole(t *testing.T, o *container.Orchestrator, name string, _ used) error {
	t.Helper()
	b, _ := o.Bulkhead(name)
	if got := b.Status(); got != (container.BulkheadStatus{}) {
		return fmt.Errorf("when all have left: %+v", got)
	}
	n := b.Limit().MaxConcurrent
	release := holding(t.Context(), pipelineFor(t, o, "check "+name, policy.Bulkhead{Name: name}), n+1)
	defer release()
	if got := b.Status(); got.InUse != n || got.Waiting > 1 {
		return fmt.Errorf("%+v, of %d permits", got, n)
	}
	return nil
}

// nobodyIsIn: all that were let in have left.
func nobodyIsIn(_ *testing.T, o *container.Orchestrator, _ string, _ used) error {
	for _, b := range o.Bulkheads() {
		if got := b.Status(); got != (container.BulkheadStatus{}) {
			return fmt.Errorf("%s, when all have left: %+v", b.Name(), got)
		}
	}
	return nil
}

// breakerCanClose: no place of a probe is taken for good.
func breakerCanClose(t *testing.T, o *container.Orchestrator, name string, u used) error {
	t.Helper()
	b, _ := o.CircuitBreaker(name)
	p := pipelineFor(t, o, "check "+name, policy.CircuitBreaker{Name: name})
	if u.forever { // the place comes back when the probe has hung for too long
		time.Sleep(time.Hour)
	}
	for range 5 {
		time.Sleep(time.Minute)
		_ = p.Run(t.Context(), works)
	}
	if b.State() != policy.StateClosed {
		return fmt.Errorf("it is %v, and stays so", b.State())
	}
	return nil
}
