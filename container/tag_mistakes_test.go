package container_test

import (
	"context"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// What a tag gets wrong as far as types tell fails when the application is put
// together, though nothing needs the constructor, and without running any.
func TestMistakesInTagsFailAtStartup(t *testing.T) {
	ran := func() gateway { t.Error("a constructor ran"); return nil }
	type wrongField struct {
		fx.Out
		Gateway gateway
		Text    string `name:"text" policy:"database"`
	}
	type hidden struct {
		fx.Out
		gateway gateway //nolint:unused // what is tested
	}
	for _, tt := range []struct {
		name string
		ctor any
		want []string
	}{
		{"nothing at all", container.Tag(func() {}, "external_api"), []string{"nothing"}},
		{"an error alone", container.Tag(func() error { return nil }, "external_api"), []string{"nothing"}},
		{"no function", container.Tag(7, "external_api"), []string{"7", "int"}},
		{"nil", container.Tag(nil, "external_api"), []string{"nil"}},
		{"a nil function", container.Tag((func() gateway)(nil), "external_api"), []string{"constructor"}},
		{"a slice that is not flattened", container.Tag(func() []gateway { return nil }, "external_api"), []string{"nothing that it provides can be wrapped", "[]container_test.gateway"}},
		{"As of another", container.Tag(newConcreteBank, "external_api", container.As[ledger]()), []string{"container_test.ledger", "*container_test.bank"}},
		{"As of no interface", container.Tag(newConcreteBank, "external_api", container.As[bank]()), []string{"container_test.bank", "not an interface"}},
		{"a policy on what cannot be wrapped", container.Tag(func() wrongField { return wrongField{} }, "external_api"), []string{"Text", "string"}},
		{"a hidden field", container.Tag(func() hidden { return hidden{} }, "external_api"), []string{"gateway", "not exported"}},
		{"an error in the middle", container.Tag(func() (error, gateway) { return nil, nil }, "external_api"), []string{"error"}}, //nolint:staticcheck // what is tested
		{"a name and a group", container.Tag(fx.Annotated{Name: "n", Group: "g", Target: ran}, "external_api"), []string{"Name", "Group"}},
		{"fx.Annotated of nothing", container.Tag(fx.Annotated{Target: 7}, "external_api"), []string{"7"}},
		{"a name for a result struct", container.Tag(fx.Annotated{Name: "n", Target: func() wrongField { return wrongField{} }}, "external_api"), []string{"Annotated", "wrongField"}},
		{"fx.Annotate gone wrong", container.Tag(fx.Annotate(newConcreteBank, fx.As(new(ledger))), "external_api"), []string{"ledger", "bank"}},
		{"fx.Annotate of nothing", container.Tag(fx.Annotate(7, fx.As(new(ledger))), "external_api"), []string{"function"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := fx.New(fx.NopLogger, provided(profile), fx.Provide(tt.ctor)).Err()
			wantMessage(t, err, tt.want...)
			c, failed := container.New(profile)
			if failed != nil {
				t.Fatal(failed)
			}
			wantMessage(t, c.Provide(tt.ctor), tt.want...)
		})
	}
}

// What is registered nowhere fails once the application is built, also where
// nothing needs the constructor; package module does the same for Fx. Until then
// somebody may register it: Tag once looked at once, and so an application with a
// tag in a package variable never started.
func TestWhatIsRegisteredNowhereFailsWhenTheContainerIsUsed(t *testing.T) {
	ran := func() gateway { t.Error("a constructor ran"); return nil }
	for _, tt := range []struct {
		name string
		ctor any
		want []string
	}{
		{"nothing to wrap", container.Tag(func() *bank { return nil }, "external_api"), []string{"nothing that it provides can be wrapped", "*container_test.bank", "container.As"}},
		{"no proxy", container.Tag(func() unproxied { return nil }, "external_api"), []string{"no proxy", "container_test.unproxied", "clad gen", "-type github.com/cladgo/clad/container_test.unproxied"}},
		{"no proxy, As", container.Tag(newConcreteUnproxied, "external_api", container.As[unproxied]()), []string{"no proxy", "clad gen"}},
		{"no proxy beside one with", container.Tag(func() (gateway, unproxied) { return nil, nil }, "external_api"), []string{"no proxy", "container_test.unproxied"}},
		{"an unknown method", container.Tag(ran, "external_api", container.Method("Refnd", "database")), []string{"Refnd", `did you mean "Refund"?`, "Charge"}},
		{"Keep of what the proxy does not keep", container.Tag(ran, "external_api", container.Keep[speaker]()), []string{"container.Keep[container_test.speaker]", "container_test.gateway", "in package github.com/cladgo/clad/container_test", "clad gen"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newContainer(t)
			provide(t, c, tt.ctor)
			for range 2 {
				wantMessage(t, c.Invoke(func() {}), append(tt.want, "tag_")...)
			}
		})
	}
}

// The place to mend is where it is tagged: the constructor may be another's.
func TestAMissingProxyNamesTheTag(t *testing.T) {
	tagged := container.Tag(func() unproxied { return nil }, "external_api")
	_, file, line, _ := runtime.Caller(0)
	want := []string{"in package github.com/cladgo/clad/container_test at " + file + ":" + strconv.Itoa(line-1), "go tool clad gen"}
	c := newContainer(t)
	provide(t, c, tagged)
	wantMessage(t, c.Invoke(func() {}), append(want, "` in "+filepath.Dir(file))...)
	wantMessage(t, fx.ValidateApp(fx.NopLogger, provided(profile), fx.Provide(tagged), fx.Invoke(func(unproxied) {})), want...)
}

func TestAnApplicationWithoutTheModuleIsToldOfIt(t *testing.T) {
	err := fx.ValidateApp(fx.NopLogger, fx.Provide(container.Tag(newBank, "none")), fx.Invoke(func(gateway) {}))
	wantMessage(t, err, "add module.New()")
}

// Fx says no more than that it wants a function.
func TestAnnotatingWhatIsTaggedSaysThatTheOrderIsTheOtherWayRound(t *testing.T) {
	err := fx.ValidateApp(fx.NopLogger, provided(profile), fx.Provide(fx.Annotate(container.Tag(newConcreteBank, "none", container.As[gateway]()), fx.ResultTags(`name:"n"`))))
	wantMessage(t, err, "annotations go inside: Tag(fx.Annotate(...), ...)", "newConcreteBank")
}

type concreteUnproxied struct{}

func (concreteUnproxied) Do(context.Context) error { return nil }

func newConcreteUnproxied() concreteUnproxied { return concreteUnproxied{} }

func TestSeveralMistakesInOneTagAreReportedAtOnce(t *testing.T) {
	ctor := container.Tag(func() (unproxied, *bank) { return nil, nil }, "", container.As[ledger](), container.As[string]())
	err := fx.New(fx.NopLogger, provided(profile), fx.Provide(ctor)).Err()
	wantMessage(t, err, "ledger", "As[string]")
	c := newContainer(t)
	provide(t, c, container.Tag(func() (unproxied, gateway) { return nil, nil }, "external_api"))
	provide(t, c, container.Tag(newConcreteBank, "external_api"))
	wantMessage(t, c.Invoke(func() {}), "container_test.unproxied", "*container_test.bank")
}

// The place to mend is the tag, or the user's constructor.
func TestMistakesNameTheUsersConstructorAndLine(t *testing.T) {
	for name, ctor := range map[string]any{
		"plain":     container.Tag(newConcreteBank, "external_api"),
		"annotated": container.Tag(fx.Annotate(newConcreteBank, fx.ResultTags(`name:"n"`)), "external_api"),
		"fx struct": container.Tag(fx.Annotated{Name: "n", Target: newConcreteBank}, "external_api"),
	} {
		c := newContainer(t)
		provide(t, c, ctor)
		err := c.Invoke(func() {})
		if err == nil || !strings.Contains(err.Error(), "newConcreteBank") || !strings.Contains(err.Error(), "tag_mistakes_test.go:") {
			t.Errorf("%s: %v", name, err)
		}
		wantNoStub(t, err.Error())
	}
	for name, ctor := range map[string]any{
		"plain":     container.Tag(newConcreteBank, ""),
		"annotated": container.Tag(fx.Annotate(newConcreteBank, fx.ResultTags(`name:"n"`)), ""),
		"fx struct": container.Tag(fx.Annotated{Name: "n", Target: newConcreteBank}, ""),
	} {
		err := newContainer(t).Provide(ctor)
		if err == nil || !strings.Contains(err.Error(), "newConcreteBank") || !strings.Contains(err.Error(), "tag_test.go:") {
			t.Errorf("%s: %v", name, err)
		}
		wantNoStub(t, err.Error())
	}
}

func wantNoStub(t *testing.T, text string) {
	t.Helper()
	for _, stub := range []string{"makeFuncStub", "reflect."} {
		if strings.Contains(text, stub) {
			t.Errorf("it names %s:\n%s", stub, text)
		}
	}
}

// A typo once silently meant no policy.
func TestAMisspeltPolicyIsFoundByValidateApp(t *testing.T) {
	ran := func() gateway { t.Error("a constructor ran"); return nil }
	for name, ctor := range map[string]any{
		"of the tag":  container.Tag(ran, "extrnal_api"),
		"of a method": container.Tag(ran, "external_api", container.Method("Charge", "extrnal_api")),
		"of a field": container.Tag(func() (out struct {
			fx.Out
			Gateway gateway `policy:"extrnal_api"`
		}) {
			t.Error("a constructor ran")
			return out
		}, "external_api"),
	} {
		err := fx.ValidateApp(fx.NopLogger, provided(profile), fx.Provide(ctor), fx.Invoke(func(gateway) {}))
		wantMessage(t, err, `*container.Pipeline[name="extrnal_api"]`)
		if err != nil && !strings.Contains(err.Error(), "_test.go:") {
			t.Errorf("%s: it does not say where: %v", name, err)
		}
	}
	good := container.Tag(ran, "external_api", container.Method("Charge", "database"), container.Method("Close", "none"))
	if err := fx.ValidateApp(fx.NopLogger, provided(profile), fx.Provide(good), fx.Invoke(func(gateway) {})); err != nil {
		t.Error(err)
	}
}

// The names in a catalog of nothing, which dig would refuse to be without.
func TestAnEmptyCatalog(t *testing.T) {
	var g gateway
	app := fx.New(fx.NopLogger, provided(policy.Catalog{}), fx.Provide(container.Tag(newBank, "none")), fx.Populate(&g))
	if err := app.Err(); err != nil {
		t.Fatal(err)
	}
	wantAttempts(t, g, 1)
}
