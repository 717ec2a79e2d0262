package container_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"github.com/sony/gobreaker/v2"
)

// A healthy breaker is passed without a lock and without its state machine
// hearing of it. So it is compared with the plain machine, step by step, over
// histories of calls that overlap.

// twin is a breaker and the plain gobreaker that it must be equal to.
type twin struct {
	pipeline *container.Pipeline
	breaker  *container.CircuitBreaker
	plain    *gobreaker.TwoStepCircuitBreaker[struct{}]
	open     []twinCall // calls under way, oldest first
	history  []string
}

type twinCall struct {
	ours  *pending
	plain func(error)
}

const twinRecovery = time.Minute

func newTwin(t *testing.T, spec policy.CircuitBreaker) *twin {
	t.Helper()
	spec.RecoveryTimeout = twinRecovery
	spec.ProbeTimeout = 1000 * time.Hour // gobreaker knows none
	p, b := broken(t, spec)
	spec = spec.WithDefaults()
	settings := gobreaker.Settings{
		MaxRequests: spec.SuccessThreshold,
		Timeout:     spec.RecoveryTimeout,
		Interval:    spec.Window,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			if spec.Window == 0 {
				return c.ConsecutiveFailures >= spec.FailureThreshold
			}
			all := c.TotalFailures + c.TotalSuccesses
			return spec.FailureThreshold > 0 && c.TotalFailures >= spec.FailureThreshold ||
				spec.FailureRate > 0 && all >= spec.MinRequests && float64(c.TotalFailures) >= spec.FailureRate*float64(all)
		},
		IsExcluded: func(err error) bool { return errors.Is(err, errNo) },
	}
	if spec.Window > 0 {
		settings.BucketPeriod = spec.Window / 10
	}
	return &twin{pipeline: p, breaker: b, plain: gobreaker.NewTwoStepCircuitBreaker[struct{}](settings)}
}

// begin begins a call of both, and reports where they differ.
func (w *twin) begin(ctx context.Context) (admitted bool, differ string) {
	ours := tryBegin(ctx, w.pipeline)
	plain, err := w.plain.Allow()
	if (ours.err == nil) != (err == nil) {
		return false, fmt.Sprintf("admission: %v, gobreaker: %v", ours.err, err)
	}
	if err == nil {
		w.open = append(w.open, twinCall{ours, plain})
	}
	return err == nil, ""
}

// The ways in which a call may end.
const (
	succeeds = iota
	failsAtIt
	isNeither
	panics // or runtime.Goexit
	endings
)

var endingNames = [endings]string{"success", "failure", "neither", "panic"}

func (w *twin) end(n, how int) {
	c := w.open[n]
	w.open = append(w.open[:n:n], w.open[n+1:]...)
	switch how {
	case succeeds:
		_ = c.ours.end(nil)
		c.plain(nil)
	case failsAtIt:
		_ = c.ours.end(errDown)
		c.plain(errDown)
	case isNeither:
		_ = c.ours.end(policy.Permanent(errNo))
		c.plain(errNo)
	case panics:
		c.ours.abandon()
		c.plain(errDown)
	}
}

func (w *twin) differ() string {
	ours, plain := w.breaker.State().String(), w.plain.State().String()
	if ours != plain {
		return "state: " + ours + ", gobreaker: " + plain
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
		begins = endings - 1 + iota // after success, failure and neither
		passes
		steps
	)
	length := 7
	if testing.Short() || raceEnabled {
		length = 5
	}
	for _, spec := range []policy.CircuitBreaker{
		{FailureThreshold: 1, SuccessThreshold: 1},
		{FailureThreshold: 2, SuccessThreshold: 2},
	} {
		virtual(t, func(t *testing.T) {
			total := 1
			for range length {
				total *= steps
			}
			for code := range total {
				w := newTwin(t, spec)
				for rest, n := code, 0; n < length; rest, n = rest/steps, n+1 {
					differ := ""
					switch step := rest % steps; step {
					case begins:
						w.note("begin")
						_, differ = w.begin(t.Context())
					case passes:
						w.note("time")
						time.Sleep(twinRecovery * 3 / 5)
					default:
						w.note("%s", endingNames[step])
						admitted := true
						if len(w.open) == 0 {
							admitted, differ = w.begin(t.Context())
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
	for seed := range uint64(scale(400)) {
		random := rand.New(rand.NewPCG(seed, 3))
		spec := policy.CircuitBreaker{FailureThreshold: uint32(1 + random.IntN(6)), SuccessThreshold: uint32(1 + random.IntN(4))}
		failing := random.IntN(100)
		virtual(t, func(t *testing.T) {
			w := newTwin(t, spec)
			for range 300 {
				differ := ""
				switch dice := random.IntN(100); {
				case dice < 45 && len(w.open) < 12:
					w.note("begin")
					_, differ = w.begin(t.Context())
				case dice < 90 && len(w.open) > 0:
					n, how := random.IntN(len(w.open)), succeeds
					switch {
					case random.IntN(100) < failing:
						how = []int{failsAtIt, failsAtIt, panics}[random.IntN(3)]
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
	for seed := range uint64(scale(400)) {
		random := rand.New(rand.NewPCG(seed, 4))
		spec := policy.CircuitBreaker{SuccessThreshold: uint32(1 + random.IntN(3)), Window: 10 * time.Second}
		if random.IntN(2) == 0 {
			spec.FailureThreshold = uint32(1 + random.IntN(6))
		}
		if spec.FailureThreshold == 0 || random.IntN(2) == 0 {
			spec.FailureRate = float64(1+random.IntN(10)) / 10
			spec.MinRequests = uint32(1 + random.IntN(8))
		}
		failing := random.IntN(100)
		virtual(t, func(t *testing.T) {
			w := newTwin(t, spec)
			for range 300 {
				admitted, differ := w.begin(t.Context())
				if admitted && differ == "" {
					how := succeeds
					if random.IntN(100) < failing {
						how = failsAtIt
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
