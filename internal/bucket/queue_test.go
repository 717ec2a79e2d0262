package bucket_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/bucket"
	"github.com/cladgo/clad/internal/clock"
)

// A rejection behind a thousand who waited was remembered as an empty bucket, also
// when they had left: every call was rejected for sixteen minutes, with five
// tokens there.
func TestARejectionBehindWaitersIsForgottenWhenTheyLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		settings := bucket.Settings{PerSecond: 1, Burst: 5, MaxWait: time.Hour}
		b := newBucket(settings)
		for range 5 {
			take(b)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				if _, ok, err := b.Wait(ctx, clock.Now(), bucket.Forever); ok || !errors.Is(err, context.Canceled) {
					t.Errorf("a waiter got a token, or %v", err)
				}
			})
		}
		synctest.Wait()
		settings.MaxWait = 0
		b.Configure(settings)
		if take(b) {
			t.Error("somebody passed those who wait")
		}
		cancel()
		wg.Wait()
		time.Sleep(time.Second + 1)
		if !take(b) {
			t.Errorf("the second's token was not to be had: empty for another %v", b.Empty(clock.Now()))
		}
		time.Sleep(5 * time.Second)
		for n := range 5 {
			if !take(b) {
				t.Errorf("no token, where %d of 5 are left", 5-n)
			}
		}
	})
}

// Settings without a wait are for those who come; who waits already was promised
// its token.
func TestWhoWaitsAlreadyMayWaitAsLongAsBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		settings := bucket.Settings{PerSecond: 1, Burst: 1, MaxWait: time.Minute}
		b := newBucket(settings)
		take(b)
		var wg sync.WaitGroup
		for n := range 3 {
			wg.Go(func() {
				start := time.Now()
				_, ok, err := b.Wait(t.Context(), clock.Now(), bucket.Forever)
				if want := time.Duration(n+1) * time.Second; !ok || err != nil || time.Since(start)-want > time.Microsecond {
					t.Errorf("waiter %d: %v, %v after %v", n, ok, err, time.Since(start))
				}
			})
			synctest.Wait()
		}
		settings.MaxWait = 0
		b.Configure(settings)
		wg.Wait()
	})
}

// Between being turned down and queueing up, somebody else may have found the
// bucket full, and taken all of it without a lock. The limiter is to hear of that
// first, or the same tokens are there twice.
func TestWhoQueuesUpCountsWhatWasTakenOnCredit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(bucket.Settings{PerSecond: 1, Burst: 3, MaxWait: time.Hour})
		for range 3 {
			take(b)
		}
		if b.Take(clock.Now()) {
			t.Fatal("a token of an empty bucket")
		}
		time.Sleep(time.Hour)
		for range 3 { // the others
			if !take(b) {
				t.Fatal("the bucket is not full")
			}
		}
		start := time.Now()
		_, ok, err := b.Wait(t.Context(), clock.Now(), bucket.Forever)
		if passed := time.Since(start); !ok || err != nil || passed < time.Second {
			t.Errorf("%v, %v after %v: want the token of the next second", ok, err, passed)
		}
	})
}

// A reading of the clock that comes late turned the limiter's clock back, and what
// had come since came again: calls that were overtaken between reading the clock
// and the lock made tokens.
func TestLateReadingsOfTheClockMakeNoTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(bucket.Settings{PerSecond: 1, Burst: 3})
		early := clock.Now()
		for take(b) { // so that there is no credit, which needs no such care
		}
		time.Sleep(5 * time.Second / 2)
		late, taken := clock.Now(), 0
		for range 100 {
			for _, now := range []clock.Nanos{late, early} {
				if b.Take(now) {
					taken++
				}
			}
		}
		if taken != 2 {
			t.Errorf("%d tokens of two seconds and a half, want 2", taken)
		}
	})
}
