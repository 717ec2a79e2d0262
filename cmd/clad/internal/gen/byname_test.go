package gen_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cladgo/clad/cmd/clad/internal/gen"
)

const named = app + `
-- types.go --
package main

import (
	"context"
	h "net/http"

	"example.com/app/payments"
)

var _ h.Handler

type Local interface{ Do(ctx context.Context) error }

type Repo[K comparable, V any] interface{ Get(ctx context.Context, key K) (V, error) }

type User struct{}

type Gateway = payments.Gateway
-- importer/importer.go --
package importer

import "context"

type Interface interface{ Do(ctx context.Context) error }
`

func TestTypesByName(t *testing.T) {
	dir := unpack(t, named)
	file := filepath.Join(dir, "clad_gen.go")
	wants := map[string]string{
		"Local":                                  "newLocalProxy",
		" Local , io/fs.FS ":                     "newLocalProxy newFSProxy",
		"h.Handler":                              "newHandlerProxy",
		"net/http.Handler":                       "newHandlerProxy",
		"io.Reader":                              "newReaderProxy",
		"database/sql/driver.Connector":          "newConnectorProxy",
		"Repo[int,User]":                         "newRepoProxy[int, User]",
		"Repo[string, map[string][]*User],Local": "newLocalProxy newRepoProxy[string, map[string][]*User]",
		"Repo[io/fs.FileMode,net/http.Handler]":  "newRepoProxy[fs.FileMode, http.Handler]",
		"example.com/app/importer.Interface":     "newInterfaceProxy",
		"Gateway":                                "newGatewayProxy",
		"example.com/app/payments.Gateway":       "newGatewayProxy",
		"interface{ Do(int) error }":             "newAnonymousProxy",
	}
	flags := slices.Sorted(maps.Keys(wants)) // each may be followed by others
	if _, err := gen.Run(t.Context(), gen.Options{Dir: dir, Types: flags}); err != nil {
		t.Fatal(err)
	}
	text := read(t, file)
	for flag, want := range wants {
		for _, want := range append(strings.Split(want, " new"), "newGatewayProxy") { // what is tagged is there too
			want = "(new" + strings.TrimPrefix(want, "new")
			plain := strings.Count(text, "container.RegisterProxy"+want+")")
			if with := strings.Count(text, "container.RegisterProxyWith"+want+","); plain+with != 1 {
				t.Errorf("-type %s: not once %s in\n%s", flag, want, text)
			}
		}
	}
	compiles(t, dir)
	// A run over everything remembers what was asked for.
	expect(t, mustRun(t, gen.Options{Dir: dir}), "")
}

func TestTypesByNameThatAreNot(t *testing.T) {
	dir := unpack(t, named)
	atOnce := map[string]string{
		"Locall":          `package example.com/app has no Locall (did you mean "Local"?)`,
		"User":            "it is not an interface",
		"main":            "not a type",
		"Repo":            "it is generic: name an instance, as in -type 'Repo[K,V]'",
		"Repo[int]":       "-type Repo[int]: not enough type arguments",
		"Repo[[]int,int]": "[]int does not satisfy comparable",
		"net/http.Handlr": `package net/http has no Handlr (did you mean "Handler"?)`,
		"Repo[io/fs.FS]":  "-type Repo[io/fs.FS]: not enough type arguments",
		"net/htp.Handler": "no package net/htp",
		"http.Handler":    "no package http: name it by its import path",
		"any":             "no proxy for any: it has no methods",
		"error":           "no proxy for error: an error is a result",
		"comparable":      "no proxy for comparable: it is a constraint",
		"cmp.Ordered":     "no proxy for cmp.Ordered: it is a constraint",
		"reflect.Type":    "its method common is unexported",
	}
	_, err := gen.Run(t.Context(), gen.Options{Dir: dir, Types: slices.Sorted(maps.Keys(atOnce)), Check: true})
	if err == nil {
		t.Fatal("no errors")
	}
	for flag, want := range atOnce {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("-type %s: %q is missing in\n%v", flag, want, err)
		}
	}
	for _, c := range []struct{ flag, want string }{
		{"example.com/app.Local", "leave its path away"},
		{"Local,", `-type "" is not a type`},
		{"Local[", "the brackets don't match"},
		{"1+", "is not a type"},
	} {
		_, err := gen.Run(t.Context(), gen.Options{Dir: dir, Types: []string{c.flag}, Check: true})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("-type %s: %v, want %s", c.flag, err, c.want)
		}
	}
	_, err = gen.Run(t.Context(), gen.Options{Dir: dir, Patterns: []string{"./..."}, Types: []string{"Local"}})
	if err == nil || !strings.Contains(err.Error(), "-type needs one package, and ./... matches 3") {
		t.Errorf("%v", err)
	}
	_, err = gen.Run(t.Context(), gen.Options{Dir: filepath.Join(dir, "importer"), Types: []string{"example.com/app/payments.Gateway"}})
	if err != nil {
		t.Error(err)
	}
	_, err = gen.Run(t.Context(), gen.Options{Dir: filepath.Join(dir, "payments"), Types: []string{"example.com/app.Local"}})
	if err == nil || !strings.Contains(err.Error(), "example.com/app") {
		t.Errorf("a type of a package that imports this one: %v", err)
	}
}

// TestForgottenTypes: a name that an earlier -type asked for may be gone.
func TestForgottenTypes(t *testing.T) {
	dir := unpack(t, named)
	mustRun(t, gen.Options{Dir: dir, Types: []string{"Local,io.Reader"}})
	file := filepath.Join(dir, "types.go")
	write(t, file, strings.Replace(read(t, file), "type Local interface", "type Renamed interface", 1))
	expect(t, mustRun(t, gen.Options{Dir: dir}), "wrote clad_gen.go")
	text := read(t, filepath.Join(dir, "clad_gen.go"))
	if strings.Contains(text, "Local") || !strings.Contains(text, "newReaderProxy") {
		t.Error(text)
	}
	compiles(t, dir)
}

func TestOutputNames(t *testing.T) {
	dir := unpack(t, named)
	for _, name := range []string{"sub/clad.go", "clad.txt", "clad_test.go"} {
		if _, err := run(t, gen.Options{Dir: dir, Output: name}); err == nil || !strings.Contains(err.Error(), "-o "+name) {
			t.Errorf("%v", err)
		}
	}
}

func TestNoSuchModule(t *testing.T) {
	t.Setenv("GOWORK", "off")
	t.Setenv("GOFLAGS", "")
	dir := t.TempDir()
	_, err := run(t, gen.Options{Dir: dir, Patterns: []string{"."}})
	if err == nil || !strings.HasPrefix(err.Error(), "go: go.mod file not found") {
		t.Errorf("no go.mod: %v", err)
	}
	write(t, filepath.Join(dir, "go.mod"), "module example.com/app\n\ngo 1.26.0\n")
	write(t, filepath.Join(dir, "main.go"), "package main\n\nimport \"github.com/cladgo/clad/container\"\n\nvar _ = container.Tag(nil, \"\")\n")
	_, err = run(t, gen.Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "main.go:3:8: no required module provides package github.com/cladgo/clad/container; to add it:\n\tgo get") {
		t.Errorf("no clad: %v", err)
	}
}

func TestNoSuchPackage(t *testing.T) {
	dir := unpack(t, named)
	for _, pattern := range []string{"./gone", "example.com/gone/..."} {
		_, err := run(t, gen.Options{Dir: dir, Patterns: []string{pattern}})
		if err == nil || !strings.Contains(err.Error(), "gone") {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}
