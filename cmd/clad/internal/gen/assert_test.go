package gen_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cladgo/clad/cmd/clad/internal/gen"
)

// asserting is an application with packages that assert the interface: one that
// nothing of the pattern imports, one that only knows a part of it, one that is
// required.
const asserting = `
-- payments/payments.go --
package payments

import "context"

type Gateway interface {
	Pinger
	Charge(ctx context.Context, cents int) error
}

type Pinger interface{ Ping(ctx context.Context) error }

type Refunder interface {
	Refund(ctx context.Context, receipt string) error
}

type Stripe struct{ Gateway }

func New() Gateway { return nil }
-- wire/wire.go --
package wire

import (
	"example.com/app/payments"

	"github.com/cladgo/clad/container"
)

var gateway = container.Tag(payments.New, "external")
-- support/support.go --
package support

import "example.com/app/payments"

func Refund(g payments.Gateway) bool {
	_, ok := g.(payments.Refunder)
	return ok
}

func Stripe(g payments.Gateway) *payments.Stripe {
	s, _ := g.(*payments.Stripe)
	return s
}

func IsStripe(g payments.Gateway) bool {
	_, ok := g.(*payments.Stripe)
	return ok
}
-- health/health.go --
package health

import "example.com/app/payments"

func Deep(p payments.Pinger) bool {
	_, ok := p.(interface{ PingDeep() error })
	return ok
}

func Other(v any) bool {
	_, ok := v.(interface{ NotOfAGateway() })
	return ok
}
`

// TestAssertionsAreFound wherever the module has them, from whatever folder one
// generates.
func TestAssertionsAreFound(t *testing.T) {
	dir := unpack(t, asserting)
	r, err := run(t, gen.Options{Dir: filepath.Join(dir, "wire"), Patterns: []string{"."}})
	if err != nil {
		t.Fatal(err)
	}
	text := read(t, filepath.Join(dir, "wire/clad_gen.go"))
	for _, want := range []string{"container.Offers[payments.Refunder]()", "container.Offers[interface{ PingDeep() error }]()"} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %s:\n%s", want, text)
		}
	}
	if strings.Contains(text, "NotOfAGateway") {
		t.Errorf("it has what no gateway is asserted to:\n%s", text)
	}
	compiles(t, dir)
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "support/support.go:11, ") || !strings.Contains(r.Warnings[0], "support/support.go:16: payments.Gateway is asserted to *payments.Stripe, which its proxy is not:") ||
		!strings.Contains(r.Warnings[0], "container.Unwrap") {
		t.Errorf("warnings: %q", r.Warnings)
	}
	// The same from the root, though it sees more.
	expect(t, mustRun(t, gen.Options{Dir: dir, Check: true}), "")

	// What is asserted of the value itself needs no offer, and no warning.
	write(t, filepath.Join(dir, "support/support.go"), `package support

import (
	"example.com/app/payments"

	"github.com/cladgo/clad/container"
)

func Stripe(g payments.Gateway) bool {
	_, refunds := container.Unwrap(g).(payments.Refunder)
	_, ok := container.Unwrap(g).(*payments.Stripe)
	return ok && refunds
}
`)
	if r, err = run(t, gen.Options{Dir: dir}); err != nil || len(r.Warnings) > 0 {
		t.Errorf("%v, %q", err, r.Warnings)
	}
	if text := read(t, filepath.Join(dir, "wire/clad_gen.go")); strings.Contains(text, "Refunder") {
		t.Errorf("it still offers what is asserted of the value:\n%s", text)
	}
}

// TestAssertionsOfWhatIsRequired: a library asserts its own interface, in a package
// that the application never names.
func TestAssertionsOfWhatIsRequired(t *testing.T) {
	dir := unpack(t, `
-- lib/go.mod --
module example.com/lib

go 1.25
-- lib/lib.go --
package lib

import (
	"context"

	"example.com/lib/internal/batch"
)

type Store interface{ Put(ctx context.Context, key string) error }

func PutAll(s Store) bool { return batch.Can(s) }
-- lib/internal/batch/batch.go --
package batch

import "context"

type putter interface{ Put(ctx context.Context, key string) error }

func Can(p putter) bool {
	_, ok := p.(interface{ PutAll(keys ...string) error })
	return ok
}
-- main.go --
package main

import (
	"example.com/lib"

	"github.com/cladgo/clad/container"
)

var store = container.Tag(func() lib.Store { return nil }, "external")

func main() { _, _ = store, lib.PutAll }
`)
	goCommand(t, dir, "mod", "edit", "-require=example.com/lib@v0.0.0", "-replace=example.com/lib=./lib")
	o := gen.Options{Dir: dir, Patterns: []string{"."}}
	if _, err := run(t, o); err != nil {
		t.Fatal(err)
	}
	if text := read(t, filepath.Join(dir, "clad_gen.go")); !strings.Contains(text, "container.Offers[interface{ PutAll(...string) error }]()") {
		t.Errorf("it lacks what the library asks for:\n%s", text)
	}
	compiles(t, dir)
}

// TestKeep names what analysis can't see.
func TestKeep(t *testing.T) {
	dir := unpack(t, app+`
-- keep/keep.go --
package keep

import (
	"context"
	"io"

	"example.com/app/payments"

	"github.com/cladgo/clad/container"
)

type Auditor interface {
	Audit(ctx context.Context) error
}

var options = []container.TagOption{container.Keep[io.WriterTo]()}

var gateway = container.Tag(payments.New, "external", append(options, container.Keep[Auditor](), container.Keep[io.Closer]())...)
`)
	if _, err := run(t, gen.Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	text := read(t, filepath.Join(dir, "keep/clad_gen.go"))
	for _, want := range []string{"container.Offers[Auditor]()", "container.Offers[io.WriterTo]()"} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %s:\n%s", want, text)
		}
	}
	if strings.Contains(text, "Offers[io.Closer]") || strings.Contains(text, "Asserted[") {
		t.Errorf("a Gateway is an io.Closer, and nobody asserts anything:\n%s", text)
	}
	compiles(t, dir)

	write(t, filepath.Join(dir, "keep/keep.go"), `package keep

import (
	"example.com/app/payments"

	"github.com/cladgo/clad/container"
)

var gateway = container.Tag(payments.New, "external", container.Keep[*payments.Stripe]())
`)
	if _, err := run(t, gen.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "container.Keep[*payments.Stripe]: not an interface") {
		t.Errorf("got %v", err)
	}
}

// TestTooManyCombinations: there is a bound to what one proxy can be, and what is
// beyond it is said.
func TestTooManyCombinations(t *testing.T) {
	var interfaces, cases strings.Builder
	for i := range 7 {
		fmt.Fprintf(&interfaces, "type Can%d interface{ Do%[1]d() error }\n", i)
		fmt.Fprintf(&cases, "case payments.Can%d:\n", i)
	}
	dir := unpack(t, app+`
-- payments/more.go --
package payments

`+interfaces.String()+`
-- use/use.go --
package use

import "example.com/app/payments"

func Use(g payments.Gateway) {
	_, _ = g.(payments.Can6)
	switch g.(type) {
	`+cases.String()+`
	}
}
`)
	r, err := run(t, gen.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	compiles(t, dir)
	text := read(t, filepath.Join(dir, "clad_gen.go"))
	if n := strings.Count(text, "container.Offers["); n != 5 || !strings.Contains(text, "Offers[payments.Can6]") {
		t.Errorf("%d are offered, want the 5 that are asserted most:\n%s", n, text)
	}
	if n := strings.Count(text, "container.Asserted["); n != 7 {
		t.Errorf("%d are known to be asserted, want all", n)
	}
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "payments.Gateway: its proxy hides payments.Can4 (") || !strings.Contains(r.Warnings[0], "use/use.go:12), payments.Can5 (") || !strings.Contains(r.Warnings[0], "container.Keep") {
		t.Errorf("warnings: %q", r.Warnings)
	}
}

// TestWhatCannotBeOffered: an interface that can't be named from where the proxy
// is stays hidden, and that is said.
func TestWhatCannotBeOffered(t *testing.T) {
	dir := unpack(t, app+`
-- use/use.go --
package use

import "example.com/app/payments"

type secret interface{ Secret() error }

func Use(g payments.Gateway) bool {
	_, ok := g.(secret)
	return ok
}
`)
	r, err := run(t, gen.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	compiles(t, dir)
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "payments.Gateway: its proxy hides use.secret (") || !strings.Contains(r.Warnings[0], "use/use.go:8), which can't be named or implemented here") {
		t.Errorf("warnings: %q", r.Warnings)
	}
}
