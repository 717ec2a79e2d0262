package gen

import (
	"fmt"
	"go/types"
	"strings"
)

// The container wraps functions, and structs of them, by itself: by reflection, at
// each call. What is generated for them does the same without. Where it can't be, for
// a type that can't be named say, nothing is missing.

// wrapsFunctions reports whether a proxy stands for functions, and not for an
// interface.
func (p *proxy) wrapsFunctions() bool { return wrapsWithoutProxy(p.typ) }

// structOf is the struct that a type is or points to, nil for a function.
func structOf(t types.Type) (s *types.Struct, pointer bool) {
	t = types.Unalias(t)
	if ptr, ok := t.(*types.Pointer); ok {
		t, pointer = ptr.Elem(), true
	}
	s, _ = t.Underlying().(*types.Struct)
	return s, pointer
}

// functionsOf are what of a type can be guarded: of a struct by the names of its
// fields, and without one the function that the type is.
func functionsOf(typ types.Type, src *sources) []method {
	var found []method
	add := func(name string, sig *types.Signature) {
		m := method{name: name, sig: sig, context: contextOf(sig), report: byError}
		m.input = (&inputs{standard: src.b.isStandard}).of(sig, m.context)
		m.decide(comment{})
		m.guard, m.why, m.once = guarded, "", "" // as the container has it
		m.outlive = outliveOf(sig.Results(), nil)
		found = append(found, m)
	}
	s, _ := structOf(typ)
	if s == nil {
		add("", typ.Underlying().(*types.Signature))
		return found
	}
	for field := range s.Fields() {
		if sig := field.Type().Underlying().(*types.Signature); isGuardable(sig) {
			add(field.Name(), sig)
		}
	}
	return found
}

// checkFunctions checks that a type of functions can be named, and made anew.
func (v *viewpoint) checkFunctions(typ types.Type) refusal {
	return v.attempt(typ, func() refusal {
		why := v.check(typ)
		if s, _ := structOf(typ); s != nil && why == "" {
			why = v.check(s)
		} else if why == "" {
			why = v.check(typ.Underlying())
		}
		return refusal(why)
	})
}

// functions writes what makes a guarded value of one.
func (w *writer) functions(p *proxy) {
	_, _, typ := w.typed(p)
	container := w.imports.names[containerPath]
	w.linef("// %s guards a %s.", p.makeName, typ)
	w.linef("func %s(next %s, m %s.Methods) %[2]s {", p.makeName, typ, container)
	s, pointer := structOf(p.typ)
	if s == nil {
		w.linef("if next == nil {\nreturn nil\n}")
		w.function(p, 0, "return", "next")
		w.linef("}\n")
		return
	}
	if pointer {
		w.linef("if next == nil {\nreturn nil\n}")
		w.linef("guarded := *next")
	} else {
		w.linef("guarded := next")
	}
	for i, m := range p.methods {
		w.linef("if f := next.%s; f != nil {", m.name)
		w.function(p, i, "guarded."+m.name+" =", "f")
		w.linef("}")
	}
	if pointer {
		w.linef("return &guarded\n}\n")
	} else {
		w.linef("return guarded\n}\n")
	}
}

// function writes a function literal that calls next under a pipeline, and what stands
// before it.
func (w *writer) function(p *proxy, i int, before, next string) {
	m := &p.methods[i]
	container := w.imports.names[containerPath]
	w.linef("p := m.%s(%q)", m.pipeline(), m.name)
	w.linef("var instead %s", w.types.typ(m.sig))
	and := ""
	if _, pointer := structOf(p.typ); pointer {
		and = " && f != nil"
	}
	w.linef("if f, ok := %s.FallbackOf[%s](m); ok%s {", container, w.types.typ(p.typ), and)
	if m.name == "" {
		w.linef("instead = f\n}")
	} else {
		w.linef("instead = f.%s\n}", m.name)
	}
	w.linef("m.Fallback(%q, &instead)", m.name)
	v := w.variables(m, "m", "f", "next", "instead", "guarded")
	w.linef("%s func(%s)%s {", before, strings.Join(v.declared, ", "), v.results(w, m))
	w.guarded(m, v, "p", next, "instead")
}

// fitsFunctions is fits for functions: a value of the type as it was.
func (w *writer) fitsFunctions(p *proxy, changed string) {
	w.typed(p)
	declared := types.Unalias(p.typ)
	if ptr, ok := declared.(*types.Pointer); ok {
		declared = types.Unalias(ptr.Elem())
	}
	if underlying := declared.Underlying(); underlying != declared { // else it says all itself
		w.linef("func _(%s %s) %s {\nreturn %[1]s\n}", changed, w.types.typ(underlying), w.types.typ(declared))
	}
}

// wrapperNames are the arguments by which a wrapper says for what a policy can be
// chosen.
func (p *proxy) wrapperNames() string {
	var names strings.Builder
	for _, m := range p.methods {
		if m.name != "" {
			fmt.Fprintf(&names, ", %q", m.name)
		}
	}
	return names.String()
}

// baseOfFunctions makes a name for what wraps functions.
func baseOfFunctions(t types.Type) string {
	if ptr, ok := types.Unalias(t).(*types.Pointer); ok {
		t = ptr.Elem()
	}
	if objectOf(t) == nil {
		return "function"
	}
	return baseName(t)
}
