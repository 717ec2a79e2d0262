package gen_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/cladgo/clad/cmd/clad/internal/gen"
)

const tagged = app + `
-- dev.go --
//go:build !prod

package main

import (
	"context"

	"github.com/cladgo/clad/container"
)

var dev = container.Tag(func() interface{ Dev(context.Context) error } { return nil }, "external")
-- prod.go --
//go:build prod

package main

import (
	"context"

	"github.com/cladgo/clad/container"
)

var prod = container.Tag(func() interface{ Prod(context.Context) error } { return nil }, "external")
`

// TestBuildTags: each set of tags shows other Tag calls, and the file is to serve
// all builds.
func TestBuildTags(t *testing.T) {
	dir := unpack(t, tagged)
	file := filepath.Join(dir, "clad_gen.go")
	for _, c := range []struct {
		tags      []string
		dev, prod bool
	}{
		{nil, true, false},
		{[]string{"prod"}, false, true},
		{[]string{"", "prod"}, true, true},
	} {
		mustRun(t, gen.Options{Dir: dir, Tags: c.tags})
		text := read(t, file)
		if dev := strings.Contains(text, "Dev("); dev != c.dev {
			t.Errorf("tags %q: Dev %v, want %v", c.tags, dev, c.dev)
		}
		if prod := strings.Contains(text, "Prod("); prod != c.prod {
			t.Errorf("tags %q: Prod %v, want %v", c.tags, prod, c.prod)
		}
		if !strings.Contains(text, "Charge(") || strings.Contains(text, "//go:build") {
			t.Errorf("tags %q: what is always built is not there always", c.tags)
		}
	}
	compiles(t, dir)
	compiles(t, dir, "-tags=prod")
}

// TestBuildConstraintOfTheInterface: where the interface itself is there in some
// builds only, so must be its proxy.
func TestBuildConstraintOfTheInterface(t *testing.T) {
	for name, c := range map[string]struct{ file, line, want string }{
		"line": {"special.go", "//go:build prod && !windows\n\n", "//go:build prod && !windows"},
		"name": {"special_linux.go", "", "//go:build linux"},
		"both": {"special_linux.go", "//go:build prod || staging\n\n", "//go:build (prod || staging) && linux"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOOS", "linux")
			dir := unpackAlone(t, "-- main.go --\npackage main\n\nfunc main() {}\n-- "+c.file+" --\n"+c.line+`package main

import (
	"context"

	"github.com/cladgo/clad/container"
)

type Special interface{ Do(context.Context) error }

var special = container.Tag(func() Special { return nil }, "external")
`)
			mustRun(t, gen.Options{Dir: dir, Tags: []string{"prod"}})
			if text := read(t, filepath.Join(dir, "clad_gen.go")); !strings.Contains(text, "\n"+c.want+"\n") {
				t.Errorf("no %q in\n%s", c.want, text)
			}
			compiles(t, dir)
			compiles(t, dir, "-tags=prod")
			t.Setenv("GOOS", "darwin")
			compiles(t, dir)
		})
	}
}

func TestBuildConstraintsThatDiffer(t *testing.T) {
	dir := unpack(t, app+`
-- special.go --
//go:build prod

package main

import (
	"context"

	"github.com/cladgo/clad/container"
)

type Special interface{ Do(context.Context) error }

var special = container.Tag(func() Special { return nil }, "external")
`)
	_, err := run(t, gen.Options{Dir: dir, Tags: []string{"prod"}})
	if err == nil || !strings.Contains(err.Error(), "Gateway (no build constraint), Special (prod)") {
		t.Errorf("%v", err)
	}
}
