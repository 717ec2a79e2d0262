package policy_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
)

const longest = time.Duration(math.MaxInt64)

func TestBackoff(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name    string
		b       policy.Backoff
		retries []int
		want    []time.Duration
	}{
		{"fixed", policy.Fixed(50 * ms), []int{1, 2, 100}, []time.Duration{50 * ms, 50 * ms, 50 * ms}},
		{"fixed zero", policy.Fixed(0), []int{1, 9}, []time.Duration{0, 0}},
		{"fixed below zero", policy.Fixed(-1), []int{1}, []time.Duration{0}},

		{"linear", policy.Linear{Initial: 100 * ms, Increment: 50 * ms}, []int{1, 2, 3, 11}, []time.Duration{100 * ms, 150 * ms, 200 * ms, 600 * ms}},
		{"linear with a maximum", policy.Linear{Initial: 100 * ms, Increment: 50 * ms, Max: 180 * ms}, []int{1, 2, 3, 999}, []time.Duration{100 * ms, 150 * ms, 180 * ms, 180 * ms}},
		{"linear from zero", policy.Linear{Increment: ms}, []int{1, 2, 3}, []time.Duration{0, ms, 2 * ms}},
		{"linear beyond the longest", policy.Linear{Initial: time.Hour, Increment: time.Hour}, []int{math.MaxInt}, []time.Duration{longest}},
		{"linear below zero", policy.Linear{Initial: time.Second, Increment: -time.Second}, []int{1, 2, 3}, []time.Duration{time.Second, 0, 0}},
		{"linear zero", policy.Linear{}, []int{1, 5}, []time.Duration{0, 0}},

		{"exponential", policy.Exponential{Initial: 100 * ms, Multiplier: 3}, []int{1, 2, 3, 4}, []time.Duration{100 * ms, 300 * ms, 900 * ms, 2700 * ms}},
		{"exponential doubles by default", policy.Exponential{Initial: 100 * ms}, []int{1, 2, 3, 4}, []time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms}},
		{"exponential with a maximum", policy.Exponential{Initial: 100 * ms, Max: 250 * ms}, []int{1, 2, 3, 4000}, []time.Duration{100 * ms, 200 * ms, 250 * ms, 250 * ms}},
		{"exponential beyond the longest", policy.Exponential{Initial: time.Second}, []int{64, 2000, math.MaxInt}, []time.Duration{longest, longest, longest}},
		{"exponential of nothing", policy.Exponential{}, []int{1, 2, math.MaxInt}, []time.Duration{0, 0, 0}},
		{"exponential of nothing with jitter", policy.Exponential{Max: time.Second, Jitter: true}, []int{1, 5000}, []time.Duration{0, 0}},

		{"before the first retry there is none", policy.Linear{Initial: ms, Increment: ms}, []int{0, -5, math.MinInt}, []time.Duration{ms, ms, ms}},
		{"nor for exponential", policy.Exponential{Initial: ms}, []int{0, -5, math.MinInt}, []time.Duration{ms, ms, ms}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for i, retry := range tt.retries {
				if got := tt.b.Delay(retry); got != tt.want[i] {
					t.Errorf("before retry %d: %v, want %v", retry, got, tt.want[i])
				}
			}
		})
	}
}

// An increment that is not added makes every linear back-off a fixed one.
func TestLinearBackoffIncrements(t *testing.T) {
	b := policy.Linear{Initial: time.Second, Increment: 3 * time.Second}
	for retry := 1; retry < 50; retry++ {
		if got := b.Delay(retry+1) - b.Delay(retry); got != 3*time.Second {
			t.Fatalf("from retry %d to the next the delay grows by %v", retry, got)
		}
	}
}

// A maximum that nobody asked for (30 seconds, say) turns a patient back-off
// into a busy one.
func TestNoMaximumMeansNone(t *testing.T) {
	for _, b := range []policy.Backoff{
		policy.Fixed(time.Hour),
		policy.Linear{Initial: time.Hour, Increment: time.Hour},
		policy.Exponential{Initial: time.Hour},
		policy.Exponential{Initial: 2 * time.Hour, Jitter: true},
	} {
		if got := b.Delay(1); got < time.Hour {
			t.Errorf("%v waits %v", b, got)
		}
	}
}

func TestJitterSpreadsByHalfEitherWay(t *testing.T) {
	b := policy.Exponential{Initial: time.Second, Jitter: true}
	const n = 4000
	var least, most, sum time.Duration = longest, 0, 0
	for range n {
		d := b.Delay(2)
		least, most, sum = min(least, d), max(most, d), sum+d
	}
	if least < time.Second || most > 3*time.Second {
		t.Errorf("2s became %v to %v, want 1s to 3s", least, most)
	}
	// Of 4000 even draws the ends are met within a few per mille; these bounds
	// are missed once in more than 10^15 runs.
	if least > 1100*time.Millisecond || most < 2900*time.Millisecond {
		t.Errorf("2s became %v to %v only: not spread by half", least, most)
	}
	if mean := sum / n; mean < 1900*time.Millisecond || mean > 2100*time.Millisecond {
		t.Errorf("the mean is %v, want about 2s", mean)
	}
}

func TestJitterNeverPassesTheMaximum(t *testing.T) {
	b := policy.Exponential{Initial: time.Second, Max: 5 * time.Second, Jitter: true}
	for range 2000 {
		for _, retry := range []int{1, 2, 3, 4, 10, 5000} {
			if d := b.Delay(retry); d > 5*time.Second || d < time.Second/2 {
				t.Fatalf("before retry %d: %v", retry, d)
			}
		}
	}
}

// Far beyond the maximum the spread has to be around that: else clients that
// failed together all come back after exactly the maximum.
func TestJitterStillSpreadsAtTheMaximum(t *testing.T) {
	b := policy.Exponential{Initial: time.Second, Max: 5 * time.Second, Jitter: true}
	below := 0
	for range 1000 {
		if b.Delay(30) < 5*time.Second {
			below++
		}
	}
	if below < 200 {
		t.Errorf("%d of 1000 delays differ from the maximum", below)
	}
}

func FuzzBackoff(f *testing.F) {
	f.Add(int64(time.Second), int64(time.Second), int64(time.Minute), 2.0, 3)
	f.Add(int64(0), int64(0), int64(0), 0.0, 0)
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64), int64(0), 1e300, math.MaxInt)
	f.Add(int64(math.MinInt64), int64(math.MinInt64), int64(math.MinInt64), math.NaN(), math.MinInt)
	f.Add(int64(1), int64(1), int64(math.MaxInt64-1), math.Inf(-1), 64)
	f.Fuzz(checkBackoffs)
}

func TestRandomBackoffs(t *testing.T) {
	for range 20000 {
		shift := func() int64 { return int64(rand.Uint64() >> (1 + rand.IntN(62))) }
		checkBackoffs(t, shift(), shift(), shift()*rand.Int64N(2), rand.Float64()*float64(rand.IntN(5)), int(shift()))
	}
}

// checkBackoffs holds for all settings, valid or not.
func checkBackoffs(t *testing.T, initial, step, limit int64, multiplier float64, retry int) {
	t.Helper()
	exact := policy.Exponential{Initial: time.Duration(initial), Multiplier: multiplier, Max: time.Duration(limit)}
	jittered := exact
	jittered.Jitter = true
	linear := policy.Linear{Initial: time.Duration(initial), Increment: time.Duration(step), Max: time.Duration(limit)}
	for _, b := range []policy.Backoff{policy.Fixed(initial), linear, exact, jittered} {
		d := b.Delay(retry)
		if d < 0 {
			t.Errorf("%#v: negative delay %d before retry %d", b, d, retry)
		}
		if _, fixed := b.(policy.Fixed); !fixed && limit > 0 && d > time.Duration(limit) {
			t.Errorf("%#v: delay %d before retry %d is past the maximum", b, d, retry)
		}
	}
	if initial < 0 || step < 0 || multiplier != 0 && !(multiplier >= 1) || retry == math.MaxInt {
		return
	}
	if linear.Delay(retry+1) < linear.Delay(retry) || exact.Delay(retry+1) < exact.Delay(retry) {
		t.Errorf("%#v or %#v: the delay shrinks after retry %d", linear, exact, retry)
	}
	center, spread := float64(exact.Delay(retry)), float64(jittered.Delay(retry))
	if slack := center*1e-9 + 2; spread < center/2-slack || spread > center*1.5+slack {
		t.Errorf("%#v: %v became %v", jittered, exact.Delay(retry), jittered.Delay(retry))
	}
}
