package deadline_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/internal/deadline"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// in returns a context that ends after d.
func in(parent context.Context, d time.Duration) *deadline.Context {
	return deadline.New(parent, clock.Now().Add(d))
}

// virtual runs a test in virtual time, which fails it for every goroutine left.
func virtual(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

func ended(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

func TestDeadlineIsToldWithoutWaiting(t *testing.T) {
	virtual(t, func(t *testing.T) {
		ctx := in(t.Context(), time.Minute)
		at, ok := ctx.Deadline()
		if !ok || !at.Equal(time.Now().Add(time.Minute)) {
			t.Errorf("the deadline is %v, %v", at, ok)
		}
		time.Sleep(10 * time.Second)
		if again, _ := ctx.Deadline(); !again.Equal(at) {
			t.Errorf("the deadline moved to %v", again)
		}
	})
}

func TestErrGoesByTheClock(t *testing.T) {
	virtual(t, func(t *testing.T) {
		ctx := in(t.Context(), time.Minute)
		time.Sleep(time.Minute - 1)
		if err := ctx.Err(); err != nil {
			t.Errorf("before the deadline: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if err := ctx.Err(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("at the deadline: %v", err)
		}
	})
}

func TestDoneClosesAtTheDeadline(t *testing.T) {
	virtual(t, func(t *testing.T) {
		ctx := in(t.Context(), time.Minute)
		start := time.Now()
		<-ctx.Done()
		if got := time.Since(start); got != time.Minute {
			t.Errorf("it ended after %v", got)
		}
		if err := ctx.Err(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestDoneIsAlwaysTheSameChannel(t *testing.T) {
	virtual(t, func(t *testing.T) {
		ctx := in(t.Context(), time.Minute)
		defer ctx.Cancel()
		var mu sync.Mutex
		seen := make(map[<-chan struct{}]bool)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				done := ctx.Done()
				mu.Lock()
				defer mu.Unlock()
				seen[done] = true
			})
		}
		wg.Wait()
		if len(seen) != 1 {
			t.Errorf("%d different channels", len(seen))
		}
	})
}

func TestDoneOfOneThatIsOverIsClosed(t *testing.T) {
	virtual(t, func(t *testing.T) {
		late := in(t.Context(), time.Second)
		time.Sleep(time.Second)
		if !ended(late) || !errors.Is(late.Err(), context.DeadlineExceeded) {
			t.Errorf("past its deadline: ended %v, %v", ended(late), late.Err())
		}
		cancelled := in(t.Context(), time.Second)
		cancelled.Cancel()
		if !ended(cancelled) || !errors.Is(cancelled.Err(), context.Canceled) {
			t.Errorf("cancelled: ended %v, %v", ended(cancelled), cancelled.Err())
		}
	})
}

func TestCancelEndsItForThoseWhoWait(t *testing.T) {
	virtual(t, func(t *testing.T) {
		ctx := in(t.Context(), time.Minute)
		done := ctx.Done()
		go func() {
			time.Sleep(time.Second)
			ctx.Cancel()
		}()
		<-done
		if err := ctx.Err(); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		ctx.Cancel() // and again, for nothing
		if err := ctx.Err(); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled twice: %v", err)
		}
	})
}

// Whoever was once told that the deadline had passed must not be told otherwise
// afterwards: contexts promise that Err stays what it is.
func TestErrStaysWhatItWas(t *testing.T) {
	for name, wait := range map[string]func(context.Context){
		"nobody waited":   func(context.Context) {},
		"somebody waited": func(ctx context.Context) { <-ctx.Done() },
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				ctx := in(t.Context(), time.Second)
				time.Sleep(2 * time.Second)
				wait(ctx)
				before := ctx.Err()
				ctx.Cancel()
				if after := ctx.Err(); !errors.Is(before, context.DeadlineExceeded) || !errors.Is(after, context.DeadlineExceeded) {
					t.Errorf("%v became %v", before, after)
				}
			})
		})
	}
}

func TestItEndsWithItsParent(t *testing.T) {
	for name, arm := range map[string]bool{"nobody waits": false, "somebody waits": true} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				parent, cancel := context.WithCancel(t.Context())
				ctx := in(parent, time.Minute)
				if arm {
					ctx.Done()
				}
				cancel()
				if !errors.Is(ctx.Err(), context.Canceled) || !ended(ctx) {
					t.Errorf("got %v, ended %v", ctx.Err(), ended(ctx))
				}
			})
		})
	}
}

func TestCauseIsTheParents(t *testing.T) {
	virtual(t, func(t *testing.T) {
		reason := errors.New("shutting down")
		parent, cancel := context.WithCancelCause(t.Context())
		unarmed, armed := in(parent, time.Minute), in(parent, time.Minute)
		armed.Done()
		late := in(parent, time.Second)
		time.Sleep(2 * time.Second)
		if err := context.Cause(late); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("past its deadline: %v", err)
		}
		cancel(reason)
		for name, ctx := range map[string]context.Context{"unarmed": unarmed, "armed": armed} {
			if err := context.Cause(ctx); !errors.Is(err, reason) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestChildrenSeeTheDeadline(t *testing.T) {
	virtual(t, func(t *testing.T) {
		ctx := in(t.Context(), time.Minute)
		defer ctx.Cancel()
		want, _ := ctx.Deadline()
		withCancel, cancel1 := context.WithCancel(ctx)
		defer cancel1()
		withLater, cancel2 := context.WithTimeout(ctx, time.Hour)
		defer cancel2()
		withEarlier, cancel3 := context.WithTimeout(ctx, time.Second)
		defer cancel3()
		withValue := context.WithValue(ctx, key{}, 1)
		for name, child := range map[string]context.Context{"WithCancel": withCancel, "WithTimeout, later": withLater, "WithValue": withValue} {
			if got, ok := child.Deadline(); !ok || !got.Equal(want) {
				t.Errorf("%s: deadline %v, want %v", name, got, want)
			}
		}
		if got, _ := withEarlier.Deadline(); !got.Equal(time.Now().Add(time.Second)) {
			t.Errorf("a nearer deadline became %v", got)
		}
		time.Sleep(2 * time.Second)
		if withEarlier.Err() == nil || ctx.Err() != nil {
			t.Errorf("after 2s the nearer is %v, ours %v", withEarlier.Err(), ctx.Err())
		}
		time.Sleep(time.Minute)
		for name, child := range map[string]context.Context{"WithCancel": withCancel, "WithTimeout, later": withLater, "WithValue": withValue} {
			if !ended(child) || !errors.Is(child.Err(), context.DeadlineExceeded) {
				t.Errorf("%s: %v", name, child.Err())
			}
		}
	})
}

func TestChildrenEndWhenItIsCancelled(t *testing.T) {
	virtual(t, func(t *testing.T) {
		ctx := in(t.Context(), time.Minute)
		child, cancel := context.WithCancel(ctx)
		defer cancel()
		ctx.Cancel()
		if !ended(child) || !errors.Is(child.Err(), context.Canceled) {
			t.Errorf("got %v", child.Err())
		}
		after, cancelAfter := context.WithCancel(ctx) // made of one that is over
		defer cancelAfter()
		if !ended(after) {
			t.Error("a child of an ended context has not ended")
		}
	})
}

// A context of a foreign type costs the standard library a goroutine for each
// child; handing over to its own must save that.
func TestChildrenCostNoGoroutine(t *testing.T) {
	ctx := in(context.Background(), time.Hour)
	defer ctx.Cancel()
	before := runtime.NumGoroutine()
	var cancels []context.CancelFunc
	for range 50 {
		_, cancel := context.WithCancel(ctx)
		cancels = append(cancels, cancel)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("50 children cost %d goroutines", after-before)
	}
	for _, cancel := range cancels {
		cancel()
	}
}

func TestAfterFunc(t *testing.T) {
	virtual(t, func(t *testing.T) {
		ctx := in(t.Context(), time.Minute)
		start := time.Now()
		called := make(chan time.Duration, 1)
		context.AfterFunc(ctx, func() { called <- time.Since(start) })
		stopped := context.AfterFunc(ctx, func() { t.Error("a stopped function ran") })
		if !stopped() {
			t.Error("it could not be stopped")
		}
		if got := <-called; got != time.Minute {
			t.Errorf("called after %v", got)
		}
	})
}

func TestWithoutCancelOutlivesIt(t *testing.T) {
	virtual(t, func(t *testing.T) {
		ctx := in(context.WithValue(t.Context(), key{}, "v"), time.Second)
		kept := context.WithoutCancel(ctx)
		time.Sleep(time.Minute)
		if _, ok := kept.Deadline(); ok || kept.Err() != nil || kept.Value(key{}) != "v" {
			t.Errorf("got %v, value %v", kept.Err(), kept.Value(key{}))
		}
	})
}

type key struct{}

func TestValuesAreTheParents(t *testing.T) {
	virtual(t, func(t *testing.T) {
		parent := context.WithValue(t.Context(), key{}, "v")
		for name, use := range map[string]func(*deadline.Context){
			"as made":           func(*deadline.Context) {},
			"waited for":        func(ctx *deadline.Context) { ctx.Done() },
			"cancelled":         func(ctx *deadline.Context) { ctx.Cancel() },
			"waited, cancelled": func(ctx *deadline.Context) { ctx.Done(); ctx.Cancel() },
		} {
			ctx := in(parent, time.Minute)
			use(ctx)
			if got := ctx.Value(key{}); got != "v" {
				t.Errorf("%s: got %v", name, got)
			}
			if got := ctx.Value("another"); got != nil {
				t.Errorf("%s: a value from nowhere: %v", name, got)
			}
			ctx.Cancel()
		}
	})
}

func TestNested(t *testing.T) {
	virtual(t, func(t *testing.T) {
		start := time.Now()
		outer := in(t.Context(), 10*time.Second)
		inner := in(outer, time.Second)
		if inner.Parent() != context.Context(outer) {
			t.Error("the parent is another")
		}
		<-inner.Done()
		if got := time.Since(start); got != time.Second || outer.Err() != nil {
			t.Errorf("the inner ended after %v, the outer is %v", got, outer.Err())
		}
		second := in(outer, time.Second)
		outer.Cancel()
		if !ended(second) || !errors.Is(second.Err(), context.Canceled) {
			t.Errorf("the inner one did not end with the outer: %v", second.Err())
		}
	})
}

// A timer that is left behind holds its context until it fires: an hour, for a
// call that took a millisecond.
func TestCancelLeavesNoTimer(t *testing.T) {
	virtual(t, func(t *testing.T) {
		start := time.Now()
		fired := false
		ctx := in(t.Context(), time.Hour)
		context.AfterFunc(ctx, func() { fired = time.Since(start) >= time.Hour })
		ctx.Cancel()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if fired {
			t.Error("the deadline fired after Cancel")
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	for range 200 {
		ctx := in(context.Background(), time.Hour)
		var wg sync.WaitGroup
		for _, use := range []func(){
			func() { <-ctx.Done() },
			func() { _ = ctx.Err() },
			func() { ctx.Deadline() },
			func() { ctx.Value(key{}) },
			func() { _ = fmt.Sprint(ctx) },
			func() { ctx.Cancel() },
			func() {
				child, cancel := context.WithCancel(ctx)
				defer cancel()
				<-child.Done()
			},
		} {
			wg.Go(use)
		}
		wg.Wait()
		if err := ctx.Err(); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	}
}

func TestACallThatDoesNotWaitPaysOneSmallAllocation(t *testing.T) {
	parent := context.Background()
	var kept *deadline.Context
	allocs := testing.AllocsPerRun(100, func() {
		kept = in(parent, time.Hour)
		kept.Deadline()
		_ = kept.Err()
		kept.Cancel()
	})
	if allocs != 1 {
		t.Errorf("%v allocations", allocs)
	}
}
