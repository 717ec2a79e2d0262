package container

import (
	"errors"
	"fmt"
	"path"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"github.com/cladgo/clad/internal/needs"
)

// place is where Tag was called. It is told only where something is missing: to
// find it out takes longer than to note it.
type place struct {
	pkg  string // import path
	file string
	line int
}

func (t *tag) place() place {
	frame, _ := runtime.CallersFrames(t.caller[:]).Next()
	return place{packageOf(frame.Function), frame.File, frame.Line}
}

func (p place) String() string {
	return fmt.Sprintf("in package %s at %s:%d", p.pkg, p.file, p.line)
}

// packageOf returns the package of a function, of whose name dots may be part
// after its last slash only; in the package's own last element they are escaped.
func packageOf(function string) string {
	slash := strings.LastIndexByte(function, '/') + 1
	if dot := strings.IndexByte(function[slash:], '.'); dot >= 0 {
		function = function[:slash+dot]
	}
	return strings.ReplaceAll(function, "%2e", ".")
}

// advice says how to make the proxy of an interface.
func (t *tag) advice(typ reflect.Type) string {
	return fmt.Sprintf("run `go tool clad gen` in %s (where it does not find the interface by itself, `go tool clad gen -type %s`)",
		path.Dir(t.place().file), typeArgument(typ))
}

func typeArgument(t reflect.Type) string {
	if t.PkgPath() == "" {
		return t.String()
	}
	return t.PkgPath() + "." + t.Name()
}

// aProxy is what the need for a proxy is called; it is read also where it is met.
func (t *tag) aProxy(typ reflect.Type) string {
	return fmt.Sprintf("a proxy for %v (go tool clad gen makes it, in %s)", typ, path.Dir(t.place().file))
}

// need notes what is missing so far, and returns the name under which the
// constructor depends on it; "" if nothing is missing.
func (t *tag) need(p *plan) string {
	if len(p.missing) == 0 {
		return ""
	}
	var lacking []string
	for _, m := range p.missing {
		lacking = append(lacking, m.what)
	}
	name := fmt.Sprintf("%s, for the tag %v", strings.Join(lacking, " and "), t.place())
	needs.Add(needs.Need{Name: name, Unmet: func() error { return t.err(t.plan()) }})
	return name
}

// err is everything that is wrong with a plan, and where to mend it.
func (t *tag) err(p *plan) error {
	errs := slices.Clone(p.mistakes)
	for _, m := range p.missing {
		errs = append(errs, m.err)
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("container.Tag(%s, %q) %v: %w", t.constructor.Name(), t.policy, t.place(), errors.Join(errs...))
}
