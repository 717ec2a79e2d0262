package container_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// staleExchange is an exchanger whose last good answers are kept, and what is told.
type staleExchange struct {
	exchanger
	o      *container.Orchestrator
	events []container.Event
}

func staleUnder(t *testing.T, p policy.Policy, d exchanger, opts ...container.TagOption) *staleExchange {
	t.Helper()
	e := &staleExchange{}
	catalog := policy.Catalog{Policies: map[string]policy.Policy{"rates": p}}
	app := fx.New(fx.NopLogger, fx.Provide(
		func() (*container.Orchestrator, policy.Orchestrator, error) {
			o, err := container.NewOrchestrator(catalog, container.OnEvent(func(_ context.Context, event container.Event) {
				e.events = append(e.events, event)
			}))
			return o, o, err
		},
		container.NamedValues(catalog),
		container.Tag(func() exchanger { return d }, "rates", opts...),
	), fx.Populate(&e.exchanger, &e.o))
	if err := app.Err(); err != nil {
		t.Fatal(err)
	}
	return e
}

// counting answers with how often it was asked.
type counting struct {
	desk
	err error
	n   int
}

func (c *counting) Rate(context.Context, string) (float64, error) {
	if c.err != nil {
		return 0, c.err
	}
	c.n++
	return float64(c.n), nil
}

func TestTheLastGoodAnswerTakesThePlaceOfAFailure(t *testing.T) {
	virtual(t, func(t *testing.T) {
		d := &counting{}
		e := staleUnder(t, policy.Combine(policy.Stale(time.Minute), attempts(2)), d)
		want := func(currency string, rate float64, is error) {
			t.Helper()
			if got, err := e.Rate(t.Context(), currency); got != rate || !errors.Is(err, is) {
				t.Errorf("got %v, %v, want %v, %v", got, err, rate, is)
			}
		}
		want("EUR", 1, nil)
		want("USD", 2, nil)
		time.Sleep(time.Minute)
		want("EUR", 3, nil)
		d.err = errDown
		time.Sleep(30 * time.Second)
		want("EUR", 3, nil)     // the last one, of that currency
		want("USD", 0, errDown) // too old
		want("CHF", 0, errDown) // there is none
		time.Sleep(31 * time.Second)
		want("EUR", 0, errDown) // serving it has not made it younger
		m := e.o.Metrics().Operations["container_test.exchanger.Rate"]
		if m.Stale != 1 || m.SuccessfulOperations != 4 || m.FailedOperations != 3 {
			t.Errorf("counted %+v", m)
		}
		told := false
		for _, event := range e.events {
			if s, ok := event.(container.ServedStale); ok {
				told = s.Age == 30*time.Second && errors.Is(s.Err, policy.ErrRetriesExhausted)
			}
		}
		if !told {
			t.Errorf("not told: %v", e.events)
		}
	})
}

func TestAnOldAnswerIsNotGivenWhereItHasNoBusiness(t *testing.T) {
	d := &counting{}
	e := staleUnder(t, policy.Stale(time.Minute), d)
	if _, err := e.Rate(t.Context(), "EUR"); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{policy.Answer(io.EOF), policy.Permanent(errDown)} {
		d.err = err
		if _, got := e.Rate(t.Context(), "EUR"); !errors.Is(got, err) {
			t.Errorf("got %v, want %v", got, err)
		}
	}
	d.err = errDown
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := e.Rate(ended, "EUR"); !errors.Is(err, policy.ErrCancelled) {
		t.Errorf("the caller has gone: got %v", err)
	}
}

// Order is nesting: with an old answer inside, a retry has nothing to do, and a circuit
// breaker around it hears nothing; outside, it opens and the answer is given.
func TestOldAnswersNestAsAnyLayer(t *testing.T) {
	breaker := policy.CircuitBreaker{FailureThreshold: 2}
	for name, test := range map[string]struct {
		p     policy.Policy
		trips uint64
	}{
		"inside":  {policy.Combine(policy.Timeout(time.Minute), attempts(3), breaker, policy.Stale(time.Minute)), 0},
		"outside": {policy.Combine(policy.Stale(time.Minute), policy.Timeout(time.Minute), attempts(3), breaker), 1},
	} {
		t.Run(name, func(t *testing.T) {
			d := &counting{}
			e := staleUnder(t, test.p, d)
			_, _ = e.Rate(t.Context(), "EUR")
			d.err = errDown
			for range 3 {
				if got, err := e.Rate(t.Context(), "EUR"); got != 1 || err != nil {
					t.Errorf("got %v, %v", got, err)
				}
			}
			if m := e.o.Metrics(); m.CircuitBreakerTrips != test.trips || m.Stale != 3 {
				t.Errorf("counted %+v", m.Totals)
			}
		})
	}
}

func TestKeptAnswersAreBounded(t *testing.T) {
	d := &counting{}
	e := staleUnder(t, policy.Stale(time.Minute), d)
	for i := range 1001 {
		if _, err := e.Rate(t.Context(), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	d.err = errDown
	if _, err := e.Rate(t.Context(), "0"); !errors.Is(err, errDown) {
		t.Errorf("the first of 1001 is kept still: %v", err)
	}
	if got, err := e.Rate(t.Context(), "1"); got != 2 || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

// What the fallback says is not the dependency's own, and is not kept.
func TestAnswersOfTheFallbackAreNotKept(t *testing.T) {
	d := &counting{err: errDown}
	e := staleUnder(t, policy.Stale(time.Minute), d, container.Fallback(func() *desk { return &desk{name: "22", rate: failingAfter(1)} }))
	if got, err := e.Rate(t.Context(), "EUR"); got != 2 || err != nil {
		t.Errorf("got %v, %v, want the fallback's", got, err)
	}
	if _, err := e.Rate(t.Context(), "EUR"); !errors.Is(err, errDown) {
		t.Errorf("got %v", err)
	}
}

func failingAfter(n int) func(context.Context) error {
	return func(context.Context) error {
		if n--; n < 0 {
			return errDown
		}
		return nil
	}
}
