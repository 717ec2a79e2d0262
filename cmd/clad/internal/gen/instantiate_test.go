package gen_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cladgo/clad/cmd/clad/internal/gen"
)

// crowded tags so many types in generic code that the last are not followed. Most
// are functions, which need no proxy.
func crowded() string {
	var b strings.Builder
	b.WriteString(`
-- main.go --
package main

import (
	"context"

	"github.com/cladgo/clad/container"
)

type Early interface{ Do(ctx context.Context) error }

type Late interface{ Do(ctx context.Context) error }

func tag[T any]() { container.Tag(func() (t T) { return t }, "p") }

func main() {
	tag[Early]()
`)
	for i := range 1100 {
		fmt.Fprintf(&b, "\ttag[func(context.Context, [%d]int) error]()\n", i)
	}
	b.WriteString("\ttag[Late]()\n}\n")
	return b.String()
}

// TestWhatIsNotFollowedIsSaid: a proxy beyond the bound was left out in silence,
// and missed by the program when it started.
func TestWhatIsNotFollowedIsSaid(t *testing.T) {
	dir := unpack(t, crowded())
	file := filepath.Join(dir, "clad_gen.go")
	for _, check := range []bool{true, false} { // written or not
		r, err := run(t, gen.Options{Dir: dir, Check: check})
		if err != nil || len(r.Warnings) != 1 {
			t.Fatalf("check %v: %q, %v", check, r.Warnings, err)
		}
		for _, want := range []string{
			"main.go:13: container.Tag in generic code: 1000 instantiations are followed",
			"main.go:1117 on are not", "(Late)", "clad gen -type 'Late'", "container.RegisterProxy",
		} {
			if !strings.Contains(r.Warnings[0], want) {
				t.Errorf("check %v: %q, want %q in it", check, r.Warnings[0], want)
			}
		}
	}
	if text := read(t, file); !strings.Contains(text, "Early") || strings.Contains(text, "Late") {
		t.Errorf("wrote\n%s", clip(text))
	}
	for _, o := range []gen.Options{
		{Types: []string{"Late"}, Patterns: []string{"."}}, // does as the warning says
		{Check: true},
	} {
		o.Dir = dir
		if r, err := run(t, o); err != nil || len(r.Warnings)+len(r.Stale) > 0 {
			t.Errorf("%+v: %q, %q, %v", o, r.Warnings, r.Stale, err)
		}
	}
	if text := read(t, file); !strings.Contains(text, "Late") {
		t.Errorf("wrote\n%s", clip(text))
	}
}

// TestWhatIsWrappedByHandIsNotMissed: there the bound harms nobody.
func TestWhatIsWrappedByHandIsNotMissed(t *testing.T) {
	dir := unpack(t, crowded()+`
func init() {
	container.RegisterProxy(func(next Late, _ container.Methods) Late { return next })
}
`)
	if r, err := run(t, gen.Options{Dir: dir}); err != nil || len(r.Warnings) > 0 {
		t.Errorf("%q, %v", r.Warnings, err)
	}
}

// TestRecursiveGenericCodeComesToAnEnd: it was followed round and round, up to the
// bound, though it gives itself nothing new.
func TestRecursiveGenericCodeComesToAnEnd(t *testing.T) {
	dir := unpack(t, `
-- main.go --
package main

import (
	"context"

	"github.com/cladgo/clad/container"
)

type Repo[T any] interface{ Get(ctx context.Context) (T, error) }

type tagger[T any] struct{}

func (t tagger[T]) tag(n int) {
	container.Tag(func() Repo[T] { return nil }, "p")
	if n > 0 {
		t.tag(n - 1)
		tag[T](n - 1)
	}
}

func tag[T any](n int) {
	if n > 0 {
		tag[T](n - 1)
		tagger[T]{}.tag(n - 1)
	}
}

func main() {
	tag[int](3)
	tag[string](3)
}
`)
	r, err := run(t, gen.Options{Dir: dir})
	if err != nil || len(r.Warnings) > 0 {
		t.Errorf("%q, %v", r.Warnings, err)
	}
	text := read(t, filepath.Join(dir, "clad_gen.go"))
	for _, want := range []string{"newRepoProxy[int]", "newRepoProxy[string]"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing for %s in\n%s", want, clip(text))
		}
	}
}

// What is wrong with one instantiation of generic code is said where that is, and
// not only where others are right, too.
func TestInstantiationsThatCantBeWrapped(t *testing.T) {
	dir := unpack(t, `
-- main.go --
package main

import (
	"context"

	"github.com/cladgo/clad/container"
)

type Right interface{ Do(ctx context.Context) error }

type Wrong struct{}

func tag[T any]() any { return container.Tag(func() (t T, err error) { return }, "p") }

func both[T any]() any { return container.Tag(func() (t T, r Right) { return }, "p") }

func main() {
	tag[Right]()
	tag[*Wrong]()
	tag[any]()
	both[*Wrong]()
}
`)
	r, err := run(t, gen.Options{Dir: dir})
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "main.go:19: what container.Tag at ") || !strings.Contains(r.Warnings[0], "main.go:13 is given here returns *Wrong") {
		t.Errorf("warnings: %q", r.Warnings)
	}
	if err == nil || !strings.Contains(err.Error(), "main.go:20:2: no proxy for any") {
		t.Errorf("the mistake: %v", err)
	}
}
