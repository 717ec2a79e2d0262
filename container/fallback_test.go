package container_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// exchanger is what the tests of fallbacks tag: one method that reads, and one that is
// not safe to repeat.
type exchanger interface {
	Rate(ctx context.Context, currency string) (float64, error)
	Book(ctx context.Context, amount int) (string, error)
}

type exchangerProxy struct {
	next         exchanger
	rate, book   *container.Pipeline
	rateFallback func(context.Context, string) (float64, error)
	bookFallback func(context.Context, int) (string, error)
}

func init() {
	container.RegisterProxy(func(next exchanger, m container.Methods) exchanger {
		p := &exchangerProxy{next: next, rate: m.Safe("Rate"), book: m.Once("Book")}
		if f, ok := container.FallbackOf[exchanger](m); ok {
			p.rateFallback, p.bookFallback = f.Rate, f.Book
		}
		m.Fallback("Rate", &p.rateFallback)
		m.Fallback("Book", &p.bookFallback)
		return p
	})
}

func (p *exchangerProxy) Rate(ctx context.Context, currency string) (rate float64, err error) {
	if p.rate.Direct() {
		return p.next.Rate(ctx, currency)
	}
	call := p.rate.Begin(ctx)
	defer call.End()
	if call.Keeps() {
		call.Key(currency)
	}
	for call.Next(&err) {
		if call.FellBack() {
			rate, err = p.rateFallback(call.Context(), currency)
			continue
		}
		rate, err = p.next.Rate(call.Context(), currency)
	}
	if err == nil && call.Keeps() {
		rate = container.LastGood(&call, rate)
	}
	return rate, err
}

func (p *exchangerProxy) Book(ctx context.Context, amount int) (id string, err error) {
	if p.book.Direct() {
		return p.next.Book(ctx, amount)
	}
	call := p.book.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		if call.FellBack() {
			id, err = p.bookFallback(call.Context(), amount)
			continue
		}
		id, err = p.next.Book(call.Context(), amount)
	}
	return id, err
}

// desk is an exchanger that does as it is told.
type desk struct {
	name  string
	rate  func(ctx context.Context) error
	book  func(ctx context.Context) error
	calls int
}

func (d *desk) Rate(ctx context.Context, currency string) (float64, error) {
	d.calls++
	if d.rate != nil {
		if err := d.rate(ctx); err != nil {
			return 0, err
		}
	}
	return float64(len(d.name)), nil
}

func (d *desk) Book(ctx context.Context, amount int) (string, error) {
	d.calls++
	if d.book != nil {
		if err := d.book(ctx); err != nil {
			return "", err
		}
	}
	return d.name, nil
}

func failing(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

// exchange is an exchanger with a fallback, and what is seen of both.
type fallbackExchange struct {
	exchanger
	first, second *desk
	o             *container.Orchestrator
	events        []container.Event
}

// spare is what the constructor of the fallback depends on.
type spare struct{ *desk }

func exchangeUnder(t *testing.T, layers []policy.Policy, first, second *desk, opts ...container.FallbackOption) *fallbackExchange {
	t.Helper()
	e := &fallbackExchange{first: first, second: second}
	catalog := policy.Catalog{Policies: map[string]policy.Policy{"rates": policy.Combine(layers...), "spare": attempts(2)}}
	app := fx.New(fx.NopLogger,
		fx.Provide(
			func() (*container.Orchestrator, policy.Orchestrator, error) {
				o, err := container.NewOrchestrator(catalog, container.OnEvent(func(_ context.Context, event container.Event) {
					e.events = append(e.events, event)
				}))
				return o, o, err
			},
			container.NamedValues(catalog),
			container.Tag(func() exchanger { return first }, "rates",
				container.Fallback(func(s spare) *desk { return s.desk }, opts...)),
			func() spare { return spare{second} },
		),
		fx.Populate(&e.exchanger, &e.o),
	)
	if err := app.Err(); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestFallbackIsAskedWhenTheFirstIsUnavailable(t *testing.T) {
	for name, test := range map[string]struct {
		layers []policy.Policy
		before int // calls that fail first
		fail   func(context.Context) error
		want   error // what FellBack tells
	}{
		"a failure":         {fail: failing(errDown), want: errDown},
		"exhausted retries": {layers: []policy.Policy{attempts(3)}, fail: failing(errDown), want: policy.ErrRetriesExhausted},
		"an open breaker": {layers: []policy.Policy{policy.CircuitBreaker{FailureThreshold: 1}}, before: 1,
			fail: failing(errDown), want: policy.ErrCircuitOpen},
		"a full limit": {layers: []policy.Policy{policy.RateLimit{RequestsPerSecond: 0.001, Burst: 1}}, before: 1,
			want: policy.ErrRateLimited},
		"a timeout": {layers: []policy.Policy{policy.Timeout(time.Second)}, want: policy.ErrTimeout,
			fail: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				e := exchangeUnder(t, test.layers, &desk{name: "1", rate: test.fail}, &desk{name: "22"})
				for range test.before {
					_, _ = e.Rate(t.Context(), "EUR")
				}
				before := e.o.Metrics().Operations["container_test.exchanger.Rate"]
				e.events = nil
				got, err := e.Rate(t.Context(), "EUR")
				if got != 2 || err != nil {
					t.Fatalf("got %v, %v, want the fallback's 2", got, err)
				}
				last := e.events[len(e.events)-1]
				if fell, ok := last.(container.FellBack); !ok || !errors.Is(fell.Err, test.want) {
					t.Errorf("the last event is %#v, want FellBack after %v", last, test.want)
				}
				m := e.o.Metrics().Operations["container_test.exchanger.Rate"]
				if m.Fallbacks != before.Fallbacks+1 || m.SuccessfulOperations != before.SuccessfulOperations+1 || m.FailedOperations != 0 {
					t.Errorf("counted %+v", m)
				}
			})
		})
	}
}

func TestFallbackIsNotAskedWhereItHasNoBusiness(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	leaving, leave := context.WithCancel(t.Context())
	defer leave()
	for name, test := range map[string]struct {
		ctx  context.Context
		fail error
		want error
	}{
		"an answer":                      {t.Context(), policy.Answer(io.EOF), io.EOF},
		"a refusal":                      {t.Context(), policy.Permanent(errDown), errDown},
		"the caller had gone before":     {ended, nil, policy.ErrCancelled},
		"the caller goes in the attempt": {leaving, errDown, policy.ErrCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			e := exchangeUnder(t, []policy.Policy{attempts(1)}, &desk{name: "1", rate: func(context.Context) error {
				if test.ctx == leaving {
					leave()
				}
				return test.fail
			}}, &desk{name: "22"})
			if _, err := e.Rate(test.ctx, "EUR"); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if e.second.calls != 0 {
				t.Error("the fallback was asked")
			}
		})
	}
}

// What is not safe to repeat is not done again by the fallback where it may have been
// done already, but it is where it certainly was not.
func TestFallbackDoesNotDoAgainWhatMayHaveBeenDone(t *testing.T) {
	open := policy.CircuitBreaker{FailureThreshold: 1}
	e := exchangeUnder(t, []policy.Policy{open}, &desk{name: "1", book: failing(errDown)}, &desk{name: "22"})
	if _, err := e.Book(t.Context(), 1); !errors.Is(err, errDown) || e.second.calls != 0 {
		t.Errorf("got %v, and the fallback was asked %d times", err, e.second.calls)
	}
	if id, err := e.Book(t.Context(), 1); id != "22" || err != nil {
		t.Errorf("the breaker is open, nobody was asked: got %q, %v, want the fallback's", id, err)
	}

	e = exchangeUnder(t, nil, &desk{name: "1", book: failing(errDown)}, &desk{name: "22"}, container.FallbackRepeats())
	if id, err := e.Book(t.Context(), 1); id != "22" || err != nil {
		t.Errorf("FallbackRepeats: got %q, %v", id, err)
	}
}

func TestFallbackThatFails(t *testing.T) {
	errSpare := errors.New("the spare is down, too")
	e := exchangeUnder(t, []policy.Policy{attempts(2)}, &desk{name: "1", rate: failing(errDown)}, &desk{name: "22", rate: failing(errSpare)})
	_, err := e.Rate(t.Context(), "EUR")
	for _, want := range []error{errDown, errSpare, policy.ErrRetriesExhausted} {
		if !errors.Is(err, want) {
			t.Errorf("%v does not hold %v", err, want)
		}
	}
	if m := e.o.Metrics().Operations["container_test.exchanger.Rate"]; m.FailedOperations != 1 || m.Fallbacks != 1 {
		t.Errorf("counted %+v", m)
	}

	e.second.rate = failing(policy.Answer(io.EOF))
	if _, err := e.Rate(t.Context(), "EUR"); !errors.Is(err, io.EOF) || errors.Is(err, errDown) {
		t.Errorf("its answer is the operation's: got %v", err)
	}
}

func TestFallbackHasItsOwnPolicyAndItsOwnRules(t *testing.T) {
	e := exchangeUnder(t, nil, &desk{name: "1", rate: failing(errDown)}, &desk{name: "22", rate: failing(errDown)},
		container.FallbackPolicy("spare"))
	_, _ = e.Rate(t.Context(), "EUR")
	if e.second.calls != 2 {
		t.Errorf("%d calls of the fallback, want the 2 of its policy", e.second.calls)
	}
	e = exchangeUnder(t, nil, &desk{name: "1", rate: failing(errDown)}, &desk{name: "22"},
		container.FallbackWhen(func(err error) bool { return errors.Is(err, policy.ErrTimeout) }))
	if _, err := e.Rate(t.Context(), "EUR"); !errors.Is(err, errDown) || e.second.calls != 0 {
		t.Errorf("it is no timeout, got %v after %d calls of the fallback", err, e.second.calls)
	}
}

// A fallback that panics or exits costs a failure and loses nothing.
func TestFallbackThatNeverComesBack(t *testing.T) {
	for name, stop := range map[string]func(){
		"panic":  func() { panic("spare") },
		"goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			breaker := policy.CircuitBreaker{FailureThreshold: 2}
			e := exchangeUnder(t, []policy.Policy{breaker}, &desk{name: "1", rate: failing(errDown)},
				&desk{name: "22", rate: func(context.Context) error { stop(); return nil }})
			done := make(chan any)
			go func() {
				defer func() { done <- recover() }()
				_, _ = e.Rate(t.Context(), "EUR")
			}()
			if r := <-done; name == "panic" && r != "spare" {
				t.Errorf("recovered %v", r)
			}
			m := e.o.Metrics().Operations["container_test.exchanger.Rate"]
			if m.TotalOperations != 1 || m.FailedOperations != 1 || m.CircuitBreakerTrips != 0 {
				t.Errorf("counted %+v: one failure, and the breaker saw one", m)
			}
		})
	}
}

func TestFallbackForOneMethodBeatsTheInterface(t *testing.T) {
	var e exchanger
	start(t, fx.Provide(container.Tag(func() exchanger { return &desk{rate: failing(errDown), book: failing(errDown)} }, "none",
		container.Fallback(func() *desk { return &desk{name: "22"} }, container.FallbackRepeats()),
		container.FallbackMethod("Rate", func(_ context.Context, currency string) (float64, error) { return 100, nil }),
	)), fx.Populate(&e))
	rate, err := e.Rate(t.Context(), "EUR")
	id, err2 := e.Book(t.Context(), 1)
	if rate != 100 || id != "22" || err != nil || err2 != nil {
		t.Errorf("got %v, %v and %q, %v", rate, err, id, err2)
	}
}

type quote func(ctx context.Context, currency string) (float64, error)

type bidAsk struct {
	Bid func(ctx context.Context) (int, error)
	Ask func(ctx context.Context) (int, error)
}

func TestFunctionsFallBack(t *testing.T) {
	var q quote
	var s bidAsk
	one := func(n int, err error) func(context.Context) (int, error) {
		return func(context.Context) (int, error) { return n, err }
	}
	start(t, fx.Provide(
		container.Tag(func() quote { return func(context.Context, string) (float64, error) { return 0, errDown } }, "database",
			container.Fallback(func() quote { return func(context.Context, string) (float64, error) { return 7, nil } })),
		container.Tag(func() bidAsk { return bidAsk{one(0, errDown), one(0, errDown)} }, "database",
			container.Fallback(func() bidAsk { return bidAsk{Ask: one(8, nil)} }),
			container.FallbackMethod("Bid", one(9, nil))),
	), fx.Populate(&q, &s))
	rate, err := q(t.Context(), "EUR")
	bid, err2 := s.Bid(t.Context())
	ask, err3 := s.Ask(t.Context())
	if rate != 7 || bid != 9 || ask != 8 || errors.Join(err, err2, err3) != nil {
		t.Errorf("got %v, %v, %v: %v", rate, bid, ask, errors.Join(err, err2, err3))
	}
}

// A profile that chose for a type was refused as soon as what it meant had a fallback.
func TestTheTypeAloneMeansWhatHasTheFallback(t *testing.T) {
	for _, key := range []string{"container_test.exchanger", "github.com/cladgo/clad/container_test.exchanger"} {
		for first, spare := range map[string]string{``: `name:"fallback"`, `name:"main"`: `name:"main fallback"`} {
			catalog := policy.Catalog{
				Policies: map[string]policy.Policy{"rates": attempts(2), "chosen": attempts(3)},
				Services: map[string]policy.Service{key: {Policy: "chosen"}},
			}
			var under []string
			app := fx.New(fx.NopLogger, provided(catalog),
				fx.Provide(container.Tag(fx.Annotate(func() exchanger { return &desk{} }, fx.ResultTags(first)), "rates",
					container.Fallback(func() *desk { return &desk{} }))),
				fx.Invoke(fx.Annotate(func(o *container.Orchestrator, _, _ exchanger) {
					for _, s := range o.Services() {
						under = append(under, fmt.Sprint(strings.Contains(s.Name, "fallback"), " ", s.Policy))
					}
					slices.Sort(under)
				}, fx.ParamTags("", first, spare))))
			if err := app.Err(); err != nil || !slices.Equal(under, []string{"false chosen", "true none"}) {
				t.Errorf("%s, %s: under %v, want the first under chosen and its fallback under none; %v", key, first, under, err)
			}
		}
	}
}

// A fallback is provided beside, is in the graph, and the profile can choose for it.
func TestFallbackIsAServiceOfItsOwn(t *testing.T) {
	catalog := policy.Catalog{
		Policies: map[string]policy.Policy{"rates": attempts(2), "spare": attempts(5)},
		Services: map[string]policy.Service{"container_test.exchanger[fallback]": {Policy: "spare"}},
	}
	second := &desk{name: "22", rate: failing(errDown)}
	var graph fx.DotGraph
	app := fx.New(fx.NopLogger, provided(catalog),
		fx.Provide(container.Tag(func() exchanger { return &desk{rate: failing(errDown)} }, "rates",
			container.Fallback(func() *desk { return second }))),
		fx.Populate(&graph),
		fx.Invoke(fx.Annotate(func(o *container.Orchestrator, e, f exchanger) {
			_, _ = f.Rate(t.Context(), "EUR")
			var names []string
			for _, s := range o.Services() {
				names = append(names, s.Name+" under "+s.Policy)
			}
			want := "container_test.exchanger under rates, container_test.exchanger[fallback] under spare"
			if got := strings.Join(names, ", "); got != want {
				t.Errorf("services are %s, want %s", got, want)
			}
		}, fx.ParamTags("", "", `name:"fallback"`))))
	if err := app.Err(); err != nil {
		t.Fatal(err)
	}
	if second.calls != 5 {
		t.Errorf("%d attempts of the fallback, want the 5 that the profile chooses", second.calls)
	}
	if !strings.Contains(string(graph), `exchanger[name=fallback]`) {
		t.Errorf("the graph does not show it:\n%s", graph)
	}
}

func TestMistakesInFallbacks(t *testing.T) {
	make1 := func() exchanger { return &desk{} }
	for name, test := range map[string]struct {
		opt  container.TagOption
		want []string
	}{
		"another type": {container.Fallback(func() *strings.Reader { return nil }),
			[]string{"container.Fallback(container_test", "stands in for none of container_test.exchanger", "*strings.Reader lacks the method Book"}},
		"no constructor": {container.Fallback(nil), []string{"container.Fallback: it needs a constructor, not nil"}},
		"no such method": {container.FallbackMethod("Rat", func() {}), []string{`"Rat"`, "did you mean", "Rate"}},
		"another signature": {container.FallbackMethod("Rate", func(context.Context) error { return nil }),
			[]string{`container.FallbackMethod("Rate"): it needs a func(context.Context, string) (float64, error)`}},
		"no function":         {container.FallbackMethod("Rate", 5), []string{"needs a function, not int"}},
		"a policy, a method":  {container.FallbackMethod("Rate", func() {}, container.FallbackPolicy("x")), []string{"a function has no policy"}},
		"a fallback's policy": {container.Fallback(func() *desk { return nil }, container.FallbackPolicy("databse")), []string{`databse`}},
		"a fallback's method": {container.Fallback(func() *desk { return nil }, container.FallbackPolicy("database", container.Method("Rte", "none"))),
			[]string{"a method Rte"}},
		"a fallback's fallback": {container.Fallback(func() *desk { return nil }, container.FallbackPolicy("none", container.Fallback(func() *desk { return nil }))),
			[]string{"a fallback has none of its own"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := fx.New(fx.NopLogger, provided(profile), fx.Provide(container.Tag(make1, "database", test.opt)),
				fx.Invoke(func(exchanger) {})).Err()
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v\nwant it to say %q", err, want)
				}
			}
			if err != nil && !strings.Contains(fmt.Sprint(err), "fallback_test.go:") {
				t.Errorf("%v does not say where", err)
			}
		})
	}
}

// A proxy that was made before there were fallbacks knows nothing of them.
func TestFallbackOfAProxyThatAsksNone(t *testing.T) {
	err := fx.New(fx.NopLogger, provided(profile),
		fx.Provide(container.Tag(func() gateway { return &bank{} }, "database", container.Fallback(func() *bank { return &bank{} }))),
		fx.Invoke(func(gateway) {})).Err()
	if err == nil || !strings.Contains(err.Error(), "asks no fallback") || !strings.Contains(err.Error(), "go tool clad gen") {
		t.Errorf("got %v", err)
	}
}

// The constructor of a fallback fails as any does.
func TestFallbackThatCannotBeMade(t *testing.T) {
	err := fx.New(fx.NopLogger, provided(profile),
		fx.Provide(container.Tag(func() (exchanger, error) { return &desk{}, nil }, "database",
			container.Fallback(func() (*desk, error) { return nil, errDown }))),
		fx.Invoke(func(exchanger) {})).Err()
	if !errors.Is(err, errDown) {
		t.Errorf("got %v", err)
	}
	var e exchanger
	start(t, fx.Provide(container.Tag(func() exchanger { return &desk{rate: failing(errDown)} }, "none",
		container.Fallback(func() exchanger { return nil }))), fx.Populate(&e))
	if _, err := e.Rate(t.Context(), "EUR"); !errors.Is(err, errDown) {
		t.Errorf("a nil fallback is none: got %v", err)
	}
}
