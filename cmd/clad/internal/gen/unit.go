package gen

import (
	"cmp"
	"errors"
	"fmt"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// A unit is one file to be written and what is wanted in it.
type unit struct {
	file   string
	home   place
	wants  []want
	asked  []string // by -type, of those that can have a proxy
	beside *unit    // of the package itself, for the file of its tests

	proxies []*proxy // once rendered
	tags    string   // the build constraint
	proxied string   // the name for container.Proxied
}

// outputNames are the files that one package may need: for itself, for its
// tests, and for the tests outside it.
func outputNames(base string) []string {
	stem := strings.TrimSuffix(base, ".go")
	return []string{base, stem + "_test.go", stem + "_ext_test.go"}
}

// outputFor is the file that holds the proxies wanted at home.
func outputFor(home place, base string) string {
	names := outputNames(base)
	name := names[0]
	if isTestFile(home.file) {
		name = names[1]
		if strings.HasSuffix(home.pkg.Name, "_test") {
			name = names[2]
		}
	}
	return filepath.Join(home.pkg.Dir, name)
}

// units sorts wants by the file that they belong in.
func units(wants []want, base string) []*unit {
	byFile := map[string]*unit{}
	for _, w := range wants {
		file := outputFor(w.home, base)
		u := byFile[file]
		if u == nil {
			u = &unit{file: file, home: w.home}
			byFile[file] = u
		}
		u.wants = append(u.wants, w)
	}
	for _, u := range byFile {
		if isTestFile(u.file) && !strings.HasSuffix(u.home.pkg.Name, "_test") {
			u.beside = byFile[filepath.Join(u.home.pkg.Dir, base)]
		}
	}
	sorted := slices.Collect(maps.Values(byFile))
	slices.SortFunc(sorted, func(a, b *unit) int { // what is beside another comes before it
		return cmp.Or(cmp.Compare(filepath.Dir(a.file), filepath.Dir(b.file)), cmp.Compare(len(a.file), len(b.file)))
	})
	return sorted
}

// drop takes the wants away that the package itself has a proxy for, wherever the
// unit's own file is built: that is built with it, and can't declare it again.
func (u *unit) drop(proxies []*proxy) (some bool) {
	if u.beside == nil {
		return false
	}
	had := map[string]bool{}
	for _, p := range proxies {
		i := slices.IndexFunc(u.beside.proxies, func(q *proxy) bool { return q.key == p.key })
		if i < 0 || u.beside.tags != "" && u.beside.tags != u.constraintOf(p) {
			continue
		}
		had[p.key] = !slices.ContainsFunc(p.instances, func(t types.Type) bool { return !u.beside.proxies[i].serves(t) })
	}
	before := len(u.wants)
	u.wants = slices.DeleteFunc(u.wants, func(w want) bool { return had[w.key] })
	return len(u.wants) < before
}

// choose decides which proxies the unit needs, one for each interface, and
// says why some can't be.
func (u *unit) choose(view *viewpoint) ([]*proxy, error) {
	var errs []error
	found := map[string]*proxy{}
	refused := map[string]bool{}
	for i, w := range u.wants {
		p, instance, why := view.proxyFor(w)
		if why != "" && wrapsWithoutProxy(w.typ) {
			continue // the container does
		}
		if why != "" {
			name := askedName(w)
			if !refused[name] {
				refused[name] = true
				errs = append(errs, refuse(w, name, why))
			}
			continue
		}
		if asked := askedName(w); w.asked && !slices.Contains(u.asked, asked) {
			u.asked = append(u.asked, asked)
		}
		u.wants[i].key = p.key
		if old := found[p.key]; old != nil {
			p = old
		} else {
			found[p.key] = p
		}
		if instance != nil && !p.serves(instance) {
			p.instances = append(p.instances, instance)
		}
		if p.b == nil {
			p.b = w.b
		}
		p.others = merge(p.others, w.others)
	}
	proxies := slices.Collect(maps.Values(found))
	slices.SortFunc(proxies, func(a, b *proxy) int { return cmp.Compare(a.key, b.key) })
	readers := map[*build]*sources{}
	for _, p := range proxies {
		slices.SortFunc(p.instances, func(a, b types.Type) int { return cmp.Compare(keyOf(a), keyOf(b)) })
		if readers[p.b] == nil {
			readers[p.b] = newSources(p.b)
		}
		if p.wrapsFunctions() {
			p.methods, p.unwrap = functionsOf(p.typ, readers[p.b]), unwrapNone
			continue
		}
		methods, problems := methodsOf(p.typ, p.arguments(), readers[p.b])
		p.methods, errs = methods, append(errs, problems...)
		p.offers, problems = view.offersOf(p, p.others, readers[p.b])
		errs = append(errs, problems...)
		p.unwrap = p.unwrapOf()
	}
	return proxies, errors.Join(errs...)
}

// serves reports whether the proxy is registered for an instance of its generic
// interface.
func (p *proxy) serves(instance types.Type) bool {
	return slices.ContainsFunc(p.instances, func(t types.Type) bool { return keyOf(t) == keyOf(instance) })
}

// unwrapOf decides if a proxy gets a method Unwrap: not where the name is taken,
// nor in an error, whose Unwrap means something else.
func (p *proxy) unwrapOf() unwrap {
	methods := slices.Clone(p.methods)
	for _, part := range p.offers.parts {
		methods = append(methods, part.methods...)
	}
	for _, m := range methods {
		switch m.name {
		case "Unwrap":
			return unwrapTaken
		case "Error":
			return unwrapOfError
		}
	}
	return unwrapAdded
}

// A Refusal is an interface that can't have a proxy.
type Refusal struct{ Problem }

func refuse(w want, name string, why refusal) *Refusal {
	text := fmt.Sprintf("no proxy for %s: %s", name, why)
	if !w.asked {
		text += "; if it is to pass as it is, leave the constructor untagged, or give the field of its fx.Out struct the tag `policy:\"none\"`"
	}
	return &Refusal{Problem{w.pos, text}}
}

// arguments are what the type parameters of a generic proxy stand for.
func (p *proxy) arguments() map[*types.TypeParam][]types.Type {
	if p.generic == nil {
		return nil
	}
	args := map[*types.TypeParam][]types.Type{}
	for _, inst := range p.instances {
		for i := range p.generic.TypeParams().Len() {
			param := p.generic.TypeParams().At(i)
			args[param] = append(args[param], typeArgs(types.Unalias(inst)).At(i))
		}
	}
	return args
}

// proxyFor turns a want into a proxy: generic for an instance of a generic
// interface, unless its constraints can't be written here.
func (v *viewpoint) proxyFor(w want) (p *proxy, instance types.Type, why refusal) {
	named, ok := types.Unalias(w.typ).(*types.Named)
	if wrapsWithoutProxy(w.typ) {
		return &proxy{typ: w.typ, base: baseOfFunctions(w.typ), key: keyOf(w.typ)}, nil, v.checkFunctions(w.typ)
	}
	if !ok || named.TypeArgs().Len() == 0 {
		p = &proxy{typ: w.typ, base: baseName(w.typ)}
		if ok && v.nameable(named.Obj()) == "" {
			p.typ = named
		}
		p.key = keyOf(p.typ)
		return p, nil, v.checkAll(p.typ)
	}
	generic := named.Origin()
	why = v.checkAll(generic)
	for param := range generic.TypeParams().TypeParams() {
		if why == "" {
			why = v.attempt(generic, func() refusal { return refusal(v.check(param.Constraint())) })
		}
	}
	if why == "" {
		why = v.attempt(generic, func() refusal { return refusal(v.check(named)) })
		return &proxy{typ: generic, generic: generic, base: generic.Obj().Name(), key: keyOf(generic)}, named, why
	}
	return &proxy{typ: named, base: baseName(named), key: keyOf(named)}, nil, v.checkAll(named)
}

// checkAll checks that an interface can be named and implemented.
func (v *viewpoint) checkAll(typ types.Type) refusal {
	return v.attempt(typ, func() refusal {
		if why := v.checkInterface(typ); why != "" {
			return why
		}
		if why := v.check(typ); why != "" {
			return refusal("it can't be named here: " + why)
		}
		return ""
	})
}

// attempt runs a check, and forgets the packages that it asked for if it fails.
func (v *viewpoint) attempt(typ types.Type, check func() refusal) refusal {
	before := maps.Clone(v.needs)
	v.from = packageOf(typ)
	why := check()
	if why != "" {
		v.needs = before
	}
	return why
}

// keyOf identifies a type, whichever build it comes from.
func keyOf(t types.Type) string {
	if alias, ok := t.(*types.Alias); ok {
		t = types.Unalias(alias)
	}
	return types.TypeString(t, func(p *types.Package) string { return p.Path() })
}

// askedName is how -type names the interface, from its package and for good.
func askedName(w want) string {
	return types.TypeString(w.typ, func(p *types.Package) string {
		if p.Path() == w.home.pkg.PkgPath {
			return ""
		}
		return p.Path()
	})
}

// baseName makes a name for the proxy of t: of an instance, with its arguments.
func baseName(t types.Type) string {
	named, ok := t.(interface{ Obj() *types.TypeName })
	if !ok {
		return "anonymous"
	}
	var name strings.Builder
	name.WriteString(named.Obj().Name())
	for arg := range typeArgs(t).Types() {
		for word := range strings.FieldsFuncSeq(shortest(arg), func(r rune) bool { return !isLetterOrDigit(r) }) {
			name.WriteString(upperFirst(word))
		}
	}
	return name.String()
}
