package circuit_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/circuit"
	"github.com/cladgo/clad/internal/clock"
)

// timed is a breaker that trips for slow calls alone.
func timed(s circuit.Settings) *circuit.Breaker {
	s.FailureThreshold, s.RecoveryTimeout, s.SuccessThreshold, s.ProbeTimeout = 1000, time.Minute, 1, time.Hour
	b := &circuit.Breaker{}
	b.Configure(s)
	return b
}

// slowSettings divide without a remainder: a period is 65.536ms.
var slowSettings = circuit.Settings{
	SlowCall: 1 << 19 * time.Microsecond, SlowWindow: 5 * time.Second, SlowRate: 0.5, MinRequests: 10,
}

// begin asks a breaker as a call does.
func begin(b *circuit.Breaker) (p circuit.Permit, ok, tripped bool) {
	if p, ok = b.Closed(); ok {
		return p, true, false
	}
	now := clock.Now()
	tripped = b.Overdue(now)
	p, _, ok = b.Admit(now, 0)
	return p, ok, tripped
}

// A dependency that hangs trips the breaker while all of its calls are still under
// way: as soon as they are slow, not when a timeout ends the first.
func TestCallsThatHangTripBeforeTheyEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := timed(slowSettings)
		var under []circuit.Permit
		for range 10 {
			p, ok, _ := begin(b)
			if !ok || p == circuit.NoPermit {
				t.Fatal("not admitted")
			}
			under = append(under, p)
		}
		time.Sleep(slowSettings.SlowCall - 1)
		if _, ok, tripped := begin(b); !ok || tripped {
			t.Fatalf("admitted: %v, tripped: %v before they are slow", ok, tripped)
		}
		time.Sleep(slowSettings.SlowCall/8 + 1)
		if _, ok, tripped := begin(b); ok || !tripped {
			t.Fatalf("admitted: %v, tripped: %v when they are slow", ok, tripped)
		}
		wantState(t, b, circuit.Open)
		for _, p := range under { // of another time
			if got := b.Report(p, circuit.Failure); got != circuit.NoTrip {
				t.Errorf("reported %v", got)
			}
		}
	})
}

// slowModel is the rule as it is told, for one goroutine, with a list in the place
// of every counter.
type slowModel struct {
	circuit.Settings
	begins  time.Time // of the epoch
	checked int64
	calls   []*slowCall // of the epoch, under way
	events  []slowEvent
	open    bool
}

type slowCall struct {
	permit  circuit.Permit
	began   time.Time
	counted bool
}

type slowEvent struct {
	at   time.Time
	slow bool
}

func (m *slowModel) number(at time.Time, period time.Duration) int64 {
	return int64(at.Sub(m.begins) / period)
}

func (m *slowModel) isDue() bool {
	now, period := time.Now(), m.SlowCall/8
	n := m.number(now, period)
	if n < m.checked {
		return false
	}
	m.checked = n + 1
	for _, c := range m.calls {
		if !c.counted && m.number(c.began, period)+9 <= n {
			c.counted = true
			m.events = append(m.events, slowEvent{now, true})
		}
	}
	return true
}

// check trips by what is in the window, which rolls in tenths.
func (m *slowModel) check() {
	all, slow := 0, 0
	for _, e := range m.events {
		if m.number(e.at, m.SlowWindow/10)+10 > m.number(time.Now(), m.SlowWindow/10) {
			all++
			if e.slow {
				slow++
			}
		}
	}
	if slow > 0 && all >= int(m.MinRequests) && float64(slow) >= m.SlowRate*float64(all) {
		m.open = true
	}
}

func (m *slowModel) begin() *slowCall {
	if m.isDue() {
		m.check()
	}
	if m.open {
		return nil
	}
	c := &slowCall{began: time.Now()}
	m.calls = append(m.calls, c)
	return c
}

func (m *slowModel) end(n int, o circuit.Outcome) {
	c := m.calls[n]
	m.calls = append(m.calls[:n:n], m.calls[n+1:]...)
	slow := time.Since(c.began) >= m.SlowCall
	switch {
	case c.counted, o == circuit.Neutral, o == circuit.Abandoned && !slow:
	default:
		m.events = append(m.events, slowEvent{time.Now(), slow})
	}
	look := m.isDue()
	for _, e := range m.events {
		look = look || e.slow && time.Since(e.at) <= m.SlowWindow
	}
	if look {
		m.check()
	}
}

func TestSlowCallsEqualTheModel(t *testing.T) {
	trips := 0
	for seed := range uint64(histories()) {
		random := rand.New(rand.NewPCG(seed, 7))
		s := slowSettings
		s.SlowRate = float64(1+random.IntN(10)) / 10
		s.MinRequests = uint32(1 + random.IntN(20))
		s.SlowWindow = time.Duration(1+random.IntN(5)) * time.Second
		patient := random.IntN(100)
		synctest.Test(t, func(t *testing.T) {
			b := timed(s)
			m := &slowModel{Settings: s, begins: time.Now()}
			var history []string
			fail := func(format string, args ...any) {
				t.Helper()
				t.Fatalf("seed %d, %+v after %s: %s", seed, s, strings.Join(history, ", "), fmt.Sprintf(format, args...))
			}
			for range 300 {
				switch dice := random.IntN(100); {
				case dice < 45:
					history = append(history, "begin")
					c := m.begin()
					p, ok, tripped := begin(b)
					if ok != (c != nil) || tripped != m.open {
						fail("admitted: %v, tripped: %v; the model is open: %v", ok, tripped, m.open)
					}
					if ok {
						c.permit = p
					}
				case dice < 85 && len(m.calls) > 0:
					n, o := random.IntN(len(m.calls)), circuit.Outcome(random.IntN(4))
					if random.IntN(100) < patient {
						o = circuit.Success
					}
					c := m.calls[n]
					history = append(history, fmt.Sprintf("outcome %d after %v", o, time.Since(c.began)))
					m.end(n, o)
					if got := b.Report(c.permit, o); (got == circuit.TooSlow) != m.open || got == circuit.Failing {
						fail("reported %v; the model is open: %v", got, m.open)
					}
				default:
					d := time.Duration(random.IntN(1+random.IntN(800))) * time.Millisecond
					history = append(history, d.String())
					time.Sleep(d)
				}
				if !m.open {
					continue
				}
				trips++
				wantState(t, b, circuit.Open)
				time.Sleep(time.Minute)
				b.Report(admitted(t, b), circuit.Success)
				wantState(t, b, circuit.Closed)
				history = append(history, "recovers")
				for _, c := range m.calls { // they say nothing any more
					b.Report(c.permit, circuit.Success)
				}
				m = &slowModel{Settings: s, begins: time.Now()}
			}
		})
	}
	if trips < histories()/2 {
		t.Errorf("%d trips in all: the histories say nothing", trips)
	}
}

// What nobody ends, a result that is never closed, is one slow call, not one for
// ever.
func TestACallThatNeverEndsIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := slowSettings
		s.MinRequests = 2
		b := timed(s)
		if _, ok, _ := begin(b); !ok {
			t.Fatal("not admitted")
		}
		for range 100 {
			time.Sleep(s.SlowCall)
			p, ok, _ := begin(b)
			if !ok {
				t.Fatal("tripped by one call")
			}
			b.Report(p, circuit.Success)
			p, _, _ = begin(b)
			b.Report(p, circuit.Success)
		}
	})
}

func TestASlowProbeHasFailed(t *testing.T) {
	for name, end := range map[string]func(*circuit.Breaker, circuit.Permit){
		"it hangs":        func(*circuit.Breaker, circuit.Permit) {},
		"it succeeds":     func(b *circuit.Breaker, p circuit.Permit) { b.Report(p, circuit.Success) },
		"its caller left": func(b *circuit.Breaker, p circuit.Permit) { b.Report(p, circuit.Abandoned) },
	} {
		synctest.Test(t, func(t *testing.T) {
			b := probing(circuit.Settings{SuccessThreshold: 1, ProbeTimeout: time.Hour, SlowCall: time.Second, SlowWindow: time.Minute, SlowRate: 1, MinRequests: 1})
			p := admitted(t, b)
			time.Sleep(time.Second)
			end(b, p)
			synctest.Wait()
			if got := b.State(); got != circuit.Open {
				t.Errorf("%s: state %v", name, got)
			}
		})
	}
}

// The rules for failures hold beside.
func TestFailuresInARowTripBesideSlowCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := slowSettings
		s.FailureThreshold, s.RecoveryTimeout, s.SuccessThreshold, s.ProbeTimeout = 3, time.Minute, 1, time.Hour
		b := &circuit.Breaker{}
		b.Configure(s)
		for n, o := range []circuit.Outcome{circuit.Failure, circuit.Failure, circuit.Success, circuit.Failure, circuit.Failure, circuit.Failure} {
			p, ok, _ := begin(b)
			if !ok {
				t.Fatalf("call %d is not admitted", n)
			}
			want := circuit.NoTrip
			if n == 5 {
				want = circuit.Failing
			}
			if got := b.Report(p, o); got != want {
				t.Errorf("call %d: tripped by %v, want %v", n, got, want)
			}
		}
		wantState(t, b, circuit.Open)
	})
}

// Whatever calls do at once, each is counted once: not more, or it would trip
// before, and not less, or it would not trip at last.
func TestConcurrentCallsAreCountedOnce(t *testing.T) {
	const goroutines, each = 40, 100
	synctest.Test(t, func(t *testing.T) {
		s := slowSettings
		s.SlowWindow, s.SlowRate, s.MinRequests = time.Hour, 0.01, goroutines*each+1
		b := timed(s)
		var wg sync.WaitGroup
		for g := range goroutines {
			wg.Go(func() {
				for n := range each {
					p, ok, _ := begin(b)
					if !ok {
						t.Error("not admitted")
						return
					}
					time.Sleep(time.Duration((g*n)%7) * s.SlowCall / 4)
					b.Report(p, circuit.Success)
				}
			})
		}
		wg.Wait()
		wantState(t, b, circuit.Closed)
		p, _, _ := begin(b)
		if got := b.Report(p, circuit.Success); got != circuit.TooSlow {
			t.Errorf("the last call: %v", got)
		}
	})
}

// Settings that say how slow is too slow, how long it is open and how it closes
// leave the state and the row of failures as they are.
func TestSlowSettingsChangeWithoutANewCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := circuit.Settings{FailureThreshold: 2, RecoveryTimeout: time.Minute, SuccessThreshold: 2, ProbeTimeout: time.Hour}
		b := &circuit.Breaker{}
		b.Configure(s)
		p, _, _ := begin(b)
		b.Report(p, circuit.Failure)
		s.SlowCall, s.SlowRate, s.SlowWindow, s.MinRequests = time.Second, 0.5, time.Minute, 0
		b.Configure(s)
		p, _, _ = begin(b)
		if got := b.Report(p, circuit.Failure); got != circuit.Failing {
			t.Fatalf("the second failure in a row: %v", got)
		}
		s.SlowCall, s.Ramp, s.RecoveryJitter = 2*time.Second, time.Second, 0.5
		b.Configure(s)
		wantState(t, b, circuit.Open)
		time.Sleep(time.Minute)
		p = admitted(t, b)
		s.SlowCall = 3 * time.Second
		b.Configure(s)
		wantState(t, b, circuit.HalfOpen)
		b.Report(p, circuit.Success)
		b.Report(admitted(t, b), circuit.Success)
		wantState(t, b, circuit.Closed)
	})
}
