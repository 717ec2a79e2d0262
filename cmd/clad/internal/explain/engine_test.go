package explain_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/cmd/clad/internal/explain"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// The engine is the judge: what is worked out is what it does when a dependency
// hangs as long as it may.
func TestWorstCaseIsWhatTheEngineTakes(t *testing.T) {
	second := policy.Fixed(time.Second)
	for name, p := range map[string]policy.Policy{
		"a timeout":                seconds(5),
		"retry of a timeout":       policy.Combine(retry(3, second), seconds(5)),
		"both, with time to spare": policy.Combine(seconds(20), retry(3, second), seconds(5)),
		"both, too tight":          policy.Combine(seconds(10), retry(3, second), seconds(5)),
		"exponential":              policy.Combine(retry(4, policy.Exponential{Initial: time.Second, Multiplier: 3, Max: 5 * time.Second}), seconds(1)),
		"linear":                   policy.Combine(retry(4, policy.Linear{Initial: time.Second, Increment: 2 * time.Second}), policy.CircuitBreaker{}, seconds(1)),
		"no token needed":          policy.Combine(retry(2, second), policy.RateLimit{RequestsPerSecond: 100}, seconds(5)),
		"timeouts in each other":   policy.Combine(seconds(10), retry(5, second), seconds(4), seconds(2)),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				want := explain.Analyze(layers(p))
				elapsed, calls := run(t, p, 1, func(ctx context.Context) error {
					<-ctx.Done()
					return ctx.Err()
				})
				if elapsed != time.Duration(want.Worst) || calls > want.Attempts {
					t.Errorf("%v\ntook %v, %d attempts; worked out were %v, %d attempts (%s)", p, elapsed, calls, want.Worst, want.Attempts, want.Formula)
				}
			})
		})
	}
}

// Whatever the policy and however the dependency behaves, no call takes longer
// than the worst case, nor more attempts.
func TestNoCallPassesTheWorstCase(t *testing.T) {
	for seed := range uint64(600) {
		random := rand.New(rand.NewPCG(seed, 5))
		p := randomPolicy(random)
		synctest.Test(t, func(t *testing.T) {
			want := explain.Analyze(layers(p))
			var mu sync.Mutex // random is asked by several calls at once
			elapsed, calls := run(t, p, 1+random.IntN(6), func(ctx context.Context) error {
				mu.Lock()
				mood, pause := random.IntN(3), time.Duration(random.Int64N(int64(3*time.Second)))
				mu.Unlock()
				_, bounded := ctx.Deadline()
				switch {
				case mood == 0 && bounded:
					<-ctx.Done()
					return ctx.Err()
				case mood == 1:
					select {
					case <-ctx.Done():
					case <-time.After(pause):
					}
				}
				return errors.New("down")
			})
			const rounding = time.Microsecond // a limiter rounds up, so that nobody comes too early
			if elapsed-rounding > time.Duration(want.Worst) || calls > want.Attempts {
				t.Errorf("seed %d: %v\ntook %v, %d attempts; worked out were %v, %d attempts (%s)", seed, p, elapsed, calls, want.Worst, want.Attempts, want.Formula)
			}
		})
	}
}

// run makes calls at once, and returns the longest time and the most attempts
// that one of them took.
func run(t *testing.T, p policy.Policy, callers int, dependency func(context.Context) error) (longest time.Duration, most int) {
	t.Helper()
	o, err := container.NewOrchestrator(policy.Catalog{})
	if err != nil {
		t.Fatal(err)
	}
	runner, err := o.For("test", p)
	if err != nil {
		t.Fatal(err)
	}
	var elapsed, calls atomic.Int64
	var group sync.WaitGroup
	for n := range callers {
		group.Go(func() {
			ctx := t.Context()
			if n%2 > 0 {
				ctx = policy.WithCriticality(ctx, policy.Sheddable)
			}
			begin, made := time.Now(), 0
			_ = runner.Run(ctx, func(ctx context.Context) error {
				made++
				return dependency(ctx)
			})
			raise(&elapsed, int64(time.Since(begin)))
			raise(&calls, int64(made))
		})
	}
	group.Wait()
	return time.Duration(elapsed.Load()), int(calls.Load())
}

func raise(to *atomic.Int64, value int64) {
	for {
		old := to.Load()
		if value <= old || to.CompareAndSwap(old, value) {
			return
		}
	}
}

// randomPolicy nests a few layers in any order.
func randomPolicy(random *rand.Rand) policy.Policy {
	duration := func(most time.Duration) time.Duration {
		return time.Duration(random.Int64N(int64(most))) + time.Millisecond
	}
	var list []policy.Policy
	for range 1 + random.IntN(5) {
		switch random.IntN(6) {
		case 0, 1:
			list = append(list, policy.Timeout(duration(5*time.Second)))
		case 2:
			backoffs := []policy.Backoff{
				policy.Fixed(duration(time.Second)),
				policy.Linear{Initial: duration(time.Second), Increment: duration(time.Second), Max: duration(3 * time.Second)},
				policy.Exponential{Initial: duration(time.Second), Multiplier: 1 + random.Float64()*3, Max: duration(5 * time.Second), Jitter: random.IntN(2) == 0},
			}
			r := policy.Retry{MaxAttempts: 1 + random.IntN(4), Backoff: backoffs[random.IntN(len(backoffs))]}
			if random.IntN(3) == 0 {
				r.MaxElapsed = duration(6 * time.Second)
			}
			list = append(list, r)
		case 3:
			l := policy.RateLimit{RequestsPerSecond: 0.2 + random.Float64()*3, Burst: 1 + random.IntN(3)}
			if random.IntN(2) == 0 {
				l.MaxWait = duration(4 * time.Second)
			}
			if random.IntN(3) == 0 {
				l.Reserve = random.Float64()
			}
			list = append(list, l)
		case 4:
			b := policy.Bulkhead{MaxConcurrent: 1 + random.IntN(3)}
			if random.IntN(2) == 0 {
				b.MaxWait = duration(4 * time.Second)
			}
			list = append(list, b)
		case 5:
			list = append(list, policy.CircuitBreaker{FailureThreshold: uint32(1 + random.IntN(5))})
		}
	}
	return policy.Combine(list...)
}
