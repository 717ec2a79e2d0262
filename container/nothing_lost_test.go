package container_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
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
// no permit, token, probe's place, goroutine or result is lost.
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

// crowd is many callers of one policy.
type crowd struct {
	t     *testing.T
	kinds []layerKind
	o     *container.Orchestrator
	p     policy.Runner
	seeds *rand.Rand

	mu       sync.Mutex
	begun    int64 // operations that were or will be counted
	attempts int64
	forever  bool
}

func newCrowd(t *testing.T, seed uint64, kinds ...layerKind) *crowd {
	t.Helper()
	c := &crowd{t: t, kinds: kinds, seeds: rand.New(rand.NewPCG(seed, 4))}
	c.o = newOrchestrator(t, c.catalog())
	var err error
	if c.p, err = c.o.Pipeline("p"); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *crowd) count() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun++
}

// catalog has the layers in random settings.
func (c *crowd) catalog() policy.Catalog {
	var layers []policy.Policy
	for n, kind := range c.kinds {
		layers = append(layers, kind.with(c.seeds, layerName(n)))
	}
	return policy.Catalog{Policies: map[string]policy.Policy{"p": policy.Combine(layers...)}}
}

func layerName(n int) string { return fmt.Sprint("layer ", n+1) }

func (c *crowd) play() {
	ctx, cancel := context.WithCancel(c.t.Context())
	var wg sync.WaitGroup
	for range 12 {
		v := &visit{crowd: c, r: rand.New(rand.NewPCG(c.seeds.Uint64(), 5))}
		if v.kind = v.r.IntN(10); v.kind != keepsForEver {
			c.count()
		}
		wg.Go(func() {
			time.Sleep(within(v.r, 4*time.Second))
			v.come(ctx)
		})
	}
	for range 3 {
		time.Sleep(within(c.seeds, 2*time.Second))
		reload(c.t, c.o, c.catalog())
	}
	wg.Wait()
	cancel()
	synctest.Wait()
	if m := c.o.Metrics().Operations["p"]; m.TotalOperations != uint64(c.begun) || m.SuccessfulOperations+m.FailedOperations != m.TotalOperations {
		c.t.Errorf("%d operations, counted as %+v", c.begun, m)
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

// visit is one operation of a crowd.
type visit struct {
	*crowd
	r         *rand.Rand
	kind      int
	succeeded []int // the attempts that did
	made      int
}

// The kinds of visits; all others wait for their result.
const (
	keeps        = 0 // a result, and closes it later
	keepsForEver = 1 // one, and never closes it
)

func (v *visit) come(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	v.t.Cleanup(cancel)
	if v.r.IntN(3) == 0 {
		time.AfterFunc(within(v.r, 3*time.Second), cancel)
	}
	if v.r.IntN(3) == 0 {
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, within(v.r, 4*time.Second))
		defer end()
	}
	if v.r.IntN(3) == 0 {
		ctx = policy.WithCriticality(ctx, policy.Sheddable)
	}
	done := make(chan struct{})
	go func() { // runtime.Goexit may end it
		defer close(done)
		defer func() { _ = recover() }()
		if v.kind == keeps || v.kind == keepsForEver {
			v.keep(ctx)
			return
		}
		got, err := policy.Do(ctx, v.p, v.attempt)
		if err == nil && !slices.Contains(v.succeeded, got) || err != nil && len(v.succeeded) > 0 {
			v.t.Errorf("a result was lost: %d, %v of %v", got, err, v.succeeded)
		}
	}()
	<-done
	if v.kind != keepsForEver {
		cancel()
	}
}

// attempt is a dependency that does what it likes, and returns its attempt's number.
func (v *visit) attempt(ctx context.Context) (int, error) {
	v.mu.Lock()
	v.attempts++
	v.mu.Unlock()
	v.made++
	n := v.made
	if v.r.IntN(2) == 0 {
		if d := within(v.r, 3*time.Second); v.r.IntN(4) == 0 {
			time.Sleep(d)
		} else if err := wait(ctx, d); err != nil {
			return 0, err
		}
	}
	switch v.r.IntN(12) {
	case 0:
		panic("the dependency")
	case 1:
		runtime.Goexit()
	case 2:
		return 0, errFatal
	case 3:
		return 0, policy.Answer(errNo)
	case 4:
		return 0, policy.Permanent(errNo)
	case 5, 6, 7:
		return 0, errDown
	}
	v.succeeded = append(v.succeeded, n)
	return n, nil
}

// keep has a result that outlives its call.
func (v *visit) keep(ctx context.Context) {
	var pending container.Pending
	kept := false
	defer func() {
		if !kept && v.kind == keepsForEver {
			v.count() // after all
		}
	}()
	call := v.p.(*container.Pipeline).Begin(ctx)
	defer call.End()
	var err error
	for call.Next(&err) {
		if _, err = v.attempt(call.Context()); err == nil {
			kept = true
			call.Defer(&pending)
		}
	}
	if kept && v.kind == keepsForEver {
		v.mu.Lock()
		v.forever = true
		v.mu.Unlock()
	}
	if !kept || v.kind == keepsForEver {
		return
	}
	time.Sleep(within(v.r, 2*time.Second))
	if v.r.IntN(2) == 0 {
		_ = pending.Leave(nil)
	} else {
		_ = pending.Finish([]error{nil, errDown}[v.r.IntN(2)], policy.Unknown)
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
