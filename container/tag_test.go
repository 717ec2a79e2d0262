package container_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/dig"
	"go.uber.org/fx"
)

// profile is what the tests of tags run under: each policy makes another number
// of attempts, so that it can be told by them.
var profile = policy.Catalog{Policies: map[string]policy.Policy{
	"external_api": attempts(3),
	"database":     attempts(2),
	"cached":       policy.None{},
	"patient":      attempts(5),
}}

func attempts(n int) policy.Policy {
	return policy.Retry{MaxAttempts: n, Backoff: policy.Fixed(0)}
}

// provided is what package module provides, of a catalog.
func provided(c policy.Catalog) fx.Option {
	return fx.Provide(
		func() (*container.Orchestrator, policy.Orchestrator, error) {
			o, err := container.NewOrchestrator(c)
			return o, o, err
		},
		container.NamedValues(c),
	)
}

// start starts an application of these options, which must not fail, and stops
// it after the test.
func start(t *testing.T, opts ...fx.Option) {
	t.Helper()
	app := fx.New(fx.NopLogger, provided(profile), fx.Options(opts...))
	if err := app.Err(); err != nil {
		t.Fatal(err)
	}
	if err := app.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := app.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
}

// wantAttempts checks under how many attempts a gateway of a bank is.
func wantAttempts(t *testing.T, g gateway, want int) {
	t.Helper()
	b := bankOf(g)
	if b == nil {
		t.Errorf("no bank in %T", g)
		return
	}
	*b = bank{failures: 1000}
	if _, err := g.Charge(t.Context(), 1); !errors.Is(err, errDown) {
		t.Errorf("got %v", err)
	}
	if b.charges != want {
		t.Errorf("%d attempts, want %d", b.charges, want)
	}
}

// bankOf finds the bank in a gateway.
func bankOf(g gateway) *bank {
	switch g := g.(type) {
	case *gatewayProxy:
		return bankOf(g.next)
	case *bank:
		return g
	case decorated:
		return bankOf(g.gateway)
	}
	return nil
}

// decorated is a gateway that the application decorates itself.
type decorated struct{ gateway }

func newBank() gateway { return &bank{} }

func newConcreteBank() *bank { return &bank{} }

func openBank() (gateway, error) { return &bank{}, nil }

func failToOpen() (gateway, error) { return nil, errOpening }

func newOf[T any](v T) func() T { return func() T { return v } }

type factory struct{ gateway gateway }

func (f factory) NewGateway() gateway { return f.gateway }

type settings struct{ url string }

func TestTagTakesEveryShapeOfConstructor(t *testing.T) {
	type in struct {
		fx.In
		URL      string   `name:"url"`
		Optional *bank    `optional:"true"`
		Group    []string `group:"words"`
	}
	took := func(want, got any) gateway {
		if fmt.Sprint(want) != fmt.Sprint(got) {
			t.Errorf("the constructor got %v, want %v", got, want)
		}
		return &bank{}
	}
	closure := &bank{}
	for _, tt := range []struct {
		name string
		ctor any
		opts []container.TagOption
	}{
		{"a function", newBank, nil},
		{"with an error", openBank, nil},
		{"a closure", func() gateway { return closure }, nil},
		{"a method value", factory{closure}.NewGateway, nil},
		{"a generic function", newOf[gateway](&bank{}), nil},
		{"a concrete result, As", newConcreteBank, []container.TagOption{container.As[gateway]()}},
		{"a concrete result and an error, As", func() (*bank, error) { return &bank{}, nil }, []container.TagOption{container.As[gateway]()}},
		{"positional parameters", func(s settings, n int) gateway { return took("u 7", s.url+" "+fmt.Sprint(n)) }, nil},
		{"fx.In", func(in in) gateway {
			slices.Sort(in.Group) // dig hands groups out in random order
			return took("named [a b] true", fmt.Sprint(in.URL, " ", in.Group, " ", in.Optional == nil))
		}, nil},
		{"fx.In among others", func(s settings, in in, n int) gateway {
			return took("u named 7", fmt.Sprint(s.url, " ", in.URL, " ", n))
		}, nil},
		{"variadic", func(s settings, words ...string) gateway { return took("u 0", fmt.Sprint(s.url, " ", len(words))) }, nil},
		{"variadic of what is there", func(words ...settings) gateway { return took(0, len(words)) }, nil},
		{"ParamTags", fx.Annotate(func(url string, s settings) gateway { return took("named u", url+" "+s.url) }, fx.ParamTags(`name:"url"`)), nil},
		{"ParamTags on a variadic", fx.Annotate(func(s settings, words ...string) gateway {
			slices.Sort(words)
			return took("u [a b]", fmt.Sprint(s.url, " ", words))
		}, fx.ParamTags(``, `group:"words"`)), nil},
		{"optional ParamTags", fx.Annotate(func(b *bank) gateway { return took("<nil>", fmt.Sprint(b)) }, fx.ParamTags(`optional:"true"`)), nil},
		{"fx.As", fx.Annotate(newConcreteBank, fx.As(new(gateway))), nil},
		{"fx.As with an error", fx.Annotate(func() (*bank, error) { return &bank{}, nil }, fx.As(new(gateway))), nil},
		{"fx.From", fx.Annotate(func(s fmt.Stringer) gateway { return took("word", s.String()) }, fx.From(new(word))), nil},
		{"fx.Annotated", fx.Annotated{Target: newBank}, nil},
		{"a result struct", func() (out struct {
			fx.Out
			Gateway gateway
		}) {
			out.Gateway = &bank{}
			return out
		}, nil},
		{"a result struct of dig's, and an error", func() (out struct {
			dig.Out
			Gateway gateway
		}, err error) {
			out.Gateway = &bank{}
			return out, nil
		}, nil},
		{"among other results", func() (settings2 struct{ n int8 }, g gateway, rest []int8) { return settings2, &bank{}, nil }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var g gateway
			start(t,
				fx.Supply(settings{"u"}, 7, word("word")),
				fx.Provide(
					fx.Annotate(func() string { return "named" }, fx.ResultTags(`name:"url"`)),
					fx.Annotate(func() string { return "a" }, fx.ResultTags(`group:"words"`)),
					fx.Annotate(func() string { return "b" }, fx.ResultTags(`group:"words"`)),
					container.Tag(tt.ctor, "external_api", tt.opts...),
				),
				fx.Populate(&g))
			wantAttempts(t, g, 3)
		})
	}
}

type word string

func (w word) String() string { return string(w) }

func TestTheConstructorsErrorComesFirst(t *testing.T) {
	for name, ctor := range map[string]any{
		"of a plain one":         failToOpen,
		"of a concrete one":      container.Tag(func() (*bank, error) { return nil, errOpening }, "external_api", container.As[gateway]()),
		"of an annotated one":    fx.Annotate(func() (*bank, error) { return nil, errOpening }, fx.As(new(gateway))),
		"and a value beside it":  func() (gateway, error) { return &bank{}, errOpening },
		"of one that opened two": func() (gateway, *bank, error) { return nil, nil, errOpening },
	} {
		if name != "of a concrete one" {
			ctor = container.Tag(ctor, "external_api")
		}
		app := fx.New(fx.NopLogger, provided(profile), fx.Provide(ctor), fx.Invoke(func(gateway) { t.Errorf("%s: it was provided", name) }))
		if err := dig.RootCause(app.Err()); err != errOpening { //nolint:errorlint // dig's root cause is the very error
			t.Errorf("%s: got %v", name, app.Err())
		}
	}
}

func TestResultStructs(t *testing.T) {
	type inner struct {
		fx.Out
		Deep gateway `name:"deep" policy:"database"`
	}
	type out struct {
		fx.Out
		Plain   gateway
		Named   gateway `name:"named"`
		Field   gateway `name:"field" policy:"patient"`
		Bare    gateway `name:"bare" policy:"none"`
		Nested  inner
		Group   gateway   `group:"all"`
		Other   gateway   `group:"all" policy:"database"`
		Many    []gateway `group:"many,flatten"`
		NotOurs settings
	}
	type in struct {
		fx.In
		Plain   gateway
		Named   gateway   `name:"named"`
		Field   gateway   `name:"field"`
		Bare    gateway   `name:"bare"`
		Deep    gateway   `name:"deep"`
		Group   []gateway `group:"all"`
		Many    []gateway `group:"many"`
		NotOurs settings
	}
	ctor := func() (out, error) {
		return out{
			Plain: &bank{}, Named: &bank{}, Field: &bank{}, Bare: &bank{}, Nested: inner{Deep: &bank{}},
			Group: &bank{}, Other: &bank{}, Many: []gateway{&bank{}, &bank{}}, NotOurs: settings{"passes as it is"},
		}, nil
	}
	var got in
	start(t, fx.Provide(container.Tag(ctor, "external_api")), fx.Invoke(func(i in) { got = i }))
	wantAttempts(t, got.Plain, 3)
	wantAttempts(t, got.Named, 3)
	wantAttempts(t, got.Field, 5)
	wantAttempts(t, got.Deep, 2)
	if _, ok := got.Bare.(*bank); !ok {
		t.Errorf(`the field with policy:"none" came out as %T`, got.Bare)
	}
	if len(got.Group) != 2 || len(got.Many) != 2 {
		t.Fatalf("%d in the group, %d in the flattened one; want 2 each", len(got.Group), len(got.Many))
	}
	most := 0
	for _, g := range got.Group {
		b := bankOf(g)
		b.failures = 1000
		_, _ = g.Charge(t.Context(), 1)
		most += b.charges
	}
	if most != 3+2 {
		t.Errorf("%d attempts of the group's two, want 3 and 2", most)
	}
	for _, g := range got.Many {
		wantAttempts(t, g, 3)
	}
	if got.NotOurs.url != "passes as it is" {
		t.Errorf("another result came out as %+v", got.NotOurs)
	}
}

func TestNamesAndGroups(t *testing.T) {
	for name, ctor := range map[string]any{
		"fx.Annotated Name": container.Tag(fx.Annotated{Name: "n", Target: newBank}, "external_api"),
		"ResultTags":        container.Tag(fx.Annotate(newBank, fx.ResultTags(`name:"n"`)), "external_api"),
		"As and ResultTags": container.Tag(fx.Annotate(newConcreteBank, fx.As(new(gateway)), fx.ResultTags(`name:"n"`)), "external_api"),
		"with an error":     container.Tag(fx.Annotate(openBank, fx.ResultTags(`name:"n"`)), "external_api"),
		"container.As":      container.Tag(fx.Annotated{Name: "n", Target: newConcreteBank}, "external_api", container.As[gateway]()),
	} {
		t.Run(name, func(t *testing.T) {
			start(t, fx.Provide(ctor), fx.Invoke(fx.Annotate(func(g gateway) { wantAttempts(t, g, 3) }, fx.ParamTags(`name:"n"`))))
		})
	}
	for name, ctor := range map[string]any{
		"fx.Annotated Group": container.Tag(fx.Annotated{Group: "g", Target: newBank}, "external_api"),
		"ResultTags":         container.Tag(fx.Annotate(newBank, fx.ResultTags(`group:"g"`)), "external_api"),
		"flatten":            container.Tag(fx.Annotate(func() []gateway { return []gateway{&bank{}} }, fx.ResultTags(`group:"g,flatten"`)), "external_api"),
		"Annotated flatten":  container.Tag(fx.Annotated{Group: "g,flatten", Target: func() []gateway { return []gateway{&bank{}} }}, "external_api"),
	} {
		t.Run("group: "+name, func(t *testing.T) {
			start(t, fx.Provide(ctor, fx.Annotate(newBank, fx.ResultTags(`group:"g"`))), fx.Invoke(fx.Annotate(func(all []gateway) {
				if len(all) != 2 {
					t.Errorf("%d in the group, want 2", len(all))
				}
				wrapped := 0
				for _, g := range all {
					if _, ok := g.(*gatewayProxy); ok {
						wrapped++
						wantAttempts(t, g, 3)
					}
				}
				if wrapped != 1 {
					t.Errorf("%d of the group are wrapped, want the one that was tagged", wrapped)
				}
			}, fx.ParamTags(`group:"g"`))))
		})
	}
}

// A concrete result with As outside the wrapper was once silently not wrapped.
func TestAsOutsideTheTagFailsAtStartup(t *testing.T) {
	for name, ctor := range map[string]any{
		"of nothing that could be wrapped": fx.Annotate(container.Tag(newConcreteBank, "external_api"), fx.As(new(gateway))),
		"of what is wrapped":               fx.Annotate(container.Tag(newBank, "external_api"), fx.As(new(gateway))),
		"in fx.Annotated":                  fx.Annotated{Name: "n", Target: container.Tag(newBank, "external_api")},
	} {
		if err := fx.New(fx.NopLogger, provided(profile), fx.Provide(ctor)).Err(); err == nil {
			t.Errorf("%s: it was accepted", name)
		}
	}
}

// twofold is a gateway and a ledger in one.
type twofold struct {
	*bank
	*book
}

func TestOneResultAsSeveralInterfaces(t *testing.T) {
	start(t,
		fx.Provide(container.Tag(func() *twofold { return &twofold{&bank{}, &book{}} }, "external_api", container.As[gateway](), container.As[ledger]())),
		fx.Invoke(func(g gateway, l ledger) {
			two := g.(*gatewayProxy).next.(*twofold)
			if l.(*ledgerProxy).next.(*twofold) != two {
				t.Error("the two are not of one value")
			}
			two.failures = 1000
			_, _ = g.Charge(t.Context(), 1)
			if two.charges != 3 {
				t.Errorf("%d attempts", two.charges)
			}
		}))
}

func TestAsReplacesTheConcreteTypeAndLeavesTheOthers(t *testing.T) {
	two := func() (*bank, *book) { return &bank{}, &book{} }
	start(t, fx.Provide(container.Tag(two, "external_api", container.As[gateway]())), fx.Invoke(func(g gateway, b *book) {
		wantAttempts(t, g, 3)
		if b == nil {
			t.Error("the other result is lost")
		}
	}))
	start(t, fx.Provide(container.Tag(two, "external_api", container.As[gateway](), container.As[ledger]())), fx.Invoke(func(gateway, ledger) {}))
	err := fx.New(fx.NopLogger, provided(profile), fx.Provide(container.Tag(two, "external_api", container.As[gateway]())), fx.Invoke(func(*bank) {})).Err()
	wantMessage(t, err, "missing type: *container_test.bank")
}

func TestMethodChoosesForOneMethod(t *testing.T) {
	var g gateway
	start(t, fx.Provide(container.Tag(newBank, "external_api", container.Method("Refund", "database"), container.Method("Close", "patient"))), fx.Populate(&g))
	b := bankOf(g)
	b.failures = 1000
	_, _ = g.Charge(t.Context(), 1)
	_ = g.Refund(t.Context(), "r")
	_ = g.Close()
	if b.charges != 3 || b.refunds != 2 || b.closes != 5 {
		t.Errorf("attempts: %d, %d, %d; want 3, 2, 5", b.charges, b.refunds, b.closes)
	}
}

// Default retries once doubled a payment: what is not safe to repeat is easy to
// exclude.
func TestAMethodCanBeExcluded(t *testing.T) {
	var g gateway
	start(t, fx.Provide(container.Tag(newBank, "external_api", container.Method("Charge", "none"))), fx.Populate(&g))
	wantAttempts(t, g, 1)
	b := bankOf(g)
	if err := g.Refund(t.Context(), "r"); !errors.Is(err, policy.ErrRetriesExhausted) || b.refunds != 3 {
		t.Errorf("the others are not guarded: %v after %d attempts", err, b.refunds)
	}
}

func TestTagWithNone(t *testing.T) {
	for _, name := range []string{"none", "cached"} {
		var g gateway
		start(t, fx.Provide(container.Tag(newBank, name)), fx.Populate(&g))
		b := bankOf(g)
		b.failures = 1
		if _, err := g.Charge(t.Context(), 1); err != errDown || b.charges != 1 { //nolint:errorlint // straight through: the very error
			t.Errorf("%s: %v after %d attempts", name, err, b.charges)
		}
	}
}

func TestANilResultStaysNil(t *testing.T) {
	for name, ctor := range map[string]any{
		"an interface": container.Tag(func() gateway { return nil }, "external_api"),
		"a pointer":    container.Tag(func() *bank { return nil }, "external_api", container.As[gateway]()),
		"with fx.As":   container.Tag(fx.Annotate(func() *bank { return nil }, fx.As(new(gateway))), "external_api"),
	} {
		start(t, fx.Provide(ctor), fx.Invoke(func(g gateway) {
			if name != "with fx.As" && g != nil { // fx itself makes that one an interface that holds nil
				t.Errorf("%s: nil came out as %T", name, g)
			}
		}))
	}
}

func TestGenericInterfaces(t *testing.T) {
	var r repository[int]
	gets := 0
	start(t, fx.Provide(container.Tag(func() repository[int] { return getter(func() (int, error) { gets++; return 0, errDown }) }, "database")), fx.Populate(&r))
	if _, err := r.Get(t.Context(), "x"); !errors.Is(err, errDown) || gets != 2 {
		t.Errorf("%v after %d attempts", err, gets)
	}
	// Another instance is another type, for which nothing is registered.
	c := newContainer(t)
	provide(t, c, container.Tag(func() repository[string] { return nil }, "database"))
	wantMessage(t, c.Invoke(func() {}), "no proxy", "repository[string]")
}

type getter func() (int, error)

func (g getter) Get(context.Context, string) (int, error) { return g() }

func TestTheKindsOfMethods(t *testing.T) {
	var l ledger
	start(t, fx.Provide(container.Tag(func() ledger { return &book{} }, "external_api")), fx.Populate(&l))
	b := l.(*ledgerProxy).next.(*book)
	if err := l.Append(t.Context(), "x"); !errors.Is(err, errDown) || b.appends != 1 {
		t.Errorf("what is not safe to repeat: %v after %d attempts", err, b.appends)
	}
	if _, err := l.Balance(); !errors.Is(err, policy.ErrRetriesExhausted) || b.balances != 3 {
		t.Errorf("without a context: %v after %d attempts", err, b.balances)
	}
	if l.Name() != "book" {
		t.Errorf("unguarded: %q", l.Name())
	}

	var g gateway
	start(t, fx.Provide(container.Tag(newBank, "external_api")), fx.Populate(&g))
	bankOf(g).failures = 1
	if err := g.Close(); !errors.Is(err, errDown) || bankOf(g).closes != 1 {
		t.Errorf("optional: %v after %d attempts", err, bankOf(g).closes)
	}
}

// What is not safe to repeat may still be tried again as long as it has not
// reached the dependency.
func TestOnceIsRetriedBeforeItReachesTheDependency(t *testing.T) {
	virtual(t, func(t *testing.T) {
		c := policy.Catalog{Policies: map[string]policy.Policy{"p": policy.Combine(
			policy.Retry{MaxAttempts: 9, Backoff: policy.Fixed(0)},
			policy.RateLimit{RequestsPerSecond: 1, Burst: 1})}}
		app := fx.New(fx.NopLogger, provided(c), fx.Provide(container.Tag(func() ledger { return &book{} }, "p")), fx.Invoke(func(l ledger) {
			b := l.(*ledgerProxy).next.(*book)
			_ = l.Append(t.Context(), "takes the token")
			if err := l.Append(t.Context(), "waits for one"); !errors.Is(err, errDown) || b.appends != 2 {
				t.Errorf("%v after %d attempts", err, b.appends)
			}
		}))
		if err := app.Err(); err != nil {
			t.Error(err)
		}
	})
}
