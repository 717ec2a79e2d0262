package circuit_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/circuit"
	"github.com/cladgo/clad/internal/clock"
)

// reference is a breaker as its rules are told, for one goroutine: failures in a
// row, probes that hang or are left, an open time that grows, and modes. gobreaker
// knows only some of them.
type reference struct {
	circuit.Settings
	mode       circuit.Mode
	state      circuit.State
	epoch      int
	row        uint32
	recovery   time.Duration
	reopens    time.Time
	successes  uint32
	probes     []*attempt
	unanswered time.Duration
	counted    time.Time
}

// attempt is a call under way.
type attempt struct {
	permit circuit.Permit // the breaker's own
	epoch  int
	probe  bool
	counts bool
	began  time.Time
}

func (r *reference) become(s circuit.State, at time.Time) {
	switch {
	case s == circuit.Open && r.state == circuit.Closed:
		r.recovery = r.RecoveryTimeout
	case s == circuit.Open:
		r.recovery = max(r.RecoveryTimeout, min(r.recovery+r.recovery/4, r.MaxRecovery))
	}
	r.state, r.row, r.successes, r.reopens = s, 0, 0, at.Add(r.recovery)
	r.forget()
}

// forget makes what is under way a matter of another time.
func (r *reference) forget() {
	r.epoch++
	r.probes, r.unanswered = nil, 0
}

// pass lets the time pass up to now, in which the oldest probe may hang.
func (r *reference) pass() {
	if len(r.probes) > 0 {
		if hangs := r.probes[0].began.Add(r.ProbeTimeout); !hangs.After(time.Now()) {
			r.become(circuit.Open, hangs)
		}
	}
}

// met is the state that a call meets now.
func (r *reference) met() circuit.State {
	r.pass()
	switch r.mode {
	case circuit.ForcedOpen:
		return circuit.Open
	case circuit.Disabled:
		return circuit.Closed
	case circuit.Automatic:
	}
	if r.state == circuit.Open && !r.reopens.After(time.Now()) {
		r.become(circuit.HalfOpen, time.Now())
	}
	return r.state
}

func (r *reference) begin() (a *attempt) {
	a = &attempt{began: time.Now()}
	switch r.met() {
	case circuit.Open:
		return nil
	case circuit.Closed:
		a.counts = r.mode == circuit.Automatic
	case circuit.HalfOpen:
		if uint32(len(r.probes))+r.successes >= r.SuccessThreshold {
			return nil
		}
		a.counts, a.probe = true, true
		r.probes = append(r.probes, a)
	}
	a.epoch = r.epoch
	return a
}

func (r *reference) end(a *attempt, o circuit.Outcome) {
	r.pass()
	if !a.counts || a.epoch != r.epoch {
		return
	}
	if !a.probe {
		switch o {
		case circuit.Success:
			r.row = 0
		case circuit.Failure:
			if r.row++; r.row >= r.FailureThreshold {
				r.become(circuit.Open, time.Now())
			}
		case circuit.Neutral, circuit.Abandoned:
		}
		return
	}
	for i, p := range r.probes {
		if p == a {
			r.probes = append(r.probes[:i:i], r.probes[i+1:]...)
		}
	}
	switch o {
	case circuit.Success:
		r.unanswered = 0
		if r.successes++; r.successes == r.SuccessThreshold {
			r.become(circuit.Closed, time.Now())
		}
	case circuit.Failure:
		r.become(circuit.Open, time.Now())
	case circuit.Abandoned:
		since := a.began
		if r.counted.After(since) {
			since = r.counted
		}
		r.unanswered += time.Since(since)
		if r.counted = time.Now(); r.unanswered >= r.ProbeTimeout {
			r.become(circuit.Open, time.Now())
		}
	case circuit.Neutral:
	}
}

func (r *reference) setMode(m circuit.Mode) {
	r.pass()
	if r.mode != m {
		r.mode = m
		r.forget()
	}
}

func (r *reference) reset() {
	r.mode, r.state, r.row, r.successes = circuit.Automatic, circuit.Closed, 0, 0
	r.forget()
}

func TestRandomHistoriesEqualTheReference(t *testing.T) {
	for seed := range uint64(histories()) {
		random := rand.New(rand.NewPCG(seed, 5))
		s := circuit.Settings{
			FailureThreshold: uint32(1 + random.IntN(3)),
			RecoveryTimeout:  time.Duration(1+random.IntN(20)) * time.Second,
			MaxRecovery:      time.Duration(random.IntN(60)) * time.Second,
			SuccessThreshold: uint32(1 + random.IntN(3)),
			ProbeTimeout:     time.Duration(1+random.IntN(20)) * time.Second,
		}
		synctest.Test(t, func(t *testing.T) {
			b, r := &circuit.Breaker{}, &reference{Settings: s}
			b.Configure(s)
			var under []*attempt // way
			var history []string
			for range 300 {
				switch dice := random.IntN(100); {
				case dice < 40:
					a := r.begin()
					p, ok := b.Closed()
					wait := time.Duration(0)
					if !ok {
						p, wait, ok = b.Admit(clock.Now(), 0)
					}
					history = append(history, "begin")
					if ok != (a != nil) || ok && p.IsProbe() != a.probe {
						t.Fatalf("seed %d, %+v after %s: admitted: %v, want %+v", seed, s, strings.Join(history, ", "), ok, a)
					}
					if until := time.Until(r.reopens); !ok && r.state == circuit.Open && r.mode == circuit.Automatic && wait != until {
						t.Fatalf("seed %d, %+v after %s: told %v, want %v", seed, s, strings.Join(history, ", "), wait, until)
					}
					if ok {
						a.permit = p
						under = append(under, a)
					}
				case dice < 75 && len(under) > 0:
					n, o := random.IntN(len(under)), circuit.Outcome(random.IntN(4))
					history = append(history, fmt.Sprintf("outcome %d of call %d", o, n))
					a := under[n]
					under = append(under[:n:n], under[n+1:]...)
					r.end(a, o)
					b.Report(a.permit, o)
				case dice < 78:
					m := circuit.Mode(random.IntN(3))
					history = append(history, fmt.Sprintf("mode %d", m))
					r.setMode(m)
					b.SetMode(m)
				case dice < 79:
					history = append(history, "reset")
					r.reset()
					b.Reset()
				default:
					d := time.Duration(random.IntN(int(8 * time.Second)))
					history = append(history, d.String())
					time.Sleep(d)
					synctest.Wait()
				}
				if got, want := b.State(), r.met(); got != want {
					t.Fatalf("seed %d, %+v after %s: state %d, want %d", seed, s, strings.Join(history, ", "), got, want)
				}
			}
		})
	}
}
