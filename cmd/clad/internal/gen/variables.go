package gen

import (
	"fmt"
	"go/types"
	"strings"
)

// variables are the names of a method's parameters and results.
type variables struct {
	declared []string // parameters with types
	args     []string // as passed on
	names    []string // of results
}

func (w *writer) variables(m *method, avoid ...string) variables {
	var v variables
	inner := newScope(w.locals, append(avoid, "p", "call", "input", "opening", "last", "hedged", "won", "failed", "nil")...)
	if m.report == byCommand {
		inner.taken["err"] = true
	}
	for _, name := range w.types.params {
		inner.taken[name] = true
	}
	params := m.sig.Params()
	for i := range params.Len() {
		name := params.At(i).Name()
		if name == "" || name == "_" {
			name = unnamed(params, i)
		}
		name = inner.name(name)
		v.declared = append(v.declared, name+" "+w.types.param(m.sig, i))
		if m.sig.Variadic() && i == params.Len()-1 {
			name += "..."
		}
		v.args = append(v.args, name)
	}
	results := m.sig.Results()
	for i := range results.Len() {
		name := results.At(i).Name()
		if name == "" || name == "_" {
			name = "result"
			if i == results.Len()-1 && isError(results.At(i).Type()) {
				name = "err"
			}
		}
		v.names = append(v.names, inner.name(name))
	}
	return v
}

// unnamed names a parameter that has no name.
func unnamed(params *types.Tuple, i int) string {
	switch t := params.At(i).Type(); {
	case isContext(t):
		return "ctx"
	case isRequest(t):
		return "req"
	case params.Len() == 1:
		return "arg"
	}
	return fmt.Sprintf("arg%d", i+1)
}

// results writes the result list: named where they are assigned to.
func (v *variables) results(w *writer, m *method) string {
	results := m.sig.Results()
	if results.Len() == 0 {
		return ""
	}
	var parts []string
	named := m.guard != unguarded || results.At(0).Name() != ""
	for i := range results.Len() {
		text := w.types.typ(results.At(i).Type())
		if named {
			text = v.names[i] + " " + text
		}
		parts = append(parts, text)
	}
	if len(parts) == 1 && !named {
		return " " + parts[0]
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
