package container

import (
	"fmt"
	"path"
	"reflect"
	"runtime"
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
	return fmt.Sprintf("run `go tool clad gen` in %s (better, put //go:generate go tool clad gen in that package and run go generate; `clad gen -type %s` is for what it does not find by itself)",
		path.Dir(t.place().file), typeArgument(typ))
}

func typeArgument(t reflect.Type) string {
	if t.PkgPath() == "" {
		return t.String()
	}
	return t.PkgPath() + "." + t.Name()
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
	name := fmt.Sprintf("%s: tagged %v", strings.Join(lacking, " and "), t.place())
	if strings.HasPrefix(name, "a proxy") {
		name += "; run go tool clad gen there"
	}
	needs.Add(needs.Need{Name: name, Unmet: func() error {
		if err := t.plan().err(); err != nil {
			return fmt.Errorf("container.Tag(%s, %q) at %s: %w", t.constructor.Name, t.policy, t.constructor.At, err)
		}
		return nil
	}})
	return name
}
