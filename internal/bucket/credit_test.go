package bucket_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/bucket"
	"github.com/cladgo/clad/internal/clock"
)

// So many tokens come in a year at a billion a second that one more no longer
// shows in a float64. Still the burst is the burst, and a full bucket is full.
func TestCountingGoesOnForAges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const burst = 3
		b := newBucket(bucket.Settings{PerSecond: 1e9, Burst: burst})
		for age := range 3 {
			taken := 0
			for range 10 {
				if take(b) {
					taken++
				}
			}
			if taken != burst {
				t.Errorf("after %d years: %d tokens at once, want %d", age, taken, burst)
			}
			time.Sleep(time.Second)
			if !take(b) {
				t.Errorf("after %d years: a full bucket had none", age)
			}
			time.Sleep(365 * 24 * time.Hour)
		}
	})
}

// Nor does a part of a token get lost beside all those that have come.
func TestFractionsCountForAges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(bucket.Settings{PerSecond: 1e7, Burst: 3})
		take(b)
		time.Sleep(5 * 365 * 24 * time.Hour)
		for range 3 {
			take(b)
		}
		time.Sleep(37 * time.Nanosecond)
		if got := b.Tokens(); got < 0.35 || got > 0.39 {
			t.Errorf("%v tokens, want 0.37", got)
		}
	})
}

// The way without a lock is open whenever the bucket is full, however it became so.
func TestAFullBucketIsTakenFromWithoutALock(t *testing.T) {
	for name, fill := range map[string]func(*bucket.Bucket){
		"by time": func(*bucket.Bucket) { time.Sleep(time.Hour) },
		"by what was given back": func(b *bucket.Bucket) {
			for range 3 {
				b.GiveBack(clock.Now())
			}
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBucket(bucket.Settings{PerSecond: 1, Burst: 3})
			for take(b) {
			}
			if b.TakeCredit(clock.Now()) {
				t.Errorf("%s: a token of an empty bucket", name)
			}
			fill(b)
			if !take(b) || !b.TakeCredit(clock.Now()) {
				t.Errorf("%s: it is not", name)
			}
		})
	}
}
