package container_test

import (
	"errors"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/dig"
	"go.uber.org/fx"
)

func newContainer(t *testing.T, opts ...container.Option) *container.Container {
	t.Helper()
	c, err := container.New(profile, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func provide(t *testing.T, c *container.Container, ctor any, opts ...dig.ProvideOption) {
	t.Helper()
	if err := c.Provide(ctor, opts...); err != nil {
		t.Fatal(err)
	}
}

func invoke(t *testing.T, c *container.Container, fn any) {
	t.Helper()
	if err := c.Invoke(fn); err != nil {
		t.Fatal(err)
	}
}

func TestContainerWrapsWithoutFx(t *testing.T) {
	for name, ctor := range map[string]any{
		"plain":          container.Tag(newBank, "external_api"),
		"with an error":  container.Tag(openBank, "external_api"),
		"As":             container.Tag(newConcreteBank, "external_api", container.As[gateway]()),
		"annotated":      container.Tag(fx.Annotate(newConcreteBank, fx.As(new(gateway))), "external_api"),
		"with a dig.In":  container.Tag(func(struct{ dig.In }) gateway { return &bank{} }, "external_api"),
		"with a dig.Out": container.Tag(newDigOut, "external_api"),
	} {
		t.Run(name, func(t *testing.T) {
			c := newContainer(t)
			provide(t, c, ctor)
			invoke(t, c, func(g gateway) { wantAttempts(t, g, 3) })
		})
	}
}

// A container gives a tagged constructor what it needs of clad: looking that up for
// each took dig more than half as long as all else.
func TestContainerHasDigLookUpNothingOfClads(t *testing.T) {
	c := newContainer(t)
	var of dig.ProvideInfo
	provide(t, c, container.Tag(func(int) (gateway, error) { return &bank{}, nil }, "external_api"), dig.FillProvideInfo(&of))
	if len(of.Inputs) != 1 || of.Inputs[0].String() != "int" {
		t.Errorf("the constructor depends on %v; want int alone", of.Inputs)
	}
	provide(t, c, func() int { return 1 })
	invoke(t, c, func(g gateway) { wantAttempts(t, g, 3) })
}

type digOut struct {
	dig.Out
	Gateway gateway
}

func newDigOut() digOut { return digOut{Gateway: &bank{}} }

func TestContainerNamesAndGroups(t *testing.T) {
	c := newContainer(t)
	provide(t, c, container.Tag(newBank, "external_api"), dig.Name("dig"))
	provide(t, c, container.Tag(fx.Annotated{Name: "fx", Target: newBank}, "database"))
	provide(t, c, container.Tag(newBank, "patient"), dig.Group("all"))
	provide(t, c, container.Tag(fx.Annotate(newBank, fx.ResultTags(`group:"all"`)), "patient"))
	type in struct {
		dig.In
		Dig gateway   `name:"dig"`
		Fx  gateway   `name:"fx"`
		All []gateway `group:"all"`
	}
	invoke(t, c, func(in in) {
		wantAttempts(t, in.Dig, 3)
		wantAttempts(t, in.Fx, 2)
		if len(in.All) != 2 {
			t.Errorf("%d in the group", len(in.All))
		}
		for _, g := range in.All {
			wantAttempts(t, g, 5)
		}
	})
}

func TestContainerProvidesWhatItIsMadeOf(t *testing.T) {
	c := newContainer(t)
	type in struct {
		dig.In
		Orchestrator *container.Orchestrator
		Contract     policy.Orchestrator
		Database     *container.Pipeline `name:"database"`
	}
	invoke(t, c, func(in in) {
		if in.Orchestrator != c.Orchestrator() || in.Contract != policy.Orchestrator(in.Orchestrator) {
			t.Error("there are several orchestrators")
		}
		if r, err := c.Orchestrator().Pipeline("database"); err != nil || r != policy.Runner(in.Database) {
			t.Errorf("the pipeline is another: %v", err)
		}
	})
}

func TestContainerErrorsNameTheUsersConstructor(t *testing.T) {
	c := newContainer(t)
	provide(t, c, container.Tag(newNeedy, "external_api"))
	err := c.Invoke(func(gateway) {})
	wantMessage(t, err, "newNeedy", "fx_test.go:", "container_test.missing")
	wantNoStub(t, err.Error())

	c = newContainer(t)
	provide(t, c, container.Tag(failToOpen, "external_api"))
	err = c.Invoke(func(gateway) {})
	if dig.RootCause(err) != errOpening { //nolint:errorlint // the very error
		t.Errorf("got %v", err)
	}
	wantMessage(t, err, "failToOpen", "tag_test.go:")
	wantNoStub(t, err.Error())

	c = newContainer(t)
	wantMessage(t, c.Provide(container.Tag(newBank, "extrnal_api")), "newBank", "tag_test.go:", `"extrnal_api" (did you mean "external_api"?)`)
}

func TestContainerTakesOrdinaryConstructors(t *testing.T) {
	c := newContainer(t)
	provide(t, c, func() settings { return settings{"u"} })
	provide(t, c, fx.Annotate(func() *bank { return &bank{} }, fx.As(new(speaker))))
	invoke(t, c, func(s settings, sp speaker) {
		if s.url != "u" || sp.Speak() != "bank" {
			t.Errorf("got %+v, %v", s, sp)
		}
	})
	for _, wrong := range []any{nil, 7, "x"} {
		if err := c.Provide(wrong); err == nil {
			t.Errorf("%v was accepted", wrong)
		}
	}
}

// speaker is an interface that an ordinary constructor provides.
type speaker interface{ Speak() string }

func (b *bank) Speak() string { return "bank" }

func TestContainerInOneThatIsThere(t *testing.T) {
	d := dig.New()
	if err := d.Provide(func() settings { return settings{"theirs"} }); err != nil {
		t.Fatal(err)
	}
	c, err := container.NewIn(d, profile)
	if err != nil {
		t.Fatal(err)
	}
	provide(t, c, container.Tag(func(s settings) gateway {
		if s.url != "theirs" {
			t.Errorf("got %+v", s)
		}
		return &bank{}
	}, "external_api"))
	if err := d.Invoke(func(g gateway) { wantAttempts(t, g, 3) }); err != nil {
		t.Error(err)
	}
	if _, err := container.NewIn(d, profile); err == nil {
		t.Error("a second orchestrator in one container was accepted")
	}
}

func TestContainerRefusesABadCatalog(t *testing.T) {
	c, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"a": policy.Timeout(-1), "b": policy.CircuitBreaker{Name: "x"}}})
	if c != nil {
		t.Error("a container came with the error")
	}
	wantMessage(t, err, "timeout: -1ns", `"x"`)
}

func TestContainerOptions(t *testing.T) {
	var heard arrows
	c, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"p": policy.CircuitBreaker{FailureThreshold: 1}}}, container.OnTransition(heard.listen))
	if err != nil {
		t.Fatal(err)
	}
	provide(t, c, container.Tag(func() gateway { return &bank{failures: 1} }, "p"))
	invoke(t, c, func(g gateway) {
		_, err := g.Charge(t.Context(), 1)
		if !errors.Is(err, errDown) {
			t.Error(err)
		}
	})
	heard.want(t, "closed>open")
}
