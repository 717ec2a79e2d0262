package container_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// arrows writes transitions as "closed>open".
type arrows struct {
	mu   sync.Mutex
	seen []string
}

func (a *arrows) listen(change container.Transition) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen = append(a.seen, change.From.String()+">"+change.To.String())
}

func (a *arrows) want(t *testing.T, want ...string) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Equal(a.seen, want) {
		t.Errorf("the listener heard %v, want %v", a.seen, want)
	}
}

func TestListenersHearOfEveryChangeInOrder(t *testing.T) {
	virtual(t, func(t *testing.T) {
		var heard arrows
		p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: time.Minute, SuccessThreshold: 1}, container.OnTransition(heard.listen))
		trip(t, p, b)
		time.Sleep(time.Minute)
		_ = p.Run(t.Context(), always(errDown))
		time.Sleep(time.Minute)
		_ = p.Run(t.Context(), works)
		b.ForceOpen()
		b.ForceOpen() // no change
		b.Disable()
		b.Automatic()
		b.ForceOpen()
		b.Reset()
		b.Reset()
		heard.want(t, "closed>open", "open>half-open", "half-open>open", "open>half-open", "half-open>closed",
			"closed>open", "open>closed", "closed>open", "open>closed")
	})
}

func TestATransitionSaysWhichBreakerAndWhen(t *testing.T) {
	virtual(t, func(t *testing.T) {
		var got []container.Transition
		o := newOrchestrator(t, policy.Catalog{}, container.OnTransition(func(c container.Transition) { got = append(got, c) }))
		time.Sleep(time.Hour)
		p := pipelineFor(t, o, "payments.charge", policy.CircuitBreaker{FailureThreshold: 1})
		_ = p.Run(t.Context(), always(errDown))
		want := container.Transition{Name: "payments.charge", From: policy.StateClosed, To: policy.StateOpen, At: time.Now()}
		if len(got) != 1 || got[0] != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// Callbacks once ran under the breaker's lock: asking for the state inside
// deadlocked.
func TestAListenerMayAskAndChangeTheBreaker(t *testing.T) {
	virtual(t, func(t *testing.T) {
		var b *container.CircuitBreaker
		var p *container.Pipeline
		var o *container.Orchestrator
		var heard arrows
		o = newOrchestrator(t, policy.Catalog{}, container.OnTransition(func(c container.Transition) {
			heard.listen(c)
			if c.To != policy.StateOpen {
				return
			}
			if b.State() != policy.StateOpen {
				t.Errorf("inside the listener it is %v", b.State())
			}
			_ = p.Run(t.Context(), works)
			o.Metrics()
			if err := o.RegisterCircuitBreaker("another", policy.CircuitBreaker{}); err != nil {
				t.Error(err)
			}
			b.Reset()
			if b.State() != policy.StateClosed {
				t.Errorf("after Reset inside the listener it is %v", b.State())
			}
		}))
		b = registered(t, o, "b", policy.CircuitBreaker{FailureThreshold: 1})
		p = pipelineFor(t, o, "op", policy.CircuitBreaker{Name: "b"})
		_ = p.Run(t.Context(), always(errDown))
		wantState(t, b, policy.StateClosed)
		heard.want(t, "closed>open", "open>closed")
	})
}

// Registering anew closes an open breaker: that too is told outside the locks,
// also the orchestrator's, and before the registration returns.
func TestAListenerHearsOfARegistrationOutsideTheLocks(t *testing.T) {
	var o *container.Orchestrator
	var heard arrows
	o = newOrchestrator(t, policy.Catalog{}, container.OnTransition(func(c container.Transition) {
		heard.listen(c)
		o.Metrics()
		if _, ok := o.CircuitBreaker("b"); !ok {
			t.Error("the breaker is not there")
		}
		if err := o.RegisterCircuitBreaker("another", policy.CircuitBreaker{}); err != nil {
			t.Error(err)
		}
	}))
	b := registered(t, o, "b", policy.CircuitBreaker{FailureThreshold: 1})
	trip(t, pipelineFor(t, o, "op", policy.CircuitBreaker{Name: "b"}), b)
	registered(t, o, "b", policy.CircuitBreaker{FailureThreshold: 2})
	heard.want(t, "closed>open", "open>closed")
	b.ForceOpen()
	reload(t, o, policy.Catalog{CircuitBreakers: map[string]policy.CircuitBreaker{"c": {}}})
	b.Reset()
	heard.want(t, "closed>open", "open>closed", "closed>open", "open>closed")
}

// A listener that causes a change hears of it after the one at hand, as do all
// others: never one inside the other.
func TestChangesThatAListenerCausesComeAfterTheOneAtHand(t *testing.T) {
	var first, second arrows
	depth := 0
	var b *container.CircuitBreaker
	o := newOrchestrator(t, policy.Catalog{},
		container.OnTransition(func(c container.Transition) {
			if depth++; depth > 1 {
				t.Error("told of a change while still being told of another")
			}
			first.listen(c)
			if c.From == policy.StateClosed {
				b.Reset()
			}
			depth--
		}),
		container.OnTransition(second.listen))
	b = registered(t, o, "b", policy.CircuitBreaker{})
	b.ForceOpen()
	first.want(t, "closed>open", "open>closed")
	second.want(t, "closed>open", "open>closed")
}

func TestListenersAreToldOneAtATimeAndNothingIsLost(t *testing.T) {
	const breakers, rounds = 4, 200
	var inside, most atomic.Int32
	var mu sync.Mutex
	last := map[string]policy.State{}
	count := 0
	o := newOrchestrator(t, policy.Catalog{}, container.OnTransition(func(c container.Transition) {
		most.Store(max(most.Load(), inside.Add(1)))
		defer inside.Add(-1)
		mu.Lock()
		defer mu.Unlock()
		if c.From != last[c.Name] {
			t.Errorf("%s went from %v, but the change before it was to %v", c.Name, c.From, last[c.Name])
		}
		last[c.Name] = c.To
		count++
		runtime.Gosched()
	}))
	var wg sync.WaitGroup
	for n := range breakers {
		b := registered(t, o, fmt.Sprint("b", n), policy.CircuitBreaker{FailureThreshold: 1})
		p := pipelineFor(t, o, fmt.Sprint("op", n), policy.CircuitBreaker{Name: b.Name()})
		for range 2 {
			wg.Go(func() {
				for range rounds {
					_ = p.Run(t.Context(), always(errDown))
					b.Reset()
				}
			})
		}
	}
	wg.Wait()
	mu.Lock()
	defer mu.Unlock()
	if most.Load() != 1 {
		t.Errorf("%d listeners at once", most.Load())
	}
	if count == 0 {
		t.Error("none was told")
	}
	for name, state := range last {
		if b, _ := o.CircuitBreaker(name); b.State() != state {
			t.Errorf("the last change of %s was to %v, but it is %v", name, state, b.State())
		}
	}
}

func TestAListenerThatPanicsHarmsNobody(t *testing.T) {
	var log bytes.Buffer
	var heard arrows
	p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 1},
		container.WithLogger(slog.New(slog.NewTextHandler(&log, nil))),
		container.OnTransition(func(container.Transition) { panic("a listener's own fault") }),
		container.OnTransition(heard.listen))
	wantIs(t, p.Run(t.Context(), always(errDown)), errDown)
	b.Reset()
	heard.want(t, "closed>open", "open>closed")
	if !strings.Contains(log.String(), "a listener's own fault") {
		t.Errorf("the panic is not in the log:\n%s", &log)
	}
}

// A listener in a test may end its goroutine by t.FailNow. The goroutine ends,
// but the others must go on being told.
func TestAListenerThatEndsItsGoroutineIsNotTheLastToHear(t *testing.T) {
	var heard arrows
	exit := true
	p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 1}, container.OnTransition(func(c container.Transition) {
		heard.listen(c)
		if exit {
			exit = false
			runtime.Goexit()
		}
	}))
	var wg sync.WaitGroup
	wg.Go(func() { _ = p.Run(t.Context(), always(errDown)) })
	wg.Wait()
	b.Reset()
	heard.want(t, "closed>open", "open>closed")
}

func TestAHungProbeIsToldWithoutAnybodyCalling(t *testing.T) {
	virtual(t, func(t *testing.T) {
		var heard arrows
		p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: time.Minute}, container.OnTransition(heard.listen))
		trip(t, p, b)
		time.Sleep(time.Minute)
		begin(t, p)
		time.Sleep(time.Hour)
		synctest.Wait()
		heard.want(t, "closed>open", "open>half-open", "half-open>open")
	})
}

func TestChangesAreLoggedAsWarningsAndRejectionsAtDebug(t *testing.T) {
	var log bytes.Buffer
	o := newOrchestrator(t, policy.Catalog{}, container.OnTransition(new(arrows).listen), container.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))))
	registered(t, o, "bank", policy.CircuitBreaker{FailureThreshold: 2})
	p := pipelineFor(t, o, "charge", policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, policy.RateLimit{Name: "api", RequestsPerSecond: 0.001, Burst: 3}, policy.CircuitBreaker{Name: "bank"})
	for _, step := range []struct {
		answer error
		want   []string // one line each
	}{
		{nil, nil}, // successes are silent
		{errDown, []string{
			"level=DEBUG msg=\"attempt failed\" operation=charge attempt=1 verdict=unknown",
			"level=DEBUG msg=retrying operation=charge",
			"level=DEBUG msg=\"attempt failed\" operation=charge attempt=2",
			"level=WARN msg=\"circuit breaker changed state\" breaker=bank from=closed to=open",
			"level=DEBUG msg=\"tripped circuit breaker\" operation=charge breaker=bank",
		}},
	} {
		log.Reset()
		_ = p.Run(t.Context(), always(step.answer))
		wantLines(t, log.String(), step.want)
	}
	log.Reset()
	rejected := pipelineFor(t, o, "report", policy.CircuitBreaker{Name: "bank"})
	_ = rejected.Run(t.Context(), works)
	wantLines(t, log.String(), []string{"level=DEBUG msg=\"rejected by circuit breaker\" operation=report breaker=bank"})
	log.Reset()
	limited := pipelineFor(t, o, "list", policy.RateLimit{Name: "api"})
	_ = limited.Run(t.Context(), works)
	wantLines(t, log.String(), []string{"level=DEBUG msg=\"rejected by rate limiter\" operation=list limiter=api"})
}

func TestTimeoutsAreLoggedAtDebug(t *testing.T) {
	virtual(t, func(t *testing.T) {
		var log bytes.Buffer
		o := newOrchestrator(t, policy.Catalog{}, container.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
		_ = pipelineFor(t, o, "charge", policy.Timeout(time.Second)).Run(t.Context(), waits(time.Hour))
		for _, want := range []string{"level=DEBUG", `msg="timed out"`, "operation=charge", "after=1s"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not say %s:\n%s", want, &log)
			}
		}
	})
}

func wantLines(t *testing.T, log string, want []string) {
	t.Helper()
	lines := strings.FieldsFunc(log, func(r rune) bool { return r == '\n' })
	if len(lines) != len(want) {
		t.Errorf("%d lines, want %d:\n%s", len(lines), len(want), log)
		return
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]) {
			t.Errorf("line %d: %s\nwant it to begin with %s", i+1, line, want[i])
		}
	}
}

// The log is somebody else's code: it may be slow or ask for the state.
func TestTheLogIsWrittenOutsideTheLocks(t *testing.T) {
	var b *container.CircuitBreaker
	asked := 0
	handler := handlerFunc(func(context.Context, slog.Record) {
		asked++
		if b != nil {
			b.State()
		}
	})
	p, made := broken(t, policy.CircuitBreaker{FailureThreshold: 1}, container.WithLogger(slog.New(handler)))
	b = made
	_ = p.Run(t.Context(), always(errDown))
	_ = p.Run(t.Context(), works)
	b.Reset()
	if asked == 0 {
		t.Error("nothing was logged")
	}
}

type handlerFunc func(context.Context, slog.Record)

func (f handlerFunc) Enabled(context.Context, slog.Level) bool        { return true }
func (f handlerFunc) Handle(ctx context.Context, r slog.Record) error { f(ctx, r); return nil }
func (f handlerFunc) WithAttrs([]slog.Attr) slog.Handler              { return f }
func (f handlerFunc) WithGroup(string) slog.Handler                   { return f }
