package container_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"
)

// A decorator inside a module once wrapped for that module alone, and the rest
// got the bare service, silently.
func TestATaggedServiceIsWrappedEverywhere(t *testing.T) {
	tagged := fx.Provide(container.Tag(newBank, "external_api"))
	seen := 0
	use := fx.Invoke(func(g gateway) { seen++; wantAttempts(t, g, 3) })
	for name, opts := range map[string][]fx.Option{
		"provided at the root":        {tagged, use, fx.Module("m", use, fx.Module("n", use))},
		"provided in a module":        {fx.Module("m", tagged, use), use, fx.Module("other", use)},
		"provided in a deeper module": {fx.Module("m", fx.Module("n", tagged, use), use), fx.Module("other", use)},
		"used by others alone":        {fx.Module("m", tagged), use, fx.Module("other", use), use},
	} {
		seen = 0
		start(t, opts...)
		if seen != 3 {
			t.Errorf("%s: %d uses", name, seen)
		}
	}
}

func TestATaggedPrivateServiceStaysPrivate(t *testing.T) {
	module := fx.Module("m",
		fx.Provide(container.Tag(newBank, "external_api"), fx.Private),
		fx.Invoke(func(g gateway) { wantAttempts(t, g, 3) }))
	start(t, module)
	err := fx.New(fx.NopLogger, provided(profile), module, fx.Invoke(func(gateway) {})).Err()
	wantMessage(t, err, "missing type: container_test.gateway")
}

// Two decorators once made the application fail at startup, with an address for
// a name. The application's own decorators and replacements stay its own.
func TestTheUsersOwnDecoratorsGoAroundTheWrapped(t *testing.T) {
	start(t,
		fx.Provide(container.Tag(newBank, "external_api")),
		fx.Decorate(func(g gateway) gateway {
			if _, ok := g.(*gatewayProxy); !ok {
				t.Errorf("the decorator got a bare %T", g)
			}
			return decorated{g}
		}),
		fx.Module("m",
			fx.Decorate(func(g gateway) gateway { return decorated{g} }),
			fx.Invoke(func(g gateway) {
				if _, ok := g.(decorated).gateway.(decorated); !ok {
					t.Errorf("inside the module it is %#v", g)
				}
				wantAttempts(t, g, 3)
			})),
		fx.Invoke(func(g gateway) { wantAttempts(t, g, 3) }))
}

func TestReplaceReplacesTheWrapped(t *testing.T) {
	own := &bank{}
	start(t,
		fx.Provide(container.Tag(newBank, "external_api")),
		fx.Replace(fx.Annotate(own, fx.As(new(gateway)))),
		fx.Invoke(func(g gateway) {
			if g != gateway(own) {
				t.Errorf("got %#v, want what it was replaced by", g)
			}
		}))
}

func TestTwoTaggedConstructorsForOneTypeAreFxsOwnError(t *testing.T) {
	err := fx.New(fx.NopLogger, provided(profile), fx.Provide(container.Tag(newBank, "external_api"), container.Tag(openBank, "database"))).Err()
	wantMessage(t, err, "already provided", "newBank", "openBank", "tag_test.go:")
}

// Hooks that fx.Annotate adds run once, and see what the constructor made.
func TestHooksOfAnAnnotatedConstructor(t *testing.T) {
	var heard []string
	ctor := fx.Annotate(
		func() (*bank, error) { heard = append(heard, "made"); return &bank{}, nil },
		fx.As(new(gateway)),
		fx.OnStart(func(_ context.Context, b gateway) error {
			heard = append(heard, fmt.Sprintf("started %v", bankOf(b) != nil))
			return nil
		}),
		fx.OnStop(func(context.Context) error { heard = append(heard, "stopped"); return nil }),
	)
	app := fx.New(fx.NopLogger, provided(profile), fx.Provide(container.Tag(ctor, "external_api")), fx.Invoke(func(g gateway) { wantAttempts(t, g, 3) }))
	if err := app.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := app.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(heard, ", "); got != "made, started true, stopped" {
		t.Errorf("got %s", got)
	}
}

func TestAConstructorMayUseTheLifecycle(t *testing.T) {
	started := false
	start(t,
		fx.Provide(container.Tag(func(lc fx.Lifecycle) gateway {
			lc.Append(fx.StartHook(func() { started = true }))
			return &bank{}
		}, "external_api")),
		fx.Invoke(func(gateway) {}))
	if !started {
		t.Error("its hook did not run")
	}
}

func TestAConstructorRunsOnceAndOnlyIfNeeded(t *testing.T) {
	ran := 0
	tagged := fx.Provide(container.Tag(func() gateway { ran++; return &bank{} }, "external_api"))
	start(t, tagged)
	if ran != 0 {
		t.Error("it ran for nobody")
	}
	start(t, tagged, fx.Invoke(func(gateway) {}, func(gateway) {}))
	if ran != 1 {
		t.Errorf("it ran %d times", ran)
	}
}

// recorder keeps what fx says.
type recorder struct{ events []fxevent.Event }

func (r *recorder) LogEvent(e fxevent.Event) { r.events = append(r.events, e) }

func newNeedy(missing) gateway { return &bank{} }

type missing struct{}

// What the user reads is about the user's constructor: errors, events and the
// graph name it, and its line. fx has stopped filling the field of its annotated
// constructors (FuncPtr) through which that is possible; should it drop the
// field, this fails.
func TestFxNamesTheUsersConstructor(t *testing.T) {
	for name, ctor := range map[string]any{
		"plain":     container.Tag(newBank, "external_api"),
		"annotated": container.Tag(fx.Annotate(newBank, fx.ResultTags(`name:""`)), "external_api"),
		"struct":    container.Tag(fx.Annotated{Target: newBank}, "external_api"),
		"tagged":    container.Tag(newConcreteBank, "external_api", container.As[gateway]()),
	} {
		want := "newBank"
		if name == "tagged" {
			want = "newConcreteBank"
		}
		var heard recorder
		var graph fx.DotGraph
		app := fx.New(provided(profile), fx.Provide(ctor), fx.WithLogger(func() fxevent.Logger { return &heard }), fx.Invoke(func(gateway) {}), fx.Populate(&graph))
		if err := app.Err(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		named, ran := false, false
		for _, e := range heard.events {
			switch e := e.(type) {
			case *fxevent.Provided:
				if strings.Contains(strings.Join(e.OutputTypeNames, " "), "container_test.gateway") {
					named = strings.Contains(e.ConstructorName, want) && strings.Contains(e.ConstructorName, "tag_test.go:")
					if !named {
						t.Errorf("%s: the event names %q", name, e.ConstructorName)
					}
				}
			case *fxevent.Run:
				ran = ran || strings.Contains(e.Name, want)
			}
		}
		if !named || !ran {
			t.Errorf("%s: Provided names it: %v, Run names it: %v", name, named, ran)
		}
		if !strings.Contains(string(graph), want) {
			t.Errorf("%s: the graph does not name it:\n%s", name, graph)
		}
		wantNoStub(t, string(graph))
	}
}

func TestErrorsNameTheUsersConstructor(t *testing.T) {
	for name, opts := range map[string][]fx.Option{
		"something is missing": {fx.Provide(container.Tag(newNeedy, "external_api")), fx.Invoke(func(gateway) {})},
		"in a module":          {fx.Module("m", fx.Provide(container.Tag(newNeedy, "external_api"))), fx.Invoke(func(gateway) {})},
		"annotated":            {fx.Provide(container.Tag(fx.Annotate(newNeedy, fx.ParamTags(`name:"x"`)), "external_api")), fx.Invoke(func(gateway) {})},
	} {
		err := fx.New(append(opts, fx.NopLogger, provided(profile))...).Err()
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		wantMessage(t, err, "newNeedy", "fx_test.go:", "container_test.missing")
		wantNoStub(t, err.Error())
	}
	err := fx.New(fx.NopLogger, provided(profile), fx.Provide(container.Tag(failToOpen, "external_api")), fx.Invoke(func(gateway) {})).Err()
	wantMessage(t, err, "failToOpen", "tag_test.go:", errOpening.Error())
	wantNoStub(t, err.Error())
}

func TestTheGraphShowsWhoUsesWhichPolicy(t *testing.T) {
	var graph fx.DotGraph
	start(t,
		fx.Provide(container.Tag(newBank, "external_api", container.Method("Refund", "database"), container.Method("Close", "none"))),
		fx.Populate(&graph))
	for policyName, want := range map[string]bool{"external_api": true, "database": true, "patient": false, "none": false} {
		if got := strings.Contains(string(graph), `-> "*container.Pipeline[name=`+policyName+`]"`); got != want {
			t.Errorf("an arrow to %s: %v, want %v\n%s", policyName, got, want, graph)
		}
	}
}

func TestNamedValues(t *testing.T) {
	c := policy.Catalog{
		CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {}},
		RateLimiters:    map[string]policy.RateLimit{"api-calls": {RequestsPerSecond: 1}},
		Bulkheads:       map[string]policy.Bulkhead{"api-calls": {MaxConcurrent: 1}},
		Policies: map[string]policy.Policy{
			"database": policy.Retry{},
			"inline":   policy.Combine(policy.CircuitBreaker{Name: "own", FailureThreshold: 1}, policy.RateLimit{Name: "lim", RequestsPerSecond: 1}),
		},
	}
	type in struct {
		fx.In
		Orchestrator *container.Orchestrator
		Bank         *container.CircuitBreaker `name:"bank"`
		Own          *container.CircuitBreaker `name:"own"`
		API          *container.RateLimiter    `name:"api-calls"`
		Lim          *container.RateLimiter    `name:"lim"`
		Permits      *container.Bulkhead       `name:"api-calls"`
		Database     *container.Pipeline       `name:"database"`
		Inline       *container.Pipeline       `name:"inline"`
	}
	app := fx.New(fx.NopLogger, provided(c), fx.Invoke(func(i in) {
		for name, want := range map[string]*container.CircuitBreaker{"bank": i.Bank, "own": i.Own} {
			if b, ok := i.Orchestrator.CircuitBreaker(name); !ok || b != want || b.Name() != name {
				t.Errorf("the breaker %s is another", name)
			}
		}
		for name, want := range map[string]*container.RateLimiter{"api-calls": i.API, "lim": i.Lim} {
			if l, ok := i.Orchestrator.RateLimiter(name); !ok || l != want || l.Name() != name {
				t.Errorf("the limiter %s is another", name)
			}
		}
		if b, ok := i.Orchestrator.Bulkhead("api-calls"); !ok || b != i.Permits {
			t.Error("the bulkhead is another")
		}
		for name, p := range map[string]*container.Pipeline{"database": i.Database, "inline": i.Inline} {
			if r, err := i.Orchestrator.Pipeline(name); err != nil || r != policy.Runner(p) {
				t.Errorf("the pipeline %s is another: %v", name, err)
			}
		}
	}))
	if err := app.Err(); err != nil {
		t.Error(err)
	}
}

// Two services of one interface are two dependencies.
func TestTwoTaggedServicesOfOneInterfaceHaveBreakersOfTheirOwn(t *testing.T) {
	c := policy.Catalog{Policies: map[string]policy.Policy{"p": policy.Combine(
		policy.RateLimit{RequestsPerSecond: 0.001, Burst: 3},
		policy.CircuitBreaker{FailureThreshold: 2, RecoveryTimeout: time.Hour})}}
	type in struct {
		fx.In
		A gateway `name:"a"`
		B gateway `name:"b"`
	}
	app := fx.New(fx.NopLogger, provided(c),
		fx.Provide(
			container.Tag(fx.Annotated{Name: "a", Target: func() gateway { return &bank{failures: 1000} }}, "p"),
			container.Tag(fx.Annotated{Name: "b", Target: newBank}, "p")),
		fx.Invoke(func(i in) {
			_, _ = i.A.Charge(t.Context(), 1)
			_ = i.A.Refund(t.Context(), "r") // the second failure of one dependency, whichever the method
			_, err := i.A.Charge(t.Context(), 1)
			wantIs(t, err, policy.ErrCircuitOpen)
			for range 3 {
				if _, err := i.B.Charge(t.Context(), 1); err != nil {
					t.Errorf("the other service: %v", err)
				}
			}
			_, err = i.B.Charge(t.Context(), 1)
			wantIs(t, err, policy.ErrRateLimited)
		}))
	if err := app.Err(); err != nil {
		t.Error(err)
	}
}
