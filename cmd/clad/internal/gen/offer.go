package gen

import (
	"cmp"
	"fmt"
	"go/types"
	"maps"
	"math/bits"
	"slices"
	"strings"
)

// maxCombinations bounds the types that one proxy has: one for each set of
// interfaces that a value may have.
const maxCombinations = 32

// mostOffers is what the bits of a set have room for.
const mostOffers = 60

// An offer is an interface beyond its own that a proxy has whenever the value
// does.
type offer struct {
	other
	more methodSet // methods beyond the proxy's own
	name string    // what identifiers are made of
}

// A part is a struct with some of the methods that are offered: those which the
// same offers have.
type part struct {
	*proxy
	of uint // bits of these offers
}

// offers are what a proxy has beyond its interface. Each combination is the set of
// offers that some value may have, and has no others.
type offers struct {
	list         []offer
	parts        []part
	combinations []uint
	beyond       []other // that are too many
	hidden       []other // that can't be named or implemented here
}

// offersOf decides what is offered of the others: those that container.Keep names
// first, then those asserted most often.
func (v *viewpoint) offersOf(p *proxy, others []other, src *sources) (o offers, errs []error) {
	slices.SortFunc(others, func(a, b other) int {
		return cmp.Or(compareBool(b.keep, a.keep), cmp.Compare(len(b.at), len(a.at)), cmp.Compare(a.key, b.key))
	})
	own := methodSetOf(p.typ)
	for _, other := range others {
		if v.checkAll(other.typ) != "" {
			o.hidden = append(o.hidden, other)
			continue
		}
		more := methodSetOf(other.typ)
		for id := range own {
			delete(more, id)
		}
		if len(more) == 0 {
			continue
		}
		if len(o.list) == mostOffers {
			o.beyond = append(o.beyond, other)
			continue
		}
		before := o
		o.list = append(slices.Clone(o.list), offer{other: other, more: more})
		if o.combine(); len(o.combinations) > maxCombinations {
			o = before
			o.beyond = append(o.beyond, other)
		}
	}
	slices.SortFunc(o.list, func(a, b offer) int { return cmp.Compare(a.key, b.key) })
	o.combine()
	return o, o.split(src)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// combine lists the sets of offers that a value may have: without those that
// contradict each other, and with all that follow from others. The larger come
// first. It gives up one beyond the bound.
func (o *offers) combine() {
	o.combinations = nil
	seen := map[uint]bool{0: true}
	for todo := []uint{0}; len(todo) > 0; todo = todo[1:] {
		has := o.methods(todo[0])
		for i, offer := range o.list {
			if todo[0]&(1<<i) != 0 || has.conflicts(offer.more) {
				continue
			}
			set := o.implied(has.with(offer.more))
			if seen[set] {
				continue
			}
			seen[set] = true
			todo, o.combinations = append(todo, set), append(o.combinations, set)
			if len(o.combinations) > maxCombinations {
				return
			}
		}
	}
	slices.SortFunc(o.combinations, func(a, b uint) int {
		return cmp.Or(cmp.Compare(bits.OnesCount(b), bits.OnesCount(a)), cmp.Compare(a, b))
	})
}

// methods are those of a set of offers.
func (o *offers) methods(set uint) methodSet {
	has := methodSet{}
	for i, offer := range o.list {
		if set&(1<<i) != 0 {
			maps.Copy(has, offer.more)
		}
	}
	return has
}

// implied is the set of all offers that a value with these methods has.
func (o *offers) implied(has methodSet) (set uint) {
	for i, offer := range o.list {
		if has.includes(offer.more) {
			set |= 1 << i
		}
	}
	return set
}

func (s methodSet) with(other methodSet) methodSet {
	all := make(methodSet, len(s)+len(other))
	maps.Copy(all, s)
	maps.Copy(all, other)
	return all
}

// split sorts the methods that are offered into parts.
func (o *offers) split(src *sources) (errs []error) {
	of := map[string]uint{} // by method, as canonical
	for i, offer := range o.list {
		for _, m := range offer.more {
			of[m] |= 1 << i
		}
	}
	byOffers := map[uint]*proxy{}
	written := map[string]bool{}
	for _, offer := range o.list {
		methods, problems := methodsOf(offer.typ, nil, src)
		errs = append(errs, problems...)
		for _, m := range methods {
			text := canonicalMethod(m.fn)
			if offer.more[m.fn.Id()] != text || written[text] {
				continue
			}
			written[text] = true
			if m.guard == guarded {
				m.guard, m.why = optional, "it is beyond the interface"
			}
			set := of[text]
			if byOffers[set] == nil {
				byOffers[set] = &proxy{}
			}
			byOffers[set].methods = append(byOffers[set].methods, m)
		}
	}
	for set, p := range byOffers {
		slices.SortFunc(p.methods, func(a, b method) int { return cmp.Compare(a.fn.Id(), b.fn.Id()) })
		p.typ = o.typeOf(set, p.methods)
		o.parts = append(o.parts, part{p, set})
	}
	slices.SortFunc(o.parts, func(a, b part) int { return cmp.Compare(a.of, b.of) })
	return errs
}

// typeOf is the interface through which a part calls the value: that of its one
// offer, or its methods.
func (o *offers) typeOf(set uint, methods []method) types.Type {
	if bits.OnesCount(set) == 1 {
		return o.list[bits.TrailingZeros(set)].typ
	}
	var funcs []*types.Func
	for _, m := range methods {
		funcs = append(funcs, m.fn)
	}
	return types.NewInterfaceType(funcs, nil).Complete()
}

// asserted are the others that can be named, offered or not.
func (p *proxy) asserted() []other {
	var list []other
	for _, o := range p.offers.list {
		if len(o.at) > 0 {
			list = append(list, o.other)
		}
	}
	list = append(list, p.offers.beyond...)
	slices.SortFunc(list, func(a, b other) int { return cmp.Compare(a.key, b.key) })
	return list
}

// nameOffers gives the offers, and the types of their parts, names.
func (p *proxy) nameOffers(file *scope) {
	inner := newScope(nil)
	for i := range p.offers.list {
		o := &p.offers.list[i]
		base := baseName(o.typ)
		if _, named := types.Unalias(o.typ).(*types.Named); !named {
			base = firstMethod(o.typ)
		}
		o.name = inner.name(lowerFirst(base))
	}
	for i := range p.offers.parts {
		part := &p.offers.parts[i]
		for i := range part.methods {
			part.methods[i].offered = true
		}
		name := part.methods[0].name
		if bits.OnesCount(part.of) == 1 {
			name = p.offers.list[bits.TrailingZeros(part.of)].name
		}
		part.typeName = file.name(p.typeName + upperFirst(name))
	}
}

func firstMethod(t types.Type) string { return t.Underlying().(*types.Interface).Method(0).Name() }

// offered writes the end of the function that makes a proxy: it returns the
// combination that the value has.
func (w *writer) offered(p *proxy, self string) {
	locals := newScope(w.locals, "p", "m", "next")
	for name := range w.types.view.taken {
		locals.taken[name] = true
	}
	next := "next"
	if p.generic != nil {
		next = "any(next)" // whether it can have the other, only instances tell
	}
	values, has, parts := make([]string, len(p.offers.list)), make([]string, len(p.offers.list)), make([]string, len(p.offers.parts))
	for i, o := range p.offers.list {
		values[i], has[i] = locals.name(o.name), locals.name("is"+upperFirst(o.name))
		w.linef("%s, %s := %s.(%s)", values[i], has[i], next, w.types.typ(o.typ))
	}
	for i, part := range p.offers.parts {
		parts[i] = locals.name("with" + upperFirst(strings.TrimPrefix(part.typeName, p.typeName)))
		w.linef("var %s *%s", parts[i], part.typeName)
		if bits.OnesCount(part.of) == 1 {
			o := bits.TrailingZeros(part.of)
			w.linef("if %s {", has[o])
			w.part(part, parts[i], values[o])
			w.linef("}")
			continue
		}
		w.linef("switch {")
		for o := range p.offers.list {
			if part.of&(1<<o) != 0 {
				w.linef("case %s:", has[o])
				w.part(part, parts[i], values[o])
			}
		}
		w.linef("}")
	}
	w.linef("switch {")
	for _, set := range p.offers.combinations {
		var conditions, embedded, fields []string
		for o := range p.offers.list {
			if set&(1<<o) != 0 {
				conditions = append(conditions, has[o])
			}
		}
		for i, part := range p.offers.parts {
			if set&part.of != 0 {
				embedded, fields = append(embedded, "*"+part.typeName), append(fields, parts[i])
			}
		}
		w.linef("case %s:", strings.Join(conditions, " && "))
		w.linef("return struct {\n*%s\n%s\n}{p, %s}", self, strings.Join(embedded, "\n"), strings.Join(fields, ", "))
	}
	w.linef("}")
}

// part fills the variable that holds a part.
func (w *writer) part(part part, variable, value string) {
	fields := part.fields()
	w.linef("%s = &%s{", variable, part.typeName)
	w.linef("%s: %s,", fields.next, value)
	for i := range part.methods {
		if m := &part.methods[i]; m.guard != unguarded {
			w.linef("%s: m.%s(%q),", fields.of[i], m.pipeline(), m.name)
		}
	}
	w.linef("}")
}

// parts writes the types of the parts and their methods.
func (w *writer) parts(p *proxy) {
	for _, part := range p.offers.parts {
		fields := part.fields()
		w.linef("// %s is what %s offers beyond its interface.", part.typeName, p.typeName)
		w.linef("type %s struct {", part.typeName)
		w.linef("%s %s", fields.next, w.types.typ(part.typ))
		for i, m := range part.methods {
			if m.guard != unguarded {
				w.linef("%s *%s.Pipeline", fields.of[i], w.imports.names[containerPath])
			}
		}
		w.linef("}\n")
		for i := range part.methods {
			w.method(part.proxy, part.typeName, fields, i)
		}
	}
}

// warnings are what of the others the proxy hides.
func (o *offers) warnings(name string) []string {
	list := func(others []other) string {
		var parts []string
		for _, other := range others {
			text := shortest(other.typ)
			if len(other.at) > 0 {
				text += fmt.Sprintf(" (%s:%d)", relative(other.at[0].Filename), other.at[0].Line)
			}
			parts = append(parts, text)
		}
		return strings.Join(parts, ", ")
	}
	var warnings []string
	if len(o.beyond) > 0 {
		warnings = append(warnings, fmt.Sprintf("%s: its proxy hides %s: values may have %d combinations of what they are asserted to, and not all have a type; name those that matter with container.Keep, or assert container.Unwrap",
			name, list(o.beyond), maxCombinations))
	}
	if len(o.hidden) > 0 {
		warnings = append(warnings, fmt.Sprintf("%s: its proxy hides %s, which can't be named or implemented here: assert container.Unwrap, or leave that result untagged",
			name, list(o.hidden)))
	}
	return warnings
}
