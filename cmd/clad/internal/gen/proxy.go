package gen

import (
	"fmt"
	"go/types"
	"slices"
	"strings"
)

// A proxy is one interface on its way into the file.
type proxy struct {
	typ       types.Type   // the interface; for a generic one, the type as declared
	generic   *types.Named // nil for others
	instances []types.Type // of generic, that are wanted
	methods   []method
	offers    offers
	unwrap    unwrap

	others             []other
	b                  *build // that it was found in
	key                string // says what it is, whichever build that is
	base               string // what its identifiers are made of
	typeName, makeName string
}

type unwrap int

const (
	unwrapAdded   unwrap = iota // the proxy gets a method Unwrap
	unwrapNone                  // it is a function
	unwrapTaken                 // the interface has one of its own
	unwrapOfError               // in an error it would mean another error
)

// writer writes proxies into one file.
type writer struct {
	strings.Builder
	types   *typeWriter
	imports *imports
	locals  *scope // what a name inside a method must not be: that of an import
	proxied string // the file's name for container.Proxied
	params  string // the type parameters of the proxy at hand, with constraints
}

func (w *writer) linef(format string, args ...any) {
	fmt.Fprintf(w, format, args...)
	w.WriteByte('\n')
}

// typed writes the type parameters of a proxy, its own type and its interface.
func (w *writer) typed(p *proxy) (params, self, iface string) {
	w.types.params = map[*types.TypeParam]string{}
	w.types.view.from = packageOf(p.typ)
	params, args := w.typeParams(p)
	iface = w.types.typ(p.typ)
	if p.generic != nil {
		iface = w.genericName(p.generic) + args
	}
	return params, p.typeName + args, iface
}

func (w *writer) proxy(p *proxy) {
	if p.wrapsFunctions() {
		w.functions(p)
		return
	}
	params, self, iface := w.typed(p)
	w.params = params
	fields := p.fields()

	w.linef("// %s is the proxy of %s.", p.typeName, iface)
	w.linef("type %s%s struct {", p.typeName, params)
	w.linef("%s", w.proxied)
	w.linef("%s %s", fields.next, iface)
	for i, m := range p.methods {
		if m.guard != unguarded {
			w.linef("%s *%s.Pipeline", fields.of[i], w.imports.names[containerPath])
		}
		if m.fallsBack() {
			w.linef("%s %s", fields.instead[i], w.types.typ(m.sig))
		}
	}
	w.linef("}\n")

	w.linef("func %s%s(next %s, m %s.Methods) %s {", p.makeName, params, iface, w.imports.names[containerPath], iface)
	for _, m := range p.methods {
		switch {
		case m.guard == unguarded:
			w.linef("m.Unguarded(%q, %q)", m.name, m.why)
		case m.guard == guarded && !m.context.enforces() && m.pipeline() != "WithoutContext":
			w.linef("m.WithoutContext(%q)", m.name)
		}
	}
	falls := slices.ContainsFunc(p.methods, func(m method) bool { return m.fallsBack() })
	if falls || len(p.offers.list) > 0 {
		w.linef("p := &%s{", self)
	} else {
		w.linef("return &%s{", self)
	}
	w.linef("%s: %[1]s{Value: next},", w.proxied)
	w.linef("%s: next,", fields.next)
	for i, m := range p.methods {
		if m.guard != unguarded {
			w.linef("%s: m.%s(%q),", fields.of[i], m.pipeline(), m.name)
		}
	}
	w.linef("}")
	if falls {
		w.fallbacks(p, fields, iface)
	}
	if len(p.offers.list) > 0 {
		w.offered(p, self)
	}
	if falls || len(p.offers.list) > 0 {
		w.linef("return p")
	}
	w.linef("}\n")

	if p.unwrap == unwrapAdded {
		w.linef("// Unwrap returns what is guarded, for what it can do beyond %s.", iface)
		w.linef("func (p *%s) Unwrap() %s { return p.%s }\n", self, iface, fields.next)
	}
	for i := range p.methods {
		w.method(p, self, fields, i)
	}
	w.params = ""
	w.parts(p)
}

// pipeline is the method of container.Methods that this method's pipeline comes
// from.
func (m *method) pipeline() string {
	switch {
	case m.guard == optional:
		return "Optional"
	case m.single != "":
		return "Single"
	case m.once != "":
		return "Once"
	case m.hedges():
		return "Hedges"
	case m.safe:
		return "Safe"
	case m.input.open():
		return "Rewinds"
	case !m.context.enforces():
		return "WithoutContext"
	}
	return "Method"
}

// typeParams writes the type parameters of a generic proxy, with and without
// their constraints.
func (w *writer) typeParams(p *proxy) (params, args string) {
	if p.generic == nil {
		return "", ""
	}
	inner := newScope(w.locals, "p", "m", "next", "call")
	var declared, named []string
	list := p.generic.TypeParams()
	for param := range list.TypeParams() {
		name := param.Obj().Name()
		if name == "_" || types.Universe.Lookup(name) != nil || w.types.view.taken[name] {
			name = "T"
		}
		name = inner.name(name)
		w.types.params[param] = name
		named = append(named, name)
	}
	for i := range list.Len() {
		declared = append(declared, named[i]+" "+w.types.typ(list.At(i).Constraint()))
	}
	return "[" + strings.Join(declared, ", ") + "]", "[" + strings.Join(named, ", ") + "]"
}

func (w *writer) genericName(named *types.Named) string {
	if obj := named.Obj(); !w.types.view.own(obj.Pkg()) {
		return w.imports.names[obj.Pkg().Path()] + "." + obj.Name()
	}
	return named.Obj().Name()
}

// fieldNames are the names of a proxy's fields, which must differ from those of
// its methods.
type fieldNames struct {
	next    string
	of      []string // by method
	instead []string // its fallback
}

func (p *proxy) fields() fieldNames {
	s := newScope(nil, "Unwrap")
	for _, m := range p.methods {
		s.taken[m.name] = true
	}
	for _, part := range p.offers.parts { // which are embedded beside
		for _, m := range part.methods {
			s.taken[m.name] = true
		}
	}
	f := fieldNames{next: s.name("next")}
	for _, m := range p.methods {
		f.of = append(f.of, s.name(lowerFirst(m.name)))
	}
	for _, m := range p.methods {
		f.instead = append(f.instead, s.name(lowerFirst(m.name)+"Fallback"))
	}
	return f
}

// method writes one method of the proxy.
func (w *writer) method(p *proxy, self string, fields fieldNames, i int) {
	m := &p.methods[i]
	v := w.variables(m)
	for _, line := range m.doc {
		w.linef("%s", line)
	}
	w.linef("func (p *%s) %s(%s)%s {", self, m.name, strings.Join(v.declared, ", "), v.results(w, m))
	next := fmt.Sprintf("p.%s.%s", fields.next, m.name)
	if m.guard == unguarded {
		call := fmt.Sprintf("%s(%s)", next, strings.Join(v.args, ", "))
		if m.sig.Results().Len() > 0 {
			call = "return " + call
		}
		w.linef("%s\n}\n", call)
		return
	}
	pipeline := "p." + fields.of[i]
	if m.report == byRow {
		w.direct(v, pipeline, next)
		w.row(p, self, m, v, pipeline, next)
		return
	}
	w.guarded(m, v, pipeline, next, "p."+fields.instead[i])
	w.linef("")
}

// objectOf is the name of the type t, or nil.
func objectOf(t types.Type) *types.TypeName {
	if named, ok := t.(interface{ Obj() *types.TypeName }); ok {
		return named.Obj()
	}
	return nil
}

// packageOf is the package that declares the named type t, or nil.
func packageOf(t types.Type) *types.Package {
	if obj := objectOf(t); obj != nil {
		return obj.Pkg()
	}
	return nil
}
