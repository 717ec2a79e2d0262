package gen_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/cladgo/clad/cmd/clad/internal/gen"
)

// inside tags in the tests of a package what the package tags itself, and more
// that would be named the same.
const inside = `
-- shop/wiring.go --
package shop

import (
	"context"

	"example.com/app/payments"

	"github.com/cladgo/clad/container"
)

type Repo[T any] interface {
	Get(ctx context.Context, id int) (T, error)
}

var (
	gateway = container.Tag(payments.New, "external")
	repo    = container.Tag(func() Repo[int] { return nil }, "external")
)
-- shop/wiring_test.go --
package shop

import (
	"example.com/app/payments"
	"example.com/app/stub"

	"github.com/cladgo/clad/container"
)

var (
	again    = container.Tag(payments.New, "external")
	repos    = container.Tag(func() (Repo[int], Repo[string]) { return nil, nil }, "external")
	stubbed  = container.Tag(func() stub.Gateway { return nil }, "external")
)
-- shop/outside_test.go --
package shop_test

import (
	"example.com/app/payments"

	"github.com/cladgo/clad/container"
)

var outside = container.Tag(payments.New, "external")
-- stub/stub.go --
package stub

import "context"

type Gateway interface {
	Reset(ctx context.Context) error
}
`

// TestTestsThatTagTheSame: an interface that a package tags, and its tests too,
// had its proxy declared twice, so that the tests did not compile.
func TestTestsThatTagTheSame(t *testing.T) {
	dir := unpack(t, app+inside)
	o := gen.Options{Dir: dir}
	if _, err := run(t, o); err != nil {
		t.Fatal(err)
	}
	compiles(t, dir, "-test")
	text := read(t, filepath.Join(dir, "shop/clad_gen_test.go"))
	if strings.Contains(text, "payments.Gateway") {
		t.Errorf("the tests have a proxy of their own for what the package has one:\n%s", text)
	}
	for _, want := range []string{"stub.Gateway", "[string]"} {
		if !strings.Contains(text, want) {
			t.Errorf("the tests lack a proxy for %s:\n%s", want, text)
		}
	}
	o.Check = true
	expect(t, mustRun(t, o), "")

	// With nothing of their own left, the file of the tests goes.
	o.Check = false
	write(t, filepath.Join(dir, "shop/wiring_test.go"), `package shop

import (
	"example.com/app/payments"

	"github.com/cladgo/clad/container"
)

var again = container.Tag(payments.New, "external")
`)
	expect(t, mustRun(t, o), "removed shop/clad_gen_test.go")
	compiles(t, dir, "-test")
}

// TestTestsOfAnotherBuild: a proxy that is not in the build of the tests does not
// count as there.
func TestTestsOfAnotherBuild(t *testing.T) {
	dir := unpack(t, app+`
-- shop/shop_linux.go --
package shop

import (
	"context"

	"github.com/cladgo/clad/container"
)

type Clock interface {
	Now(ctx context.Context) (int, error)
}

var clock = container.Tag(func() Clock { return nil }, "external")
-- shop/shop_test.go --
package shop

import (
	"example.com/app/payments"

	"github.com/cladgo/clad/container"
)

var gateway = container.Tag(payments.New, "external")
-- shop/shop_linux_test.go --
package shop

import "github.com/cladgo/clad/container"

var again = container.Tag(func() Clock { return nil }, "external")
`)
	if _, err := run(t, gen.Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	compiles(t, dir, "-test")
	if text := read(t, filepath.Join(dir, "shop/clad_gen_test.go")); strings.Contains(text, "Clock") || strings.Contains(text, "go:build") {
		t.Errorf("the tests, which are built everywhere, have what is built on linux only:\n%s", text)
	}
}
