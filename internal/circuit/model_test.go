package circuit_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/circuit"
	"github.com/cladgo/clad/internal/clock"
	"github.com/sony/gobreaker/v2"
)

// A healthy breaker is passed without a lock and without its state machine
// hearing of it. So it is compared with the plain machine, step by step, over
// histories of calls that overlap.

// twin is a breaker and the plain gobreaker that it must be equal to.
type twin struct {
	breaker *circuit.Breaker
	plain   plain
	open    []twinCall // calls under way, oldest first
	history []string
}

type twinCall struct {
	permit circuit.Permit
	plain  func(error)
}

const twinRecovery = time.Minute

// errExcluded is what gobreaker counts as neither success nor failure.
var (
	errExcluded = errors.New("says nothing")
	errFailed   = errors.New("failed")
)

func newTwin(s circuit.Settings) *twin {
	s.RecoveryTimeout = twinRecovery
	s.ProbeTimeout = 1000 * time.Hour // gobreaker knows none
	b := &circuit.Breaker{}
	b.Configure(s)
	settings := gobreaker.Settings{
		MaxRequests: s.SuccessThreshold,
		Timeout:     s.RecoveryTimeout,
		Interval:    s.Window,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			if s.Window == 0 {
				return c.ConsecutiveFailures >= s.FailureThreshold
			}
			all := c.TotalFailures + c.TotalSuccesses
			return s.FailureThreshold > 0 && c.TotalFailures >= s.FailureThreshold ||
				s.FailureRate > 0 && all >= s.MinRequests && float64(c.TotalFailures) >= s.FailureRate*float64(all)
		},
	}
	if s.Window > 0 {
		settings.BucketPeriod = s.Window / 10
	}
	return &twin{breaker: b, plain: newPlain(settings, func(err error) bool { return errors.Is(err, errExcluded) })}
}

// begin begins a call of both, and reports where they differ.
func (w *twin) begin() (admitted bool, differ string) {
	permit, ok := w.breaker.Closed()
	if !ok {
		permit, _, ok = w.breaker.Admit(clock.Now(), 0)
	}
	plain, err := w.plain.allow()
	if ok != (err == nil) {
		return false, fmt.Sprintf("admitted: %v, gobreaker: %v", ok, err)
	}
	if ok {
		w.open = append(w.open, twinCall{permit, plain})
	}
	return ok, ""
}

// The ways in which a call may end.
const (
	succeeds = iota
	fails
	isNeither
	endings
)

var endingNames = [endings]string{"success", "failure", "neither"}

func (w *twin) end(n, how int) {
	c := w.open[n]
	w.open = append(w.open[:n:n], w.open[n+1:]...)
	if how == isNeither && !w.plain.excludes {
		how = succeeds
	}
	switch how {
	case succeeds:
		if !w.breaker.Ignores(c.permit) {
			w.breaker.Report(c.permit, circuit.Success)
		}
		c.plain(nil)
	case fails:
		w.breaker.Report(c.permit, circuit.Failure)
		c.plain(errFailed)
	case isNeither:
		w.breaker.Report(c.permit, circuit.Neutral)
		c.plain(errExcluded)
	}
}

var stateOf = [...]gobreaker.State{
	circuit.Closed:   gobreaker.StateClosed,
	circuit.HalfOpen: gobreaker.StateHalfOpen,
	circuit.Open:     gobreaker.StateOpen,
}

func (w *twin) differ() string {
	if ours, plain := stateOf[w.breaker.State()], w.plain.machine.State(); ours != plain {
		return fmt.Sprintf("state: %v, gobreaker: %v", ours, plain)
	}
	return ""
}

func (w *twin) note(format string, args ...any) {
	w.history = append(w.history, fmt.Sprintf(format, args...))
}

// Every history of up to seven steps (or five, where time is short), each of which begins a call, ends the
// oldest one under way, or lets most of a recovery timeout pass. What ends
// without being under way is begun first.
func TestEveryShortHistoryEqualsPlainGobreaker(t *testing.T) {
	const (
		begins = endings + iota
		passes
		steps
	)
	length := 7
	if testing.Short() || raceEnabled {
		length = 5
	}
	for _, spec := range []circuit.Settings{
		{FailureThreshold: 1, SuccessThreshold: 1},
		{FailureThreshold: 2, SuccessThreshold: 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			total := 1
			for range length {
				total *= steps
			}
			for code := range total {
				w := newTwin(spec)
				for rest, n := code, 0; n < length; rest, n = rest/steps, n+1 {
					differ := ""
					switch step := rest % steps; step {
					case begins:
						w.note("begin")
						_, differ = w.begin()
					case passes:
						w.note("time")
						time.Sleep(twinRecovery * 3 / 5)
					default:
						w.note("%s", endingNames[step])
						admitted := true
						if len(w.open) == 0 {
							admitted, differ = w.begin()
						}
						if admitted && differ == "" {
							w.end(0, step)
						}
					}
					if differ == "" {
						differ = w.differ()
					}
					if differ != "" {
						t.Fatalf("%+v after %s: %s", spec, strings.Join(w.history, ", "), differ)
					}
				}
			}
		})
	}
}

// Long random histories with many calls under way, which end in any order and in
// any way.
func TestRandomHistoriesEqualPlainGobreaker(t *testing.T) {
	for seed := range uint64(histories()) {
		random := rand.New(rand.NewPCG(seed, 3))
		spec := circuit.Settings{FailureThreshold: uint32(1 + random.IntN(6)), SuccessThreshold: uint32(1 + random.IntN(4))}
		failing := random.IntN(100)
		synctest.Test(t, func(t *testing.T) {
			w := newTwin(spec)
			for range 300 {
				differ := ""
				switch dice := random.IntN(100); {
				case dice < 45 && len(w.open) < 12:
					w.note("begin")
					_, differ = w.begin()
				case dice < 90 && len(w.open) > 0:
					n, how := random.IntN(len(w.open)), succeeds
					switch {
					case random.IntN(100) < failing:
						how = fails
					case random.IntN(5) == 0:
						how = isNeither
					}
					w.note("%s of call %d", endingNames[how], n)
					w.end(n, how)
				default:
					d := time.Duration(random.Int64N(int64(twinRecovery)))
					w.note("%v pass", d)
					time.Sleep(d)
				}
				if differ == "" {
					differ = w.differ()
				}
				if differ != "" {
					t.Fatalf("seed %d, %+v after %s: %s", seed, spec, strings.Join(w.history, ", "), differ)
				}
			}
		})
	}
}

// Count and rate within a window, against gobreaker's own window. Calls take no
// time here: where they do, ours count when they end and gobreaker's when they
// began.
func TestRandomWindowsEqualPlainGobreaker(t *testing.T) {
	for seed := range uint64(histories()) {
		random := rand.New(rand.NewPCG(seed, 4))
		spec := circuit.Settings{SuccessThreshold: uint32(1 + random.IntN(3)), Window: 10 * time.Second}
		if random.IntN(2) == 0 {
			spec.FailureThreshold = uint32(1 + random.IntN(6))
		}
		if spec.FailureThreshold == 0 || random.IntN(2) == 0 {
			spec.FailureRate = float64(1+random.IntN(10)) / 10
			spec.MinRequests = uint32(1 + random.IntN(8))
		}
		failing := random.IntN(100)
		synctest.Test(t, func(t *testing.T) {
			w := newTwin(spec)
			for range 300 {
				admitted, differ := w.begin()
				if admitted && differ == "" {
					how := succeeds
					if random.IntN(100) < failing {
						how = fails
					} else if random.IntN(6) == 0 {
						how = isNeither
					}
					w.note("%s", endingNames[how])
					w.end(0, how)
				}
				if differ == "" {
					differ = w.differ()
				}
				if differ != "" {
					t.Fatalf("seed %d, %+v after %s: %s", seed, spec, strings.Join(w.history, ", "), differ)
				}
				pause := []time.Duration{0, time.Second / 7, 3 * time.Second, twinRecovery}[random.IntN(4)]
				if pause > 0 {
					pause = time.Duration(random.Int64N(int64(pause)))
					w.note("%v pass", pause)
					time.Sleep(pause)
				}
			}
		})
	}
}

// histories is how many random ones are gone through.
func histories() int {
	if testing.Short() || raceEnabled {
		return 50
	}
	return 400
}
