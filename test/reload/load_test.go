package reload_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// version is a profile under which a call makes a known number of attempts,
// each with a known time: a call that saw parts of two would show it.
type version struct {
	attempts int
	timeout  time.Duration
}

var versions = []version{{2, 10 * time.Minute}, {3, 20 * time.Minute}, {4, 40 * time.Minute}}

func (v version) profile(n int) string {
	return fmt.Sprintf(`
circuit_breakers:
  bank: {failure_threshold: %[4]d, recovery_timeout: 1s}
rate_limiters:
  calls: {requests_per_second: %[4]d, burst: %[4]d}
policies:
  external_api:
    timeout: 10h
    retry: {max_attempts: %[1]d, backoff: {type: fixed, delay: 0s}}
    rate_limit: calls
    circuit_breaker: bank
    attempt_timeout: %[2]v
  of_refunds_%[3]d: {extends: external_api}
services:
  reload_test.bank: {methods: {Refund: of_refunds_%[3]d}}
`, v.attempts, v.timeout, n%7, 1_000_000+n%5)
}

// trace is what one call saw.
type trace struct {
	version  version // of the first attempt
	attempts int
}

type traceKey struct{}

// lastAttempt answers the last attempt that the version of the call allows, and
// fails all before: a call that gets fewer fails, and one whose attempts are of
// two versions is noticed.
func lastAttempt(ctx context.Context, _ int) (string, error) {
	deadline, _ := ctx.Deadline()
	seen := ctx.Value(traceKey{}).(*trace)
	seen.attempts++
	for _, v := range versions {
		// Between the next smaller version's time and its own, however slow the machine.
		if left := time.Until(deadline); left > v.timeout || left <= v.timeout-5*time.Minute {
			continue
		}
		if seen.attempts == 1 {
			seen.version = v
		}
		if seen.version != v {
			return "", policy.Permanent(fmt.Errorf("attempt %d is of %v, the first was of %v", seen.attempts, v, seen.version))
		}
		if seen.attempts == v.attempts {
			return "receipt", nil
		}
		return "", errors.New("busy")
	}
	return "", policy.Permanent(fmt.Errorf("a deadline in %v, which is no version's", time.Until(deadline)))
}

// load calls the bank at a steady rate from several goroutines, until finish.
type load struct {
	calls, failed atomic.Int64
	start         time.Time
	stop          context.CancelFunc
	workers       sync.WaitGroup
}

func startLoad(t *testing.T, perSecond float64, call func(ctx context.Context) error) *load {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	l := &load{start: time.Now(), stop: stop}
	due := make(chan struct{})
	l.workers.Go(func() { // each millisecond, as many as are due
		defer close(due)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for sent := 0.0; ; {
			for ; sent < time.Since(l.start).Seconds()*perSecond; sent++ {
				select {
				case due <- struct{}{}:
				case <-ctx.Done():
					return
				}
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	for range 4 {
		l.workers.Go(func() {
			for range due {
				l.calls.Add(1)
				if err := call(context.WithValue(context.Background(), traceKey{}, &trace{})); err != nil && l.failed.Add(1) <= 10 {
					t.Error(err)
				}
			}
		})
	}
	return l
}

// finish ends the load. No call may have failed.
func (l *load) finish(t *testing.T) {
	t.Helper()
	l.stop()
	l.workers.Wait()
	took := time.Since(l.start)
	t.Logf("%d calls in %v, %.0f a second", l.calls.Load(), took.Round(time.Millisecond), float64(l.calls.Load())/took.Seconds())
	if failed := l.failed.Load(); failed > 0 || l.calls.Load() == 0 {
		t.Errorf("%d of %d calls failed", failed, l.calls.Load())
	}
}

// Calls under way finish on the program that they began with: none fails, and
// none sees half of one.
func TestAThousandReloadsUnderLoad(t *testing.T) {
	reloads := uint64(1000)
	if testing.Short() {
		reloads = 100
	}
	s := open(t, directory(t, versions[0].profile(0)), lastAttempt)
	l := startLoad(t, 2000, func(ctx context.Context) error {
		if _, err := s.bank.Charge(ctx, 1); err != nil {
			return err
		}
		_, err := s.bank.Refund(context.WithValue(ctx, traceKey{}, &trace{}), 1)
		return err
	})
	for n := 0; s.reloader.Status().Successes < reloads; n++ { // by hand, and by themselves
		save(t, s.file, versions[n%len(versions)].profile(n))
		if err := s.reloader.Reload(t.Context()); err != nil {
			t.Error(err)
			break
		}
	}
	l.finish(t)
	if status := s.reloader.Status(); status.Failures != 0 {
		t.Errorf("status: %+v; want no failure", status)
	}
}

// A ConfigMap is changed again and again under 5,000 calls a second. Each change
// of the limits takes effect, and no call fails.
func TestKubernetesSwapsLimitsUnderLoad(t *testing.T) {
	limits := func(rate, burst int) string {
		return fmt.Sprintf("rate_limiters: {calls: {requests_per_second: %d, burst: %d}}\npolicies: {external_api: {rate_limit: calls}}\n", rate, burst)
	}
	low, high := limits(50_000, 20_000), limits(400_000, 40_000)
	dir := filepath.Join(t.TempDir(), "configs")
	mount(t, dir, 0, low)
	var limiter *container.RateLimiter
	s := open(t, dir, func(context.Context, int) (string, error) { return "receipt", nil },
		fx.Populate(fx.Annotate(&limiter, fx.ParamTags(`name:"calls"`))))

	l := startLoad(t, 5000, func(ctx context.Context) error { _, err := s.bank.Charge(ctx, 1); return err })
	swaps := 0
	for time.Since(l.start) < 2*time.Second || swaps < 10 {
		swaps++
		if o := s.after(func() { mount(t, dir, swaps, high) }); o.Err != nil {
			t.Fatal(o.Err)
		}
		eventually(t, func() bool { return limiter.Tokens() > 20_000 })
		swaps++
		if o := s.after(func() { mount(t, dir, swaps, low) }); o.Err != nil {
			t.Fatal(o.Err)
		}
		if tokens := limiter.Tokens(); tokens > 20_000 {
			t.Errorf("%v tokens after a swap to a burst of 20,000", tokens)
		}
	}
	l.finish(t)
	t.Logf("%d swaps", swaps)

	// The limits are those that calls meet.
	mount(t, dir, swaps+1, limits(1, 1))
	eventually(t, func() bool { return errors.Is(s.charge(), policy.ErrRateLimited) })
}

// Saving all the time, sound and mistaken profiles in turns, in place and
// otherwise, while others reload by hand: the last one is in force at the end,
// and no call notices.
func TestAReloadStorm(t *testing.T) {
	s := open(t, directory(t, versions[0].profile(0)), lastAttempt)
	l := startLoad(t, 2000, func(ctx context.Context) error { _, err := s.bank.Charge(ctx, 1); return err })
	ctx, stop := context.WithCancel(t.Context())
	var others sync.WaitGroup
	for range 3 {
		others.Go(func() {
			for ctx.Err() == nil {
				_ = s.reloader.Reload(ctx) // may meet a mistaken one
			}
		})
	}
	for n := range 300 {
		text := versions[n%len(versions)].profile(n)
		switch n % 4 {
		case 0:
			write(t, s.file, text)
		case 1:
			save(t, s.file, text)
		case 2:
			write(t, s.file, "policies: {external_api: {retyr: 2}}")
		case 3:
			write(t, s.file, "")
		}
	}
	stop()
	others.Wait()
	save(t, s.file, versions[2].profile(1))
	eventually(t, func() bool {
		seen := &trace{}
		_, err := s.bank.Charge(context.WithValue(t.Context(), traceKey{}, seen), 1)
		if err != nil {
			t.Fatal(err)
		}
		return seen.attempts == versions[2].attempts
	})
	l.finish(t)
	eventually(t, func() bool {
		status := s.reloader.Status()
		return len(s.told()) == int(status.Successes+status.Failures) && status.Err == nil
	})
}
