package gen_test

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/cladgo/clad/cmd/clad/internal/gen"
)

// TestProblems: what can't be done is said with its place, its reason and a way
// out, all of it at once. Each comment in the source is the error wanted for its line.
func TestProblems(t *testing.T) {
	dir := unpack(t, `
-- main.go --
package main

import (
	"context"
	"fmt"
	"testing"

	"go.uber.org/fx"

	"github.com/cladgo/clad/container"
)

type Stripe struct{}

type Gateway interface {
	Charge(ctx context.Context) error
	Refund(ctx context.Context) error //clad:onec // unknown directive //clad:onec (did you mean "once"?): there are //clad:once and //clad:skip
	//clad:once
	//clad:skip // //clad:once and //clad:skip exclude each other
	Both(ctx context.Context) error
}

//clad:skip // //clad:skip does nothing above a type: put it above the methods that it is meant for
type Skipped interface{ Do(ctx context.Context) error }

type Out struct {
	fx.Out
	Stripe *Stripe `+"`policy:\"external\"`"+`
}

func unknown() any { return func(v any) any { return v }(nil) }

var fromOutside any

func main() {
	type local interface{ Do(ctx context.Context) error }
	_ = []any{
		container.Tag(func() Gateway { return nil }, "p"),
		container.Tag(func() Skipped { return nil }, "p"),
		container.Tag(func() *Stripe { return nil }, "p"),                     // container.Tag: the function returns *Stripe, which is no interface, so calls of it can't be wrapped: return the interface, or name it with container.As[...]()
		container.Tag(func() (int, *Stripe, error) { return 0, nil, nil }, "p"), // returns int, which is no interface
		container.Tag(func() error { return nil }, "p"),                       // returns nothing that can be wrapped
		container.Tag(func() {}, "p"),                                         // returns nothing that can be wrapped
		container.Tag(&Stripe{}, "p"),                                         // Stripe{} is a Stripe, not a constructor
		container.Tag(fromOutside, "p"),                                       // can't tell which constructor fromOutside holds
		container.Tag(<-make(chan any), "p"),                                  // can't tell which constructor <-make(chan any) holds
		container.Tag(func() local { return nil }, "p"),                       // no proxy for local: it can't be named here: example.com/app.local, which is declared inside a function
		container.Tag(func() any { return nil }, "p"),                         // no proxy for any: it has no methods, so there is nothing to guard
		container.Tag(func() testing.TB { return nil }, "p"),                  // no proxy for testing.TB: its method private is unexported, so that only package testing can implement it
		container.Tag(func() Out { return Out{} }, "p"),                       // field Stripe has the policy "external", but *Stripe can't be wrapped
		container.Tag(fx.Annotate(func() *Stripe { return nil }, fx.As(fx.Self())), "p"), // returns *Stripe, which is no interface
		container.Tag(func() *Stripe { return nil }, "p", container.As[Stripe]()), // container.As[Stripe]: not an interface
	}
	fmt.Println()
}
`)
	_, err := run(t, gen.Options{Dir: dir})
	if err == nil {
		t.Fatal("no errors")
	}
	got := map[string][]string{}
	for line := range strings.Lines(err.Error()) {
		file, rest, _ := strings.Cut(strings.TrimSpace(line), "main.go:")
		number, rest, _ := strings.Cut(rest, ":")
		if !strings.HasSuffix(file, "/") {
			t.Errorf("no position: %s", line)
		}
		got[number] = append(got[number], rest)
	}
	n := 0
	for line := range strings.Lines(read(t, filepath.Join(dir, "main.go"))) {
		n++
		_, want, found := strings.Cut(line, " // ")
		number := strconv.Itoa(n)
		messages := strings.Join(got[number], "\n")
		switch want = strings.TrimSpace(want); {
		case found && !strings.Contains(messages, want):
			t.Errorf("line %d: %q, want %q", n, messages, want)
		case !found && messages != "":
			t.Errorf("line %d: %q, want nothing", n, messages)
		}
		if len(got[number]) > 1 {
			t.Errorf("line %d has %d messages: %q", n, len(got[number]), got[number])
		}
	}
}
