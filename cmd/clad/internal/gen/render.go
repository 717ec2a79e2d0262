package gen

import (
	"cmp"
	"fmt"
	"go/format"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"
)

// render writes the file of a unit: "" if nothing is left to be in it.
func (u *unit) render(skip func(string) bool) (text string, proxies []*proxy, err error) {
	pkg := u.home.pkg
	view := u.viewpoint(skip)
	proxies, err = u.choose(view)
	if u.drop(proxies) {
		view = u.viewpoint(skip) // which has noted what those mention
		proxies, err = u.choose(view)
	}
	if len(proxies) == 0 {
		return "", nil, err
	}
	tags, tagErr := u.constraint(proxies)
	if tagErr != nil {
		return "", nil, tagErr
	}
	u.tags, u.proxies = tags, proxies

	file := newScope(nil, "p", "m", "next", "call", "init", "main")
	file.taken["_"] = true
	for name := range view.taken {
		file.taken[name] = true
	}
	if u.beside != nil {
		file.taken[u.beside.proxied] = true
		for _, p := range u.beside.proxies {
			file.taken[p.typeName], file.taken[p.makeName] = true, true
			for _, part := range p.offers.parts {
				file.taken[part.typeName] = true
			}
			for _, name := range p.rows() {
				file.taken[name] = true
			}
		}
	}
	view.needs[containerPath] = types.NewPackage(containerPath, "container")
	for _, p := range proxies {
		if p.needsContext() {
			view.needs["context"] = types.NewPackage("context", "context")
		}
		if p.formatsKeys() {
			view.needs["strconv"] = types.NewPackage("strconv", "strconv")
		}
	}
	names := newScope(file, types.Universe.Names()...)
	imported := nameImports(view.needs, names)
	locals := newScope(nil)
	for _, name := range imported.names {
		locals.taken[name] = true
	}
	nameProxies(proxies, names)
	u.proxied = names.name("cladProxied")

	w := &writer{types: &typeWriter{view: view, imports: imported}, imports: imported, locals: locals, proxied: u.proxied}
	w.linef("%s", header)
	if len(u.asked) > 0 {
		w.linef("%s%s", askedDirective, strings.Join(sorted(u.asked), ","))
	}
	if tags != "" {
		w.linef("\n//go:build %s", tags)
	}
	for _, p := range proxies {
		w.head(p)
	}
	if slices.ContainsFunc(proxies, (*proxy).hasOnce) {
		w.linef("\n// Once means: never attempted again when an attempt may have reached the dependency.")
	}
	w.linef("\npackage %s\n", pkg.Name)
	w.linef("%s", imported.block())
	w.linef("// An error here says that an interface is not what it was: run go generate.")
	for _, p := range proxies {
		w.fits(p)
	}
	w.linef("\nfunc init() {")
	for _, p := range proxies {
		w.register(p)
	}
	w.linef("}\n")
	if slices.ContainsFunc(proxies, func(p *proxy) bool { return !p.wrapsFunctions() }) {
		w.linef("// %s is unexported, so that it is in nobody's way.", u.proxied)
		w.linef("type %s = %s.Proxied\n", u.proxied, w.imports.names[containerPath])
	}
	for _, p := range proxies {
		w.proxy(p)
	}
	out, formatErr := format.Source([]byte(w.String()))
	if formatErr != nil {
		return "", nil, fmt.Errorf("%s: what was generated is not Go, which is a mistake in clad gen: %w\n%s", u.file, formatErr, w.String())
	}
	return string(out), proxies, err
}

// viewpoint is what can be seen from the unit's package. Declarations in files to
// be skipped don't count.
func (u *unit) viewpoint(skip func(name string) bool) *viewpoint {
	pkg := u.home.pkg
	return &viewpoint{path: pkg.PkgPath, importer: importPath(pkg), needs: map[string]*types.Package{},
		taken: declaredIn(pkg.Dir, pkg.Name, skip), imports: pkg.Types.Imports()}
}

// askedDirective begins the line that keeps what -type asked for, so that a run
// over ./... doesn't forget it.
const askedDirective = "//clad:types "

// head lists the methods of p and how each is guarded.
func (w *writer) head(p *proxy) {
	w.linef("\n// %s", strings.TrimSpace(keyOf(p.typ)+": "+p.count()))
	w.linef("//")
	var table strings.Builder
	tw := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	for _, m := range p.methods {
		fmt.Fprintf(tw, "%s\t%s\n", cmp.Or(m.name, "(itself)"), m.describe())
	}
	for _, part := range p.offers.parts {
		for _, m := range part.methods {
			fmt.Fprintf(tw, "%s\t%s; offered where the value has it\n", m.name, m.describe())
		}
	}
	_ = tw.Flush() // into memory
	for line := range strings.Lines(table.String()) {
		w.WriteString("//\t" + line)
	}
	switch p.unwrap {
	case unwrapAdded, unwrapNone:
	case unwrapTaken:
		w.linef("//\n// It has a method Unwrap of its own, so the proxy adds none.")
	case unwrapOfError:
		w.linef("//\n// It is an error, whose Unwrap would mean another error, so the proxy has none.")
	}
}

// needsContext reports whether a method begins with a context of the proxy's own.
func (p *proxy) needsContext() bool {
	return p.hasMethod(func(m method) bool { return m.guard != unguarded && m.context.param < 0 })
}

// formatsKeys reports whether a method's key is written by package strconv.
func (p *proxy) formatsKeys() bool {
	return p.hasMethod(func(m method) bool { return m.key.formats() })
}

// hasMethod reports whether there is such a method, of the interface or beyond it.
func (p *proxy) hasMethod(such func(method) bool) bool {
	return slices.ContainsFunc(p.methods, such) ||
		slices.ContainsFunc(p.offers.parts, func(part part) bool { return slices.ContainsFunc(part.methods, such) })
}

func (p *proxy) hasOnce() bool {
	return slices.ContainsFunc(p.methods, func(m method) bool { return m.guard == guarded && m.once != "" })
}

// fits writes what the compiler stops at, before anything else in the file, when
// the proxy no longer fits its interface. What it quotes is the name of the
// parameter.
func (w *writer) fits(p *proxy) {
	if p.wrapsFunctions() {
		w.fitsFunctions(p, "functions_changed_run_go_generate")
		return
	}
	const changed = "interface_changed_run_go_generate"
	params, self, iface := w.typed(p)
	w.linef("func _%s(%s *%s) %s { return %[2]s }", params, changed, self, iface)
}

func (w *writer) register(p *proxy) {
	container := w.imports.names[containerPath]
	if p.wrapsFunctions() {
		w.linef("%s.RegisterWrapper(%s%s)", container, p.makeName, p.wrapperNames())
		return
	}
	register, options := container+".RegisterProxy", ""
	for _, o := range p.offers.list {
		options += fmt.Sprintf(",\n%s.Offers[%s]()", container, w.types.typ(o.typ))
	}
	for _, o := range p.asserted() {
		options += fmt.Sprintf(",\n%s.Asserted[%s]()", container, w.types.typ(o.typ))
	}
	if options != "" {
		register, options = register+"With", options+",\n"
	}
	if p.generic == nil {
		w.linef("%s(%s%s)", register, p.makeName, options)
		return
	}
	for _, inst := range p.instances {
		w.types.view.from = packageOf(p.typ)
		w.linef("%s(%s%s%s)", register, p.makeName, w.types.list(typeArgs(types.Unalias(inst))), options)
	}
}

// nameProxies names the types: after the interface, with its package where two
// would collide.
func nameProxies(proxies []*proxy, file *scope) {
	count := map[string]int{}
	for _, p := range proxies {
		count[lowerFirst(p.base)]++
	}
	for _, p := range proxies {
		base := p.base
		if pkg := packageOf(p.typ); count[lowerFirst(base)] > 1 && pkg != nil {
			base = pkg.Name() + upperFirst(base)
		}
		p.typeName = file.name(lowerFirst(base) + "Proxy")
		p.makeName = file.name("new" + upperFirst(base) + "Proxy")
		p.nameOffers(file)
		p.nameRows(file)
	}
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

func isLetterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// relative shortens a file name for messages.
func relative(name string) string {
	wd, err := os.Getwd()
	if err != nil {
		return name
	}
	if rel, err := filepath.Rel(wd, name); err == nil && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return name
}
