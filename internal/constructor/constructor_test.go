package constructor_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/cladgo/clad/internal/constructor"
	"go.uber.org/dig"
	"go.uber.org/fx"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(os.Exit)) }

type inner struct {
	dig.Out
	Deep []int `group:"all,flatten" note:"mine"`
}

type outer struct {
	fx.Out
	inner
	Inner inner
	Named string `name:"n"`
}

type result struct {
	fx.Out
	Inner inner
	Named string `name:"n"`
}

func newResult() (result, error) {
	return result{Named: "named", Inner: inner{Deep: []int{1, 2}}}, nil
}

func newNumber() int { return 7 }

// describe prints what a constructor provides.
func describe(results []constructor.Result) string {
	var all []string
	for _, r := range results {
		text := fmt.Sprintf("%v %s", r.Type, r.Field)
		if r.Name()+r.Group() != "" {
			text += fmt.Sprintf(" [%s%s] %v", r.Name(), r.Group(), r.Element())
		}
		if note := r.StructTag.Get("note"); note != "" {
			text += " " + note
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

func TestResultsAreFlattened(t *testing.T) {
	for _, tt := range []struct {
		name string
		ctor any
		want string
	}{
		{"a plain one", newNumber, "int 1"},
		{"several and an error", func() (int, string, error) { return 0, "", nil }, "int 1; string 2"},
		{"a struct of structs", newResult, "[]int Deep [all] int mine; string Named [n] string"},
		{"under a name", fx.Annotated{Name: "n", Target: newNumber}, "int 1 [n] int"},
		{"in a group", fx.Annotated{Group: "g", Target: newNumber}, "int 1 [g] int"},
		{"annotated", fx.Annotate(newNumber, fx.ResultTags(`name:"n"`)), "int Field0 [n] int"},
		{"nothing", func() {}, ""},
		{"an error alone", func() error { return nil }, ""},
	} {
		c, err := constructor.Read(tt.ctor)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		results, err := c.Results()
		if got := describe(results); err != nil || got != tt.want {
			t.Errorf("%s: got %s, %v; want %s", tt.name, got, err, tt.want)
		}
	}
}

func TestWhatIsNoConstructor(t *testing.T) {
	for _, tt := range []struct {
		ctor any
		want string
	}{
		{nil, "not nil"},
		{7, "not 7 (int)"},
		{(func())(nil), "constructor function"},
		{fx.Annotated{Name: "n", Group: "g", Target: newNumber}, "a Name or a Group"},
		{fx.Annotated{Target: 7}, "not 7 (int)"},
		{fx.Annotate(newNumber, fx.As(new(error))), "does not implement error"},
		{fx.Annotate(newNumber, fx.OnStart(nil)), constructor.ErrBroken.Error()},
		{fx.Annotate(7), constructor.ErrBroken.Error()},
	} {
		if _, err := constructor.Read(tt.ctor); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: got %v, want %q", tt.ctor, err, tt.want)
		}
	}
	for _, ctor := range []any{
		func() (error, int) { return nil, 0 }, //nolint:staticcheck // what is tested
		func() outer { return outer{} },       // a field of it is not exported
		fx.Annotated{Name: "n", Target: newResult},
	} {
		c, err := constructor.Read(ctor)
		if err != nil {
			t.Fatal(err)
		}
		if results, err := c.Results(); err == nil {
			t.Errorf("%T provides %s", ctor, describe(results))
		}
	}
}

// made has a constructor made with a parameter that scales the numbers it provides.
func made(t *testing.T, ctor any, fail error) (constructor.Constructor, reflect.Value, []constructor.Result) {
	t.Helper()
	c, err := constructor.Read(ctor)
	if err != nil {
		t.Fatal(err)
	}
	results, err := c.Results()
	if err != nil {
		t.Fatal(err)
	}
	fn := c.Make([]reflect.Type{reflect.TypeFor[float64]()}, results, func(more, values []reflect.Value) ([]reflect.Value, error) {
		for i, v := range values {
			if v.Kind() == reflect.Int {
				values[i] = reflect.ValueOf(int(more[0].Float() * float64(v.Int())))
			}
		}
		return values, fail
	})
	return c, fn, results
}

func TestMakeAddsAParameter(t *testing.T) {
	errFailed := errors.New("failed")
	_, fn, _ := made(t, func(a int, _ ...string) (int, string) { return a, "s" }, nil)
	if got := fn.Type().String(); got != "func(int, float64) (int, string, error)" {
		t.Fatalf("it is a %s", got)
	}
	if n, s, err := fn.Interface().(func(int, float64) (int, string, error))(3, 2); n != 6 || s != "s" || err != nil {
		t.Errorf("got %v, %v, %v", n, s, err)
	}
	_, fn, _ = made(t, newNumber, errFailed)
	if n, err := fn.Interface().(func(float64) (int, error))(2); n != 0 || !errors.Is(err, errFailed) || !strings.Contains(err.Error(), "constructor_test.newNumber at ") {
		t.Errorf("got %v, %v; want the error and where", n, err)
	}
	_, fn, _ = made(t, func() (int, error) { return 7, errFailed }, nil)
	if n, err := fn.Interface().(func(float64) (int, error))(2); n != 0 || err != errFailed { //nolint:errorlint // the very error
		t.Errorf("got %v, %v; want the constructor's own error", n, err)
	}
	_, fn, _ = made(t, newResult, nil)
	if numbers, s, err := fn.Interface().(func(float64) ([]int, string, error))(2); len(numbers) != 2 || s != "named" || err != nil {
		t.Errorf("got %v, %v, %v", numbers, s, err)
	}
}

// What is made goes to Fx and to dig in the place of the user's function.
func TestWhatIsMadeIsProvidedAsTheUsersOwn(t *testing.T) {
	c, fn, results := made(t, fx.Annotated{Name: "n", Target: newNumber}, nil)
	ctor := c.Annotate(fn, results, "shown to those who read Fx's log", "carried")
	type in struct {
		fx.In
		Number int `name:"n"`
	}
	var graph fx.DotGraph
	err := fx.New(fx.NopLogger, fx.Supply(2.0), fx.Provide(ctor), fx.Populate(&graph), fx.Invoke(func(in in) {
		if in.Number != 14 {
			t.Errorf("got %d", in.Number)
		}
	})).Err()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(graph), "newNumber") {
		t.Errorf("the graph has another name for it:\n%s", graph)
	}
	again, err := constructor.Read(ctor)
	if err != nil || again.Name() != "constructor_test.newNumber" || !strings.HasSuffix(filepath.Dir(again.At()), "constructor") {
		t.Errorf("read again it is %+v, %v", again, err)
	}

	forDig, opts, err := constructor.ForDig(ctor)
	if err != nil {
		t.Fatal(err)
	}
	if got := constructor.Carried(ctor); got != "carried" {
		t.Errorf("it carries %v", got)
	}
	if got := constructor.Carried(fx.Annotate(newNumber, fx.ResultTags(`name:"n"`))); got != nil {
		t.Errorf("one of fx's own carries %v", got)
	}
	d := dig.New()
	if err := errors.Join(d.Provide(func() float64 { return 2 }), d.Provide(forDig, opts...), d.Invoke(func(in in) {
		if in.Number != 14 {
			t.Errorf("got %d", in.Number)
		}
	})); err != nil {
		t.Error(err)
	}
}

func TestRefuseKeepsTheError(t *testing.T) {
	errWrong := errors.New("wrong")
	if err := fx.ValidateApp(fx.NopLogger, fx.Provide(constructor.Refuse(newNumber, errWrong))); !errors.Is(err, errWrong) {
		t.Errorf("fx says %v", err)
	}
	if _, _, err := constructor.ForDig(constructor.Refuse("nothing", errWrong)); !errors.Is(err, errWrong) {
		t.Errorf("for dig: %v", err)
	}
}

func TestDecoratorsOfAnApplication(t *testing.T) {
	type takes struct {
		fx.In
		Number int `name:"n"`
	}
	var app fx.Shutdowner
	err := fx.New(fx.NopLogger, fx.Supply(7), fx.Supply(fx.Annotate(8, fx.ResultTags(`name:"n"`))), fx.Populate(&app),
		fx.Replace("s"),
		fx.Decorate(fx.Annotate(func(in takes) int { return in.Number }, fx.ResultTags(`name:"n"`))),
		fx.Module("inner", fx.Decorate(func(n int) int { return n })),
	).Err()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range constructor.Decorators(app) {
		if !strings.Contains(d.At, "constructor_test.go:") {
			t.Errorf("%s is at %q", d.What, d.At)
		}
		got = append(got, fmt.Sprint(strings.SplitN(d.What, "constructor_test.", 2)[0], d.Takes, d.Gives))
	}
	want := []string{"fx.Replace[] [{string  }]", "fx.Decorate([{int n }] [{int n }]", "fx.Decorate([{int  }] [{int  }]"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
	// Of another kind of Fx nothing is known, and nothing is assumed.
	for _, other := range []fx.Shutdowner{nil, strange{}, &strange{}, &stranger{}} {
		if got := constructor.Decorators(other); got != nil {
			t.Errorf("of a %T: %v", other, got)
		}
	}
}

type strange struct{}

func (strange) Shutdown(...fx.ShutdownOption) error { return nil }

type stranger struct {
	strange
	app *struct { //nolint:unused // it is read by reflection
		root *struct{ decorators, modules int }
	}
}
